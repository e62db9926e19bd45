//! What a request knows of the site that it reached.

use std::{convert::Infallible, sync::Arc};

use axum::extract::FromRequestParts;
use handoff::{policy::Policy, uri::Origin};
use http::{Extensions, request::Parts};
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;
use ui::shell::Frame;

use crate::{
    cookies::Prefix,
    problem::Problem,
    record::{Recorder, Recorders, Shown},
    seams::{Clock, Randomness},
    steps::Handoffs,
};

/// One site's surroundings. It comes with each request, put there by whoever routes by `Host`, so
/// that one router serves the same site of many platforms.
#[derive(Clone)]
pub struct Context {
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
    /// Who takes the steps that are recorded here.
    pub recorder: Arc<dyn Recorder>,
    /// Where those can be looked at; none where nobody shows them.
    pub shown: Option<Arc<dyn Shown>>,
    /// The site's part in handoffs; none at a site that has no part in them.
    pub handoffs: Option<Handoffs>,
}

impl Context {
    /// The surroundings of a site that lives at `origin`.
    pub fn new(
        origin: Origin,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        frame: Frame,
    ) -> Self {
        Self {
            origin,
            clock,
            random,
            frame,
            running: TaskTracker::new(),
            policy: Policy::STRICT,
            cookie_prefix: Prefix::default(),
            recorder: Recorders::none(),
            shown: None,
            handoffs: None,
        }
    }

    /// The same surroundings, with these defences.
    #[must_use]
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
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
    pub const fn with_cookie_prefix(mut self, prefix: Prefix) -> Self {
        self.cookie_prefix = prefix;
        self
    }

    /// The same surroundings, at a site that has a part in handoffs and gives what it does to a
    /// recorder.
    #[must_use]
    pub fn with_handoffs(mut self, handoffs: Handoffs, recorder: Arc<dyn Recorder>) -> Self {
        self.handoffs = Some(handoffs);
        self.recorder = recorder;
        self
    }

    /// The same surroundings, where what is recorded can be looked at there, if anywhere.
    #[must_use]
    pub fn with_shown(mut self, shown: Option<Arc<dyn Shown>>) -> Self {
        self.shown = shown;
        self
    }

    /// The time at the platform.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// The time as exactly as is known, for what is recorded.
    #[must_use]
    pub fn exactly(&self) -> OffsetDateTime {
        self.clock.exactly()
    }

    /// Waits until no request is under way at this site.
    pub async fn settle(&self) {
        self.running.close();
        self.running.wait().await;
        self.running.reopen();
    }
}

/// The site that the request reached, as its router's handlers know it.
#[derive(Clone, Debug)]
pub struct At<T>(pub T);

impl<T: Clone + Send + Sync + 'static, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<T>() {
            Some(site) => Ok(Self(site.clone())),
            None => Err(Problem::internal(
                "the request did not pass the host routing",
            )),
        }
    }
}

/// The text by which a request is found in the log: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceId(pub Arc<str>);

impl<S: Send + Sync> FromRequestParts<S> for TraceId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self("".into())))
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
