//! The whole sign-in store in memory.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

use super::{super::Maintenance, Memory, State, handoffs::Started};

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

    async fn sweep(&self, now: OffsetDateTime, remembered: u32) -> Result<u64, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let before = state.rows();
        state.started.retain(|row| row.is_kept(now));
        let over = state.started.iter().filter(|row| row.is_over(now));
        let mut over: Vec<_> = over.map(|row| row.new.expires_at).collect();
        over.sort_unstable_by(|one, other| other.cmp(one));
        let surplus = usize::try_from(remembered).ok().and_then(|it| over.get(it));
        if let Some(newest) = surplus {
            let is_surplus = |row: &Started| row.is_over(now) && row.new.expires_at <= *newest;
            state.started.retain(|row| !is_surplus(row));
        }
        let waiting = &state.waiting;
        state
            .sessions
            .retain(|id, session| session.expires_at > now || waiting.contains_key(id));
        state.records.retain(|_, (_, expires_at)| *expires_at > now);
        Ok(before - state.rows())
    }
}
