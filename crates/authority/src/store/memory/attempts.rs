//! Attempts to sign in, in memory.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

use super::{super::AttemptStore, Memory, State};
use crate::throttle::{Admission, Counter, Forgiven};

#[derive(Clone, Copy, Debug)]
pub(super) struct Attempts {
    pub(super) points: u32,
    pub(super) next_at: OffsetDateTime,
    pub(super) forget_at: OffsetDateTime,
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
}

#[async_trait]
impl AttemptStore for Memory {
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
}
