//! The whole store in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::handoff::Handoff;
use time::OffsetDateTime;

use super::{
    super::{Maintenance, RECENT_FOR},
    Memory, State,
};
use crate::throttle::MAX_COUNTERS;

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
impl Maintenance for Memory {
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
        let surplus = state.attempts.len().saturating_sub(MAX_COUNTERS);
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
