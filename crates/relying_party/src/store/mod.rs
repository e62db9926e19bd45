//! What the relying party keeps. Each method is a verb of the business, atomic in itself; handlers
//! never see SQL or a transaction.
//!
//! What must be readable again (a verifier, an access token) comes here [`Sealed`] under a key that
//! only the browser's cookie gives, so the store alone opens nothing.
//!
//! Adding a verb: write it here with what it decides, then in `sqlite.rs` as one transaction that
//! begins with the conditional statement, then in `memory.rs`, then a test in
//! `tests/conformance.rs`, which runs against both.

mod memory;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::{ItemId, SessionId, UserId},
    token::{Digest, PreSession, State},
    uri::{LocalPath, Origin},
    wire::UserInfo,
};
pub use memory::Memory;
pub use sqlite::Sqlite;
use time::{Duration, OffsetDateTime};

/// A secret in a box that [`web::seal`] made.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

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

/// H4: a handoff that was started by the browser that came back. It is in the store no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenHandoff {
    /// The verifier, sealed under the pre-session's cookie.
    pub verifier: Sealed,
    /// Where the person wants to go.
    pub target: LocalPath,
    /// When we would have given up waiting.
    pub expires_at: OffsetDateTime,
}

/// Whose something is. Never an e-mail address: those are given to somebody else one day.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Who says so.
    pub issuer: Origin,
    /// The person there.
    pub user: UserId,
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

/// H6: a session that waits for "Switch from Alice to Bob?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The session that begins if the answer is yes. Its access token is sealed under the cookie
    /// of the session that is there now.
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
    },
    /// The session that it was to wait for has ended: there is nobody to ask. Nothing was stored.
    NobodyIsSignedIn,
}

/// A note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: ItemId,
    /// What it says.
    pub text: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: ItemId,
    /// What is to do.
    pub text: String,
    /// Whether it is done.
    pub done: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
}

/// How many notes, and how many tasks, one person may have: a page shows them all.
pub const ITEMS_PER_PERSON: usize = 1000;

/// Whether a note or a task was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Yes.
    Yes,
    /// The person has [`ITEMS_PER_PERSON`] of them already; nothing was changed.
    Full,
}

/// The store of the relying party.
///
/// Every verb fails with [`Unavailable`] when the store cannot be reached, and then it has changed
/// nothing.
///
/// A verb that refuses something because its time is over makes that final: whoever puts the clock
/// back must not bring it to life.
#[async_trait]
pub trait Store: web::session::Records {
    /// H2: keeps a handoff until the browser is back. Of more than
    /// [`handoff::handoff::STARTED_PER_BROWSER`] of one browser the oldest goes.
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable>;

    /// H4: takes the handoff that this browser started with this state, unless it has expired.
    /// Whoever takes it is the only one.
    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable>;

    /// H6: forgets a browser's pre-session, unless another handoff is under way under it. Tells
    /// whether it is forgotten, so that its cookie may go too.
    async fn end_pre_session(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// H6: begins a session, in the place of the one that this browser had. Returns the access
    /// tokens that nobody needs any more.
    async fn begin_session(
        &self,
        new: Session,
        replacing: Option<SessionId>,
    ) -> Result<Vec<Sealed>, Unavailable>;

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

    /// Ends a session, and the one that waits for its answer. Returns the access tokens that nobody
    /// needs any more: to one caller, once.
    async fn end_session(&self, id: SessionId) -> Result<Vec<Sealed>, Unavailable>;

    /// H6: lets a session wait for the answer of the person who is signed in.
    async fn keep_waiting(&self, current: SessionId, waiting: Waiting)
    -> Result<Kept, Unavailable>;

    /// The session that waits for the answer of this one, if it still does.
    async fn find_waiting(
        &self,
        current: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Waiting>, Unavailable>;

    /// Takes the session that waits for the answer of this one, also when it has waited too long:
    /// its access token is to be revoked. Whoever takes it is the only one.
    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable>;

    /// Takes all sessions that have waited too long, and returns their access tokens, which are to be
    /// revoked: to one caller, once.
    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable>;

    /// A person's notes, the newest first.
    async fn list_notes(&self, owner: &Owner) -> Result<Vec<Note>, Unavailable>;

    /// Adds a note, unless its owner has too many.
    async fn add_note(&self, owner: &Owner, note: Note) -> Result<Added, Unavailable>;

    /// Deletes a person's own note; tells whether there was one.
    async fn delete_note(&self, owner: &Owner, id: ItemId) -> Result<bool, Unavailable>;

    /// A person's tasks, done or not, the newest first.
    async fn list_tasks(&self, owner: &Owner) -> Result<Vec<Task>, Unavailable>;

    /// Adds a task, unless its owner has too many.
    async fn add_task(&self, owner: &Owner, task: Task) -> Result<Added, Unavailable>;

    /// Ticks a person's own task off, or takes that back; tells whether there is such a task.
    async fn tick_task(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable>;

    /// Deletes a person's own task; tells whether there was one.
    async fn delete_task(&self, owner: &Owner, id: ItemId) -> Result<bool, Unavailable>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Deletes what has expired; tells how many rows. What waited too long is for
    /// [`Store::take_abandoned`].
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;
}
