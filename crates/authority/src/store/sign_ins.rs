//! Sign-ins: one browser in which one person is signed in.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::{SignInId, UserId},
    wire::UserInfo,
};
use time::{Duration, OffsetDateTime};

use super::OwnClientSession;

/// Names one authorize request, so that a sign-in made for it can be told from any other.
pub type RequestFingerprint = [u8; 32];

/// A sign-in that begins.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// Its id.
    pub id: SignInId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub at: OffsetDateTime,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// The stored hash that the password was compared with, if it was a password. One that has been
    /// changed since then begins nothing.
    pub compared_with: Option<String>,
    /// The authorize request that the person signed in for, if there was one. It counts as the
    /// click that the request needs, once.
    pub signed_in_for: Option<RequestFingerprint>,
    /// When it ends at the latest.
    pub expires_at: OffsetDateTime,
    /// When it ends, if nothing happens.
    pub idle_until: OffsetDateTime,
    /// The browser, in a few words for its owner to know it by.
    pub browser: String,
}

/// A sign-in that is alive, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSignIn {
    /// Its id.
    pub id: SignInId,
    /// The browser.
    pub browser: String,
    /// When it began.
    pub began: OffsetDateTime,
    /// When it was last used, here or at a client; up to [`TOUCH_STEP`] too early.
    pub last_used: OffsetDateTime,
    /// The clients' sessions that it gave and that are alive, in the order in which they began.
    pub sessions: Vec<OwnClientSession>,
}

/// Which of a person's sign-ins end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one but the one that asks.
    Others,
    /// Every one.
    All,
}

/// Whether a sign-in began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Began {
    /// Yes.
    Yes,
    /// The password was changed after it was compared, or the person is disabled or gone. Nothing
    /// was stored, and nothing ended.
    Refused,
}

/// A sign-in that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// Who is signed in.
    pub user: UserInfo,
    /// When the person signed in.
    pub auth_time: OffsetDateTime,
    /// When it ends at the latest.
    pub expires_at: OffsetDateTime,
    /// When the person had signed in before that, with whatever browser; none is the first time.
    pub previous: Option<OffsetDateTime>,
}

/// A touch that would move the end of an idle sign-in by less than this is not worth a write.
pub const TOUCH_STEP: Duration = Duration::seconds(30);

/// When a sign-in that is asked for ends for idleness, if that is worth a write.
pub(super) fn touched(
    idle_until: OffsetDateTime,
    now: OffsetDateTime,
    idle: Duration,
) -> Option<OffsetDateTime> {
    let until = now + idle;
    // A quarter at most: by whole steps, an idle time shorter than one would never be extended.
    let step = TOUCH_STEP.min(idle / 4);
    // In both directions: after the clock is put back, the end is as far away as ever.
    ((until - idle_until).abs() >= step).then_some(until)
}

/// Sign-ins: one browser in which one person is signed in.
#[async_trait]
pub trait SignInStore: Send + Sync {
    /// Begins a sign-in, unless the password that it was made with has been changed or the person
    /// disabled meanwhile. The one that this browser had before ends with all that hangs on it.
    async fn begin_sign_in(
        &self,
        new: NewSignIn,
        replacing: Option<SignInId>,
    ) -> Result<Began, Unavailable>;

    /// The sign-in, if it is alive. Being asked for keeps it so, for `idle` from now on, less at
    /// most [`TOUCH_STEP`].
    async fn touch_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Option<SignIn>, Unavailable>;

    /// How many sign-ins are alive.
    async fn count_sign_ins(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;

    /// Ends a sign-in: its launch tickets and handoff tokens die, and its clients' sessions end. Tells the
    /// clients whose sessions were alive, by name, each once.
    async fn end_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<Vec<String>, Unavailable>;

    /// Ends all sign-ins of a person as [`Self::end_sign_in`] does, or all but `by`. Nothing ends, and the
    /// answer is none, unless `by` is alive and this person's.
    async fn end_own_sign_ins(
        &self,
        user: UserId,
        by: SignInId,
        which: Which,
        now: OffsetDateTime,
    ) -> Result<Option<Vec<String>>, Unavailable>;

    /// A person's sign-ins that are alive, the last used first.
    async fn list_sign_ins(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<OwnSignIn>, Unavailable>;

    /// Ends a sign-in as [`Self::end_sign_in`] does, if it is alive and this person's. None if
    /// it was not.
    async fn end_own_sign_in(
        &self,
        user: UserId,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<Option<Vec<String>>, Unavailable>;
}
