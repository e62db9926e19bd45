//! What came of a handoff, as one rule for the list of flows, for the picture of one, for the monitor
//! and for the metrics.
//!
//! Two sites record it, and what they say arrives in any order: the session's beginning may come in
//! after the refusal of a later replay. So what counts is when something happened, by the sites'
//! clocks, and never when it was heard of.

use serde::{Deserialize, Serialize};

use crate::{
    flow::{Event, Site},
    refusal_reason::RefusalReason,
    step::{Channel, Step},
};

/// How many refusals are remembered from the first one on. More means that somebody repeats a request.
const REMEMBERED: usize = 16;

/// Reasons by which a person decides against a handoff. It did not fail.
pub const CHOICES: [RefusalReason; 3] = [
    RefusalReason::Cancelled,
    RefusalReason::AccessDenied,
    RefusalReason::Stayed,
];

/// What the authorization server refuses and tells the relying party by way of the browser.
pub const SENT_BACK: [RefusalReason; 2] = [RefusalReason::Cancelled, RefusalReason::NotAssigned];

/// What is refused and ends nothing: a browser that was early comes again.
const NO_END: [RefusalReason; 1] = [RefusalReason::Prefetched];

/// Whether a reason is one of these.
#[must_use]
pub fn is_one_of(reasons: &[RefusalReason], reason: &str) -> bool {
    reasons.iter().any(|it| it.as_str() == reason)
}

/// What came of a handoff, as far as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Neither a session nor a refusal yet.
    UnderWay,
    /// The person has a session at the relying party.
    Opened,
    /// The same, and then something was refused, first for this reason: a replay, the button *Back*.
    OpenedThenRefused(String),
    /// The relying party was told who the person is. It records no steps, so that this is the last
    /// that is known.
    Told,
    /// The same, and then something was refused, first for this reason.
    ToldThenRefused(String),
    /// The person decided against it: one of [`CHOICES`].
    Declined(String),
    /// Stopped, and this was the first reason. What the other party makes of it follows.
    Refused(String),
    /// A request was refused for this reason, and no handoff had begun: anybody can write such an
    /// address.
    Stray(String),
}

/// The events of a handoff that decide its [`Outcome`]. Of the same events it is always the same,
/// whatever the order in which they were seen; only of two refusals in one microsecond, the one that
/// was seen first is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// When the first session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<i64>,
    /// When the token was redeemed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<i64>,
    /// When what was refused, and why, in order: the first [`REMEMBERED`] and the last. Which one
    /// comes after the session's beginning cannot be told before that is heard of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<(i64, String)>,
    /// The relying party records steps.
    #[serde(default, skip_serializing_if = "is_false")]
    reported: bool,
    /// A request arrived at an address that anybody can write.
    #[serde(default, skip_serializing_if = "is_false")]
    arrived: bool,
    /// A site has begun a handoff.
    #[serde(default, skip_serializing_if = "is_false")]
    begun: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Course {
    /// The course that these events tell.
    #[must_use]
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut course = Self::default();
        for event in events {
            course.see(event);
        }
        course
    }

    /// Adds what an event says.
    pub fn see(&mut self, event: &Event) {
        self.reported |= event.site == Site::RelyingParty;
        match (event.site, event.step) {
            (Site::RelyingParty, Step::SessionCreated) => first(&mut self.opened, event.at),
            (Site::Authority, Step::Redeemed) => first(&mut self.told, event.at),
            _ => {}
        }
        match event.step {
            Step::Refused => {
                let refusal = event.refusal.as_ref();
                let reason = refusal.map(|refusal| refusal.reason.clone());
                let reason = reason.unwrap_or_default();
                // Only what is a handoff is sent back.
                self.begun |= event.site == Site::Authority && is_one_of(&SENT_BACK, &reason);
                self.refuse(event.at, reason);
            }
            Step::StartReceived
            | Step::AuthorizeReceived
            | Step::CallbackReceived
            | Step::VerifyReceived => self.arrived = true,
            // A form of the authorization server's own page.
            Step::LaunchRequested => self.begun = true,
            step => self.begun |= step.channel() == Channel::Inside,
        }
    }

    /// Adds what another one has: the two turned out to be of the same handoff.
    pub fn join(&mut self, other: Self) {
        if let Some(at) = other.opened {
            first(&mut self.opened, at);
        }
        if let Some(at) = other.told {
            first(&mut self.told, at);
        }
        for (at, reason) in other.refused {
            self.refuse(at, reason);
        }
        self.reported |= other.reported;
        self.arrived |= other.arrived;
        self.begun |= other.begun;
    }

    fn refuse(&mut self, at: i64, reason: String) {
        if is_one_of(&NO_END, &reason) {
            return;
        }
        let place = self.refused.partition_point(|(known, _)| *known <= at);
        self.refused.insert(place, (at, reason));
        if self.refused.len() > REMEMBERED + 1 {
            self.refused.remove(REMEMBERED);
        }
    }

    /// Whether the authorization server recorded that the token was redeemed.
    #[must_use]
    pub const fn is_redeemed(&self) -> bool {
        self.told.is_some()
    }

    /// Whether the relying party records steps of it.
    #[must_use]
    pub const fn is_reported(&self) -> bool {
        self.reported
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let told = self.told.filter(|_| !self.reported);
        let over = self.opened.or(told);
        let since = over.unwrap_or(i64::MIN);
        let refused = self.refused.iter().find(|(at, _)| *at >= since);
        let refused = refused.map(|(_, reason)| reason.clone());
        match (self.opened, told, refused) {
            (Some(_), _, None) => Outcome::Opened,
            (Some(_), _, Some(reason)) => Outcome::OpenedThenRefused(reason),
            (None, Some(_), None) => Outcome::Told,
            (None, Some(_), Some(reason)) => Outcome::ToldThenRefused(reason),
            (None, None, None) => Outcome::UnderWay,
            (None, None, Some(reason)) if self.arrived && !self.begun => Outcome::Stray(reason),
            (None, None, Some(reason)) if is_one_of(&CHOICES, &reason) => Outcome::Declined(reason),
            (None, None, Some(reason)) => Outcome::Refused(reason),
        }
    }
}

/// Keeps the earlier of both moments.
fn first(known: &mut Option<i64>, at: i64) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Belongs, Refusal};

    fn event(step: Step, at: i64) -> Event {
        Event {
            step,
            site: Site::RelyingParty,
            client: None,
            belongs: Belongs::default(),
            session: None,
            trace: String::new(),
            at,
            after: 0,
            message: None,
            refusal: None,
        }
    }

    fn opened(at: i64) -> Event {
        event(Step::SessionCreated, at)
    }

    fn refused(at: i64, reason: &str) -> Event {
        let refusal = Some(Refusal {
            reason: reason.to_owned(),
            rows: Vec::new(),
        });
        Event {
            refusal,
            ..event(Step::Refused, at)
        }
    }

    fn by(site: Site, event: Event) -> Event {
        Event { site, ..event }
    }

    fn told(at: i64) -> Event {
        by(Site::Authority, event(Step::Redeemed, at))
    }

    /// Each order in which these can arrive.
    fn orders(events: &[Event]) -> Vec<Vec<Event>> {
        let Some((first, rest)) = events.split_first() else {
            return vec![Vec::new()];
        };
        let with_first = |order: Vec<Event>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, first.clone());
                order
            })
        };
        let others = orders(rest).into_iter();
        others.flat_map(with_first).collect()
    }

    fn after(reason: &str) -> Outcome {
        Outcome::OpenedThenRefused(reason.to_owned())
    }

    #[test]
    fn the_order_of_arrival_says_nothing_of_how_a_handoff_ended() {
        let shown = event(Step::PageShown, 9);
        for (events, outcome) in [
            (vec![shown.clone()], Outcome::UnderWay),
            (vec![opened(5), shown.clone()], Outcome::Opened),
            (
                vec![refused(1, "expired"), refused(2, "verify_refused"), shown],
                Outcome::Refused("expired".to_owned()),
            ),
            (vec![refused(1, "stale_form"), opened(5)], Outcome::Opened),
            (
                vec![
                    refused(1, "stale_form"),
                    refused(3, "expired"),
                    opened(5),
                    refused(7, "replayed"),
                    refused(8, "state_unknown_here"),
                ],
                after("replayed"),
            ),
            // Within one microsecond, a handoff that is over is over.
            (vec![opened(5), refused(5, "replayed")], after("replayed")),
            // It records nothing, so this is the last that is known.
            (vec![told(5)], Outcome::Told),
            (
                vec![told(5), by(Site::Authority, refused(7, "replayed"))],
                Outcome::ToldThenRefused("replayed".to_owned()),
            ),
            // It records steps, and has not said yet what it made of the answer.
            (vec![event(Step::StateMade, 1), told(5)], Outcome::UnderWay),
            (vec![told(5), opened(6)], Outcome::Opened),
            (
                vec![told(5), event(Step::SwitchAsked, 6), refused(7, "stayed")],
                Outcome::Declined("stayed".to_owned()),
            ),
            (
                vec![
                    event(Step::StateMade, 1),
                    by(Site::Authority, refused(2, "cancelled")),
                    refused(3, "access_denied"),
                ],
                Outcome::Declined("cancelled".to_owned()),
            ),
            // An address that anybody can write, and the same of a handoff that began.
            (
                vec![
                    by(Site::Authority, event(Step::AuthorizeReceived, 1)),
                    by(Site::Authority, refused(2, "unknown_client")),
                ],
                Outcome::Stray("unknown_client".to_owned()),
            ),
            (
                vec![
                    event(Step::StateMade, 1),
                    event(Step::CallbackReceived, 2),
                    refused(3, "no_pre_session"),
                ],
                Outcome::Refused("no_pre_session".to_owned()),
            ),
            (vec![refused(1, "prefetched")], Outcome::UnderWay),
            // It begins one session; were it two, the first would count.
            (
                vec![opened(3), refused(4, "replayed"), opened(5)],
                after("replayed"),
            ),
        ] {
            for order in orders(&events) {
                assert_eq!(Course::of(&order).outcome(), outcome, "{order:?}");
                for cut in 0..=order.len() {
                    let (one, two) = order.split_at(cut);
                    let mut joined = Course::of(one);
                    joined.join(Course::of(two));
                    assert_eq!(joined.outcome(), outcome, "{order:?} at {cut}");
                }
            }
        }
    }

    #[test]
    fn of_what_is_repeated_for_ever_a_bounded_part_is_kept_and_the_end_is_not_lost() {
        let mut events: Vec<_> = (0..500).map(|at| refused(at, "stale_form")).collect();
        events.extend([opened(500), refused(600, "replayed")]);
        for _ in 0..events.len() {
            events.rotate_left(7);
            let course = Course::of(&events);
            assert_eq!(course.outcome(), after("replayed"));
            assert_eq!(course.refused.len(), REMEMBERED + 1);
            let text = serde_json::to_string(&course).unwrap();
            assert_eq!(serde_json::from_str::<Course>(&text).unwrap(), course);
        }
    }
}
