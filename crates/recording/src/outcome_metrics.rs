//! What came of a handoff, counted, and how long its steps took: read from what the sites record, the
//! same way for the metrics and for the monitor. What came of it is the rule of [`handoff::outcome`],
//! which the list of flows and their pictures have too.
//!
//! The monitor counts each handoff by what is known of it now ([`Observation::outcome`]). Counters of
//! metrics only go up, so for them a handoff counts once, where it ends for the person
//! ([`Observation::end`]). That is the relying party wherever the browser is sent back to it, so a
//! refusal of the authorization server that the relying party will hear of counts nothing by itself:
//! neither a refused verify, nor a person who cancelled or is not assigned. What the authorization
//! server refuses without sending the browser back counts there. So processes that hold one site each
//! count every failure once. A relying party that records no steps is the exception: its handoff ends
//! with the last step that the authorization server saw. A handoff that is refused again (the person
//! reloads the page), or that is refused after it went well (they go *Back*), counts no further failure,
//! as far as [`FlowObserver`] remembers.
//!
//! Anybody can write the address of a start, of an authorization request or of a callback. One that is
//! refused and whose handoff never began is **stray**: no handoff has failed, and no alert counts it. A
//! browser that has lost its cookie is none of these, as its handoff did begin; nor is a callback
//! whose state was changed on the way, as its token belongs to a handoff.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
};

use handoff::{
    flow::{Event, FlowId, IssuedId, LaunchId, Site, are_two_clients},
    ids::{ClientId, SessionId},
    outcome::{Course, Outcome, SENT_BACK, is_one_of},
    refusal_reason::RefusalReason,
    step::Step,
};

/// How many requests and handoffs a [`FlowObserver`] remembers: a few megabytes, and more than are under way
/// at any moment.
pub const MAX_REMEMBERED: usize = 10_000;

/// How many names a handoff has: its ids, and those of its requests.
const NAMES: usize = 8;

/// The reason, if it is one that sites give; `other` if it is not, so that nothing that comes from
/// outside can become a label.
#[must_use]
pub fn known_reason(reason: &str) -> &'static str {
    reasons()
        .find(|known| *known == reason)
        .unwrap_or(RefusalReason::Other.as_str())
}

/// Every reason that sites give.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    RefusalReason::ALL.iter().map(|reason| reason.as_str())
}

/// How a handoff ended: an [`Outcome`] as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The person has a session at the relying party.
    Success,
    /// The relying party was told who the person is, and records no steps.
    Told,
    /// The person decided against it, for this one of [`reasons`].
    Declined(&'static str),
    /// They have no session, for this one of [`reasons`].
    Failure(&'static str),
    /// There was none: a request of somebody's making was refused.
    Stray,
}

impl End {
    /// None for a handoff that is under way.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        match outcome {
            Outcome::UnderWay => None,
            Outcome::Opened | Outcome::OpenedThenRefused(_) => Some(Self::Success),
            Outcome::Told | Outcome::ToldThenRefused(_) => Some(Self::Told),
            Outcome::Declined(reason) => Some(Self::Declined(known_reason(reason))),
            Outcome::Refused(reason) => Some(Self::Failure(known_reason(reason))),
            Outcome::Stray(_) => Some(Self::Stray),
        }
    }
}

/// A call on the back channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// How long it took, in microseconds.
    pub took: u64,
    /// Whether an answer came.
    pub answered: bool,
}

/// A handoff among those that a [`FlowObserver`] remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandoffNumber(u64);

/// What one event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The handoff that it is of.
    pub handoff: HandoffNumber,
    /// What that has come to with it; none while it is under way.
    pub outcome: Option<End>,
    /// Whether that is news.
    pub changed: bool,
    /// The same as `outcome`, without what clients reported of their own.
    pub witnessed: Option<End>,
    /// Whether that is news.
    pub witnessed_changed: bool,
    /// It is the first state of this handoff.
    pub started: bool,
    /// Handoffs that turned out to be the same one, and are no more.
    pub joined: Vec<HandoffNumber>,
    /// The handoff has ended: what a counter counts.
    pub end: Option<End>,
    /// How long this step took: since the one before it in the same request, or since the request
    /// arrived. In microseconds.
    pub took: u64,
    /// The back channel was used.
    pub call: Option<Call>,
    /// The authorization server refused a token, for this one of [`reasons`].
    pub token_refused: Option<&'static str>,
}

impl Observation {
    /// Whether a used token was presented again, with everything else right or not.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        let replays = [RefusalReason::Replayed, RefusalReason::AlreadyUsed];
        let refused = self.token_refused;
        replays.iter().any(|it| refused == Some(it.as_str()))
    }
}

/// Reads events in the order in which they come. Its memory is bounded: what is forgotten was long
/// ago, and then a second refusal of the same handoff counts once more.
#[derive(Debug)]
pub struct FlowObserver {
    requests: Recent<String, Request>,
    names: Recent<Name, HandoffNumber>,
    handoffs: Recent<HandoffNumber, Handoff>,
    last: u64,
    elsewhere: BTreeSet<ClientId>,
}

/// What is remembered of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    /// When its last step was, in microseconds after it arrived.
    last: u64,
    /// It presents a token.
    verifies: bool,
    /// When the call left that has no answer yet.
    called: Option<u64>,
}

/// What a handoff is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Flow(FlowId),
    Launch(LaunchId),
    Token(IssuedId),
    Session(SessionId),
    Request(String),
}

/// What is remembered of one handoff.
#[derive(Clone, Debug, Default)]
struct Handoff {
    flow: Option<FlowId>,
    client: Option<ClientId>,
    course: Course,
    /// The same without what a client reported of its own.
    witnessed: Course,
    counted: Option<End>,
    started: bool,
    /// A session that a client reported before the token was known to be redeemed.
    claimed: Option<Event>,
}

impl Handoff {
    fn outcome(&self) -> Option<End> {
        End::of(&self.course.outcome())
    }

    /// Adds what an event says. Whether it is the first state.
    fn see(&mut self, event: &Event) -> bool {
        self.course.see(event);
        if self.course.is_redeemed()
            && let Some(claimed) = self.claimed.take()
        {
            self.course.see(&claimed);
        }
        event.step == Step::StateMade && !std::mem::replace(&mut self.started, true)
    }

    /// What a counter counts now that this is the outcome.
    fn counts(&mut self, outcome: Option<End>) -> Option<End> {
        let before = self.counted;
        let counts = outcome.filter(|end| match end {
            End::Success => before != Some(End::Success),
            _ => before.is_none(),
        });
        self.counted = counts.or(before);
        counts
    }
}

impl Default for FlowObserver {
    fn default() -> Self {
        Self::remembering(MAX_REMEMBERED)
    }
}

impl FlowObserver {
    /// One that remembers so many requests and handoffs.
    #[must_use]
    pub fn remembering(most: usize) -> Self {
        Self {
            requests: Recent::new(most),
            names: Recent::new(most.saturating_mul(NAMES)),
            handoffs: Recent::new(most),
            last: 0,
            elsewhere: BTreeSet::new(),
        }
    }

    /// The same where these clients record their steps in other processes: where their handoffs end is
    /// counted there.
    #[must_use]
    pub fn without(self, elsewhere: BTreeSet<ClientId>) -> Self {
        Self { elsewhere, ..self }
    }

    /// Takes the next event.
    pub fn observe(&mut self, event: &Event) -> Observation {
        let mut request = self.requests.get(&event.trace).copied().unwrap_or_default();
        let took = event.after.saturating_sub(request.last);
        request.last = request.last.max(event.after);
        request.verifies |= event.step == Step::VerifyReceived;
        let call = match event.step {
            // One that is sent again had no answer.
            Step::VerifySent => request.called.replace(event.after),
            Step::VerifyAnswered | Step::Refused => request.called.take(),
            _ => None,
        };
        let call = call.map(|left| Call {
            took: event.after.saturating_sub(left),
            answered: event.step == Step::VerifyAnswered,
        });
        let reason = (event.step == Step::Refused).then(|| {
            let refusal = event.refusal.as_ref();
            let reason = refusal.map_or("", |refusal| refusal.reason.as_str());
            known_reason(reason)
        });
        let token_refused = reason.filter(|_| event.site == Site::Authority && request.verifies);
        self.requests.put(event.trace.clone(), request);
        let (number, mut handoff, joined) = self.handoff_of(event);
        let was = (handoff.outcome(), End::of(&handoff.witnessed.outcome()));
        let started = handoff.see(event);
        handoff.witnessed.see(event);
        let outcome = handoff.outcome();
        let witnessed = End::of(&handoff.witnessed.outcome());
        let is_heard_of = token_refused.is_some()
            || (event.site == Site::Authority
                && handoff.flow.is_some()
                && reason.is_some_and(|reason| is_one_of(&SENT_BACK, reason)));
        let is_elsewhere = event
            .client
            .as_ref()
            .is_some_and(|it| self.elsewhere.contains(it));
        let counts = match outcome {
            None => None,
            // It is counted where its steps are recorded.
            Some(End::Told) if is_elsewhere => None,
            Some(End::Failure(_) | End::Declined(_))
                if is_heard_of && (is_elsewhere || handoff.course.is_reported()) =>
            {
                None
            }
            Some(_) => handoff.counts(outcome),
        };
        self.handoffs.put(number, handoff);
        Observation {
            handoff: number,
            outcome,
            changed: outcome != was.0 || !joined.is_empty(),
            witnessed,
            witnessed_changed: witnessed != was.1 || !joined.is_empty(),
            started,
            joined,
            end: counts,
            took,
            call,
            token_refused,
        }
    }

    /// Takes a step that a client reported of its own: none where it changes nothing that is counted. It
    /// makes no handoff known and none forgotten, and has no time. A session counts once the
    /// authorization server has recorded that the token was redeemed.
    pub fn observe_reported(&mut self, event: &Event) -> Option<Observation> {
        let names = [
            event.belongs.flow.map(Name::Flow),
            event.belongs.launch.map(Name::Launch),
            event.session.map(Name::Session),
        ];
        let client = event.client.as_ref();
        let mut names = names.iter().flatten();
        let number = names.find_map(|name| {
            let of_another = self.is_of_another(name, client);
            self.find(name).filter(|_| !of_another)
        })?;
        let mut handoff = self.handoffs.get(&number)?.clone();
        let was = handoff.outcome();
        let mut started = false;
        if event.step == Step::SessionCreated && !handoff.course.is_redeemed() {
            handoff.claimed.get_or_insert_with(|| event.clone());
        } else {
            started = handoff.see(event);
        }
        let outcome = handoff.outcome();
        let is_here = client.is_none_or(|it| !self.elsewhere.contains(it));
        let end = if outcome != was && is_here {
            handoff.counts(outcome)
        } else {
            None
        };
        let witnessed = End::of(&handoff.witnessed.outcome());
        self.handoffs.put(number, handoff);
        (outcome != was || started).then_some(Observation {
            handoff: number,
            outcome,
            changed: outcome != was,
            witnessed,
            witnessed_changed: false,
            started,
            joined: Vec::new(),
            end,
            took: 0,
            call: None,
            token_refused: None,
        })
    }

    /// The handoff that an event is of, as the lab's store finds it: by its token, if that was
    /// presented and is known, and else by its state, its launch, its session, its request. Two
    /// handoffs that are known as such never become one, nor are those of two clients.
    fn handoff_of(&mut self, event: &Event) -> (HandoffNumber, Handoff, Vec<HandoffNumber>) {
        let mut flow = event.belongs.flow;
        let mut found = Vec::new();
        let mut client = event.client.clone();
        let token = event.belongs.token.map(Name::Token);
        let (issued, presented) = match event.site {
            Site::Authority => (token, None),
            Site::RelyingParty => (None, token),
        };
        let of_token = presented.filter(|name| !self.is_of_another(name, client.as_ref()));
        if let Some(number) = of_token.and_then(|name| self.find(&name)) {
            // Whatever state came with it.
            flow = self.handoffs.get(&number).and_then(|handoff| handoff.flow);
            found.push(number);
        }
        let names = [
            flow.map(Name::Flow),
            event.belongs.launch.map(Name::Launch),
            issued,
            event.session.map(Name::Session),
            Some(Name::Request(event.trace.clone())),
        ];
        let names = names.map(|name| name.filter(|it| !self.is_of_another(it, client.as_ref())));
        flow = flow.filter(|_| names[0].is_some());
        for name in names.iter().flatten() {
            let number = self.find(name);
            found.extend(number.filter(|number| !found.contains(number)));
        }
        let mut into: Option<(HandoffNumber, Handoff)> = None;
        let mut joined = Vec::new();
        for number in found {
            let Some(handoff) = self.handoffs.get(&number) else {
                continue;
            };
            let known = into.as_ref().and_then(|(_, into)| into.flow).or(flow);
            if handoff.flow.is_some() && known.is_some() && handoff.flow != known {
                continue;
            }
            if are_two_clients(client.as_ref(), handoff.client.as_ref()) {
                continue;
            }
            let handoff = handoff.clone();
            client = client.or_else(|| handoff.client.clone());
            match &mut into {
                None => into = Some((number, handoff)),
                Some((_, into)) => {
                    into.flow = into.flow.or(handoff.flow);
                    into.course.join(handoff.course);
                    into.witnessed.join(handoff.witnessed);
                    into.started |= handoff.started;
                    into.claimed = into.claimed.take().or(handoff.claimed);
                    into.counted = into.counted.or(handoff.counted);
                    self.handoffs.remove(&number);
                    joined.push(number);
                }
            }
        }
        let (number, mut handoff) = into.unwrap_or_else(|| {
            self.last += 1;
            (HandoffNumber(self.last), Handoff::default())
        });
        handoff.flow = handoff.flow.or(flow);
        handoff.client = client;
        for name in names.into_iter().flatten() {
            if self.find(&name).is_none() {
                self.names.put(name, number);
            }
        }
        (number, handoff, joined)
    }

    fn is_of_another(&self, name: &Name, client: Option<&ClientId>) -> bool {
        let known = self.names.get(name);
        let known = known.and_then(|number| self.handoffs.get(number));
        known.is_some_and(|it| are_two_clients(it.client.as_ref(), client))
    }

    fn find(&self, name: &Name) -> Option<HandoffNumber> {
        let number = *self.names.get(name)?;
        self.handoffs.get(&number).map(|_| number)
    }
}

/// The last so many things that were put here.
#[derive(Debug)]
struct Recent<K, V> {
    most: usize,
    by_key: HashMap<K, V>,
    /// The oldest first.
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    fn new(most: usize) -> Self {
        Self {
            most,
            by_key: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }

    fn put(&mut self, key: K, value: V) {
        if self.by_key.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
    }

    /// Its place in the order stays taken.
    fn remove(&mut self, key: &K) {
        self.by_key.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff::{
        flow::{Belongs, Refusal},
        token::{HandoffToken, LaunchTicket, Secret, State},
    };

    fn flow(n: u8) -> FlowId {
        FlowId::of(&State::mint([n; 32]).digest())
    }

    fn event(site: Site, step: Step, n: u8, after: u64) -> Event {
        Event {
            step,
            site,
            client: None,
            belongs: Belongs {
                flow: Some(flow(n)),
                launch: None,
                token: None,
            },
            trace: format!("{site:?}{n}"),
            at: 0,
            after,
            session: None,
            message: None,
            refusal: None,
        }
    }

    fn refused(site: Site, n: u8, reason: &str) -> Event {
        Event {
            refusal: Some(Refusal {
                reason: reason.to_owned(),
                rows: Vec::new(),
            }),
            ..event(site, Step::Refused, n, 9)
        }
    }

    fn ends(events: &[Event]) -> Vec<End> {
        let mut tally = FlowObserver::default();
        events.iter().filter_map(|e| tally.observe(e).end).collect()
    }

    use Site::{Authority, RelyingParty};

    #[test]
    fn a_handoff_goes_well_when_its_session_is_created_and_back_is_no_failure() {
        let steps = [
            Step::StateMade,
            Step::CallbackReceived,
            Step::SessionCreated,
        ];
        let mut events: Vec<_> = steps.map(|it| event(RelyingParty, it, 1, 5)).into();
        events.push(event(Authority, Step::Redeemed, 1, 5));
        events.push(refused(RelyingParty, 1, "state_unknown_here"));
        assert_eq!(ends(&events), [End::Success]);
    }

    #[test]
    fn a_handoff_fails_once_where_it_ends_for_the_person() {
        let refused_token = [
            event(RelyingParty, Step::StateMatched, 1, 1),
            event(Authority, Step::VerifyReceived, 1, 1),
            refused(Authority, 1, "expired"),
            refused(RelyingParty, 1, "verify_refused"),
            refused(RelyingParty, 1, "state_unknown_here"),
        ];
        assert_eq!(ends(&refused_token), [End::Failure("expired")]);
        let declined = [
            event(RelyingParty, Step::StateMade, 1, 1),
            refused(Authority, 1, "cancelled"),
            refused(RelyingParty, 1, "access_denied"),
        ];
        assert_eq!(ends(&declined), [End::Declined("cancelled")]);
        let stranded = [
            refused(Authority, 1, "redirect_uri_unregistered"),
            refused(Authority, 1, "redirect_uri_unregistered"),
        ];
        assert_eq!(ends(&stranded), [End::Failure("redirect_uri_unregistered")]);
        let mut at_the_portal = refused(Authority, 1, "not_assigned");
        at_the_portal.belongs = Belongs::default();
        assert_eq!(ends(&[at_the_portal]), [End::Failure("not_assigned")]);
    }

    #[test]
    fn a_callback_whose_handoff_never_began_here_is_stray_and_fails_nothing() {
        let came = || event(RelyingParty, Step::CallbackReceived, 1, 1);
        let no_cookie = || refused(RelyingParty, 1, "no_pre_session");
        assert_eq!(ends(&[came(), no_cookie(), no_cookie()]), [End::Stray]);
        let mut nameless = no_cookie();
        nameless.belongs = Belongs::default();
        assert_eq!(ends(&[came(), nameless]), [End::Stray]);
        // So is a mistyped address of the authorization server.
        let typed = [
            event(Authority, Step::AuthorizeReceived, 1, 1),
            refused(Authority, 1, "redirect_uri_unregistered"),
        ];
        assert_eq!(ends(&typed), [End::Stray]);
        // The browser has lost its cookie.
        let began = event(RelyingParty, Step::StateMade, 1, 1);
        let lost = [began, came(), no_cookie()];
        assert_eq!(ends(&lost), [End::Failure("no_pre_session")]);
        // It began before the process was started again.
        let matched = event(RelyingParty, Step::StateMatched, 1, 2);
        let silence = refused(RelyingParty, 1, "authority_unreachable");
        assert_eq!(
            ends(&[came(), matched, silence]),
            [End::Failure("authority_unreachable")]
        );
    }

    #[test]
    fn a_callback_with_another_state_is_of_the_handoff_whose_token_it_brings() {
        let token = IssuedId::of(&HandoffToken::mint([1; 32]).digest());
        let with_token = |mut event: Event| {
            event.belongs.token = Some(token);
            event
        };
        let events = [
            event(RelyingParty, Step::StateMade, 1, 1),
            with_token(event(Authority, Step::TokenIssued, 1, 1)),
            with_token(event(RelyingParty, Step::CallbackReceived, 2, 1)),
            with_token(refused(RelyingParty, 2, "state_unknown_here")),
        ];
        assert_eq!(ends(&events), [End::Failure("state_unknown_here")]);
        // A token that was never issued joins nothing.
        let [made, _, came, refused] = events;
        assert_eq!(ends(&[made, came, refused]), [End::Stray]);
    }

    #[test]
    fn what_an_app_that_records_nothing_was_told_is_the_end() {
        let issued = event(Authority, Step::TokenIssued, 1, 1);
        let redeemed = event(Authority, Step::Redeemed, 1, 1);
        assert_eq!(ends(&[issued, redeemed.clone()]), [End::Told]);
        // What it declines is heard of by nobody else.
        let cancelled = refused(Authority, 2, "cancelled");
        let declined = std::slice::from_ref(&cancelled);
        assert_eq!(ends(declined), [End::Declined("cancelled")]);
        // An app of another process counts there.
        let notes = ClientId::parse("notes").unwrap();
        let mut observer = FlowObserver::default().without([notes.clone()].into());
        for mut event in [redeemed, cancelled] {
            event.client = Some(notes.clone());
            let seen = observer.observe(&event);
            assert_eq!(seen.end, None);
            assert!(seen.outcome.is_some());
        }
    }

    #[test]
    fn what_a_handoff_came_to_is_what_is_known_now() {
        let mut observer = FlowObserver::default();
        let mut outcome = |event: &Event| observer.observe(event).outcome;
        let redeemed = event(Authority, Step::Redeemed, 1, 1);
        assert_eq!(outcome(&redeemed), Some(End::Told));
        let reported = event(RelyingParty, Step::StateMade, 1, 1);
        assert_eq!(outcome(&reported), None);
        let begun = event(RelyingParty, Step::SessionCreated, 1, 1);
        assert_eq!(outcome(&begun), Some(End::Success));
    }

    #[test]
    fn a_launch_that_becomes_a_handoff_is_joined_to_it() {
        let mut observer = FlowObserver::default();
        let launch = Some(LaunchId::of(&LaunchTicket::mint([1; 32]).digest()));
        let mut ticket = event(Authority, Step::LaunchTicketIssued, 1, 1);
        ticket.belongs.flow = None;
        ticket.belongs.launch = launch;
        let mut asked = event(Authority, Step::AuthorizeReceived, 2, 1);
        let of_ticket = observer.observe(&ticket).handoff;
        let made = observer.observe(&event(RelyingParty, Step::StateMade, 2, 1));
        asked.belongs.launch = launch;
        let seen = observer.observe(&asked);
        assert_eq!((seen.handoff, seen.joined), (made.handoff, vec![of_ticket]));
    }

    #[test]
    fn what_names_two_clients_is_never_of_one_handoff() {
        let of = |client: &str, event: Event| Event {
            client: ClientId::parse(client).ok(),
            ..event
        };
        let launch = Some(LaunchId::of(&LaunchTicket::mint([1; 32]).digest()));
        let launched = |mut event: Event| {
            event.belongs.launch = launch;
            event
        };
        let mut observer = FlowObserver::default();
        let mut ticket = launched(event(Authority, Step::LaunchTicketIssued, 1, 1));
        ticket.belongs.flow = None;
        let mut see = |event: &Event| observer.observe(event);
        let evil = see(&of("evil", ticket.clone())).handoff;
        // Somebody opens notes with evil's ticket.
        let made = launched(event(RelyingParty, Step::StateMade, 2, 1));
        let notes = see(&of("notes", made)).handoff;
        assert_ne!(notes, evil);
        ticket.trace = "3".to_owned();
        ticket.step = Step::SessionCreated;
        assert_eq!(see(&of("evil", ticket)).handoff, evil);
        let failed = see(&of("notes", refused(RelyingParty, 2, "iss_differs")));
        assert_eq!(failed.handoff, notes);
        assert_eq!(failed.end, Some(End::Failure("iss_differs")));
        // The probe's handoff stays told when its state is brought to notes.
        let token = Some(IssuedId::of(&HandoffToken::mint([1; 32]).digest()));
        let with_token = |mut event: Event| {
            event.belongs.token = token;
            event
        };
        see(&of(
            "probe",
            with_token(event(Authority, Step::TokenIssued, 5, 1)),
        ));
        let told = see(&of("probe", event(Authority, Step::Redeemed, 5, 2)));
        assert_eq!(told.end, Some(End::Told));
        see(&of(
            "notes",
            with_token(event(RelyingParty, Step::CallbackReceived, 5, 3)),
        ));
        let stray = see(&of("notes", refused(RelyingParty, 5, "no_pre_session")));
        assert_ne!(stray.handoff, told.handoff);
        assert_eq!(stray.end, Some(End::Stray));
        let again = see(&of("probe", event(Authority, Step::Redeemed, 5, 4)));
        assert_eq!(
            (again.handoff, again.outcome),
            (told.handoff, Some(End::Told))
        );
    }

    #[test]
    fn what_a_client_reports_counts_once_and_a_success_where_the_token_was_redeemed() {
        let mut observer = FlowObserver::default();
        let step = |step| event(RelyingParty, step, 1, 900_000);
        // Of a handoff that is not known, nothing.
        assert_eq!(observer.observe_reported(&step(Step::StateMade)), None);
        observer.observe(&event(Authority, Step::TokenIssued, 1, 1));
        let made = observer.observe_reported(&step(Step::StateMade)).unwrap();
        assert_eq!((made.started, made.took), (true, 0));
        assert_eq!(observer.observe_reported(&step(Step::StateMade)), None);
        assert_eq!(observer.observe_reported(&step(Step::SessionCreated)), None);
        let redeemed = observer.observe(&event(Authority, Step::Redeemed, 1, 2));
        assert_eq!(redeemed.end, Some(End::Success));
        assert_eq!(redeemed.witnessed, Some(End::Told));
        assert_eq!(observer.observe_reported(&step(Step::SessionCreated)), None);

        observer.observe(&event(Authority, Step::Redeemed, 2, 1));
        let failed = refused(RelyingParty, 2, "verify_refused");
        let seen = observer.observe_reported(&failed).unwrap();
        assert_eq!(seen.outcome, Some(End::Failure("verify_refused")));
        assert_eq!((seen.witnessed, seen.end), (Some(End::Told), None));
        assert_eq!(observer.observe_reported(&failed), None);
        assert_eq!(observer.requests.by_key.len(), 2);
    }

    #[test]
    fn a_browser_that_was_early_ends_nothing() {
        let early = refused(RelyingParty, 1, "prefetched");
        let lost = refused(RelyingParty, 1, "token_missing");
        assert_eq!(ends(&[early, lost]), [End::Failure("token_missing")]);
    }

    #[test]
    fn a_handoff_that_was_held_up_and_then_went_well_went_well() {
        let events = [
            refused(Authority, 1, "too_many"),
            event(RelyingParty, Step::SessionCreated, 1, 5),
        ];
        assert_eq!(ends(&events), [End::Failure("too_many"), End::Success]);
    }

    #[test]
    fn a_step_takes_the_time_since_the_one_before_it_in_its_request() {
        let mut tally = FlowObserver::default();
        let mut took = |site, step, n, after| tally.observe(&event(site, step, n, after)).took;
        assert_eq!(took(RelyingParty, Step::CallbackReceived, 1, 10), 10);
        assert_eq!(took(RelyingParty, Step::StateMatched, 1, 300), 290);
        assert_eq!(took(Authority, Step::VerifyReceived, 1, 40), 40);
        assert_eq!(took(RelyingParty, Step::VerifySent, 1, 310), 10);
        assert_eq!(took(RelyingParty, Step::VerifyAnswered, 1, 5310), 5000);
        // A clock that went back takes nothing.
        assert_eq!(took(RelyingParty, Step::SessionCreated, 1, 10), 0);
    }

    #[test]
    fn a_call_ends_with_its_answer_or_with_the_refusal_that_its_silence_causes() {
        let mut tally = FlowObserver::default();
        let mut call = |event: &Event| tally.observe(event).call;
        assert_eq!(call(&event(RelyingParty, Step::VerifySent, 1, 100)), None);
        let answered = call(&event(RelyingParty, Step::VerifyAnswered, 1, 350));
        let call_of = |took, answered| Some(Call { took, answered });
        assert_eq!(answered, call_of(250, true));
        assert_eq!(call(&refused(RelyingParty, 1, "verify_refused")), None);
        call(&event(RelyingParty, Step::VerifySent, 2, 2));
        let silence = call(&refused(RelyingParty, 2, "authority_unreachable"));
        assert_eq!(silence, call_of(7, false));
    }

    #[test]
    fn a_call_that_is_made_again_had_no_answer() {
        let mut tally = FlowObserver::default();
        let mut call = |step, after| tally.observe(&event(RelyingParty, step, 1, after)).call;
        assert_eq!(call(Step::VerifySent, 10), None);
        let lost = call(Step::VerifySent, 110).unwrap();
        assert_eq!((lost.took, lost.answered), (100, false));
        let answered = call(Step::VerifyAnswered, 115).unwrap();
        assert_eq!((answered.took, answered.answered), (5, true));
    }

    #[test]
    fn what_verify_refuses_is_a_refused_token_and_a_used_one_is_a_replay() {
        for (reason, replay) in [
            ("replayed", true),
            ("already_used", true),
            ("expired", false),
        ] {
            let mut tally = FlowObserver::default();
            tally.observe(&event(RelyingParty, Step::StateMatched, 1, 1));
            tally.observe(&event(Authority, Step::VerifyReceived, 1, 1));
            let seen = tally.observe(&refused(Authority, 1, reason));
            assert_eq!(seen.token_refused, Some(reason));
            assert_eq!(seen.is_replay(), replay, "{reason}");
            assert_eq!(seen.end, None);
        }
    }

    #[test]
    fn a_reason_of_somebody_elses_making_is_other() {
        assert_eq!(
            ends(&[refused(RelyingParty, 1, "\"} 1\nx")]),
            [End::Failure("other")]
        );
        let all: Vec<_> = reasons().collect();
        let once: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(once.len(), all.len());
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut tally = FlowObserver::remembering(3);
        for n in 0..200 {
            tally.observe(&event(RelyingParty, Step::StateMade, n, 1));
            tally.observe(&refused(RelyingParty, n, "iss_differs"));
        }
        assert_eq!(tally.requests.by_key.len(), 3);
        assert_eq!(tally.requests.order.len(), 3);
        assert_eq!(tally.handoffs.by_key.len(), 3);
        assert_eq!(tally.names.by_key.len(), 3 * NAMES);
        let again = refused(RelyingParty, 199, "iss_differs");
        assert_eq!(tally.observe(&again).end, None);
    }
}
