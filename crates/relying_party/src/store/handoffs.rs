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
    /// When we give up waiting.
    pub expires_at: OffsetDateTime,
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

    /// Whether a handoff is under way in this browser. It takes no turn at writing.
    async fn has_started(
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
