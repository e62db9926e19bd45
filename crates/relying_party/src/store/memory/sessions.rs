//! Sessions in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::SessionId,
    token::{Digest, PreSession},
};
use time::{Duration, OffsetDateTime};

use super::{
    super::{Beginning, Ended, Session, SessionStore, Source},
    Memory, State,
};

impl State {
    fn end_session(&mut self, id: SessionId) -> Vec<Ended> {
        let waiting = self.waiting.remove(&id).map(|waiting| waiting.session);
        let ended = self.sessions.remove(&id);
        let ended = [waiting, ended].into_iter().flatten();
        ended.map(Ended::from).collect()
    }

    fn born_of(&self, browser: Digest<PreSession>) -> Vec<SessionId> {
        let born = self.sessions.values().filter(|s| s.browser == browser);
        born.map(|session| session.id).collect()
    }
}

#[async_trait]
impl SessionStore for Memory {
    async fn begin_session(
        &self,
        new: Session,
        source: Source,
        now: OffsetDateTime,
    ) -> Result<Beginning, Unavailable> {
        let mut state = self.state();
        let (found, old) = match source {
            Source::Handoff { handoff, replacing } => (state.handoff(handoff, now), replacing),
            Source::Waiting { current } => {
                let waiting = state.waiting.get_mut(&current);
                let waiting = waiting.filter(|waiting| waiting.session.id == new.id);
                let found = waiting.and_then(|waiting| {
                    if !waiting.is_live(now) {
                        waiting.wait_until = OffsetDateTime::UNIX_EPOCH;
                    }
                    waiting.is_live(now).then_some(0)
                });
                (found, Some(current))
            }
        };
        let Some(index) = found else {
            return Ok(Beginning::TooLate);
        };
        let others = state.born_of(new.browser);
        if let Source::Handoff { .. } = source {
            let somebody_else = others.iter().find(|id| {
                let other = state.sessions.get(*id);
                let other = other.filter(|other| other.expires_at > now);
                Some(**id) != old && other.is_some_and(|other| other.owner() != new.owner())
            });
            if let Some(id) = somebody_else {
                return Ok(Beginning::SomebodyElse(*id));
            }
        }
        if old != Some(new.id) && state.sessions.contains_key(&new.id) {
            return Err(Unavailable::unreadable("a session id that is taken"));
        }
        match source {
            Source::Handoff { .. } => drop(state.started.remove(index)),
            Source::Waiting { current } => drop(state.waiting.remove(&current)),
        }
        let ends = old.into_iter().chain(others);
        let ended = ends.flat_map(|id| state.end_session(id)).collect();
        let pre_session_over = state.is_over(new.browser, now);
        state.sessions.insert(new.id, new);
        Ok(Beginning::Begun {
            ended,
            pre_session_over,
        })
    }

    async fn find_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Unavailable> {
        let mut state = self.state();
        let Some(session) = state.sessions.get_mut(&id) else {
            return Ok(None);
        };
        if session.expires_at > now {
            return Ok(Some(session.clone()));
        }
        session.expires_at = OffsetDateTime::UNIX_EPOCH;
        Ok(None)
    }

    async fn mark_checked(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        interval: Duration,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let due = state
            .sessions
            .get_mut(&id)
            .filter(|session| session.checked_at <= now - interval || session.checked_at > now);
        Ok(due.map(|session| session.checked_at = now).is_some())
    }

    async fn count_sessions(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let state = self.state();
        let living = state.sessions.values().filter(|it| it.expires_at > now);
        Ok(living.count() as u64)
    }

    async fn end_session(&self, id: SessionId) -> Result<Vec<Ended>, Unavailable> {
        Ok(self.state().end_session(id))
    }

    async fn sign_out(
        &self,
        session: Option<SessionId>,
        browser: Option<Digest<PreSession>>,
    ) -> Result<Vec<Ended>, Unavailable> {
        let mut state = self.state();
        let born = session.and_then(|id| state.sessions.get(&id));
        let browsers = [born.map(|session| session.browser), browser];
        let mut ends: Vec<_> = session.into_iter().collect();
        for browser in browsers.into_iter().flatten() {
            ends.extend(state.born_of(browser));
            state.cancel_handoffs(browser);
        }
        Ok(ends
            .into_iter()
            .flat_map(|id| state.end_session(id))
            .collect())
    }
}
