//! What this site counts in memory, and by what.

use std::sync::Arc;

use handoff::ids::ClientId;
use web::{
    clock::Clock,
    error_page::ErrorPage,
    limits::{LimitReached, Limiter, Volume},
    peer::{Network, Peer},
};

use crate::Lab;

/// The limits of one lab.
pub(crate) struct Limits {
    step_chains: Limiter<Network>,
    reports: Limiter<ClientId>,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>, max_keys: usize) -> Self {
        Self {
            step_chains: Limiter::bounded(Volume::STEP_CHAINS, max_keys, Arc::clone(clock)),
            reports: Limiter::bounded(Volume::REPORTS, max_keys, Arc::clone(clock)),
        }
    }

    /// How many requests each limit has refused since the start.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 2] {
        [
            ("step_chains", self.step_chains.refused()),
            ("reports", self.reports.refused()),
        ]
    }

    /// Counts one report of this client.
    pub(crate) fn admit_report(&self, client: &ClientId) -> Result<(), LimitReached> {
        self.reports.admit(client)
    }
}

impl Lab {
    /// Counts one chain of redirects that switches step mode on, by address: there is room for so many
    /// chains, and each new one takes the place of the one that ends first.
    ///
    /// # Errors
    /// [`ErrorPage::too_many`], or [`ErrorPage::unavailable`] when it cannot be counted.
    pub(crate) fn admit_step_chains(&self, peer: Peer) -> Result<(), ErrorPage> {
        Ok(self.limits().step_chains.admit(&peer.network())?)
    }
}
