//! What every test starts from: an open store, two people, two clients, and the valid case of each
//! step, so that a test can change one thing.

use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use authority::{
    people::Email,
    store::{
        Added, Began, Consent, Issuance, Memory, NewHandoff, NewSignIn, NewUser, NoSession,
        NotRedeemed, Redeemed, Redemption, RequestFingerprint, Revision, Sqlite, Store,
    },
};
use database::Settings;
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    handoff::{Handoff, Launch, Request},
    ids::{ClientId, SessionId, SignInId, UserId},
    policy::Policy,
    refusal_reason::RefusalReason,
    token::{
        AccessToken, ClientSecret, Digest, HandoffToken, LaunchTicket, Secret, State, Verifier,
    },
    verify::{Presented, Proof},
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime, macros::datetime};

/// When everything begins.
pub(crate) const START: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);
/// How long a sign-in may be left alone.
pub(crate) const IDLE: Duration = Duration::minutes(30);
/// How long a sign-in lasts at most.
pub(crate) const ABSOLUTE: Duration = Duration::hours(12);

pub(crate) const NOTES: &str = "notes";
pub(crate) const TASKS: &str = "tasks";
pub(crate) const CALLBACK: &str = "http://notes.localhost:4000/callback";
pub(crate) const REQUEST: RequestFingerprint = [1; 32];

/// The shortest time that a store must tell apart.
pub(crate) const TICK: Duration = Duration::milliseconds(1);

pub(crate) fn seconds(seconds: i64) -> Duration {
    Duration::seconds(seconds)
}

/// A kind of store. Another one has to say only how an empty one is made.
#[async_trait]
pub(crate) trait Fixture: Sized + Send + Sync {
    /// An empty store that nobody else uses.
    async fn create() -> Self;

    /// The store, opened; each call opens it once more, as another process would.
    async fn open(&self) -> Arc<dyn Store>;
}

/// In memory: nothing can open it a second time.
pub(crate) struct InMemory(Arc<Memory>);

#[async_trait]
impl Fixture for InMemory {
    async fn create() -> Self {
        Self(Arc::default())
    }

    async fn open(&self) -> Arc<dyn Store> {
        self.0.clone()
    }
}

/// A file in a folder of its own, which goes with the test.
pub(crate) struct SqliteFile(TempDir);

impl SqliteFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("authority.db")
    }
}

#[async_trait]
impl Fixture for SqliteFile {
    async fn create() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(Sqlite::open(&self.path()).await.unwrap())
    }
}

/// The same, whose writer takes one verb at a time.
pub(crate) struct SqliteOneByOne(TempDir);

#[async_trait]
impl Fixture for SqliteOneByOne {
    async fn create() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn open(&self) -> Arc<dyn Store> {
        let settings = Settings {
            batch: 1,
            ..Settings::default()
        };
        let path = self.0.path().join("authority.db");
        Arc::new(Sqlite::open_with(&path, settings).await.unwrap())
    }
}

/// An open store, with Alice and Bob, and the clients *notes* and *tasks* for everyone.
pub(crate) struct World<F> {
    pub(crate) fixture: F,
    pub(crate) people: People,
}

/// The part of [`World`] that is the same for every store, and that tasks can share.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) alice: UserId,
    pub(crate) bob: UserId,
    minted: Arc<AtomicU64>,
}

impl<F> Deref for World<F> {
    type Target = People;
    fn deref(&self) -> &People {
        &self.people
    }
}

impl<F: Fixture> World<F> {
    pub(crate) async fn open(fixture: F) -> Self {
        let people = People {
            store: fixture.open().await,
            alice: UserId::mint([0xa1; 16]),
            bob: UserId::mint([0xb0; 16]),
            minted: Arc::default(),
        };
        for new in [new_user(people.alice, "alice"), new_user(people.bob, "bob")] {
            let added = people.store.add_user(new, START).await.unwrap();
            assert_eq!(added, Added::New);
        }
        for id in [NOTES, TASKS] {
            people.assign(id, AssignedTo::Everyone).await;
        }
        Self { fixture, people }
    }
}

pub(crate) fn email(name: &str) -> Email {
    Email::parse(&format!("{name}@harbor.example")).unwrap()
}

pub(crate) fn new_user(id: UserId, name: &str) -> NewUser {
    NewUser {
        id,
        email: email(name),
        name: format!("{name} of Harbor"),
        password_hash: format!("hash of {name}"),
    }
}

pub(crate) fn id(client: &str) -> ClientId {
    ClientId::parse(client).unwrap()
}

/// A confidential client like any other.
pub(crate) fn new_client(client: &str, assigned_to: AssignedTo) -> Client {
    let origin = format!("http://{client}.localhost:4000");
    Client::register(Registration {
        id: id(client),
        name: client,
        description: "A client",
        icon: Icon::default(),
        kind: Kind::Confidential {
            secret: ClientSecret::mint([7; 32]).digest(),
        },
        origin: &origin,
        redirect_uris: &[&format!("{origin}/callback")],
        initiate_login_uri: &format!("{origin}/handoff/start"),
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to,
    })
    .unwrap()
}

/// H3 done: all that a client has in hand, and that it must present.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) client: ClientId,
    pub(crate) proof: Proof,
    pub(crate) token: HandoffToken,
    pub(crate) state: State,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) lifetime: HandoffLifetime,
}

impl Sent {
    /// The valid case.
    pub(crate) fn presented(&self) -> Presented {
        Presented {
            client: self.client.clone(),
            proof: self.proof,
            token: (&self.token).into(),
            state: (&self.state).into(),
            redirect_uri: Some(CALLBACK.to_owned()),
            verifier: self.verifier.as_ref().map(Into::into),
        }
    }

    /// The request that a token for it answers.
    pub(crate) fn request(&self) -> Request {
        Request {
            client: self.client.clone(),
            redirect_uri: CALLBACK.to_owned(),
            state: self.state.digest(),
            challenge: self.verifier.as_ref().map(Verifier::challenge),
            lifetime: self.lifetime,
        }
    }

    /// What a store should have made of it.
    pub(crate) fn stored(&self, sign_in: SignInId, user: UserId, at: OffsetDateTime) -> Handoff {
        let token = self.token.digest();
        Handoff::Issued(self.request().issue(token, sign_in, user, at))
    }
}

/// One thing that can be wrong with what is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Token,
    Client,
    State,
    RedirectUri,
    NoRedirectUri,
    Verifier,
    NoVerifier,
}

impl Wrong {
    pub(crate) const ALL: [Self; 7] = [
        Self::Token,
        Self::Client,
        Self::State,
        Self::RedirectUri,
        Self::NoRedirectUri,
        Self::Verifier,
        Self::NoVerifier,
    ];

    /// The bindings: what a client that holds its own token can get wrong.
    pub(crate) const BINDINGS: &[Self] = Self::ALL.split_at(2).1;

    /// The valid case with this one thing changed.
    pub(crate) fn of(self, sent: &Sent) -> Presented {
        let mut presented = sent.presented();
        self.spoil(&mut presented);
        presented
    }

    pub(crate) fn spoil(self, presented: &mut Presented) {
        match self {
            Self::Token => presented.token = (&HandoffToken::mint([9; 32])).into(),
            Self::Client => presented.client = id(TASKS),
            Self::State => presented.state = (&State::mint([9; 32])).into(),
            Self::RedirectUri => presented.redirect_uri = Some(format!("{CALLBACK}/")),
            Self::NoRedirectUri => presented.redirect_uri = None,
            Self::Verifier => presented.verifier = Some((&Verifier::mint([9; 32])).into()),
            Self::NoVerifier => presented.verifier = None,
        }
    }
}

/// What came of one redemption, and the access token that it was to give.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) outcome: Result<Redeemed, RefusalReason>,
    pub(crate) session: SessionId,
    pub(crate) access: Digest<AccessToken>,
}

impl Attempt {
    pub(crate) fn rejection(&self) -> Option<RefusalReason> {
        self.outcome.as_ref().err().copied()
    }

    #[track_caller]
    pub(crate) fn accepted(&self) -> &Redeemed {
        self.outcome.as_ref().expect("the token is accepted")
    }
}

impl People {
    /// Bytes that no other call gives.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..8].copy_from_slice(&self.minted.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes
    }

    /// One more person.
    pub(crate) async fn newcomer(&self) -> UserId {
        let random: [u8; 16] = self.random();
        let id = UserId::mint(random);
        let new = new_user(id, &format!("person-{}", u128::from_be_bytes(random)));
        assert_eq!(self.store.add_user(new, START).await.unwrap(), Added::New);
        id
    }

    pub(crate) async fn assign(&self, client: &str, assigned_to: AssignedTo) {
        let client = new_client(client, assigned_to);
        self.store.put_client(&client).await.unwrap();
    }

    /// The ids of the clients, as the operator sees them.
    pub(crate) async fn client_ids(&self) -> Vec<String> {
        let clients = self.store.list_clients().await.unwrap();
        clients.into_iter().map(|client| client.id.into()).collect()
    }

    pub(crate) fn new_sign_in(&self, user: UserId, at: OffsetDateTime) -> NewSignIn {
        NewSignIn {
            id: SignInId::mint(self.random()),
            user,
            at,
            amr: vec!["pwd".to_owned()],
            compared_with: None,
            signed_in_for: None,
            expires_at: at + ABSOLUTE,
            idle_until: at + IDLE,
            browser: "Firefox on Linux".to_owned(),
        }
    }

    pub(crate) async fn begin(&self, new: NewSignIn) -> SignInId {
        let id = new.id;
        let began = self.store.begin_sign_in(new, None).await.unwrap();
        assert_eq!(began, Began::Yes);
        id
    }

    pub(crate) async fn sign_in(&self, user: UserId) -> SignInId {
        self.begin(self.new_sign_in(user, START)).await
    }

    pub(crate) async fn is_signed_in(&self, sign_in: SignInId, now: OffsetDateTime) -> bool {
        let found = self.store.touch_sign_in(sign_in, now, IDLE).await.unwrap();
        found.is_some()
    }

    /// H1.
    pub(crate) async fn launch(
        &self,
        sign_in: SignInId,
        client: &str,
        at: OffsetDateTime,
    ) -> Digest<LaunchTicket> {
        let ticket = LaunchTicket::mint(self.random());
        let launch = Launch::new(&ticket, sign_in, id(client), at);
        self.store.issue_launch(launch).await.unwrap();
        ticket.digest()
    }

    /// What the client *notes* begins a handoff with.
    ///
    /// A store knows a public client by [`Sent::proof`] alone: how it was shown who asks is what
    /// counts, not how the client is registered by then.
    pub(crate) fn started(&self) -> Sent {
        Sent {
            client: id(NOTES),
            proof: Proof::Credential,
            token: HandoffToken::mint(self.random()),
            state: State::mint(self.random()),
            verifier: Some(Verifier::mint(self.random())),
            lifetime: HandoffLifetime::default(),
        }
    }

    /// H3 for what a client began.
    pub(crate) async fn issue(
        &self,
        started: &Sent,
        sign_in: SignInId,
        consent: Consent,
        now: OffsetDateTime,
    ) -> Issuance {
        let revision = self.revision(&started.client).await;
        self.issue_for(revision, started, sign_in, consent, now)
            .await
    }

    /// H3 for a request that was held against this version of its client's record.
    pub(crate) async fn issue_for(
        &self,
        client_revision: Revision,
        started: &Sent,
        sign_in: SignInId,
        consent: Consent,
        now: OffsetDateTime,
    ) -> Issuance {
        let issue = NewHandoff {
            request: started.request(),
            client_revision,
            token: started.token.digest(),
            sign_in,
            consent,
        };
        self.store.issue_handoff(issue, now).await.unwrap()
    }

    /// H3 for a new handoff of *notes*, with no more than this to show for it.
    pub(crate) async fn issue_silently(
        &self,
        sign_in: SignInId,
        launch: Option<Digest<LaunchTicket>>,
        now: OffsetDateTime,
    ) -> Issuance {
        let consent = Consent::Silent {
            launch,
            request: REQUEST,
        };
        self.issue(&self.started(), sign_in, consent, now).await
    }

    /// H3 for what a client began, with nothing wrong.
    pub(crate) async fn sent(&self, started: &Sent, sign_in: SignInId, now: OffsetDateTime) {
        let issuance = self.issue(started, sign_in, Consent::Confirmed, now).await;
        assert_eq!(issuance, Issuance::Issued);
    }

    /// The valid case up to H3.
    pub(crate) async fn send(&self, sign_in: SignInId, now: OffsetDateTime) -> Sent {
        let started = self.started();
        self.sent(&started, sign_in, now).await;
        started
    }

    /// The version of a client's record as it is now; of a client that is not there, any.
    pub(crate) async fn revision(&self, client: &ClientId) -> Revision {
        let known = self.store.read_client(client).await.unwrap();
        known.map(|known| known.revision).unwrap_or_default()
    }

    /// H5.
    pub(crate) async fn redeem(&self, presented: Presented, now: OffsetDateTime) -> Attempt {
        self.redeem_by(&Policy::STRICT, presented, now).await
    }

    /// H5 by a client whose credential was held against this version of its record.
    pub(crate) async fn redeem_for(
        &self,
        client_revision: Revision,
        presented: Presented,
    ) -> Result<Redeemed, NotRedeemed> {
        let redemption = Redemption {
            presented,
            client_revision,
            access_token: AccessToken::mint(self.random()).digest(),
            session: SessionId::mint(self.random()),
        };
        let policy = &Policy::STRICT;
        let redeemed = self.store.redeem_handoff(redemption, START, policy).await;
        redeemed.unwrap()
    }

    pub(crate) async fn redeem_by(
        &self,
        policy: &Policy,
        presented: Presented,
        now: OffsetDateTime,
    ) -> Attempt {
        let session = SessionId::mint(self.random());
        let access = AccessToken::mint(self.random()).digest();
        let redemption = Redemption {
            client_revision: self.revision(&presented.client).await,
            presented,
            access_token: access,
            session,
        };
        let outcome = self.store.redeem_handoff(redemption, now, policy).await;
        let outcome = outcome.unwrap().map_err(|refused| match refused {
            NotRedeemed::Refused(reason) => reason,
            NotRedeemed::ClientChanged => panic!("the client was read just now"),
        });
        Attempt {
            outcome,
            session,
            access,
        }
    }

    /// The valid case up to H5: a session at *notes*.
    pub(crate) async fn redeemed(&self, sign_in: SignInId, now: OffsetDateTime) -> Attempt {
        let sent = self.send(sign_in, now).await;
        let attempt = self.redeem(sent.presented(), now).await;
        attempt.accepted();
        attempt
    }

    /// Why an access token opens nothing, or nothing if it does open its session.
    pub(crate) async fn closed(
        &self,
        access: Digest<AccessToken>,
        now: OffsetDateTime,
    ) -> Option<NoSession> {
        let found = self.store.find_client_session(access, now, IDLE).await;
        found.unwrap().err()
    }
}
