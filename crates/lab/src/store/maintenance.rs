//! What the store as a whole does.

use async_trait::async_trait;
use database::Unavailable;

/// What the store as a whole does.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;
}
