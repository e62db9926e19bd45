//! What the store as a whole does.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

/// What the sign-in store as a whole does.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Deletes what has expired; tells how many rows. What waits is for
    /// [`WaitingStore::take_abandoned`](super::WaitingStore::take_abandoned), and until then the session that it waits for stays too.
    ///
    /// Of the handoffs that are over and whose target is remembered, the `remembered` newest stay.
    async fn sweep(&self, now: OffsetDateTime, remembered: u32) -> Result<u64, Unavailable>;
}
