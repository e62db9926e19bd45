//! What this site counts in memory, and by what.

use std::sync::Arc;

use handoff::{
    policy::Policy,
    token::{Digest, PreSession, Secret},
};
use web::{
    clock::Clock,
    error_page::ErrorPage,
    limits::{LimitReached, Limiter, Volume},
    peer::{Network, Peer},
};

use crate::{RelyingParty, identity::SignedIn, store::Owner};

/// The limits of one relying party.
#[derive(Debug)]
pub(crate) struct Limits {
    started: Limiter<Digest<PreSession>>,
    addresses_of_started: Limiter<Network>,
    addresses: Limiter<Network>,
    stray_callbacks: Limiter<Network>,
    writes: Limiter<Owner>,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>, max_keys: usize, policy: &Policy) -> Self {
        Self {
            started: Limiter::bounded(Volume::PRE_SESSION, max_keys, Arc::clone(clock))
                .under(policy),
            addresses_of_started: Limiter::bounded(Volume::ADDRESS, max_keys, Arc::clone(clock))
                .under(policy),
            addresses: Limiter::bounded(Volume::ADDRESS, max_keys, Arc::clone(clock)).under(policy),
            stray_callbacks: Limiter::bounded(Volume::STRAY_CALLBACK, max_keys, Arc::clone(clock))
                .under(policy),
            writes: Limiter::bounded(Volume::WRITES, max_keys, Arc::clone(clock)).under(policy),
        }
    }

    /// How many requests each limit has refused since the start.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 4] {
        let addresses = self.addresses.refused() + self.addresses_of_started.refused();
        [
            ("pre_session", self.started.refused()),
            ("address", addresses),
            ("stray_callback", self.stray_callbacks.refused()),
            ("writes", self.writes.refused()),
        ]
    }
}

impl RelyingParty {
    /// H2: counts by the browser's pre-session if a handoff is under way under it, and by address.
    /// A cookie alone says nothing: whoever makes them up would have as many as they like; and whoever
    /// starts often has many that count. Browsers without one share another counter of their
    /// address, so that they keep none of the others out.
    ///
    /// # Errors
    /// [`ErrorPage::too_many`], or [`ErrorPage::unavailable`] when it cannot be counted.
    pub(crate) async fn admit_start(
        &self,
        pre: Option<&PreSession>,
        peer: Peer,
    ) -> Result<(), ErrorPage> {
        if let Some(pre) = pre.map(Secret::digest) {
            let has_started = self.store.has_started(pre, self.context.now()).await;
            if has_started.map_err(ErrorPage::unavailable)? {
                // In this order: a browser that has used up its own takes nothing of the others'.
                self.limits.started.admit(&pre)?;
                return Ok(self.limits.addresses_of_started.admit(&peer.network())?);
            }
        }
        Ok(self.limits.addresses.admit(&peer.network())?)
    }

    /// H4: counts a callback that belongs to no handoff of its browser. One that does is never
    /// counted, so nobody's junk stands in its way.
    ///
    /// That it belongs to none is known only after a look at the store, so the limit spares no work:
    /// there is none without a pre-session, and one read with it. It tells the person, and the log,
    /// that there were too many.
    ///
    /// # Errors
    /// [`LimitReached`] when the address has brought too many, or when they cannot be counted.
    pub(crate) fn admit_stray_callback(&self, peer: Peer) -> Result<(), LimitReached> {
        self.limits.stray_callbacks.admit(&peer.network())
    }

    /// Counts one change of what a person keeps here, by person: a session is begun anew with a
    /// click.
    ///
    /// # Errors
    /// [`ErrorPage::too_many`], or [`ErrorPage::unavailable`] when it cannot be counted.
    pub(crate) fn admit_write(&self, signed_in: &SignedIn) -> Result<(), ErrorPage> {
        Ok(self.limits.writes.admit(&signed_in.owner())?)
    }
}
