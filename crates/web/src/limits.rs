//! How much one caller may ask for: volume limits in memory, and alarms that block nobody (row 17).
//!
//! A [`Limiter`] refuses whoever asks too much, and refuses too when it cannot count. An [`Alarm`]
//! only tells the operator. Both are values of their site; several processes count separately, each
//! what it serves. What must be agreed on (failed sign-ins) is counted in the store instead.
//!
//! All numbers are here: [`Volume`]'s constants say what each is made of.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, Reference},
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::StateStore,
};
use handoff::policy::Policy;
use time::{Duration, OffsetDateTime};

use crate::{clock::Clock, error_page::ErrorPage};

/// How much one key may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    /// So many at once.
    burst: NonZeroU32,
    /// One more after each of these.
    one_per: std::time::Duration,
}

impl Volume {
    /// *Open* and authorize (H1, H3) of one signed-in session: twenty applications, opened in
    /// fifteen tabs each, at once; then five a second. One click is one of each.
    pub const SESSION: Self = Self::new(300, 200);

    /// Authorize (H3) of callers whom nobody knows, and the start (H2) of browsers without a
    /// handoff under way, by address: forty people behind it, who open twelve applications each
    /// and do so five times over, at once; then forty a second, one for each of them. Each writes
    /// one row at most, and a disk takes more than forty a second.
    pub const ADDRESS: Self = Self::new(40 * 12 * 5, 25);

    /// The start (H2) of a browser that has a handoff under way: five are kept, so a hundred and
    /// fifty is each of them thirty times over; then two a second.
    pub const PRE_SESSION: Self = Self::new(150, 500);

    /// Callbacks (H4) that belong to no handoff of their browser, by address. Such a callback is an
    /// old link, or one opened twice: fifteen for each of forty people; then ten a second.
    pub const STRAY_CALLBACK: Self = Self::new(40 * 15, 100);

    /// What one person writes at an application. Nobody types or ticks five hundred times in a
    /// minute; then five a second.
    pub const WRITES: Self = Self::new(500, 200);

    /// Calls of verify (H5) that did not say who they are, by address and claimed client. A client
    /// that is set up right makes none.
    pub const UNPROVEN: Self = Self::new(20, 3000);

    /// Chains of redirects that switch step mode on, by the address that begins them: forty people behind it, who
    /// begin five at once; then one every two seconds. In an hour that is two thousand: fewer than the lab remembers.
    pub const STEP_CHAINS: Self = Self::new(40 * 5, 2000);

    /// Reports of one client to the lab: one for each of a hundred and twenty handoffs at once; then two a
    /// second, of a hundred steps each.
    pub const REPORTS: Self = Self::new(120, 500);

    /// `burst` at once, which must not be zero, then one each `millis` milliseconds.
    const fn new(burst: u32, millis: u64) -> Self {
        Self {
            burst: NonZeroU32::MIN.saturating_add(burst - 1),
            one_per: std::time::Duration::from_millis(millis),
        }
    }
}

/// The most keys that a limiter counts at once: a few megabytes. A key that asked once is idle
/// after seconds at most, so to keep this many busy takes tens of thousands of requests a second.
pub const MAX_KEYS: usize = 100_000;

/// Why a limiter does not let a request pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The key has asked too much.
    TooMany {
        /// How long to wait; one second at least.
        retry_after: Duration,
    },
    /// There are more busy keys than can be counted.
    CannotCount,
}

impl From<LimitReached> for ErrorPage {
    fn from(refused: LimitReached) -> Self {
        match refused {
            LimitReached::TooMany { retry_after } => Self::too_many(retry_after),
            LimitReached::CannotCount => {
                Self::unavailable("a limiter has more keys than it can count")
            }
        }
    }
}

/// Counts by key, in memory.
pub struct Limiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, BoundedStore<K>, MonotonicClock, NoOpMiddleware<Nanos>>,
    store: BoundedStore<K>,
    clock: MonotonicClock,
    max_keys: usize,
    one_per: Nanos,
    refused: AtomicU64,
    enforced: bool,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// A limiter that gives this much to each key, and counts [`MAX_KEYS`].
    #[must_use]
    pub fn new(volume: Volume, clock: Arc<dyn Clock>) -> Self {
        Self::bounded(volume, MAX_KEYS, clock)
    }

    /// A limiter that gives this much to each key, and counts so many keys.
    #[must_use]
    pub fn bounded(volume: Volume, max_keys: usize, clock: Arc<dyn Clock>) -> Self {
        let (clock, store) = (MonotonicClock::of(clock), BoundedStore::default());
        let quota = Quota::with_period(volume.one_per)
            .unwrap_or(Quota::per_second(volume.burst))
            .allow_burst(volume.burst);
        Self {
            limiter: RateLimiter::new(quota, store.clone(), clock.clone()),
            store,
            clock,
            max_keys,
            one_per: volume.one_per.into(),
            refused: AtomicU64::new(0),
            enforced: true,
        }
    }

    /// The same limiter, which refuses only if the policy has limits.
    #[must_use]
    pub const fn under(mut self, policy: &Policy) -> Self {
        self.enforced = policy.rate_limits();
        self
    }

    /// How many requests it has refused since it was made.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Counts one request of this key.
    ///
    /// # Errors
    /// [`LimitReached`] when the key has asked too much, or when it is new and there is no room to count
    /// it. A key that is counted already is never refused for want of room.
    pub fn admit(&self, key: &K) -> Result<(), LimitReached> {
        self.decide(key).inspect_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn decide(&self, key: &K) -> Result<(), LimitReached> {
        if !self.enforced {
            return Ok(());
        }
        if !self.store.has_room(key, self.max_keys, || self.idle()) {
            return Err(LimitReached::CannotCount);
        }
        self.limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let wait = Duration::try_from(wait).unwrap_or(Duration::MAX);
            LimitReached::TooMany {
                retry_after: wait.max(Duration::SECOND),
            }
        })
    }

    /// A key whose last request came before this counts like a new one.
    fn idle(&self) -> Nanos {
        Reference::saturating_sub(&self.clock.now(), self.one_per)
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Limiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are people's addresses and sessions.
        write!(f, "Limiter({} keys)", self.store.rows().len())
    }
}

/// Where governor keeps its one number for each key. Its own stores grow without bound.
#[derive(Clone)]
struct BoundedStore<K>(Arc<Mutex<HashMap<K, Nanos>>>);

impl<K> Default for BoundedStore<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq> BoundedStore<K> {
    fn rows(&self) -> MutexGuard<'_, HashMap<K, Nanos>> {
        // One number a key: there is no half-done state to be afraid of.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_room(&self, key: &K, max: usize, idle: impl FnOnce() -> Nanos) -> bool {
        let mut rows = self.rows();
        if rows.len() < max || rows.contains_key(key) {
            return true;
        }
        let idle = idle();
        rows.retain(|_, until| *until > idle);
        rows.len() < max
    }
}

impl<K: Hash + Eq + Clone> StateStore for BoundedStore<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut rows = self.rows();
        let (outcome, next) = f(rows.get(key).copied())?;
        rows.insert(key.clone(), next);
        Ok(outcome)
    }
}

/// The platform's clock as governor wants it: it never goes back. When the platform's clock is put back,
/// this one goes on from where it was; otherwise every key would have to wait until the clock has
/// caught up.
#[derive(Clone)]
struct MonotonicClock(Arc<Ticking>);

struct Ticking {
    clock: Arc<dyn Clock>,
    /// What the clock said last, and the time that has passed since the beginning.
    last: Mutex<(OffsetDateTime, Nanos)>,
}

impl MonotonicClock {
    fn of(clock: Arc<dyn Clock>) -> Self {
        let last = Mutex::new((clock.now(), Nanos::from(0)));
        Self(Arc::new(Ticking { clock, last }))
    }
}

impl governor::clock::Clock for MonotonicClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now();
        // Negative when the clock went back, and then it has no unsigned form.
        let passed = std::time::Duration::try_from(now - last.0).unwrap_or_default();
        *last = (now, last.1 + Nanos::from(passed));
        last.1
    }
}

/// Tells the operator when something happens often, and blocks nobody.
#[derive(Debug)]
pub struct Alarm<K> {
    /// So many within [`Self::within`] are often.
    often: u32,
    within: Duration,
    max_keys: usize,
    clock: Arc<dyn Clock>,
    counted: Mutex<HashMap<K, (OffsetDateTime, u32)>>,
}

impl<K: Hash + Eq> Alarm<K> {
    /// An alarm that is raised by the `often`th event of a key within this time, and counts
    /// [`MAX_KEYS`].
    #[must_use]
    pub fn new(often: u32, within: Duration, clock: Arc<dyn Clock>) -> Self {
        Self::bounded(often, within, MAX_KEYS, clock)
    }

    /// The same, for so many keys.
    #[must_use]
    pub fn bounded(often: u32, within: Duration, max_keys: usize, clock: Arc<dyn Clock>) -> Self {
        Self {
            often,
            within,
            max_keys,
            clock,
            counted: Mutex::default(),
        }
    }

    /// Counts one event of this key. True for one of them in each period: then there is something
    /// to tell.
    #[must_use]
    pub fn count(&self, key: K) -> bool {
        let now = self.clock.now();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        // One that lies in the future was counted before the clock went back.
        let is_over = |since: OffsetDateTime| !(since..since + self.within).contains(&now);
        if counted.len() >= self.max_keys && !counted.contains_key(&key) {
            counted.retain(|_, (since, _)| !is_over(*since));
            if counted.len() >= self.max_keys {
                return false;
            }
        }
        let (since, times) = counted.entry(key).or_insert((now, 0));
        if is_over(*since) {
            (*since, *times) = (now, 0);
        }
        *times = times.saturating_add(1);
        *times == self.often
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::{StatusCode, header};
    use time::macros::datetime;

    use super::*;
    use crate::clock::ManualClock;

    const THREE: Volume = Volume::new(3, 2000);

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)))
    }

    fn admitted<K: Hash + Eq + Clone>(limiter: &Limiter<K>, key: &K) -> usize {
        (0..100).filter(|_| limiter.admit(key).is_ok()).count()
    }

    #[test]
    fn row_17_a_key_gets_its_volume_and_no_other_key_pays_for_it() {
        let clock = clock();
        let limiter = Limiter::new(THREE, clock.clone());
        assert_eq!(admitted(&limiter, &1), 3);
        assert_eq!(admitted(&limiter, &2), 3);
        let retry_after = Duration::seconds(2);
        assert_eq!(
            limiter.admit(&1),
            Err(LimitReached::TooMany { retry_after })
        );
        clock.advance(retry_after);
        assert_eq!(admitted(&limiter, &1), 1);
        clock.advance(Duration::hours(1));
        assert_eq!(admitted(&limiter, &1), 3);
    }

    #[test]
    fn row_17_a_clock_that_goes_back_locks_nobody_out() {
        let clock = clock();
        let limiter = Limiter::new(THREE, clock.clone());
        clock.advance(Duration::days(2));
        assert_eq!(admitted(&limiter, &1), 3);
        clock.advance(-Duration::days(1));
        assert_eq!(admitted(&limiter, &1), 0);
        clock.advance(Duration::seconds(6));
        assert_eq!(admitted(&limiter, &1), 3);
    }

    #[test]
    fn row_17_more_busy_keys_than_can_be_counted_are_refused_as_unavailable() {
        let clock = clock();
        let limiter = Limiter::bounded(THREE, 2, clock.clone());
        assert_eq!((limiter.admit(&1), limiter.admit(&2)), (Ok(()), Ok(())));
        assert_eq!(limiter.admit(&3), Err(LimitReached::CannotCount));
        // Who is counted already goes on.
        assert_eq!(admitted(&limiter, &1), 2);
        let response = ErrorPage::from(LimitReached::CannotCount).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        // The first is still busy; the second is idle, and gives its place.
        clock.advance(Duration::seconds(4));
        assert_eq!(limiter.admit(&3), Ok(()));
        assert_eq!(limiter.admit(&4), Err(LimitReached::CannotCount));
        assert_eq!(limiter.store.rows().len(), 2);
    }

    #[test]
    fn row_17_too_many_says_when_to_come_back_in_whole_seconds() {
        let retry_after = Duration::milliseconds(1500);
        let response = ErrorPage::from(LimitReached::TooMany { retry_after }).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    #[test]
    fn row_17_an_alarm_is_raised_once_in_each_period() {
        let clock = clock();
        let alarm = Alarm::new(3, Duration::MINUTE, clock.clone());
        let raised = |key| (0..10).filter(|_| alarm.count(key)).count();
        assert!(!alarm.count(1) && !alarm.count(1));
        clock.advance(Duration::MINUTE);
        assert!(!alarm.count(1));
        assert_eq!((raised(1), raised(2)), (1, 1));
        clock.advance(-Duration::HOUR);
        assert_eq!(raised(1), 1);
    }
}
