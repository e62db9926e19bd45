//! What this site counts in memory, and by what.

use std::sync::Arc;

use handoff::{
    ids::SessionId,
    token::{Digest, PreSession, Secret},
};
use web::{
    limits::{Limiter, Volume},
    peer::{Network, Peer},
    problem::Problem,
    seams::Clock,
};

use crate::{RelyingParty, identity::SignedIn};

/// The limits of one relying party.
#[derive(Debug)]
pub(crate) struct Limits {
    started: Limiter<Digest<PreSession>>,
    addresses: Limiter<Network>,
    stray_callbacks: Limiter<Network>,
    writes: Limiter<SessionId>,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            started: Limiter::new(Volume::PRE_SESSION, Arc::clone(clock)),
            addresses: Limiter::new(Volume::ADDRESS, Arc::clone(clock)),
            stray_callbacks: Limiter::new(Volume::STRAY_CALLBACK, Arc::clone(clock)),
            writes: Limiter::new(Volume::WRITES, Arc::clone(clock)),
        }
    }
}

impl RelyingParty {
    /// H2: counts by the browser's pre-session if a handoff is under way under it, else by address.
    /// A cookie alone says nothing: whoever makes them up would have as many as they like.
    ///
    /// # Errors
    /// [`Problem::too_many`], or [`Problem::unavailable`] when it cannot be counted.
    pub(crate) async fn admit_start(
        &self,
        pre: Option<&PreSession>,
        peer: Peer,
    ) -> Result<(), Problem> {
        if let Some(pre) = pre.map(Secret::digest) {
            let has_started = self.store.has_started(pre, self.context.now()).await;
            if has_started.map_err(Problem::unavailable)? {
                return Ok(self.limits.started.admit(&pre)?);
            }
        }
        Ok(self.limits.addresses.admit(&peer.network())?)
    }

    /// H4: counts a callback that belongs to no handoff of its browser. One that does is never
    /// counted, so nobody's junk stands in its way. Tells whether the address may go on so.
    pub(crate) fn admit_stray_callback(&self, peer: Peer) -> bool {
        let admitted = self.limits.stray_callbacks.admit(&peer.network());
        admitted.is_ok()
    }

    /// Counts one change of what a person keeps here, by session.
    ///
    /// # Errors
    /// [`Problem::too_many`], or [`Problem::unavailable`] when it cannot be counted.
    pub(crate) fn admit_write(&self, signed_in: &SignedIn) -> Result<(), Problem> {
        Ok(self.limits.writes.admit(&signed_in.session().id)?)
    }
}
