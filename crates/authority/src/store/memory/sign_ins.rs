//! Sign-ins in memory.

use std::{cmp::Reverse, collections::BTreeSet};

use async_trait::async_trait;
use database::Unavailable;
use handoff::ids::{SignInId, UserId};
use time::{Duration, OffsetDateTime};

use super::{
    super::{Began, NewSignIn, OwnSignIn, SignIn, SignInStore, Which, sign_ins::touched},
    Memory, State,
};

#[derive(Debug)]
pub(super) struct KeptSignIn {
    pub(super) new: NewSignIn,
    previous: Option<OffsetDateTime>,
    used_at: OffsetDateTime,
    pub(super) ended: bool,
}

impl KeptSignIn {
    pub(super) fn is_live(&self, now: OffsetDateTime) -> bool {
        !self.ended && self.new.expires_at > now && self.new.idle_until > now
    }
}

impl State {
    pub(super) fn sign_ins_of(&self, user: UserId) -> Vec<SignInId> {
        self.sign_ins
            .iter()
            .filter(|(_, sign_in)| sign_in.new.user == user)
            .map(|(id, _)| *id)
            .collect()
    }

    /// The clients with living sessions of these sign-ins, by name.
    fn open_at(&self, sign_ins: &[SignInId], now: OffsetDateTime) -> Vec<String> {
        let sessions = sign_ins.iter().flat_map(|id| self.sessions_of(*id, now));
        let names: BTreeSet<_> = sessions.map(|session| session.client_name).collect();
        names.into_iter().collect()
    }

    pub(super) fn end_sign_in(&mut self, id: SignInId) {
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

    /// Ends a sign-in whose time is over, with all that hangs on it. The verb that sees that it is over
    /// ends it: a clock that is put back must not bring it to life.
    pub(super) fn end_if_over(&mut self, id: SignInId, now: OffsetDateTime) {
        let over = |sign_in: &KeptSignIn| !sign_in.is_live(now);
        if self.sign_ins.get(&id).is_some_and(over) {
            self.end_sign_in(id);
        }
    }

    pub(super) fn touch(
        &mut self,
        id: SignInId,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Option<SignIn> {
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

#[async_trait]
impl SignInStore for Memory {
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

    async fn end_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<Vec<String>, Unavailable> {
        let mut state = self.state();
        let open = state.open_at(&[id], now);
        state.end_sign_in(id);
        Ok(open)
    }

    async fn end_own_sign_ins(
        &self,
        user: UserId,
        by: SignInId,
        which: Which,
        now: OffsetDateTime,
    ) -> Result<Option<Vec<String>>, Unavailable> {
        let mut state = self.state();
        let own = state.sign_ins.get(&by);
        if !own.is_some_and(|own| own.new.user == user && own.is_live(now)) {
            return Ok(None);
        }
        let mut ended = state.sign_ins_of(user);
        ended.retain(|id| which == Which::All || *id != by);
        let open = state.open_at(&ended, now);
        for id in ended {
            state.end_sign_in(id);
        }
        Ok(Some(open))
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
    ) -> Result<Option<Vec<String>>, Unavailable> {
        let mut state = self.state();
        let is_own = state
            .sign_ins
            .get(&id)
            .is_some_and(|sign_in| sign_in.new.user == user && sign_in.is_live(now));
        if !is_own {
            return Ok(None);
        }
        let open = state.open_at(&[id], now);
        state.end_sign_in(id);
        Ok(Some(open))
    }
}
