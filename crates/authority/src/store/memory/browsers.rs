//! Known browsers in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::UserId,
    token::{Digest, KnownBrowser},
};
use time::OffsetDateTime;

use super::{super::BrowserStore, Memory};
use crate::throttle::{KNOWN_FOR, KNOWN_PER_PERSON};

#[async_trait]
impl BrowserStore for Memory {
    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let state = self.state();
        let known = state.known_browsers.get(&user);
        Ok(known.is_some_and(|known| {
            known
                .iter()
                .any(|(known, until)| *known == browser && *until > now)
        }))
    }

    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let mut state = self.state();
        let all = state.known_browsers.values_mut().flatten();
        for (old, _) in all.filter(|(old, _)| Some(*old) == replacing) {
            *old = browser;
        }
        let known = state.known_browsers.entry(user).or_default();
        known.retain(|(known, _)| *known != browser);
        known.push((browser, now + KNOWN_FOR));
        let surplus = known.len().saturating_sub(KNOWN_PER_PERSON);
        known.drain(..surplus);
        Ok(())
    }
}
