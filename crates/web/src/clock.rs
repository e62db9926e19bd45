//! The one place where time comes from. A platform gets its clock as a value, so a test moves it by
//! hand.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use time::{Duration, OffsetDateTime};

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time in UTC, in whole milliseconds: what a store keeps reads back the same.
    fn now(&self) -> OffsetDateTime;

    /// The time in UTC as precisely as the clock has it, so that what two processes do within one
    /// millisecond has an order.
    fn now_precise(&self) -> OffsetDateTime {
        self.now()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "this is the seam")]
        let now = OffsetDateTime::now_utc();
        now.truncate_to_millisecond()
    }

    fn now_precise(&self) -> OffsetDateTime {
        #[expect(clippy::disallowed_methods, reason = "this is the seam")]
        OffsetDateTime::now_utc()
    }
}

/// A clock that moves by hand.
#[derive(Debug)]
pub struct ManualClock(Mutex<OffsetDateTime>);

impl ManualClock {
    /// A clock that stands still at `start`.
    #[must_use]
    pub const fn at(start: OffsetDateTime) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves the clock, backwards too.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
