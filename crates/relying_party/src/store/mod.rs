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

/// H4: a handoff that was started by the browser that came back. It is taken once; what is left of it
/// in the store is for [`Source::Handoff`].
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
    /// Another handoff of this browser has signed another person in meanwhile, whom nobody has asked.
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
        /// See [`Beginning::Begun`].
        pre_session_over: bool,
    },
    /// The session that it was to wait for has ended: there is nobody to ask. Nothing was stored.
    NobodyIsSignedIn,
    /// See [`Beginning::TooLate`].
    TooLate,
}

/// What a person keeps here: a note, or a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// What it says.
    pub text: String,
    /// Whether it is done, which only a task can be.
    pub done: bool,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// When its text was last changed.
    pub edited_at: Option<OffsetDateTime>,
}

/// How many items one person may have.
pub const ITEMS_PER_PERSON: usize = 1000;

/// How many of them one page shows. A text may have 4,000 characters and each may take five or more
/// bytes on a page: a page of all of them would have tens of megabytes.
pub const ITEMS_PER_PAGE: usize = 50;

/// One page of what a person keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The items on it.
    pub items: Vec<Item>,
    /// How many there are on all pages.
    pub total: usize,
}

/// An item that was deleted and can be brought back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// It, as it was.
    pub item: Item,
    /// Until when it can be brought back.
    pub undo_until: OffsetDateTime,
}

/// For so long an item that was deleted can be brought back.
pub const UNDO_FOR: Duration = Duration::minutes(10);

/// For so long it counts as just brought back.
pub const JUST_RESTORED_FOR: Duration = Duration::minutes(1);

/// Whether an item was added.
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

    /// Whether a handoff is under way in this browser. It takes no turn at writing.
    async fn has_started(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// H4: takes the handoff that this browser started with this state, unless it has expired.
    /// Whoever takes it is the only one, and has [`FINISHING`] to begin a session from it. Where there
    /// is none it takes no turn at writing either, so that junk keeps nobody waiting.
    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable>;

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

    /// Ends a session, and the one that waits for its answer. Returns the access tokens that nobody
    /// needs any more: to one caller, once.
    async fn end_session(&self, id: SessionId) -> Result<Vec<Ended>, Unavailable>;

    /// Signs a browser out: ends this session, every other that was born of its pre-session or of the
    /// one that the browser brings, what waits for their answers, and every handoff under way, also
    /// one that is just finishing (row 81). Returns the access tokens as [`Self::end_session`] does.
    async fn sign_out(
        &self,
        session: Option<SessionId>,
        browser: Option<Digest<PreSession>>,
    ) -> Result<Vec<Ended>, Unavailable>;

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
    /// its access token is to be revoked. Whoever takes it is the only one.
    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable>;

    /// Takes all sessions that wait in vain, and returns their access tokens, which are to be revoked:
    /// to one caller, once. In vain waits what has waited too long, or expired, or whose current
    /// session has expired.
    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable>;

    /// One page of a person's items, those to do before those that are done, each the newest first.
    /// Pages begin at 0, and whoever asks for one beyond the last gets the last.
    async fn list_items(&self, owner: &Owner, page: u32) -> Result<Listed, Unavailable>;

    /// A person's own item.
    async fn find_item(&self, owner: &Owner, id: ItemId) -> Result<Option<Item>, Unavailable>;

    /// Adds an item, unless its owner has too many. What they have deleted makes room for it, the
    /// first that was deleted first.
    async fn add_item(&self, owner: &Owner, item: Item) -> Result<Added, Unavailable>;

    /// Changes what a person's own item says; tells whether there is such an item.
    async fn edit_item(
        &self,
        owner: &Owner,
        id: ItemId,
        text: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Marks a person's own item as done, or takes that back; tells whether there is such an item.
    async fn tick_item(&self, owner: &Owner, id: ItemId, done: bool) -> Result<bool, Unavailable>;

    /// Deletes a person's own item, which can be brought back for [`UNDO_FOR`]; tells whether there
    /// was one.
    async fn delete_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// A person's own item that was deleted and can be brought back.
    async fn find_deleted(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<Option<Deleted>, Unavailable>;

    /// Brings a person's own item back as it was, unless that is too late; tells whether it is there.
    async fn restore_item(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Whether a person's own item is there and was brought back less than [`JUST_RESTORED_FOR`] ago.
    async fn is_just_restored(
        &self,
        owner: &Owner,
        id: ItemId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Deletes what has expired; tells how many rows. What waits is for [`Store::take_abandoned`],
    /// and until then the session that it waits for stays too.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;
}
