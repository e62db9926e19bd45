//! Whether a platform can serve: each of its stores takes a write.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};
use web::site::{Failure, Site, SiteId};

/// How long a good answer is given again. A bad one is not: the next question looks again.
pub(super) const READY_FOR: Duration = Duration::from_secs(1);

/// The site whose store cannot be written to, and why. Only the operator can act.
#[derive(Debug, thiserror::Error)]
#[error("{site}: {why}")]
pub struct NotReady {
    site: SiteId,
    why: Failure,
}

/// The last look, if it was a good one.
#[derive(Debug)]
pub(super) struct Readiness {
    good_for: Duration,
    /// Held during a look, so that there is one at a time.
    last: Mutex<Option<Instant>>,
}

impl Readiness {
    pub(super) fn new(good_for: Duration) -> Self {
        Self {
            good_for,
            last: Mutex::default(),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how often disks are written to, by the clock of the machine"
    )]
    pub(super) async fn check(&self, sites: &[Arc<dyn Site>]) -> Result<(), NotReady> {
        let mut last = self.last.lock().await;
        if last.is_some_and(|last| last.elapsed() < self.good_for) {
            return Ok(());
        }
        *last = None;
        for site in sites {
            let site_id = site.id();
            site.ping()
                .await
                .map_err(|why| NotReady { site: site_id, why })?;
        }
        *last = Some(Instant::now());
        Ok(())
    }
}
