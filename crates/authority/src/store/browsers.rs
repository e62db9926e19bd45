//! Browsers in which a person has signed in before.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::UserId,
    token::{Digest, KnownBrowser},
};
use time::OffsetDateTime;

/// Browsers in which a person has signed in before.
#[async_trait]
pub trait BrowserStore: Send + Sync {
    /// Whether this person has signed in with this browser before.
    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Knows that this person has signed in with this browser, for
    /// [`KNOWN_FOR`](crate::throttle::KNOWN_FOR). A browser that went by another value before goes by
    /// the new one from now on, for all people who signed in with it. Of more than
    /// [`KNOWN_PER_PERSON`](crate::throttle::KNOWN_PER_PERSON) of this person the oldest goes.
    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;
}
