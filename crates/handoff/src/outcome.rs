//! What came of a handoff, as one rule for the list of flows and for the picture of one.
//!
//! Two sites record it, and what they say arrives in any order: the session's beginning may come in
//! after the refusal of a later replay. So what counts is when something happened, by the sites'
//! clocks, and never when it was heard of.

use serde::{Deserialize, Serialize};

use crate::{
    flow::{Event, Site},
    step::Step,
};

/// How many refusals are remembered from the first one on. More means that somebody repeats a request.
const REMEMBERED: usize = 16;

/// What came of a handoff, as far as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Neither a session nor a refusal yet.
    UnderWay,
    /// The person has a session at the relying party.
    Opened,
    /// The same, and then something was refused, first for this reason: a replay, the button *Back*.
    OpenedThenRefused(String),
    /// Stopped, and this was the first reason. What the other party makes of it follows.
    Refused(String),
}

/// The events of a handoff that decide its [`Outcome`]. Of the same events it is always the same,
/// whatever the order in which they were seen; only of two refusals in one microsecond, the one that
/// was seen first is the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// When the first session began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opened: Option<i64>,
    /// When what was refused, and why, in order: the first [`REMEMBERED`] and the last. Which one
    /// comes after the session's beginning cannot be told before that is heard of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<(i64, String)>,
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
        if event.step == Step::SessionCreated && event.site == Site::RelyingParty {
            self.open(event.at);
        } else if event.step == Step::Refused {
            let refusal = event.refusal.as_ref();
            let reason = refusal.map(|refusal| refusal.reason.clone());
            self.refuse(event.at, reason.unwrap_or_default());
        }
    }

    /// Adds what another one has: the two turned out to be of the same handoff.
    pub fn join(&mut self, other: Self) {
        if let Some(at) = other.opened {
            self.open(at);
        }
        for (at, reason) in other.refused {
            self.refuse(at, reason);
        }
    }

    fn open(&mut self, at: i64) {
        self.opened = Some(self.opened.map_or(at, |opened| opened.min(at)));
    }

    fn refuse(&mut self, at: i64, reason: String) {
        let place = self.refused.partition_point(|(known, _)| *known <= at);
        self.refused.insert(place, (at, reason));
        if self.refused.len() > REMEMBERED + 1 {
            self.refused.remove(REMEMBERED);
        }
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let first = |since| self.refused.iter().find(|(at, _)| *at >= since);
        match (self.opened, first(self.opened.unwrap_or(i64::MIN))) {
            (None, None) => Outcome::UnderWay,
            (None, Some((_, reason))) => Outcome::Refused(reason.clone()),
            (Some(_), None) => Outcome::Opened,
            (Some(_), Some((_, reason))) => Outcome::OpenedThenRefused(reason.clone()),
        }
    }
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
