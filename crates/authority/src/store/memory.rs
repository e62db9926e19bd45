//! The store in plain memory, for workspaces and tests: a verb holds the one lock from its first
//! line to its last, which is what a transaction is elsewhere.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    client::{AssignedTo, Client, Kind},
    flow::FlowId,
    handoff::{ACCESS_LIFETIME, Handoff, Launch},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    rejection::Rejection,
    token::{AccessToken, ClientSecret, Digest, HandoffToken, KnownBrowser, LaunchTicket},
    verify::{Standing, ages_for_good, claim, decide},
    wire::{SessionInfo, UserInfo},
};
use time::{Duration, OffsetDateTime};
use web::session::{Records, Unreachable};

use super::{
    Account, Added, Began, ClientAdded, ClientSession, Consent, Issuance, Listed, NewHandoff,
    NewSignIn, NewUser, NoSession, Outcome, OwnClientSession, OwnSignIn, RECENT_FOR,
    RECENT_PER_PERSON, RecentHandoff, Redeemed, Redemption, Remembered, SecretSet, SignIn, Store,
    touched,
};
use crate::{
    people::Email,
    throttle::{Admission, Counter, Forgiven, KNOWN_FOR, KNOWN_PER_PERSON, MOST_COUNTERS},
};

/// The store in plain memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<UserId, (Email, Account)>,
    added: HashMap<UserId, OffsetDateTime>,
    signed_in: HashMap<UserId, OffsetDateTime>,
    clients: HashMap<ClientId, Client>,
    sign_ins: HashMap<SignInId, KeptSignIn>,
    launches: HashMap<Digest<LaunchTicket>, (Launch, bool)>,
    handoffs: HashMap<Digest<HandoffToken>, Handoff>,
    sessions: HashMap<SessionId, KeptSession>,
    session_of_token: HashMap<Digest<AccessToken>, SessionId>,
    records: HashMap<[u8; 32], (Vec<u8>, OffsetDateTime)>,
    attempts: HashMap<[u8; 32], Attempts>,
    /// Of each person, in the order of signing in.
    known_browsers: HashMap<UserId, Vec<(Digest<KnownBrowser>, OffsetDateTime)>>,
    /// Of each person, in the order in which they began.
    recent: HashMap<UserId, Vec<KeptRecent>>,
}

#[derive(Debug)]
struct KeptRecent {
    client: ClientId,
    token: Option<Digest<HandoffToken>>,
    began: OffsetDateTime,
    outcome: Outcome,
    waits_until: OffsetDateTime,
    flow: FlowId,
}

#[derive(Clone, Copy, Debug)]
struct Attempts {
    points: u32,
    next_at: OffsetDateTime,
    forget_at: OffsetDateTime,
}

#[derive(Debug)]
struct KeptSignIn {
    new: NewSignIn,
    previous: Option<OffsetDateTime>,
    used_at: OffsetDateTime,
    ended: bool,
}

impl KeptRecent {
    fn without_token(attempt: Remembered<'_>, outcome: Outcome, now: OffsetDateTime) -> Self {
        Self {
            client: attempt.client.clone(),
            token: None,
            began: now,
            outcome,
            waits_until: now,
            flow: attempt.flow,
        }
    }
}

impl KeptSignIn {
    fn is_live(&self, now: OffsetDateTime) -> bool {
        !self.ended && self.new.expires_at > now && self.new.idle_until > now
    }
}

#[derive(Debug)]
struct KeptSession {
    client: ClientId,
    sign_in: SignInId,
    info: SessionInfo,
    token: Digest<AccessToken>,
    ended: bool,
}

impl State {
    fn count(&mut self, counter: &Counter, more: u32, now: OffsetDateTime) {
        let Counter { key, rule } = counter;
        let before = self.attempts.get(key);
        let before = before.filter(|attempts| attempts.forget_at > now);
        let points = before.map_or(0, |attempts| attempts.points);
        let points = points.saturating_add(more);
        let (next_at, forget_at) = rule.after(points, now);
        let counted = Attempts {
            points,
            next_at,
            forget_at,
        };
        self.attempts.insert(*key, counted);
    }

    fn active(&self, user: UserId) -> Option<&Account> {
        self.accounts
            .get(&user)
            .map(|(_, account)| account)
            .filter(|account| account.is_active)
    }

    fn is_assigned(&self, user: UserId, client: &ClientId) -> bool {
        self.clients
            .get(client)
            .is_some_and(|client| client.assigned_to.includes(user))
    }

    fn sign_ins_of(&self, user: UserId) -> Vec<SignInId> {
        self.sign_ins
            .iter()
            .filter(|(_, sign_in)| sign_in.new.user == user)
            .map(|(id, _)| *id)
            .collect()
    }

    fn sessions_of(&self, sign_in: SignInId, now: OffsetDateTime) -> Vec<OwnClientSession> {
        let living = self.sessions.iter().filter(|(_, session)| {
            session.sign_in == sign_in && !session.ended && session.info.expires_at > now
        });
        let mut living: Vec<_> = living
            .filter_map(|(id, session)| {
                Some(OwnClientSession {
                    id: *id,
                    client_name: self.clients.get(&session.client)?.name.clone(),
                    began: session.info.created_at,
                })
            })
            .collect();
        living.sort_by_cached_key(|session| (session.began, session.id.to_string()));
        living
    }

    fn end_sign_in(&mut self, id: SignInId) {
        if let Some(sign_in) = self.sign_ins.get_mut(&id) {
            sign_in.ended = true;
        }
        for session in self
            .sessions
            .values_mut()
            .filter(|session| session.sign_in == id)
        {
            session.ended = true;
        }
    }

    /// Ends a sign-in whose time is over, with all that hangs on it. Whoever sees that it is over ends
    /// it: a clock that is put back must not bring it to life.
    fn end_if_over(&mut self, id: SignInId, now: OffsetDateTime) {
        let over = |sign_in: &KeptSignIn| !sign_in.is_live(now);
        if self.sign_ins.get(&id).is_some_and(over) {
            self.end_sign_in(id);
        }
    }

    /// Remembers a handoff for the person whom it is about, and forgets the oldest of too many.
    fn remember(&mut self, user: UserId, new: KeptRecent) {
        let recent = self.recent.entry(user).or_default();
        if new.outcome == Outcome::NotAssigned {
            // Any page can send a browser here for it, to one client after the other: the last will
            // do, and pushes out nothing else.
            recent.retain(|kept| kept.outcome != new.outcome);
        }
        recent.push(new);
        let surplus = recent.len().saturating_sub(RECENT_PER_PERSON);
        recent.drain(..surplus);
    }

    /// What came of a handoff that is remembered. An end stays: only that a token was used twice can
    /// follow the session that it gave.
    fn conclude(&mut self, user: UserId, token: Digest<HandoffToken>, outcome: Outcome) {
        let before = match outcome {
            Outcome::UsedTwice => Outcome::Opened,
            _ => Outcome::UnderWay,
        };
        let recent = self.recent.get_mut(&user).into_iter().flatten();
        for kept in recent.filter(|kept| kept.token == Some(token) && kept.outcome == before) {
            kept.outcome = outcome;
        }
    }

    fn touch(&mut self, id: SignInId, now: OffsetDateTime, idle: Duration) -> Option<SignIn> {
        self.end_if_over(id, now);
        let sign_in = self
            .sign_ins
            .get(&id)
            .filter(|sign_in| sign_in.is_live(now))?;
        let found = SignIn {
            id,
            user: self.active(sign_in.new.user)?.user.clone(),
            auth_time: sign_in.new.at,
            expires_at: sign_in.new.expires_at,
            previous: sign_in.previous,
        };
        if let Some(sign_in) = self.sign_ins.get_mut(&id)
            && let Some(until) = touched(sign_in.new.idle_until, now, idle)
        {
            sign_in.new.idle_until = until;
            sign_in.used_at = now;
        }
        Some(found)
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A verb that panicked half-way would leave a half-done state; none of them can.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for Memory {
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable> {
        let mut state = self.state();
        if state
            .accounts
            .values()
            .any(|(email, _)| *email == new.email)
        {
            return Ok(Added::EmailTaken);
        }
        let account = Account {
            user: UserInfo {
                id: new.id,
                email: new.email.as_str().to_owned(),
                name: new.name,
                email_verified: true,
            },
            password_hash: new.password_hash,
            is_active: true,
        };
        state.added.insert(new.id, now);
        state.accounts.insert(new.id, (new.email, account));
        Ok(Added::New)
    }

    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable> {
        let state = self.state();
        let mut accounts = state.accounts.values();
        Ok(accounts
            .find(|(address, _)| address == email)
            .map(|(_, account)| account.clone()))
    }

    async fn rehash_password(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<(), Unavailable> {
        if let Some((_, account)) = self.state().accounts.get_mut(&user)
            && account.password_hash == old
        {
            account.password_hash = new;
        }
        Ok(())
    }

    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable> {
        let state = self.state();
        let listed = state.accounts.iter().filter_map(|(id, (_, account))| {
            Some(Listed {
                user: account.user.clone(),
                is_active: account.is_active,
                since: *state.added.get(id)?,
            })
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by(|a, b| a.user.email.cmp(&b.user.email));
        Ok(listed)
    }

    async fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        _: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some((_, account)) = state.accounts.get_mut(&user) else {
            return Ok(false);
        };
        account.password_hash = password_hash;
        for sign_in in state.sign_ins_of(user) {
            state.end_sign_in(sign_in);
        }
        Ok(true)
    }

    async fn disable_user(&self, user: UserId, _: OffsetDateTime) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some((_, account)) = state.accounts.get_mut(&user) else {
            return Ok(false);
        };
        account.is_active = false;
        for sign_in in state.sign_ins_of(user) {
            state.end_sign_in(sign_in);
        }
        Ok(true)
    }

    async fn put_client(&self, client: &Client) -> Result<(), Unavailable> {
        self.state()
            .clients
            .insert(client.id.clone(), client.clone());
        Ok(())
    }

    async fn install_client(&self, client: &Client) -> Result<(), Unavailable> {
        let clients = &mut self.state().clients;
        let mut client = client.clone();
        if let Some(there) = clients.get(&client.id) {
            client.assigned_to = there.assigned_to.clone();
        }
        clients.insert(client.id.clone(), client);
        Ok(())
    }

    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable> {
        Ok(match self.state().clients.entry(client.id.clone()) {
            Entry::Occupied(_) => ClientAdded::IdTaken,
            Entry::Vacant(free) => {
                free.insert(client.clone());
                ClientAdded::New
            }
        })
    }

    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable> {
        let mut clients: Vec<_> = self.state().clients.values().cloned().collect();
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(clients)
    }

    async fn set_client_secret(
        &self,
        id: &ClientId,
        new: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable> {
        Ok(match self.state().clients.get_mut(id) {
            None => SecretSet::Unknown,
            Some(client) => match &mut client.kind {
                Kind::Confidential { secret } => {
                    *secret = new;
                    SecretSet::Done
                }
                Kind::Public { .. } => SecretSet::Public,
            },
        })
    }

    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        _: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(client) = state.clients.get_mut(id) else {
            return Ok(false);
        };
        client.assigned_to = assigned_to.clone();
        for session in state.sessions.values_mut() {
            if session.client == *id && !assigned_to.includes(session.info.user_id) {
                session.ended = true;
            }
        }
        Ok(true)
    }

    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Unavailable> {
        Ok(self.state().clients.get(id).cloned())
    }

    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable> {
        let state = self.state();
        Ok(state
            .clients
            .values()
            .any(|client| client.is_public_at(origin)))
    }

    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable> {
        let state = self.state();
        let mut clients: Vec<_> = state
            .clients
            .values()
            .filter(|client| client.assigned_to.includes(user))
            .cloned()
            .collect();
        clients.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(clients)
    }

    async fn begin_sign_in(
        &self,
        new: NewSignIn,
        replacing: Option<SignInId>,
    ) -> Result<Began, Unavailable> {
        let mut state = self.state();
        let may_begin = state.accounts.get(&new.user).is_some_and(|(_, account)| {
            let compared_with = new.compared_with.as_ref();
            account.is_active && compared_with.is_none_or(|hash| *hash == account.password_hash)
        });
        if !may_begin {
            return Ok(Began::Refused);
        }
        if let Some(old) = replacing {
            state.end_sign_in(old);
        }
        let previous = state.signed_in.insert(new.user, new.at);
        state.sign_ins.insert(
            new.id,
            KeptSignIn {
                previous,
                used_at: new.at,
                new,
                ended: false,
            },
        );
        Ok(Began::Yes)
    }

    async fn touch_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Option<SignIn>, Unavailable> {
        Ok(self.state().touch(id, now, idle))
    }

    async fn count_sign_ins(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let state = self.state();
        let living = state.sign_ins.values().filter(|it| it.is_live(now));
        Ok(living.count() as u64)
    }

    async fn end_sign_in(&self, id: SignInId, _: OffsetDateTime) -> Result<(), Unavailable> {
        self.state().end_sign_in(id);
        Ok(())
    }

    async fn list_sign_ins(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<OwnSignIn>, Unavailable> {
        let state = self.state();
        if state.active(user).is_none() {
            return Ok(Vec::new());
        }
        let mut found: Vec<_> = state
            .sign_ins
            .iter()
            .filter(|(_, sign_in)| sign_in.new.user == user && sign_in.is_live(now))
            .map(|(id, sign_in)| OwnSignIn {
                id: *id,
                browser: sign_in.new.browser.clone(),
                began: sign_in.new.at,
                last_used: sign_in.used_at,
                sessions: state.sessions_of(*id, now),
            })
            .collect();
        found.sort_by_cached_key(|sign_in| (Reverse(sign_in.last_used), sign_in.id.to_string()));
        Ok(found)
    }

    async fn end_own_sign_in(
        &self,
        user: UserId,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let is_own = state
            .sign_ins
            .get(&id)
            .is_some_and(|sign_in| sign_in.new.user == user && sign_in.is_live(now));
        if is_own {
            state.end_sign_in(id);
        }
        Ok(is_own)
    }

    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let session = state.sessions.get_mut(&id).filter(|session| {
            session.info.user_id == user && !session.ended && session.info.expires_at > now
        });
        Ok(session.map(|session| session.ended = true).is_some())
    }

    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable> {
        self.state().launches.insert(launch.ticket, (launch, false));
        Ok(())
    }

    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        state.end_if_over(new.sign_in, now);
        let sign_in = state
            .sign_ins
            .get(&new.sign_in)
            .filter(|sign_in| sign_in.is_live(now));
        let user = sign_in.map(|sign_in| sign_in.new.user);
        let Some(user) = user.filter(|user| state.active(*user).is_some()) else {
            return Ok(Issuance::SignedOut);
        };
        if !state.is_assigned(user, &new.request.client) {
            if state.clients.contains_key(&new.request.client) {
                let attempt = Remembered {
                    client: &new.request.client,
                    flow: FlowId::of(&new.request.state),
                };
                state.remember(
                    user,
                    KeptRecent::without_token(attempt, Outcome::NotAssigned, now),
                );
            }
            return Ok(Issuance::NotAssigned);
        }
        if let Consent::Silent { launch, request } = &new.consent {
            let ticket = launch.and_then(|ticket| state.launches.get_mut(&ticket));
            let own = ticket.filter(|(launch, used)| {
                !used && launch.sign_in == new.sign_in && launch.client == new.request.client
            });
            // Used up also when it is too late: it stays so, whatever the clock does.
            let good = own.is_some_and(|(launch, used)| {
                *used = true;
                launch.expires_at > now
            });
            if !good {
                let asked = state.sign_ins.get_mut(&new.sign_in);
                match asked.filter(|sign_in| sign_in.new.signed_in_for == Some(*request)) {
                    Some(sign_in) => sign_in.new.signed_in_for = None,
                    None => return Ok(Issuance::MustAsk),
                }
            }
        }
        let issued = new.request.issue(new.token, new.sign_in, user, now);
        let recent = KeptRecent {
            client: issued.client.clone(),
            token: Some(issued.token),
            began: now,
            outcome: Outcome::UnderWay,
            waits_until: issued.expires_at,
            flow: FlowId::of(&issued.state),
        };
        state.remember(user, recent);
        state.handoffs.insert(issued.token, Handoff::Issued(issued));
        Ok(Issuance::Issued)
    }

    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let declined = KeptRecent::without_token(attempt, Outcome::Declined, now);
        self.state().remember(user, declined);
        Ok(())
    }

    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable> {
        let state = self.state();
        let recent = state.recent.get(&user).into_iter().flatten().rev();
        Ok(recent
            .filter(|kept| kept.began + RECENT_FOR > now)
            .filter_map(|kept| {
                let client = state.clients.get(&kept.client)?;
                Some(RecentHandoff {
                    client_name: client.name.clone(),
                    icon: client.icon,
                    began: kept.began,
                    outcome: kept.outcome.by(now, kept.waits_until),
                    flow: Some(kept.flow),
                })
            })
            .collect())
    }

    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, Rejection>, Unavailable> {
        let presented = &redemption.presented;
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(stored) = state.handoffs.get(&presented.token.digest()).cloned() else {
            return Ok(Err(Rejection::Unknown));
        };
        let issued = stored.issued();
        let claimed = claim(&stored, presented, now, policy).is_ok();
        let standing = Standing {
            sign_in_is_live: state
                .sign_ins
                .get(&issued.sign_in)
                .is_some_and(|sign_in| sign_in.is_live(now)),
            user_is_active: state.active(issued.user).is_some(),
            user_is_assigned: state.is_assigned(issued.user, &issued.client),
        };
        if let Err(rejection) = decide(&stored, standing, presented, now, policy) {
            // A second use, which only a weakened policy lets through to here, does not hide what
            // the first one gave.
            let aged = ages_for_good(&stored, presented, rejection, policy);
            if (claimed || aged) && !stored.is_used() {
                let burned = issued.clone().burn(now);
                state.handoffs.insert(issued.token, burned);
            }
            if let (Rejection::Replayed, Handoff::Redeemed { session, .. }) = (rejection, &stored)
                && let Some(session) = state.sessions.get_mut(session)
            {
                session.ended = true;
            }
            if claimed || aged || rejection == Rejection::Replayed {
                state.conclude(issued.user, issued.token, Outcome::of(rejection));
            }
            state.end_if_over(issued.sign_in, now);
            return Ok(Err(rejection));
        }
        let (Some(sign_in), Some((_, account))) = (
            state.sign_ins.get(&issued.sign_in),
            state.accounts.get(&issued.user),
        ) else {
            return Err(Unavailable::unreadable(
                "a handoff without its sign-in or person",
            ));
        };
        let info = SessionInfo {
            id: redemption.session,
            user_id: issued.user,
            created_at: now,
            expires_at: (now + ACCESS_LIFETIME).min(sign_in.new.expires_at),
        };
        let redeemed = Redeemed {
            session: info.clone(),
            user: account.user.clone(),
            auth_time: sign_in.new.at,
            amr: sign_in.new.amr.clone(),
        };
        let kept = KeptSession {
            client: presented.client.clone(),
            sign_in: issued.sign_in,
            info,
            token: redemption.access_token,
            ended: false,
        };
        state
            .session_of_token
            .insert(redemption.access_token, redemption.session);
        state.sessions.insert(redemption.session, kept);
        state.conclude(issued.user, issued.token, Outcome::Opened);
        let used = issued.clone().redeem(redemption.session, now);
        state.handoffs.insert(issued.token, used);
        Ok(Ok(redeemed))
    }

    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let id = state.session_of_token.get(&token);
        let Some(session) = id.and_then(|id| state.sessions.get_mut(id)) else {
            return Ok(Err(NoSession::Unknown));
        };
        let Some(sign_in) = state.sign_ins.get(&session.sign_in) else {
            return Ok(Err(NoSession::Unknown));
        };
        let account = state.accounts.get(&session.info.user_id);
        if !account.is_some_and(|(_, account)| account.is_active) {
            return Ok(Err(NoSession::UserGone));
        }
        let is_over = [
            session.info.expires_at,
            sign_in.new.expires_at,
            sign_in.new.idle_until,
        ]
        .iter()
        .any(|end| *end <= now);
        if is_over {
            let sign_in = session.sign_in;
            session.ended |= session.info.expires_at <= now;
            state.end_if_over(sign_in, now);
            return Ok(Err(NoSession::Expired));
        }
        if session.ended || sign_in.ended {
            return Ok(Err(NoSession::Unknown));
        }
        let (client, info, sign_in) = (
            session.client.clone(),
            session.info.clone(),
            session.sign_in,
        );
        Ok(match state.touch(sign_in, now, idle) {
            Some(SignIn { user, .. }) => Ok(ClientSession {
                client,
                session: info,
                user,
            }),
            None => Err(NoSession::UserGone),
        })
    }

    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let id = state.session_of_token.get(&token);
        let session = id
            .and_then(|id| state.sessions.get_mut(id))
            .filter(|session| !session.ended && session.client == *client);
        Ok(session.is_some_and(|session| {
            session.ended = true;
            session.info.expires_at > now
        }))
    }

    async fn admit_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<Admission, Unavailable> {
        let mut state = self.state();
        let waits_until = counters
            .iter()
            .filter_map(|Counter { key, rule }| {
                let next = state.attempts.get(key)?.next_at;
                // A wait that is longer than any was made by a clock that has gone back since.
                (next > now && next <= now + rule.longest).then_some(next)
            })
            .max();
        if let Some(until) = waits_until {
            return Ok(Admission::Wait { until });
        }
        for counter in counters {
            state.count(counter, 1, now);
        }
        Ok(Admission::Admitted)
    }

    async fn fail_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        for counter in counters {
            state.count(counter, counter.rule.wrong - 1, now);
        }
        Ok(())
    }

    async fn forgive_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        for Counter { key, rule } in counters {
            match (rule.forgiven, state.attempts.get_mut(key)) {
                (Forgiven::Itself, Some(attempts)) if attempts.points > 1 => {
                    attempts.points -= 1;
                    attempts.next_at = now;
                }
                _ => {
                    state.attempts.remove(key);
                }
            }
        }
        Ok(())
    }

    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let state = self.state();
        let known = state.known_browsers.get(&user);
        Ok(known.is_some_and(|known| {
            known
                .iter()
                .any(|(known, until)| *known == browser && *until > now)
        }))
    }

    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        let everybodys = state.known_browsers.values_mut().flatten();
        for (old, _) in everybodys.filter(|(old, _)| Some(*old) == replacing) {
            *old = browser;
        }
        let known = state.known_browsers.entry(user).or_default();
        known.retain(|(known, _)| *known != browser);
        known.push((browser, now + KNOWN_FOR));
        let surplus = known.len().saturating_sub(KNOWN_PER_PERSON);
        known.drain(..surplus);
        Ok(())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let before = state.rows();
        state
            .launches
            .retain(|_, (launch, _)| launch.expires_at > now);
        let sessions = &state.sessions;
        state.handoffs.retain(|_, handoff| match handoff {
            // Kept for as long as what it gave: only so is a replay recognised.
            Handoff::Redeemed { session, .. } => sessions
                .get(session)
                .is_some_and(|session| session.info.expires_at > now),
            Handoff::Issued(issued) | Handoff::Burned { issued, .. } => issued.expires_at > now,
        });
        state
            .sessions
            .retain(|_, session| session.info.expires_at > now);
        let sessions = &state.sessions;
        state
            .session_of_token
            .retain(|token, id| sessions.get(id).is_some_and(|kept| kept.token == *token));
        state.records.retain(|_, (_, expires_at)| *expires_at > now);
        state
            .sign_ins
            .retain(|_, sign_in| sign_in.new.expires_at > now);
        // What hangs on a sign-in never outlives it.
        let sign_ins = &state.sign_ins;
        state
            .launches
            .retain(|_, (launch, _)| sign_ins.contains_key(&launch.sign_in));
        state
            .handoffs
            .retain(|_, handoff| sign_ins.contains_key(&handoff.issued().sign_in));
        for known in state.known_browsers.values_mut() {
            known.retain(|(_, until)| *until > now);
        }
        for recent in state.recent.values_mut() {
            recent.retain(|kept| kept.began + RECENT_FOR > now);
        }
        state
            .attempts
            .retain(|_, attempts| attempts.forget_at > now);
        let surplus = state.attempts.len().saturating_sub(MOST_COUNTERS);
        if surplus > 0 {
            let attempts = state.attempts.iter();
            let mut by_age: Vec<_> = attempts.map(|(key, kept)| (kept.forget_at, *key)).collect();
            by_age.sort_unstable();
            for (_, key) in by_age.into_iter().take(surplus) {
                state.attempts.remove(&key);
            }
        }
        Ok(before - state.rows())
    }
}

impl State {
    fn rows(&self) -> u64 {
        let rows = self.launches.len()
            + self.handoffs.len()
            + self.sessions.len()
            + self.records.len()
            + self.attempts.len()
            + self.known_browsers.values().map(Vec::len).sum::<usize>()
            + self.recent.values().map(Vec::len).sum::<usize>()
            + self.sign_ins.len();
        u64::try_from(rows).unwrap_or(u64::MAX)
    }
}

#[async_trait]
impl Records for Memory {
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable> {
        self.state().records.insert(id, (data, expires_at));
        Ok(())
    }

    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable> {
        let mut state = self.state();
        let found = state.records.get(&id).cloned();
        let found = found.filter(|(_, expires_at)| *expires_at > now);
        if found.is_none() {
            state.records.remove(&id);
        }
        Ok(found.map(|(data, _)| data))
    }

    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable> {
        self.state().records.remove(&id);
        Ok(())
    }
}
