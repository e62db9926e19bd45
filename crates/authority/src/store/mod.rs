//! What the authorization server keeps. Each method is a verb of the business, atomic in itself;
//! handlers never see SQL or a transaction.
//!
//! Adding a verb: write it here with what it decides, then in `sqlite.rs` as one transaction that
//! begins with the conditional statement, then in `memory.rs`, then a test in
//! `tests/conformance.rs`, which runs against both.

mod memory;
mod sqlite;

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    client::{AssignedTo, Client, Icon},
    flow::FlowId,
    handoff::{Launch, Request},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    rejection::Rejection,
    token::{AccessToken, ClientSecret, Digest, HandoffToken, KnownBrowser, LaunchTicket},
    verify::Presented,
    wire::{SessionInfo, UserInfo},
};
pub use memory::Memory;
pub use sqlite::Sqlite;
use time::{Duration, OffsetDateTime};

use crate::{
    people::Email,
    throttle::{Admission, Counter},
};

/// A person who is to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The stable id.
    pub id: UserId,
    /// The address to sign in with.
    pub email: Email,
    /// The name that pages and clients show.
    pub name: String,
    /// The password, hashed (a PHC string).
    pub password_hash: String,
}

/// Whether a person was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Yes.
    New,
    /// Somebody has this address already; nothing was changed.
    EmailTaken,
}

/// Whether a client was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAdded {
    /// Yes.
    New,
    /// There is a client with this id already; nothing was changed.
    IdTaken,
}

/// Whether a client's secret was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSet {
    /// Yes: the old one is refused from now on.
    Done,
    /// There is no such client.
    Unknown,
    /// The client is public: it has no secret, and gets none.
    Public,
}

/// A person as an operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The person.
    pub user: UserInfo,
    /// Whether the person may sign in.
    pub is_active: bool,
    /// When the person was added.
    pub since: OffsetDateTime,
}

/// What a sign-in is decided from.
#[derive(Clone, Debug)]
pub struct Account {
    /// The person.
    pub user: UserInfo,
    /// The password, hashed.
    pub password_hash: String,
    /// Whether the person may sign in.
    pub is_active: bool,
}

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

/// A client's session that is alive, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnClientSession {
    /// Its public id.
    pub id: SessionId,
    /// The client's name.
    pub client_name: String,
    /// When it began.
    pub began: OffsetDateTime,
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

/// So many of a person's handoffs are remembered for them; the oldest goes.
pub const RECENT_PER_PERSON: usize = 10;

/// For so long a person's handoff is remembered for them.
pub const RECENT_FOR: Duration = Duration::days(30);

/// One of a person's last handoffs, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentHandoff {
    /// The client's name.
    pub client_name: String,
    /// Its icon.
    pub icon: Icon,
    /// When the person was to be handed over.
    pub began: OffsetDateTime,
    /// What came of it.
    pub outcome: Outcome,
    /// Under which id it is recorded, if it was remembered with one.
    pub flow: Option<FlowId>,
}

/// A handoff that is to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// Under which id it is recorded.
    pub flow: FlowId,
}

/// What came of a handoff, as far as its owner can make use of it. Which binding was wrong is for the
/// log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The token is on its way, and its time is not over.
    UnderWay,
    /// The client has a session.
    Opened,
    /// What the client presented was not what the token was bound to, or the person might not use it
    /// any more.
    Refused,
    /// The client came after the token's time was over.
    TooLate,
    /// The client never came.
    NotAnswered,
    /// The client had a session, until its token was presented a second time.
    UsedTwice,
    /// The person pressed *Cancel*.
    Declined,
    /// The person may not use the client.
    NotAssigned,
}

impl Outcome {
    /// What is left of a handoff whose token was refused for this, if the refusal was its end.
    fn of(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Expired => Self::TooLate,
            Rejection::Replayed => Self::UsedTwice,
            _ => Self::Refused,
        }
    }

    /// What is left of it at `now`, when its token's time was over at `waits_until`.
    fn by(self, now: OffsetDateTime, waits_until: OffsetDateTime) -> Self {
        match self {
            Self::UnderWay if waits_until <= now => Self::NotAnswered,
            told => told,
        }
    }
}

/// H3: a handoff token that is about to be stored.
#[derive(Clone, Debug)]
pub struct NewHandoff {
    /// The request that it answers.
    pub request: Request,
    /// The token, hashed.
    pub token: Digest<HandoffToken>,
    /// The sign-in of the browser that asks.
    pub sign_in: SignInId,
    /// What shows that the person wants this.
    pub consent: Consent,
}

/// What shows that the person wants to go to the client.
#[derive(Clone, Debug)]
pub enum Consent {
    /// Nothing visible to the handler: a launch ticket, if one came, or a sign-in that was made
    /// for this very request. The store finds out, and uses up what it finds.
    Silent {
        /// The ticket that came with the request.
        launch: Option<Digest<LaunchTicket>>,
        /// The request.
        request: RequestFingerprint,
    },
    /// The person pressed the button on the confirmation page.
    Confirmed,
}

/// What came of H3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuance {
    /// The token is stored.
    Issued,
    /// Nothing shows that the person wants this: ask. Nothing was stored.
    MustAsk,
    /// The person may not use the client. No token was stored.
    NotAssigned,
    /// The sign-in is not alive, or the person is gone. Nothing was stored.
    SignedOut,
}

/// H5: what the client gets if the token is accepted.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// What the client presents.
    pub presented: Presented,
    /// The access token, hashed.
    pub access_token: Digest<AccessToken>,
    /// The id of the session.
    pub session: SessionId,
}

/// H5: what the client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The session.
    pub session: SessionInfo,
    /// The person.
    pub user: UserInfo,
    /// When the person signed in.
    pub auth_time: OffsetDateTime,
    /// How.
    pub amr: Vec<String>,
}

/// A client's session that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSession {
    /// Whose it is among the clients.
    pub client: ClientId,
    /// The session.
    pub session: SessionInfo,
    /// The person.
    pub user: UserInfo,
}

/// Why an access token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// It is unknown, or its session was ended.
    Unknown,
    /// Its time is over.
    Expired,
    /// Its person is gone or disabled, whatever else is over.
    UserGone,
}

/// A touch that would move the end of an idle sign-in by less than this is not worth a write.
pub const TOUCH_STEP: Duration = Duration::seconds(30);

/// When a sign-in that is asked for ends for idleness, if that is worth a write.
fn touched(
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

/// The store of the authorization server.
///
/// Every verb fails with [`Unavailable`] when the store cannot be reached, and then it has changed
/// nothing.
///
/// A verb that refuses something because its time is over makes that final: whoever puts the clock
/// back must not bring it to life.
#[async_trait]
pub trait Store: web::session::Records {
    /// Adds a person, unless the address is taken.
    async fn add_user(&self, new: NewUser, now: OffsetDateTime) -> Result<Added, Unavailable>;

    /// The account with this address.
    async fn find_account(&self, email: &Email) -> Result<Option<Account>, Unavailable>;

    /// Replaces the hash of a person's password by a stronger one of the same password, unless the
    /// old one has been replaced meanwhile: a password that was changed must not come back.
    async fn rehash_password(
        &self,
        user: UserId,
        old: &str,
        new: String,
    ) -> Result<(), Unavailable>;

    /// All people, by address.
    async fn list_users(&self) -> Result<Vec<Listed>, Unavailable>;

    /// Replaces a person's password and ends all their sign-ins with all that hangs on them. Tells
    /// whether there is such a person.
    async fn set_password(
        &self,
        user: UserId,
        password_hash: String,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Disables a person and ends all their sign-ins with all that hangs on them. Tells whether
    /// there is such a person; one who is disabled already stays so since the first time.
    async fn disable_user(&self, user: UserId, now: OffsetDateTime) -> Result<bool, Unavailable>;

    /// Registers a client, in the place of one with the same id.
    async fn put_client(&self, client: &Client) -> Result<(), Unavailable>;

    /// Registers a client that is part of the installation, at every start of the process: as
    /// [`Self::put_client`], but one that is there already keeps who may use it, which is the
    /// operator's to say.
    async fn install_client(&self, client: &Client) -> Result<(), Unavailable>;

    /// Registers a client, unless its id is taken.
    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable>;

    /// All clients, by id.
    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable>;

    /// Replaces the secret of a confidential client.
    async fn set_client_secret(
        &self,
        id: &ClientId,
        secret: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable>;

    /// Says who may use a client, and ends its sessions with everybody else. Tells whether there is
    /// such a client.
    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// The client with this id.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Unavailable>;

    /// Whether a public client lives at this origin, as an `Origin` header says it.
    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable>;

    /// The clients that a person may use, by name.
    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable>;

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

    /// Ends a sign-in: its launch tickets and handoff tokens die, and its clients' sessions end.
    async fn end_sign_in(&self, id: SignInId, now: OffsetDateTime) -> Result<(), Unavailable>;

    /// A person's sign-ins that are alive, the last used first.
    async fn list_sign_ins(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<OwnSignIn>, Unavailable>;

    /// Ends a sign-in as [`Self::end_sign_in`] does, if it is alive and this person's. Tells whether
    /// it was.
    async fn end_own_sign_in(
        &self,
        user: UserId,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Ends a client's session and its access token, if it is alive and this person's. Tells whether
    /// it was.
    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// H1: stores a launch ticket.
    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable>;

    /// H3: stores the token if the sign-in is alive, the person may use the client, and something shows
    /// that they want to ([`Consent`]). The same transaction uses up what showed it, and adds the
    /// handoff to the person's recent ones.
    ///
    /// If the person may not use the client, no token is stored, and the attempt is added to their
    /// recent handoffs.
    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable>;

    /// H3: the person does not want to go to the client, which is remembered for them.
    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// A person's last handoffs, the newest first: at most [`RECENT_PER_PERSON`], none older than
    /// [`RECENT_FOR`], and of those to a client that they may not use one for each.
    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable>;

    /// H5: uses the token up, decides, and makes the client's session, in one. A refusal uses the
    /// token up too, when it was this client's to use by [`handoff::verify::claim`]; a replay with every binding right ends the
    /// session that the first use made.
    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, Rejection>, Unavailable>;

    /// The session behind an access token. Being asked for keeps the sign-in behind it from ending
    /// for idleness, as [`Self::touch_sign_in`] does: a person who works at a client is not idle.
    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable>;

    /// Ends the session behind a client's own access token, if it is alive.
    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Counts an attempt to sign in, by all of these counters in one, unless one of them has to
    /// wait.
    async fn admit_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<Admission, Unavailable>;

    /// Counts an attempt that was admitted for what it turned out to be: its password was wrong.
    async fn fail_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// Takes an attempt back that was admitted: its password was right.
    async fn forgive_attempt(
        &self,
        counters: &[Counter],
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// Whether this person has signed in with this browser before.
    async fn knows_browser(
        &self,
        browser: Digest<KnownBrowser>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Knows that this person has signed in with this browser, for
    /// [`KNOWN_FOR`](crate::throttle::KNOWN_FOR). A browser that went by another value before goes by
    /// the new one from now on, for everybody who signed in with it. Of more than
    /// [`KNOWN_PER_PERSON`](crate::throttle::KNOWN_PER_PERSON) of this person the oldest goes.
    async fn remember_browser(
        &self,
        browser: Digest<KnownBrowser>,
        replacing: Option<Digest<KnownBrowser>>,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;

    /// Deletes what has expired, and of more counters than [`MOST_COUNTERS`](crate::throttle::MOST_COUNTERS) those
    /// that would be forgotten first; tells how many rows.
    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable>;
}
