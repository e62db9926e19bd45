//! Sessions that wait for an answer, in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::ids::SessionId;
use time::OffsetDateTime;

use super::{
    super::{HandoffKey, Kept, Sealed, Session, Waiting, WaitingStore},
    Memory,
};

#[async_trait]
impl WaitingStore for Memory {
    async fn keep_waiting(
        &self,
        current: SessionId,
        waiting: Waiting,
        handoff: HandoffKey,
        now: OffsetDateTime,
    ) -> Result<Kept, Unavailable> {
        let mut state = self.state();
        let Some(index) = state.handoff(handoff, now) else {
            return Ok(Kept::TooLate);
        };
        if !state.sessions.contains_key(&current) {
            return Ok(Kept::NobodyIsSignedIn);
        }
        state.started.remove(index);
        let displaced = state.waiting.insert(current, waiting);
        Ok(Kept::Waits {
            displaced: displaced.map(|waiting| waiting.session.access_token),
            pre_session_over: state.is_over(handoff.browser, now),
        })
    }

    async fn find_waiting(
        &self,
        current: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Waiting>, Unavailable> {
        let mut state = self.state();
        let Some(waiting) = state.waiting.get_mut(&current) else {
            return Ok(None);
        };
        if waiting.is_live(now) {
            return Ok(Some(waiting.clone()));
        }
        waiting.wait_until = OffsetDateTime::UNIX_EPOCH;
        Ok(None)
    }

    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable> {
        Ok(self.state().waiting.remove(&current))
    }

    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let sessions = &state.sessions;
        let abandoned = state.waiting.extract_if(|current, waiting| {
            let is_over = |session: &Session| session.expires_at <= now;
            !waiting.is_live(now) || sessions.get(current).is_none_or(is_over)
        });
        Ok(abandoned
            .map(|(_, waiting)| waiting.session.access_token)
            .collect())
    }
}
