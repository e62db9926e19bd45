//! What a request knows of the site that it reached.

use std::{ops::Deref, sync::Arc};

use handoff::{policy::Policy, uri::Origin};
use http::Extensions;
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;
use ui::shell::Frame;

use crate::{clock::Clock, cookie_prefix::Prefix, rng::Randomness};

/// One site's surroundings. It comes with each request, put there by whoever routes by `Host`, so
/// that one router serves the same site of many platforms.
/// Every layer takes a clone, and clones are the same.
#[derive(Clone)]
pub struct Context(Arc<Parts>);

/// What a request reaches through [`Context`].
#[derive(Clone)]
pub struct Parts {
    /// Where the site lives. Nothing is ever built from the `Host` header.
    pub origin: Origin,
    /// The platform's clock.
    pub clock: Arc<dyn Clock>,
    /// The platform's randomness.
    pub random: Arc<dyn Randomness>,
    /// What its pages have around them, those about problems and words included.
    pub frame: Frame,
    /// The requests that are under way, also those whose browser has hung up.
    pub running: TaskTracker,
    /// Which defences hold at this site.
    pub policy: Policy,
    /// What the names of its cookies begin with.
    pub cookie_prefix: Prefix,
}

impl Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Context {
    /// The surroundings of a site that lives at `origin`.
    pub fn new(
        origin: Origin,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        frame: Frame,
    ) -> Self {
        Self(Arc::new(Parts {
            origin,
            clock,
            random,
            frame,
            running: TaskTracker::new(),
            policy: Policy::STRICT,
            cookie_prefix: Prefix::default(),
        }))
    }

    /// The same surroundings, with these defences.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.0).policy = policy;
        self
    }

    /// The policy of the site that a request with these extensions reached. Every defence holds for
    /// a request that did not pass the host routing.
    #[must_use]
    pub fn policy_of(extensions: &Extensions) -> Policy {
        extensions
            .get::<Self>()
            .map_or(Policy::STRICT, |context| context.policy)
    }

    /// The same surroundings, with the cookies named otherwise on the wire.
    #[must_use]
    pub fn with_cookie_prefix(mut self, prefix: Prefix) -> Self {
        Arc::make_mut(&mut self.0).cookie_prefix = prefix;
        self
    }

    /// The time at the platform.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The time as precisely as is known, for what is recorded.
    #[must_use]
    pub fn now_precise(&self) -> OffsetDateTime {
        self.clock.now_precise()
    }

    /// Waits until no request is under way at this site.
    pub async fn settle(&self) {
        self.running.close();
        self.running.wait().await;
        self.running.reopen();
    }
}
