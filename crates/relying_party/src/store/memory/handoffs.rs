//! Handoffs under way, in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    handoff::{STARTED_PER_BROWSER, TARGET_LIFETIME},
    token::{Digest, PreSession, State as HandoffState},
};
use time::OffsetDateTime;

use super::{
    super::{FINISHING, HandoffKey, HandoffStore, LateHandoff, NewHandoff, TakenHandoff},
    Memory, State,
};

#[derive(Debug)]
pub(super) struct Started {
    pub(super) new: NewHandoff,
    pub(super) taken_until: Option<OffsetDateTime>,
}

impl Started {
    pub(super) fn is_under_way(&self, now: OffsetDateTime) -> bool {
        self.taken_until.unwrap_or(self.new.expires_at) > now
    }

    /// Whether it is under way, or its target is remembered.
    pub(super) fn is_kept(&self, now: OffsetDateTime) -> bool {
        match self.taken_until {
            Some(until) if until > OffsetDateTime::UNIX_EPOCH => until > now,
            _ => self.new.expires_at + TARGET_LIFETIME > now,
        }
    }

    /// Whether nothing is left of it but its target.
    pub(super) fn is_over(&self, now: OffsetDateTime) -> bool {
        let is_taken = self
            .taken_until
            .is_some_and(|until| until > OffsetDateTime::UNIX_EPOCH);
        self.new.expires_at <= now && !is_taken
    }

    fn is_late(&self, now: OffsetDateTime) -> bool {
        match self.taken_until {
            Some(until) => until == OffsetDateTime::UNIX_EPOCH,
            None => self.new.expires_at <= now,
        }
    }

    pub(super) fn is_taken(&self, key: HandoffKey) -> bool {
        self.new.browser == key.browser && self.new.state == key.state && self.taken_until.is_some()
    }
}

impl State {
    /// A handoff that was taken. One that has taken too long goes.
    pub(super) fn handoff(&mut self, key: HandoffKey, now: OffsetDateTime) -> Option<usize> {
        self.started
            .retain(|row| !row.is_taken(key) || row.is_kept(now));
        let mut rows = self.started.iter();
        rows.position(|row| row.is_taken(key) && row.is_under_way(now))
    }

    pub(super) fn is_over(&self, browser: Digest<PreSession>, now: OffsetDateTime) -> bool {
        let mut of_browser = self.started.iter().filter(|row| row.new.browser == browser);
        !of_browser.any(|row| row.is_kept(now))
    }

    /// Ends every handoff of a browser, also one that is just finishing. Where they led to stays known.
    pub(super) fn cancel_handoffs(&mut self, browser: Digest<PreSession>) {
        for row in &mut self.started {
            if row.new.browser == browser {
                row.taken_until = Some(OffsetDateTime::UNIX_EPOCH);
            }
        }
    }
}

#[async_trait]
impl HandoffStore for Memory {
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable> {
        let mut state = self.state();
        let browser = new.browser;
        state
            .started
            .retain(|row| row.new.browser != browser || row.is_kept(now));
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

    async fn take_late(
        &self,
        browser: Digest<PreSession>,
        wanted: Digest<HandoffState>,
        now: OffsetDateTime,
    ) -> Result<Option<LateHandoff>, Unavailable> {
        let mut state = self.state();
        let found = state.started.iter().position(|row| {
            row.new.state == wanted && row.new.browser == browser && row.is_late(now)
        });
        let late = found.map(|place| state.started.remove(place));
        Ok(late.filter(|row| row.is_kept(now)).map(|row| LateHandoff {
            target: row.new.target,
            again: row.new.again,
        }))
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

    async fn remembers(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        Ok(!self.state().is_over(browser, now))
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
}
