//! Attempts to sign in, counted so that guessing is slow.

use async_trait::async_trait;
use database::Unavailable;
use time::OffsetDateTime;

use crate::throttle::{Admission, Counter};

/// Attempts to sign in, by counters.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Counts an attempt to sign in, by all of these counters in one, unless one of them has to
    /// wait.
    async fn admit_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<Admission, Unavailable>;

    /// Counts an attempt that was admitted for what it turned out to be: its password was wrong.
    async fn fail_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// Takes an attempt back that was admitted: its password was right.
    async fn forgive_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;
}
