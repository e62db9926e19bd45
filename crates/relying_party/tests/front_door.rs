//! The site through its router, with a person who is signed in. The handoff itself is tested with
//! the real authorization server, in the server's tests.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
    routing::post,
};
use handoff::{
    ids::{ClientId, ItemId, SessionId, UserId},
    token::{ClientSecret, PreSession, Secret, State},
    uri::{LocalPath, Origin},
    wire::{UserInfo, path},
};
use relying_party::{
    Application, RelyingParty, Settings,
    identity::MAX_RECHECK,
    store::{
        Beginning, HandoffKey, Item, Kept, Memory, NewHandoff, Owner, Sealed, Session,
        SessionStore, Source, Sqlite, Store, Waiting, WaitingStore,
    },
};
use sqlx::{Connection, SqliteConnection};
use time::{Duration, OffsetDateTime, macros::datetime};
use tower::ServiceExt;
use ui::shell::Assets;
use web::{
    clock::{Clock, ManualClock},
    csrf,
    peer::Peer,
    rng::{Randomness, SystemRandomness},
    seal,
    session::Sessions,
    site::Site,
};

const SECRET: [u8; 32] = [1; 32];
const SESSION_COOKIE: &str = "__Host-rp_session";

pub(crate) struct World {
    site: RelyingParty,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    issuer: Origin,
    /// The session cookie of Alice, who is signed in.
    pub(crate) alice: String,
}

impl World {
    pub(crate) async fn of(application: Application) -> Self {
        // A port where nobody listens: the authorization server is away.
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        Self::open(
            application,
            Arc::new(Memory::default()),
            nobody.port(),
            MAX_RECHECK,
        )
        .await
    }

    /// Notes.
    pub(crate) async fn new() -> Self {
        Self::of(Application::Notes).await
    }

    /// Notes over this store, with its authorization server at this port.
    pub(crate) async fn over(store: Arc<dyn Store>, port: u16) -> Self {
        Self::open(Application::Notes, store, port, MAX_RECHECK).await
    }

    async fn open(
        application: Application,
        store: Arc<dyn Store>,
        port: u16,
        recheck: Duration,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)));
        let shared: Arc<dyn Clock> = clock.clone();
        let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let settings = Settings {
            application,
            client_id: ClientId::parse("notes").unwrap(),
            client_secret: ClientSecret::mint(SECRET),
            origin: Origin::parse("http://notes.localhost:4000").unwrap(),
            issuer: Origin::parse(&format!("http://auth.localhost:{port}")).unwrap(),
            authority_name: "Harbor ID".to_owned(),
            authority_ca: None,
            assets: Assets::default(),
            policy: handoff::policy::Policy::STRICT,
            cookie_prefix: web::cookies::Prefix::default(),
            recheck,
            recorder: recording::recorder::Recorders::none(),
            flow_links: None,
            max_keys: web::limits::MAX_KEYS,
        };
        let issuer = settings.issuer.clone();
        let site = RelyingParty::new(settings, store.clone(), shared, random);

        let mut world = Self {
            site,
            store,
            clock,
            issuer,
            alice: String::new(),
        };
        world.sign_in(SessionId::mint([1; 16])).await;
        world
    }

    /// A session of Alice's begins; another that her browser had ends.
    async fn sign_in(&mut self, id: SessionId) {
        self.alice = self.session_of(id, user(1, "Alice Moreau")).await;
    }

    /// The session cookie of this person, whose session begins in a browser of their own.
    pub(crate) async fn session_of(&self, id: SessionId, user: UserInfo) -> String {
        let Self {
            store,
            clock,
            issuer,
            ..
        } = self;
        let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let shared: Arc<dyn Clock> = clock.clone();
        let sessions = Sessions::new(SESSION_COOKIE, store.clone(), shared, random.clone());
        let until = clock.now() + Duration::hours(1);
        let record = sessions.mint(&web::cookies::Cookies::default());
        let cookie = record.cookie_value();
        let sealed = seal::seal("alices-token", &cookie, "access token", &*random);
        let session = Session {
            id,
            issuer: issuer.clone(),
            browser: PreSession::mint([user_number(&user); 32]).digest(),
            user,
            access_token: Sealed(sealed),
            spare: None,
            created_at: clock.now(),
            expires_at: until,
            checked_at: clock.now(),
        };
        begin(&**store, session).await;
        sessions.begin_with(record, id, until).await.unwrap();
        cookie
    }

    async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Response {
        let cookie = format!("{SESSION_COOKIE}={}", self.alice);
        self.send_from(&cookie, method, path, fields).await
    }

    /// The same for a browser that has this cookie.
    pub(crate) async fn send_from(
        &self,
        cookie: &str,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        self.send_over(1, cookie, method, path, fields).await
    }

    /// The same over the network of this number.
    async fn send_over(
        &self,
        network: u8,
        cookie: &str,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let body = handoff::uri::with_query("", fields);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.trim_start_matches('?').to_owned()))
            .unwrap();
        request.extensions_mut().insert(self.site.context().clone());
        request.extensions_mut().insert(self.site.clone());
        let peer = Peer(Ipv4Addr::new(192, 0, 2, network).into());
        request.extensions_mut().insert(peer);
        relying_party::router(self.site.application())
            .oneshot(request)
            .await
            .unwrap()
    }

    /// H2 or H4 of a browser with this cookie.
    async fn navigate(&self, network: u8, cookie: &str, path: &str) -> Response {
        self.send_over(network, cookie, Method::GET, path, &[])
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        read(self.send(Method::GET, path, &[]).await).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let csrf = csrf::token(&self.alice, &SystemRandomness);
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.send(Method::POST, path, &fields).await
    }
}

/// A handoff of the session's browser that has just come back.
async fn taken(store: &dyn Store, session: &Session, now: OffsetDateTime) -> HandoffKey {
    let handoff = HandoffKey {
        browser: session.browser,
        state: State::mint([9; 32]).digest(),
    };
    let new = NewHandoff {
        browser: handoff.browser,
        state: handoff.state,
        verifier: Sealed(Vec::new()),
        target: LocalPath::root(),
        again: false,
        expires_at: now + Duration::minutes(5),
    };
    store.start_handoff(new, now).await.unwrap();
    let taken = store.take_started(handoff.browser, handoff.state, now);
    assert!(taken.await.unwrap().is_some());
    handoff
}

async fn begin(store: &dyn Store, session: Session) {
    let now = session.created_at;
    let source = Source::Handoff {
        handoff: taken(store, &session, now).await,
        replacing: None,
    };
    let begun = store.begin_session(session, source, now).await.unwrap();
    assert!(matches!(begun, Beginning::Begun { .. }), "{begun:?}");
}

/// The byte that the id of a [`user`] is made of.
fn user_number(user: &UserInfo) -> u8 {
    match user.name.as_str() {
        "Alice Moreau" => 1,
        _ => 2,
    }
}

pub(crate) fn user(id: u8, name: &str) -> UserInfo {
    UserInfo {
        id: UserId::mint([id; 16]),
        email: "somebody@harbor.example".to_owned(),
        name: name.to_owned(),
        email_verified: true,
    }
}

pub(crate) async fn read(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 8 << 20)
        .await
        .unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_note_that_is_refused_stays_in_the_form_with_the_reason() {
    let world = World::new().await;
    let too_long = "é".repeat(4001);
    for (text, reason) in [
        ("  ", "Write something first."),
        (
            &*too_long,
            "A note has at most 4000 characters; this one has 4001.",
        ),
        ("a page\u{c}break", "control character"),
    ] {
        let answer = world.post("/notes", &[("text", text)]).await;
        let (status, body) = read(answer).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(body.contains(reason), "{reason}: {body}");
        assert!(body.contains(text.trim()), "the draft is kept: {body}");
    }
    let (_, body) = world.get("/").await;
    assert!(body.contains("No notes yet."), "{body}");

    let answer = world.post("/notes", &[("text", "one\r\ntwo")]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let (_, body) = world.get("/").await;
    assert!(body.contains("one\ntwo"), "{body}");
    assert!(body.contains("21 November 2026, 03:00 UTC"), "{body}");
}

#[tokio::test]
async fn a_task_is_added_ticked_off_taken_back_and_deleted() {
    let world = World::of(Application::Tasks).await;
    let (_, body) = world.get("/").await;
    assert!(body.contains("No tasks yet."), "{body}");
    assert!(body.contains("favicon-tick.svg"), "{body}");
    for (text, reason) in [
        ("  ", "Write something first."),
        (
            &*"é".repeat(201),
            "A task has at most 200 characters; this one has 201.",
        ),
        ("one\ntwo", "control character"),
    ] {
        let answer = world.post("/tasks", &[("text", text)]).await;
        let (status, body) = read(answer).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(body.contains(reason), "{reason}: {body}");
        assert!(body.contains(text.trim()), "the draft is kept: {body}");
    }
    let answer = world.post("/tasks", &[("text", " buy <milk> ")]).await;
    assert_eq!(answer.headers()[header::LOCATION], "/");
    let (_, body) = world.get("/").await;
    assert!(body.contains("Mark done: buy &lt;milk&gt;"), "{body}");
    let (_, path) = body.split_once("action=\"/tasks/").unwrap();
    let (id, _) = path.split_once("/tick\"").unwrap();

    for (done, name) in [
        ("true", "Mark not done"),
        ("true", "Mark not done"),
        ("false", "Mark done"),
    ] {
        let path = format!("/tasks/{id}/tick");
        let answer = world.post(&path, &[("done", done)]).await;
        assert_eq!(answer.headers()[header::LOCATION], "/");
        let (_, body) = world.get("/").await;
        assert!(body.contains(&format!("{name}: buy")), "{done}: {body}");
    }
    // A double click loses nothing of what the page says.
    for _ in 0..2 {
        let answer = world.post(&format!("/tasks/{id}/delete"), &[]).await;
        let told = format!("/?deleted={id}");
        assert_eq!(answer.headers()[header::LOCATION], *told);
        let (_, body) = world.get(&told).await;
        assert!(body.contains("No tasks yet."), "{body}");
        assert!(body.contains("You deleted the task"), "{body}");
        assert!(body.contains("buy &lt;milk&gt;"), "{body}");
    }
    for _ in 0..2 {
        let answer = world.post(&format!("/tasks/{id}/restore"), &[]).await;
        let told = format!("/?restored={id}");
        assert_eq!(answer.headers()[header::LOCATION], *told);
        let (_, body) = world.get(&told).await;
        assert!(body.contains("The task is back."), "{body}");
        assert!(body.contains("Mark done: buy &lt;milk&gt;"), "{body}");
    }
    let (_, body) = world.get(&format!("/?deleted={id}")).await;
    assert!(!body.contains("You deleted"), "nothing to undo: {body}");
}

#[tokio::test]
async fn what_was_written_can_be_changed() {
    for (application, path, noun) in [
        (Application::Notes, "/notes", "note"),
        (Application::Tasks, "/tasks", "task"),
    ] {
        let world = World::of(application).await;
        world.post(path, &[("text", "buy <milk>")]).await;
        let (_, body) = world.get("/").await;
        let (_, link) = body.split_once(&format!("href=\"{path}/")).unwrap();
        let (id, _) = link.split_once("/edit\"").unwrap();
        let edit = format!("{path}/{id}/edit");
        let (status, body) = world.get(&edit).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert!(body.contains(&format!("Edit {noun}")), "{body}");
        assert!(body.contains("buy &lt;milk"), "{body}");
        assert!(body.contains("Sign out"), "whose it is: {body}");
        for (text, reason) in [
            (" ", "Write something first."),
            (&*"é".repeat(4001), "at most"),
            ("a\u{b}b", "control character"),
        ] {
            let (status, body) = read(world.post(&edit, &[("text", text)]).await).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
            assert!(body.contains(reason), "{reason}: {body}");
            assert!(body.contains(text.trim()), "what was typed is kept: {body}");
        }
        let answer = world.post(&edit, &[("text", " buy bread ")]).await;
        assert_eq!(answer.headers()[header::LOCATION], "/");
        let (_, body) = world.get("/").await;
        assert!(
            body.contains("buy bread") && !body.contains("milk"),
            "{body}"
        );
        let tells_when = body.contains("Edited ");
        assert_eq!(tells_when, application == Application::Notes, "{body}");

        // Deleted in another window: what was typed is not lost.
        world.post(&format!("{path}/{id}/delete"), &[]).await;
        let (status, _) = world.get(&edit).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let answer = world.post(&edit, &[("text", "buy butter")]).await;
        let (status, body) = read(answer).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
        assert!(body.contains("is no longer there"), "{body}");
        assert!(body.contains("buy butter"), "{body}");
        world.post(&format!("{path}/{id}/restore"), &[]).await;
        let (_, body) = world.get("/").await;
        assert!(body.contains("buy bread"), "{body}");
    }
}

#[tokio::test]
async fn an_application_answers_for_itself_only() {
    for (application, other) in [
        (Application::Notes, "/tasks"),
        (Application::Tasks, "/notes"),
    ] {
        let world = World::of(application).await;
        let answer = world.post(other, &[("text", "x")]).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{other}");
        // The pages that all applications share call it by its name.
        let name = application.name();
        world.post("/logout", &[]).await;
        for (path, words) in [
            ("/", format!("<h1>{name}</h1>")),
            ("/?signed_out=1", format!("You are signed out of {name}.")),
            ("/signin/problem", format!("Back to {name}")),
            ("/nowhere", format!("Go to {name}")),
        ] {
            let (_, body) = world.get(path).await;
            assert!(body.contains(&words), "{path}: {body}");
            assert!(body.contains(&format!(" · {name}</title>")), "{path}");
        }
    }
}

#[tokio::test]
async fn who_has_too_many_is_told_what_to_do() {
    for (application, path) in [
        (Application::Notes, "/notes"),
        (Application::Tasks, "/tasks"),
    ] {
        let world = World::of(application).await;
        for n in 0..=relying_party::store::ITEMS_PER_PERSON {
            // No faster than anybody may write.
            world.clock.advance(Duration::milliseconds(200));
            let answer = world.post(path, &[("text", &format!("number {n}"))]).await;
            if n < relying_party::store::ITEMS_PER_PERSON {
                assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{n}");
                continue;
            }
            let (status, body) = read(answer).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(
                body.contains("the most there can be. Delete one first."),
                "{path}"
            );
            assert!(body.contains(&format!("number {n}")), "the draft is kept");
        }
    }
}

#[tokio::test]
async fn a_form_without_its_token_changes_nothing() {
    let world = World::new().await;
    let foreign = csrf::token("another cookie", &SystemRandomness);
    for path in [
        "/notes",
        "/notes/AQEBAQEBAQEBAQEBAQEBAQ/delete",
        "/switch",
        "/logout",
    ] {
        for csrf in ["", &foreign] {
            let fields = [("csrf", csrf), ("text", "x"), ("decision", "switch")];
            let answer = world.send(Method::POST, path, &fields).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    let (_, body) = world.get("/").await;
    assert!(body.contains("No notes yet."), "{body}");
}

#[tokio::test]
async fn an_authority_that_is_away_signs_nobody_out_but_a_session_ends_with_its_time() {
    let world = World::new().await;
    world.clock.advance(Duration::minutes(30));
    for _ in 0..2 {
        let (_, body) = world.get("/").await;
        assert!(body.contains("Your notes"), "{body}");
    }
    world.clock.advance(Duration::minutes(30));
    let (_, body) = world.get("/").await;
    assert!(body.contains("Sign in with Harbor ID"), "{body}");
}

#[tokio::test]
async fn signing_out_works_while_the_authority_is_away() {
    let world = World::new().await;
    let answer = world.post("/logout", &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let headers = answer.headers();
    assert_eq!(headers[header::LOCATION], "/?signed_out=1");
    assert_eq!(headers["clear-site-data"], "\"cache\"");
    assert_eq!(
        headers[header::SET_COOKIE],
        "__Host-rp_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0; \
         Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    );
    let (_, body) = world.get("/?signed_out=1").await;
    assert!(body.contains("You are signed out of Notes."), "{body}");
    let found = world
        .store
        .find_session(SessionId::mint([1; 16]), world.clock.now())
        .await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn the_problem_page_repeats_nothing_that_somebody_else_wrote() {
    let world = World::new().await;
    let (_, body) = world
        .get("/signin/problem?trace=0123456789abcdef&reason=cancelled")
        .await;
    assert!(
        body.contains("0123456789abcdef") && body.contains("You cancelled"),
        "{body}"
    );
    let (status, body) = world
        .get("/signin/problem?trace=call+this+number&reason=%3Cb%3E")
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        !body.contains("call this number") && !body.contains("<b>"),
        "{body}"
    );
    assert!(
        body.contains("This sign-in link is no longer valid"),
        "{body}"
    );
}

#[tokio::test]
async fn h4_a_person_without_access_is_told_apart_from_one_who_cancelled() {
    let world = World::new().await;
    let issuer = &world.issuer;
    for (answer, reason) in [
        (
            "error=access_denied&error_description=not_assigned",
            "not-assigned",
        ),
        ("error=access_denied&error_description=", "cancelled"),
        (
            "error=access_denied&error_description=Not_Assigned",
            "cancelled",
        ),
        ("error=access_denied", "cancelled"),
        (
            "error=server_error&error_description=not_assigned",
            "refused",
        ),
    ] {
        let start = world
            .send_from("", Method::GET, "/handoff/start", &[])
            .await;
        let pre = start.headers()[header::SET_COOKIE].to_str().unwrap();
        let pre = pre.split(';').next().unwrap();
        let state = start.headers()[header::LOCATION].to_str().unwrap();
        let (_, state) = state.split_once("&state=").unwrap();
        let (state, _) = state.split_once('&').unwrap();

        let path = format!("/callback?state={state}&iss={issuer}&{answer}");
        let back = world.send_from(pre, Method::GET, &path, &[]).await;
        let location = back.headers()[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with("/signin/problem?"), "{location}");
        assert!(
            location.ends_with(&format!("&reason={reason}")),
            "{answer}: {location}"
        );
    }
}

#[tokio::test]
async fn a_note_address_that_cannot_be_one_is_a_page_that_does_not_exist() {
    let world = World::new().await;
    for path in [
        "/notes/%FF/delete",
        "/notes/short/delete",
        "/notes/%20/delete",
    ] {
        let (status, body) = read(world.post(path, &[]).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(body.contains("Go to Notes"), "{path}: {body}");
    }
}

/// An authorization server that notes down whose sessions it is told to end.
async fn authority() -> (u16, Arc<Mutex<Vec<String>>>) {
    let ended = Arc::new(Mutex::new(Vec::new()));
    let noting = Arc::clone(&ended);
    let logout = move |headers: HeaderMap| async move {
        let bearer = headers[header::AUTHORIZATION].to_str().unwrap();
        noting.lock().unwrap().push(bearer.to_owned());
        r#"{"success":true}"#
    };
    let router = Router::new().route(path::DIRECT_LOGOUT, post(logout));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, ended)
}

#[tokio::test]
async fn row_82_no_access_token_is_left_when_the_store_fails_half_way() {
    for (path, fields, revoked) in [
        ("/logout", &[][..], &["Bearer alices-token"][..]),
        (
            "/switch",
            &[("decision", "switch")],
            &["Bearer alices-token", "Bearer bobs-token"],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.db");
        let store = Sqlite::open(&file).await.unwrap();
        let (port, ended) = authority().await;
        let world = World::over(Arc::new(store.clone()), port).await;

        let alice = SessionId::mint([1; 16]);
        let sealed = seal::seal(
            "bobs-token",
            ClientSecret::mint(SECRET).expose().as_ref(),
            "access token that waits",
            &SystemRandomness,
        );
        let bob = Session {
            id: SessionId::mint([2; 16]),
            issuer: world.issuer.clone(),
            user: user(2, "Bob Okafor"),
            access_token: Sealed(sealed),
            browser: PreSession::mint([2; 32]).digest(),
            spare: None,
            created_at: world.clock.now(),
            expires_at: world.clock.now() + Duration::hours(1),
            checked_at: world.clock.now(),
        };
        if path == "/switch" {
            let waiting = Waiting {
                session: bob.clone(),
                target: LocalPath::root(),
                wait_until: bob.expires_at,
            };
            let now = world.clock.now();
            let handoff = taken(&store, &bob, now).await;
            let kept = store.keep_waiting(alice, waiting, handoff, now).await;
            assert!(matches!(kept.unwrap(), Kept::Waits { .. }));
        }
        let mut beside = SqliteConnection::connect(file.to_str().unwrap())
            .await
            .unwrap();
        sqlx::query(
            "CREATE TRIGGER broken BEFORE DELETE ON browser_session
             BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .execute(&mut beside)
        .await
        .unwrap();

        let (status, body) = read(world.post(path, fields).await).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {body}");
        assert_eq!(*ended.lock().unwrap(), revoked, "{path}");
        for id in [alice, bob.id] {
            let found = store.find_session(id, world.clock.now()).await.unwrap();
            assert_eq!(found, None, "{path}");
        }
        beside.close().await.unwrap();
        store.close().await;
    }
}

/// An authorization server that accepts every token, and knows no session any more: the person signed
/// out there right after verify.
async fn forgetful_authority() -> (u16, Arc<Mutex<u32>>) {
    forgetful_authority_giving(3600).await
}

/// The same, which gives sessions of so many seconds.
async fn forgetful_authority_giving(expires_in: i64) -> (u16, Arc<Mutex<u32>>) {
    let asked = Arc::new(Mutex::new(0));
    let counting = Arc::clone(&asked);
    let verify = async move || {
        r#"{"token_type":"Bearer","access_token":"AT","expires_in":SECONDS,
            "session":{"id":"AgICAgICAgICAgICAgICAg","userId":"AgICAgICAgICAgICAgICAg",
                       "createdAt":"2026-11-21T03:00:00Z","expiresAt":"2026-11-21T04:00:00Z"},
            "user":{"id":"AgICAgICAgICAgICAgICAg","email":"bob@harbor.example",
                    "name":"Bob Okafor","emailVerified":true},
            "auth_time":1795230000,"amr":["pwd"]}"#
            .replace("SECONDS", &expires_in.to_string())
    };
    let session = move || async move {
        *counting.lock().unwrap() += 1;
        (StatusCode::UNAUTHORIZED, r#"{"error":"no_session"}"#)
    };
    let router = Router::new()
        .route(path::VERIFY, post(verify))
        .route(path::SESSION, axum::routing::get(session));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (port, asked)
}

fn cookie(answer: &Response, name: &str) -> String {
    let all = answer.headers().get_all(header::SET_COOKIE);
    let mut lines = all.iter().map(|line| line.to_str().unwrap());
    let line = lines.find(|line| line.starts_with(name)).unwrap();
    line.split(';').next().unwrap().to_owned()
}

/// A whole handoff of a new browser: where it came back to, and the answer there.
async fn handoff(world: &World) -> (String, Response) {
    let start = world
        .send_from("", Method::GET, "/handoff/start", &[])
        .await;
    let pre = cookie(&start, "__Host-rp_pre=");
    let state = start.headers()[header::LOCATION].to_str().unwrap();
    let (_, state) = state.split_once("&state=").unwrap();
    let (state, _) = state.split_once('&').unwrap();
    let issuer = &world.issuer;
    let path = format!("/callback?handoff_token=T&state={state}&iss={issuer}");
    let back = world.send_from(&pre, Method::GET, &path, &[]).await;
    (path, back)
}

#[tokio::test]
async fn a_session_lasts_as_long_as_verify_said_by_whatever_clock_and_a_difference_is_told() {
    let (port, _) = forgetful_authority().await;
    for (ahead, told) in [
        (Duration::minutes(61), Some("61 minutes ahead of")),
        (Duration::minutes(-61), Some("61 minutes behind")),
        (Duration::seconds(20), None),
    ] {
        let world = World::over(Arc::new(Memory::default()), port).await;
        // The authorization server's clock says 3:00.
        world.clock.advance(ahead);
        let (_, back) = handoff(&world).await;
        assert_eq!(back.headers()[header::LOCATION], "/");
        let bob = cookie(&back, "__Host-rp_session=");
        let page = read(world.send_from(&bob, Method::GET, "/", &[]).await).await;
        assert!(page.1.contains("Bob Okafor"), "{ahead}: {}", page.1);
        match told {
            Some(told) => assert!(page.1.contains(told), "{}", page.1),
            None => assert!(!page.1.contains("The clock of"), "{}", page.1),
        }
        assert_eq!(world.site.clock_ahead(), Some(ahead.whole_seconds()));
        let found = async || {
            let id = SessionId::mint([2; 16]);
            world
                .store
                .find_session(id, world.clock.now())
                .await
                .unwrap()
        };
        world.clock.advance(Duration::seconds(3_599));
        assert!(found().await.is_some());
        world.clock.advance(Duration::SECOND);
        assert!(found().await.is_none());
    }
}

#[tokio::test]
async fn a_session_that_is_over_as_it_comes_is_no_success() {
    for expires_in in [0, -1, i64::MIN] {
        let (port, _) = forgetful_authority_giving(expires_in).await;
        let world = World::over(Arc::new(Memory::default()), port).await;
        let (_, back) = handoff(&world).await;
        let to = back.headers()[header::LOCATION].to_str().unwrap();
        assert!(to.starts_with("/signin/problem?"), "{to}");
    }
    // Nor is one that never ends.
    let (port, _) = forgetful_authority_giving(i64::MAX).await;
    let world = World::over(Arc::new(Memory::default()), port).await;
    let (_, back) = handoff(&world).await;
    assert_eq!(back.headers()[header::LOCATION], "/");
}

#[tokio::test]
async fn an_old_callback_that_is_opened_while_signed_in_says_so_and_as_whom() {
    let world = World::new().await;
    let state = State::mint([7; 32]);
    let state = state.expose();
    let path = format!(
        "/callback?handoff_token=T&state={state}&iss={}",
        world.issuer
    );
    let back = world.send(Method::GET, &path, &[]).await;
    let problem = back.headers()[header::LOCATION].to_str().unwrap();
    let (_, page) = world.get(problem).await;
    assert!(page.contains("You are signed in as Alice Moreau"), "{page}");
    assert!(page.contains("Go on in Notes"), "{page}");
    assert!(!page.contains("You are not signed in"), "{page}");
    // Somebody who is not reads what it is about.
    let (_, page) = read(world.send_from("", Method::GET, problem, &[]).await).await;
    assert!(page.contains("You are not signed in by it"), "{page}");
    // Whatever else went wrong, the page says that too.
    let (_, page) = world.get("/signin/problem?reason=took-too-long").await;
    assert!(
        page.contains("You are still signed in to Notes as Alice Moreau"),
        "{page}"
    );
}

#[tokio::test]
async fn row_81_a_sign_out_at_the_authority_between_verify_and_h6_is_found_at_the_recheck() {
    let (port, asked) = forgetful_authority().await;
    let world = World::over(Arc::new(Memory::default()), port).await;
    let (_, back) = handoff(&world).await;
    assert_eq!(back.headers()[header::LOCATION], "/");
    let bob = cookie(&back, "__Host-rp_session=");

    let home = async || {
        let answer = world.send_from(&bob, Method::GET, "/", &[]).await;
        read(answer).await.1
    };
    world.clock.advance(Duration::milliseconds(29_999));
    assert!(home().await.contains("Bob Okafor"));
    assert_eq!(*asked.lock().unwrap(), 0);
    world.clock.advance(Duration::milliseconds(1));
    for _ in 0..2 {
        assert!(home().await.contains("Sign in with Harbor ID"));
    }
    assert_eq!(*asked.lock().unwrap(), 1);
    let found = world
        .store
        .find_session(SessionId::mint([2; 16]), world.clock.now());
    assert_eq!(found.await.unwrap(), None);
}

#[tokio::test]
async fn a_shorter_recheck_asks_the_authority_sooner() {
    let (port, asked) = forgetful_authority().await;
    let store = Arc::new(Memory::default());
    let recheck = Duration::seconds(5);
    let world = World::open(Application::Notes, store, port, recheck).await;
    world.clock.advance(recheck - Duration::MILLISECOND);
    assert!(world.get("/").await.1.contains("Alice Moreau"));
    assert_eq!(*asked.lock().unwrap(), 0);
    world.clock.advance(Duration::MILLISECOND);
    assert!(world.get("/").await.1.contains("Sign in with Harbor ID"));
    assert_eq!(*asked.lock().unwrap(), 1);
}

#[tokio::test]
async fn there_is_nothing_to_switch_to_unless_somebody_waits() {
    let world = World::new().await;
    let answer = world.send(Method::GET, "/switch", &[]).await;
    assert_eq!(answer.headers()[header::LOCATION], "/");
    let answer = world.post("/switch", &[("decision", "switch")]).await;
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with("/signin/problem?"), "{location}");
    let answer = world.post("/switch", &[("decision", "neither")]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);

    let answer = world.send_from("", Method::GET, "/switch", &[]).await;
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    assert!(
        location.ends_with("&reason=nobody-to-switch-from"),
        "{location}"
    );
}

/// The value of a cookie that an answer sets, with its name.
pub(crate) fn cookie_of(answer: &Response) -> String {
    let line = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    line.split_once(';').unwrap().0.to_owned()
}

/// H2 until it is refused: how many times it is not.
async fn starts(world: &World, network: u8, cookie: &str) -> usize {
    for started in 0..5000 {
        let answer = world.navigate(network, cookie, path::START).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
            return started;
        }
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    panic!("it is never refused");
}

#[tokio::test]
async fn row_17_starts_are_counted_by_browser_or_else_by_address() {
    let world = World::new().await;
    let first = world.navigate(2, "", path::START).await;
    let browser = cookie_of(&first);
    // Cookies that somebody makes up are no browsers: they count by address like none at all.
    for n in 0..100 {
        let made_up = format!("__Host-rp_pre={}", ClientSecret::mint([n; 32]).expose());
        let answer = world.navigate(2, &made_up, path::START).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(starts(&world, 2, "").await, 2299);
    // The browser is at the same address, and has a handoff under way.
    assert_eq!(starts(&world, 2, &browser).await, 150);
    // Another address counts for itself.
    let answer = world.navigate(3, "", path::START).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    world.clock.advance(Duration::SECOND);
    assert_eq!(starts(&world, 2, "").await, 40);
}

#[tokio::test]
async fn row_17_whoever_collects_pre_sessions_meets_the_limit_of_the_address() {
    let world = World::new().await;
    let mut browsers = Vec::new();
    for _ in 0..18 {
        browsers.push(cookie_of(&world.navigate(2, "", path::START).await));
    }
    for browser in &browsers[..16] {
        assert_eq!(starts(&world, 2, browser).await, 150);
    }
    assert_eq!(starts(&world, 2, &browsers[16]).await, 0);
    // Newcomers, other addresses and time are not touched.
    let newcomer = cookie_of(&world.navigate(2, "", path::START).await);
    assert!(!newcomer.is_empty());
    assert_eq!(starts(&world, 3, &browsers[17]).await, 150);
    world.clock.advance(Duration::SECOND);
    assert_eq!(starts(&world, 2, &newcomer).await, 40);
}

#[tokio::test]
async fn row_17_stray_callbacks_are_counted_by_address_and_a_real_one_never() {
    let world = World::new().await;
    let start = world.navigate(1, "", path::START).await;
    let browser = cookie_of(&start);
    let location = start.headers()[header::LOCATION].to_str().unwrap();
    let state = location.split_once("&state=").unwrap().1;
    let state = state.split_once('&').unwrap().0.to_owned();
    let callback = async |network, cookie: &str, state: &str| {
        let iss = handoff::uri::with_query("", &[("iss", world.issuer.as_str())]);
        let iss = iss.trim_start_matches('?');
        let path = format!("/callback?handoff_token=t&state={state}&{iss}");
        let answer = world.navigate(network, cookie, &path).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let location = answer.headers()[header::LOCATION].to_str().unwrap();
        location.split_once("&reason=").unwrap().1.to_owned()
    };
    // Strangers, one without a cookie and one with a real one, and a state that is somebody else's.
    for n in 0..600 {
        let cookie = if n % 2 == 0 { "" } else { &browser };
        let reason = callback(1, cookie, "junk").await;
        assert_eq!(reason, "not-this-browser", "{n}");
    }
    assert_eq!(callback(1, "", &state).await, "too-many");
    assert_eq!(callback(2, "", &state).await, "not-this-browser");
    // The one that was started here goes on to verify, which nobody answers.
    let reason = callback(1, &browser, &state).await;
    assert_eq!(reason, "authority-unreachable");
    assert_eq!(callback(1, &browser, &state).await, "too-many");
    world.clock.advance(Duration::SECOND);
    assert_eq!(callback(1, "", "junk").await, "not-this-browser");
}

#[tokio::test]
async fn row_17_what_a_person_writes_is_counted_whatever_session_it_is() {
    for (application, paths) in [
        (
            Application::Notes,
            &[
                "",
                "/AQEBAQEBAQEBAQEBAQEBAQ/delete",
                "/AQEBAQEBAQEBAQEBAQEBAQ/restore",
                "/AQEBAQEBAQEBAQEBAQEBAQ/edit",
            ][..],
        ),
        (
            Application::Tasks,
            &[
                "",
                "/AQEBAQEBAQEBAQEBAQEBAQ/delete",
                "/AQEBAQEBAQEBAQEBAQEBAQ/restore",
                "/AQEBAQEBAQEBAQEBAQEBAQ/tick",
                "/AQEBAQEBAQEBAQEBAQEBAQ/edit",
            ],
        ),
    ] {
        let (mut world, name) = (World::of(application).await, application.id());
        let write = async |world: &World, path: &str| {
            let fields = [("text", "x"), ("done", "true")];
            read(world.post(&format!("/{name}{path}"), &fields).await).await
        };
        for n in 0..500 {
            let path = paths[n % paths.len()];
            let (status, body) = write(&world, path).await;
            // What is not there cannot be changed; it is counted all the same.
            let expected = match path.ends_with("/edit") || path.ends_with("/restore") {
                true => StatusCode::NOT_FOUND,
                false => StatusCode::SEE_OTHER,
            };
            assert_eq!(status, expected, "{body}");
        }
        // Opening the application once more begins a session, and no new count.
        world.sign_in(SessionId::mint([2; 16])).await;
        for path in paths {
            let (status, body) = write(&world, path).await;
            assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "{name}{path}");
            assert!(body.contains("Too many requests"), "{body}");
        }
        world.clock.advance(Duration::SECOND);
        assert_eq!(write(&world, "").await.0, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_page_of_what_a_person_keeps_is_bounded_whatever_they_keep() {
    let world = World::new().await;
    let owner = Owner {
        issuer: world.issuer.clone(),
        user: user(1, "").id,
    };
    let id = |n: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        ItemId::mint(bytes)
    };
    for n in 1..=1000 {
        let item = Item {
            id: id(n),
            text: "&".repeat(4000),
            done: false,
            created_at: world.clock.now(),
            edited_at: None,
        };
        world.store.add_item(&owner, item).await.unwrap();
    }
    let bounded = |(status, body): (StatusCode, String)| {
        assert!(body.len() < 1_200_000, "{}", body.len());
        (status, body)
    };
    let (_, first) = bounded(world.get("/").await);
    assert!(first.contains("You have 1000 notes, the newest first. These are 1 to 50."));
    assert!(first.contains("href=\"/?page=2\"") && !first.contains("rel=\"prev\""));
    let (_, second) = bounded(world.get("/?page=2").await);
    assert!(second.contains("href=\"/\"") && second.contains("href=\"/?page=3\""));
    assert!(second.contains("<title>Your notes, page 2"));
    for beyond in ["20", "21", "4294967295"] {
        let (_, last) = bounded(world.get(&format!("/?page={beyond}")).await);
        assert!(last.contains("These are 951 to 1000."), "{beyond}");
        assert!(!last.contains("rel=\"next\""), "{beyond}");
    }
    for text in ["", "one more"] {
        let refused = world.post("/notes", &[("text", text)]).await;
        let (status, body) = bounded(read(refused).await);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(body.contains("These are 1 to 50."));
    }

    // What is done to a note of another page leads back to that page.
    let note = format!("/notes/{}", id(1));
    assert!(second.contains(&format!("/notes/{}/edit?page=2", id(950))));
    assert!(second.contains("name=\"page\" value=\"2\""));
    let (_, edit) = world.get(&format!("{note}/edit?page=20")).await;
    assert!(edit.contains("name=\"page\" value=\"20\"") && edit.contains("href=\"/?page=20\""));
    let on_it = [("page", "20"), ("text", "shorter")];
    let to = async |verb: &str, fields: &[(&str, &str)]| {
        let answer = world.post(&format!("{note}/{verb}"), fields).await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(to("edit", &on_it).await, "/?page=20");
    let deleted = to("delete", &on_it[..1]).await;
    assert_eq!(deleted, format!("/?page=20&deleted={}", id(1)));
    let (_, body) = bounded(world.get(&deleted).await);
    assert!(body.contains("These are 951 to 999.") && body.contains("for 10 minutes."));
    assert!(body.contains(&format!("action=\"{note}/restore\"")));
    world.clock.advance(Duration::minutes(9));
    let (_, body) = world.get(&deleted).await;
    assert!(body.contains("You can bring it back for 1 minute."));
    let back = to("restore", &on_it[..1]).await;
    assert_eq!(back, format!("/?page=20&restored={}", id(1)));
    assert!(world.get(&back).await.1.contains("The note is back."));
    // Whoever keeps the address, or makes one up, is told nothing.
    let made_up = [
        back.replace(&id(1).to_string(), &id(2).to_string()),
        "/?restored=yes".into(),
    ];
    for address in &made_up {
        assert!(
            !world.get(address).await.1.contains(" is back."),
            "{address}"
        );
    }
    world.clock.advance(Duration::MINUTE);
    assert!(!world.get(&back).await.1.contains(" is back."));
}
