//! Handoffs under way, from their start (H2) to the browser's return (H4).

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    token::{Digest, PreSession, State},
    uri::LocalPath,
};
use time::{Duration, OffsetDateTime};

use super::Sealed;

/// H2: a handoff that starts.
#[derive(Clone, Debug)]
pub struct NewHandoff {
    /// The browser that starts it.
    pub browser: Digest<PreSession>,
    /// What ties the answer to it.
    pub state: Digest<State>,
    /// The verifier, sealed under the pre-session's cookie.
    pub verifier: Sealed,
    /// Where the person wants to go.
    pub target: LocalPath,
    /// Whether it was started by itself, for one that came back too late.
    pub again: bool,
    /// When we give up waiting.
    pub expires_at: OffsetDateTime,
}

/// H4: a handoff that came back too late, or whose browser signed out meanwhile. Nothing begins from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateHandoff {
    /// Where the person wants to go.
    pub target: LocalPath,
    /// Whether it was a second start already.
    pub again: bool,
}

/// H4: a handoff that was started by the browser that came back. It is taken once; what is left of it
/// in the store is for [`super::Source::Handoff`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenHandoff {
    /// The verifier, sealed under the pre-session's cookie.
    pub verifier: Sealed,
    /// Where the person wants to go.
    pub target: LocalPath,
    /// When we would have given up waiting.
    pub expires_at: OffsetDateTime,
}

/// How long after H4 a session may begin from a handoff: longer than the back channel ever takes.
pub const FINISHING: Duration = Duration::seconds(60);

/// A handoff of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandoffKey {
    /// The browser.
    pub browser: Digest<PreSession>,
    /// What ties the answer to it.
    pub state: Digest<State>,
}

/// Handoffs under way (H2, H4).
#[async_trait]
pub trait HandoffStore: Send + Sync {
    /// H2: keeps a handoff until the browser is back. Of more than
    /// [`handoff::handoff::STARTED_PER_BROWSER`] of one browser the oldest goes.
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable>;

    /// H4: takes what is left of a handoff that [`Self::take_started`] does not give because it is too late,
    /// or because its browser signed out. It is remembered for [`handoff::handoff::TARGET_LIFETIME`], and
    /// one caller takes it.
    async fn take_late(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<LateHandoff>, Unavailable>;

    /// Whether a handoff is under way in this browser. It takes no turn at writing.
    async fn has_started(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Whether a handoff of this browser is under way, or its target is remembered: for so long the browser
    /// keeps its pre-session. It takes no turn at writing.
    async fn remembers(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// H4: takes the handoff that this browser started with this state, unless it has expired.
    /// One caller takes it, and has [`FINISHING`] to begin a session from it. Where there is none it takes
    /// no turn at writing either, so that junk delays no other verb.
    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable>;
}
