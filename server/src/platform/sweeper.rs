//! What must be done once a minute at every platform of a process, in one task for all of them.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio_util::task::AbortOnDropHandle;
use web::site::Site;

use crate::metrics::Metrics;

/// How often what has expired is deleted. Nothing depends on it: every read checks the time.
const EVERY: Duration = Duration::from_secs(60);

/// How many platforms are swept at once. A relying party that cannot reach its authorization server
/// waits for seconds, and must not keep all other platforms waiting.
const MAX_AT_ONCE: usize = 8;

/// Sweeps every platform that is registered, until it is dropped. Clones are the same. The task starts
/// with the first platform, on the runtime where that one is opened.
#[derive(Clone)]
pub struct Sweeper(Arc<Inner>);

struct Inner {
    every: Duration,
    platforms: Mutex<Vec<Weak<Swept>>>,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// What the sweeper knows of a platform, held by the platform alone: a task that held it too would
/// keep every store open for ever.
#[derive(Debug)]
pub(super) struct Swept {
    pub(super) sites: Vec<Arc<dyn Site>>,
    pub(super) metrics: Option<Arc<Metrics>>,
}

impl Swept {
    /// Deletes at every site what has expired.
    pub(super) async fn sweep(&self) {
        for site in &self.sites {
            match site.sweep().await {
                Ok(0) => {}
                Ok(rows) => tracing::debug!(rows, "swept"),
                Err(error) => tracing::error!(%error, "sweeping failed"),
            }
        }
    }
}

impl Default for Sweeper {
    fn default() -> Self {
        Self::every(EVERY)
    }
}

impl Sweeper {
    /// Sweeps every `every`. A test that compares what stores hold passes a time longer than itself, and
    /// sweeps by [`Platform::sweep`](super::Platform::sweep).
    #[must_use]
    pub fn every(every: Duration) -> Self {
        Self(Arc::new(Inner {
            every,
            platforms: Mutex::default(),
            task: Mutex::default(),
        }))
    }

    /// Sweeps this platform too, as long as it lives.
    pub(super) fn register(&self, platform: &Arc<Swept>) {
        let mut platforms = self.0.platforms();
        platforms.retain(|known| known.strong_count() > 0);
        platforms.push(Arc::downgrade(platform));
        drop(platforms);
        let mut task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner);
        // A task ends with its runtime, which may be gone where a process has several.
        if task.as_ref().is_none_or(AbortOnDropHandle::is_finished) {
            let sweeping = sweep_for_ever(self.0.every, Arc::downgrade(&self.0));
            let sweeping = tokio::spawn(sweeping);
            *task = Some(AbortOnDropHandle::new(sweeping));
        }
    }

    /// How many of the registered platforms still live.
    #[must_use]
    pub fn living(&self) -> usize {
        let platforms = self.0.platforms();
        platforms.iter().filter(|it| it.strong_count() > 0).count()
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sweeper({} platforms)", self.living())
    }
}

impl Inner {
    fn platforms(&self) -> MutexGuard<'_, Vec<Weak<Swept>>> {
        self.platforms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep_for_ever(every: Duration, sweeper: Weak<Inner>) {
    loop {
        tokio::time::sleep(every).await;
        let Some(sweeper) = sweeper.upgrade() else {
            return;
        };
        let registered = sweeper.platforms().clone();
        drop(sweeper);
        stream::iter(registered)
            .for_each_concurrent(MAX_AT_ONCE, |platform| async move {
                let Some(platform) = platform.upgrade() else {
                    return;
                };
                // A task of its own: a panic in one platform's sweep must not end it for the others.
                let sweep = AbortOnDropHandle::new(tokio::spawn(async move {
                    platform.sweep().await;
                    if let Some(metrics) = &platform.metrics {
                        metrics.refresh(&platform.sites).await;
                    }
                }));
                if let Err(error) = sweep.await {
                    tracing::error!(%error, "sweeping failed");
                }
            })
            .await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use async_trait::async_trait;
    use axum::http::Extensions;
    use web::{
        context::Context,
        site::{Failure, SiteId},
    };

    use super::*;

    #[derive(Debug, Default)]
    struct Counted {
        sweeps: AtomicU64,
        panics: bool,
    }

    #[async_trait]
    impl Site for Counted {
        fn id(&self) -> SiteId {
            SiteId::new("counted")
        }
        fn context(&self) -> &Context {
            unreachable!("no request comes")
        }
        fn extend(&self, _request: &mut Extensions) {}
        async fn ping(&self) -> Result<(), Failure> {
            Ok(())
        }
        async fn sweep(&self) -> Result<u64, Failure> {
            self.sweeps.fetch_add(1, Ordering::Relaxed);
            assert!(!self.panics, "a defect in one site");
            Ok(0)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_in_one_sweep_ends_no_other() {
        let sweeper = Sweeper::every(Duration::from_secs(60));
        let sites = [true, false].map(|panics| {
            Arc::new(Counted {
                panics,
                ..Counted::default()
            })
        });
        let platforms = sites.clone().map(|site| {
            Arc::new(Swept {
                sites: vec![site],
                metrics: None,
            })
        });
        for platform in &platforms {
            sweeper.register(platform);
        }
        tokio::time::sleep(Duration::from_secs(210)).await;
        let counts = sites.map(|site| site.sweeps.load(Ordering::Relaxed));
        assert_eq!(counts, [3, 3]);
    }
}
