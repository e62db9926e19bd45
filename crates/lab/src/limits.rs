//! What this site counts in memory, and by what.

use std::sync::Arc;

use web::{
    clock::Clock,
    error_page::ErrorPage,
    limits::{Limiter, Volume},
    peer::{Network, Peer},
};

use crate::Lab;

/// The limits of one lab.
pub(crate) struct Limits {
    step_chains: Limiter<Network>,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>, max_keys: usize) -> Self {
        Self {
            step_chains: Limiter::bounded(Volume::STEP_CHAINS, max_keys, Arc::clone(clock)),
        }
    }

    /// How many requests each limit has refused since the start.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 1] {
        [("step_chains", self.step_chains.refused())]
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
