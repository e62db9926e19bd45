//! The store in plain memory, for workspaces and tests: a verb holds the one lock from its first
//! line to its last, which is what a transaction is elsewhere.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    handoff::STARTED_PER_BROWSER,
    ids::{ItemId, SessionId},
    token::{Digest, PreSession, State as HandoffState},
};
use time::{Duration, OffsetDateTime};
use web::session::{Records, Unreachable};

use super::{
    Added, Beginning, Ended, FINISHING, HandoffKey, ITEMS_PER_PERSON, Kept, NewHandoff, Note,
    Owner, Sealed, Session, Source, Store, TakenHandoff, Task, Waiting,
};

/// The store in plain memory.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In the order of starting.
    started: Vec<Started>,
    sessions: HashMap<SessionId, Session>,
    waiting: HashMap<SessionId, Waiting>,
    /// In the order of writing.
    notes: HashMap<Owner, Vec<Note>>,
    /// In the order of writing.
    tasks: HashMap<Owner, Vec<Task>>,
    records: HashMap<[u8; 32], (Vec<u8>, OffsetDateTime)>,
}

#[derive(Debug)]
struct Started {
    new: NewHandoff,
    taken_until: Option<OffsetDateTime>,
}

impl Started {
    fn is_under_way(&self, now: OffsetDateTime) -> bool {
        self.taken_until.unwrap_or(self.new.expires_at) > now
    }

    fn is_taken(&self, key: HandoffKey) -> bool {
        self.new.browser == key.browser && self.new.state == key.state && self.taken_until.is_some()
    }
}

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

    /// A handoff that was taken. One that has taken too long goes.
    fn handoff(&mut self, key: HandoffKey, now: OffsetDateTime) -> Option<usize> {
        self.started
            .retain(|row| !row.is_taken(key) || row.is_under_way(now));
        self.started.iter().position(|row| row.is_taken(key))
    }

    fn is_over(&self, browser: Digest<PreSession>, now: OffsetDateTime) -> bool {
        let mut of_browser = self.started.iter().filter(|row| row.new.browser == browser);
        !of_browser.any(|row| row.is_under_way(now))
    }

    fn rows(&self) -> u64 {
        let rows =
            self.started.len() + self.sessions.len() + self.waiting.len() + self.records.len();
        u64::try_from(rows).unwrap_or(u64::MAX)
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A verb that panicked half-way would leave a half-done state; none of them can.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add<T>(items: &mut HashMap<Owner, Vec<T>>, owner: &Owner, item: T) -> Added {
    let items = items.entry(owner.clone()).or_default();
    if items.len() >= ITEMS_PER_PERSON {
        return Added::Full;
    }
    items.push(item);
    Added::Yes
}

fn list<T: Clone>(items: &HashMap<Owner, Vec<T>>, owner: &Owner) -> Vec<T> {
    let items = items.get(owner).map(Vec::as_slice).unwrap_or_default();
    items.iter().rev().cloned().collect()
}

fn delete<T>(
    items: &mut HashMap<Owner, Vec<T>>,
    owner: &Owner,
    is_it: impl Fn(&T) -> bool,
) -> bool {
    let Some(items) = items.get_mut(owner) else {
        return false;
    };
    let before = items.len();
    items.retain(|item| !is_it(item));
    items.len() < before
}

#[async_trait]
impl Store for Memory {
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable> {
        let mut state = self.state();
        let browser = new.browser;
        state
            .started
            .retain(|row| row.new.browser != browser || row.is_under_way(now));
        state.started.push(Started {
            new,
            taken_until: None,
        });
        let of_browser = state
            .started
            .iter()
            .filter(|row| row.new.browser == browser)
            .count();
        let mut surplus = of_browser.saturating_sub(STARTED_PER_BROWSER);
        state.started.retain(|row| {
            let goes = surplus > 0 && row.new.browser == browser;
            surplus -= usize::from(goes);
            !goes
        });
        Ok(())
    }

    async fn has_started(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let state = self.state();
        let mut started = state.started.iter();
        Ok(started.any(|row| row.new.browser == browser && row.is_under_way(now)))
    }

    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        wanted: Digest<HandoffState>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable> {
        let mut state = self.state();
        let found = state
            .started
            .iter_mut()
            .find(|Started { new, taken_until }| {
                taken_until.is_none() && new.state == wanted && new.browser == browser
            });
        Ok(found.and_then(|row| {
            let is_live = row.new.expires_at > now;
            row.taken_until = Some(if is_live {
                now + FINISHING
            } else {
                OffsetDateTime::UNIX_EPOCH
            });
            is_live.then(|| TakenHandoff {
                verifier: row.new.verifier.clone(),
                target: row.new.target.clone(),
                expires_at: row.new.expires_at,
            })
        }))
    }

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
            state.started.retain(|row| row.new.browser != browser);
        }
        Ok(ends
            .into_iter()
            .flat_map(|id| state.end_session(id))
            .collect())
    }

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

    async fn list_notes(&self, owner: &Owner) -> Result<Vec<Note>, Unavailable> {
        Ok(list(&self.state().notes, owner))
    }

    async fn add_note(&self, owner: &Owner, note: Note) -> Result<Added, Unavailable> {
        Ok(add(&mut self.state().notes, owner, note))
    }

    async fn delete_note(&self, owner: &Owner, id: ItemId) -> Result<bool, Unavailable> {
        Ok(delete(&mut self.state().notes, owner, |note| note.id == id))
    }

    async fn list_tasks(&self, owner: &Owner) -> Result<Vec<Task>, Unavailable> {
        Ok(list(&self.state().tasks, owner))
    }

    async fn add_task(&self, owner: &Owner, task: Task) -> Result<Added, Unavailable> {
        Ok(add(&mut self.state().tasks, owner, task))
    }

    async fn tick_task(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let mut tasks = state.tasks.get_mut(owner).into_iter().flatten();
        let found = tasks.find(|task| task.id == id);
        Ok(found.map(|task| task.done = done).is_some())
    }

    async fn delete_task(&self, owner: &Owner, id: ItemId) -> Result<bool, Unavailable> {
        Ok(delete(&mut self.state().tasks, owner, |task| task.id == id))
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

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let before = state.rows();
        state.started.retain(|row| row.is_under_way(now));
        let waiting = &state.waiting;
        state
            .sessions
            .retain(|id, session| session.expires_at > now || waiting.contains_key(id));
        state.records.retain(|_, (_, expires_at)| *expires_at > now);
        Ok(before - state.rows())
    }
}

#[async_trait]
impl Records for Memory {
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable> {
        self.state().records.insert(id, (data, expires_at));
        Ok(())
    }

    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable> {
        let mut state = self.state();
        let found = state.records.get(&id).cloned();
        let found = found.filter(|(_, expires_at)| *expires_at > now);
        if found.is_none() {
            state.records.remove(&id);
        }
        Ok(found.map(|(data, _)| data))
    }

    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable> {
        self.state().records.remove(&id);
        Ok(())
    }
}
