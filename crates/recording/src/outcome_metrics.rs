//! When a handoff counts as gone well or as failed, and how long its steps took: read from what the
//! sites record, the same way for the metrics and for the monitor.
//!
//! A handoff **goes well** when the relying party begins a session, whether at once or after the
//! question "Switch?": there is one such moment in its life, because the state is taken only once.
//!
//! It **fails** where it ends for the person. That is the relying party wherever the browser is sent
//! back to it, so a refusal of the authorization server that the relying party will hear of counts
//! nothing by itself: neither a refused verify, nor a person who cancelled or is not assigned. What
//! the authorization server refuses without sending the browser back counts there. So processes that
//! hold one site each count every failure once. A handoff that is refused again (the person reloads
//! the page), or that is refused after it went well (they go *Back*), counts no further failure, as
//! far as [`FlowObserver`] remembers.
//!
//! Anybody can send the relying party a callback. One that is refused and whose handoff never began
//! there is **unsolicited**: no handoff has failed, and no alert counts it. A browser that has lost
//! its cookie is none of these, as its handoff did begin.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use handoff::{
    flow::{Event, FlowId, Site},
    refusal_reason::RefusalReason,
    step::Step,
};

/// How many requests and handoffs a [`FlowObserver`] remembers: a few megabytes, and more than are under way
/// at any moment.
pub const MAX_REMEMBERED: usize = 10_000;

/// Causes by which people decide against a handoff. It did not fail: no alert counts them.
pub const CHOICES: [RefusalReason; 2] = [RefusalReason::AccessDenied, RefusalReason::Stayed];

/// What the authorization server tells the relying party by way of the browser.
const SENT_BACK: [RefusalReason; 2] = [RefusalReason::Cancelled, RefusalReason::NotAssigned];

/// What is refused and ends nothing: a browser that was early comes again.
const NO_END: [RefusalReason; 1] = [RefusalReason::Prefetched];

fn is_one_of(reasons: &[RefusalReason], reason: &str) -> bool {
    reasons.iter().any(|it| it.as_str() == reason)
}

/// Whether a reason is one of [`CHOICES`].
#[must_use]
pub fn is_choice(reason: &str) -> bool {
    is_one_of(&CHOICES, reason)
}

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

/// How a handoff ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The person has a session at the relying party.
    Success,
    /// They have none, for this one of [`reasons`].
    Failure(&'static str),
    /// There was none: a callback of somebody's making was refused.
    Unsolicited,
}

/// A call on the back channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// How long it took, in microseconds.
    pub took: u64,
    /// Whether an answer came.
    pub answered: bool,
}

/// What one event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The handoff has ended.
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
    begun: Recent<FlowId, ()>,
    ended: Recent<FlowId, ()>,
}

/// What is remembered of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Request {
    /// When its last step was, in microseconds after it arrived.
    last: u64,
    /// It presents a token.
    verifies: bool,
    /// It is a callback, and nothing that it brought has matched.
    is_unmatched: bool,
    /// When the call left that has no answer yet.
    called: Option<u64>,
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
            begun: Recent::new(most),
            ended: Recent::new(most),
        }
    }

    /// Takes the next event.
    pub fn observe(&mut self, event: &Event) -> Observation {
        let mut request = self.requests.get(&event.trace).copied().unwrap_or_default();
        let took = event.after.saturating_sub(request.last);
        request.last = request.last.max(event.after);
        request.verifies |= event.step == Step::VerifyReceived;
        match event.step {
            Step::CallbackReceived => request.is_unmatched = true,
            // The state was kept: this process need not have seen how it was made.
            Step::StateMatched => request.is_unmatched = false,
            _ => {}
        }
        if let (Step::StateMade, Some(flow)) = (event.step, event.belongs.flow) {
            self.begun.put(flow, ());
        }
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
        Observation {
            end: self.end(event, request, reason.filter(|_| token_refused.is_none())),
            took,
            call,
            token_refused,
        }
    }

    fn end(
        &mut self,
        event: &Event,
        request: Request,
        reason: Option<&'static str>,
    ) -> Option<End> {
        let flow = event.belongs.flow;
        let has_begun = flow.is_some_and(|flow| self.begun.get(&flow).is_some());
        let end = match (event.site, event.step, reason) {
            (Site::RelyingParty, Step::SessionCreated, _) => End::Success,
            (_, _, Some(reason)) if is_one_of(&NO_END, reason) => return None,
            (Site::Authority, _, Some(reason))
                if flow.is_some() && is_one_of(&SENT_BACK, reason) =>
            {
                return None;
            }
            (_, _, Some(_)) if request.is_unmatched && !has_begun => return Some(End::Unsolicited),
            (_, _, Some(reason)) => End::Failure(reason),
            _ => return None,
        };
        let again = flow.is_some_and(|flow| self.ended.put(flow, ()));
        (end == End::Success || !again).then_some(end)
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

    /// True if it was there.
    fn put(&mut self, key: K, value: V) -> bool {
        if self.by_key.insert(key.clone(), value).is_some() {
            return true;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_key.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff::{
        flow::{Belongs, Refusal},
        token::{Secret, State},
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
            event(Authority, Step::VerifyReceived, 1, 1),
            refused(Authority, 1, "expired"),
            refused(RelyingParty, 1, "verify_refused"),
            refused(RelyingParty, 1, "state_unknown_here"),
        ];
        assert_eq!(ends(&refused_token), [End::Failure("verify_refused")]);
        let declined = [
            refused(Authority, 1, "cancelled"),
            refused(RelyingParty, 1, "access_denied"),
        ];
        assert_eq!(ends(&declined), [End::Failure("access_denied")]);
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
        assert_eq!(
            ends(&[came(), no_cookie(), no_cookie()]),
            [End::Unsolicited, End::Unsolicited]
        );
        let mut nameless = no_cookie();
        nameless.belongs = Belongs::default();
        assert_eq!(ends(&[came(), nameless]), [End::Unsolicited]);
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
        assert_eq!(tally.ended.by_key.len(), 3);
        assert_eq!(tally.begun.by_key.len(), 3);
        let again = refused(RelyingParty, 199, "iss_differs");
        assert_eq!(tally.observe(&again).end, None);
    }
}
