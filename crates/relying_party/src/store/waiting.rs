//! Sessions that wait for the answer to "Switch from Alice to Bob?" (H6).

use async_trait::async_trait;
use database::Unavailable;
use handoff::{ids::SessionId, uri::LocalPath};
use time::OffsetDateTime;

use super::{HandoffKey, Sealed, Session};

/// H6: a session that waits for "Switch from Alice to Bob?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The session that begins if the answer is yes. Its access token is sealed under the client's
    /// secret.
    pub session: Session,
    /// Where the person wanted to go.
    pub target: LocalPath,
    /// When the question is withdrawn.
    pub wait_until: OffsetDateTime,
}

impl Waiting {
    /// Whether the answer may still be yes.
    #[must_use]
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.wait_until > now && self.session.expires_at > now
    }
}

/// What became of a session that was to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It waits.
    Waits {
        /// The access token of the one that waited before, which is gone.
        displaced: Option<Sealed>,
        /// See [`super::Beginning::Begun`].
        pre_session_over: bool,
    },
    /// The session that it was to wait for has ended: there is no person to ask. Nothing was stored.
    NobodyIsSignedIn,
    /// See [`super::Beginning::TooLate`].
    TooLate,
}

/// Sessions that wait for the answer to "Switch?" (H6).
#[async_trait]
pub trait WaitingStore: Send + Sync {
    /// H6: uses up the handoff, and lets its session wait for the answer of the person who is signed
    /// in.
    async fn keep_waiting(
        &self,
        current: SessionId,
        waiting: Waiting,
        handoff: HandoffKey,
        now: OffsetDateTime,
    ) -> Result<Kept, Unavailable>;

    /// The session that waits for the answer of this one, if it still does.
    async fn find_waiting(
        &self,
        current: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Waiting>, Unavailable>;

    /// Takes the session that waits for the answer of this one, also when it has waited too long:
    /// its access token is to be revoked. One caller takes it.
    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable>;

    /// Takes all sessions that wait in vain, and returns their access tokens, which are to be revoked:
    /// to one caller, once. In vain waits what has waited too long, or expired, or whose current
    /// session has expired.
    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable>;
}
