//! The whole sign-in store in memory.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

use super::{super::Maintenance, Memory, State};

impl State {
    fn rows(&self) -> u64 {
        let rows =
            self.started.len() + self.sessions.len() + self.waiting.len() + self.records.len();
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
        state.started.retain(|row| row.is_kept(now));
        let waiting = &state.waiting;
        state
            .sessions
            .retain(|id, session| session.expires_at > now || waiting.contains_key(id));
        state.records.retain(|_, (_, expires_at)| *expires_at > now);
        Ok(before - state.rows())
    }
}
