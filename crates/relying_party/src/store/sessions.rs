//! Sessions here (H6), and how a browser signs out.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::SessionId,
    token::{Digest, PreSession},
    uri::Origin,
    wire::UserInfo,
};
use time::{Duration, OffsetDateTime};

use super::{HandoffKey, Owner, Sealed};

/// What a session begins from: a row that is used up as it begins, so that no two sessions begin from
/// one. A sign-out takes these rows away, and with them whatever was about to begin (row 81).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A handoff that was taken and has not finished.
    Handoff {
        /// Which.
        handoff: HandoffKey,
        /// The session that this browser had, of the same person.
        replacing: Option<SessionId>,
    },
    /// The answer yes to "Switch?".
    Waiting {
        /// Whose answer it is: the session that ends.
        current: SessionId,
    },
}

/// What came of a session that was to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// It has begun.
    Begun {
        /// What ended for it: what it replaces, and whatever else was born of the same pre-session.
        ended: Vec<Ended>,
        /// Whether no other handoff of this browser is under way, so that the pre-session's cookie may
        /// go.
        pre_session_over: bool,
    },
    /// What it was to begin from is gone: the browser signed out meanwhile, or answered otherwise.
    /// Nothing was stored.
    TooLate,
    /// Another handoff of this browser has signed another person in meanwhile, who has not been asked.
    /// Nothing was stored.
    SomebodyElse(SessionId),
}

/// A session that has ended, as far as there is something left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its access token, which is to be revoked, sealed as it was kept.
    pub access_token: Sealed,
    /// See [`Session::spare`].
    pub spare: Option<Sealed>,
}

impl From<Session> for Ended {
    fn from(session: Session) -> Self {
        Self {
            access_token: session.access_token,
            spare: session.spare,
        }
    }
}

/// A session here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Verify's `session.id`; sign-out's `sid`.
    pub id: SessionId,
    /// The authorization server that it comes from.
    pub issuer: Origin,
    /// Who is signed in.
    pub user: UserInfo,
    /// The access token, sealed under the cookie of the browser's session.
    pub access_token: Sealed,
    /// The pre-session that it was born of.
    pub browser: Digest<PreSession>,
    /// The access token once more, sealed under the pre-session's cookie: another handoff of the same
    /// browser, which ends this session, does not bring this session's cookie.
    pub spare: Option<Sealed>,
    /// When it began.
    pub created_at: OffsetDateTime,
    /// When it ends at the latest.
    pub expires_at: OffsetDateTime,
    /// When the authorization server last said that it is alive, or was last asked.
    pub checked_at: OffsetDateTime,
}

impl Session {
    /// Whose session it is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            issuer: self.issuer.clone(),
            user: self.user.id,
        }
    }
}

/// Sessions here (H6).
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// H6: uses up what the session begins from, begins it, and ends what this browser had: after
    /// this there is no other session that was born of the same pre-session.
    async fn begin_session(
        &self,
        new: Session,
        source: Source,
        now: OffsetDateTime,
    ) -> Result<Beginning, Unavailable>;

    /// The session with this id, if it has not expired.
    async fn find_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Unavailable>;

    /// Claims the turn to ask the authorization server about a session. True for one caller in
    /// each interval, and for one after the clock was put back, which would make an interval endless.
    async fn mark_checked(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        interval: Duration,
    ) -> Result<bool, Unavailable>;

    /// How many sessions are alive.
    async fn count_sessions(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;

    /// Ends a session, and the one that waits for its answer. Returns the access tokens that are
    /// not needed any more: to one caller, once.
    async fn end_session(&self, id: SessionId) -> Result<Vec<Ended>, Unavailable>;

    /// Signs a browser out: ends this session, every other that was born of its pre-session or of the
    /// one that the browser brings, what waits for their answers, and every handoff under way, also
    /// one that is just finishing (row 81). Returns the access tokens as [`Self::end_session`] does.
    async fn sign_out(
        &self,
        session: Option<SessionId>,
        browser: Option<Digest<PreSession>>,
    ) -> Result<Vec<Ended>, Unavailable>;
}
