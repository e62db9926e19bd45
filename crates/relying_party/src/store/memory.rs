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
    Added, Beginning, Deleted, Ended, FINISHING, HandoffKey, ITEMS_PER_PAGE, ITEMS_PER_PERSON,
    Item, JUST_RESTORED_FOR, Kept, Listed, NewHandoff, Owner, Sealed, Session, Source, Store,
    TakenHandoff, UNDO_FOR, Waiting,
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
    items: HashMap<Owner, Vec<KeptItem>>,
    records: HashMap<[u8; 32], (Vec<u8>, OffsetDateTime)>,
}

#[derive(Debug)]
struct KeptItem {
    item: Item,
    undo_until: Option<OffsetDateTime>,
    restored_at: Option<OffsetDateTime>,
}

impl KeptItem {
    fn is_living(&self) -> bool {
        self.undo_until.is_none()
    }
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
    fn item(&mut self, owner: &Owner, id: ItemId) -> Option<&mut KeptItem> {
        let mut items = self.items.get_mut(owner).into_iter().flatten();
        items.find(|kept| kept.item.id == id)
    }

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
        let rows = self.started.len()
            + self.sessions.len()
            + self.waiting.len()
            + self.items.values().map(Vec::len).sum::<usize>()
            + self.records.len();
        u64::try_from(rows).unwrap_or(u64::MAX)
    }
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A verb that panicked half-way would leave a half-done state; none of them can.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable> {
        let state = self.state();
        let items = state.items.get(owner).into_iter().flatten();
        let living = items.rev().filter(|kept| kept.is_living());
        let mut living: Vec<_> = living.map(|kept| &kept.item).collect();
        living.sort_by_key(|item| item.done);
        let last = living.len().saturating_sub(1) / ITEMS_PER_PAGE;
        let page = usize::try_from(page).unwrap_or(usize::MAX).min(last);
        let shown = living.iter().skip(page * ITEMS_PER_PAGE);
        Ok(Listed {
            items: shown.take(ITEMS_PER_PAGE).copied().cloned().collect(),
            total: living.len(),
        })
    }

    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept.map(|kept| kept.item.clone()))
    }

    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable> {
        let mut state = self.state();
        let items = state.items.entry(owner.clone()).or_default();
        if items.iter().filter(|kept| kept.is_living()).count() >= ITEMS_PER_PERSON {
            return Ok(Added::Full);
        }
        items.push(KeptItem {
            item,
            undo_until: None,
            restored_at: None,
        });
        if items.len() > ITEMS_PER_PERSON {
            let deleted = items.iter().enumerate();
            let deleted = deleted.filter_map(|(place, kept)| Some((kept.undo_until?, place)));
            if let Some((_, first)) = deleted.min() {
                items.remove(first);
            }
        }
        Ok(Added::Yes)
    }

    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let Some(kept) = state.item(owner, id).filter(|kept| kept.is_living()) else {
            return Ok(false);
        };
        if kept.item.text != text {
            kept.item.text = text;
            kept.item.edited_at = Some(now);
        }
        Ok(true)
    }

    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept.map(|kept| kept.item.done = done).is_some())
    }

    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        Ok(kept
            .map(|kept| kept.undo_until = Some(now + UNDO_FOR))
            .is_some())
    }

    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id);
        Ok(kept.and_then(|kept| {
            Some(Deleted {
                item: kept.item.clone(),
                undo_until: kept.undo_until.filter(|until| *until > now)?,
            })
        }))
    }

    async fn restore_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let Some(items) = state.items.get_mut(owner) else {
            return Ok(false);
        };
        // What comes too late is gone for good, whatever the clock does.
        let is_over = |kept: &KeptItem| kept.undo_until.is_some_and(|until| until <= now);
        items.retain(|kept| kept.item.id != id || !is_over(kept));
        let kept = items.iter_mut().find(|kept| kept.item.id == id);
        Ok(kept
            .map(|kept| {
                if kept.undo_until.take().is_some() {
                    kept.restored_at = Some(now);
                }
            })
            .is_some())
    }

    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let kept = state.item(owner, id).filter(|kept| kept.is_living());
        let restored_at = kept.and_then(|kept| kept.restored_at);
        Ok(restored_at.is_some_and(|at| at <= now && at > now - JUST_RESTORED_FOR))
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
        for items in state.items.values_mut() {
            items.retain(|kept| kept.undo_until.is_none_or(|until| until > now));
        }
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
