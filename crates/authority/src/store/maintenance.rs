//! What the store as a whole does.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

/// What the store as a whole does.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Deletes what has expired, and of more counters than
    /// [`MAX_COUNTERS`](crate::throttle::MAX_COUNTERS) those that would be forgotten first; tells how
    /// many rows.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;
}
