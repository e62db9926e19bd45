//! The site through its router, with a person who is signed in. The handoff itself is tested with
//! the real authorization server, in the server's tests.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{net::TcpListener, sync::Arc};

use app::shell::Assets;
use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use handoff::{
    ids::{ClientId, SessionId, UserId},
    token::{ClientSecret, Secret},
    uri::Origin,
    wire::UserInfo,
};
use relying_party::{
    RelyingParty, Settings,
    store::{Memory, Sealed, Session, Store},
};
use time::{Duration, macros::datetime};
use tower::ServiceExt;
use web::{
    csrf,
    seams::{Clock, ManualClock, Randomness, SystemRandomness},
    session::Sessions,
};

const SESSION_COOKIE: &str = "__Host-rp_session";

struct World {
    site: RelyingParty,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    /// The session cookie of Alice, who is signed in.
    alice: String,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)));
        let shared: Arc<dyn Clock> = clock.clone();
        let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let store: Arc<dyn Store> = Arc::new(Memory::default());
        // A port where nobody listens: the authorization server is away.
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let settings = Settings {
            client_id: ClientId::parse("notes").unwrap(),
            client_secret: ClientSecret::mint([1; 32]),
            name: "Notes".to_owned(),
            origin: Origin::parse("http://notes.localhost:4000").unwrap(),
            issuer: Origin::parse(&format!("http://auth.localhost:{}", nobody.port())).unwrap(),
            authority_name: "Harbor ID".to_owned(),
            assets: Assets {
                stylesheet: "style.css".to_owned(),
                lab: "lab".to_owned(),
            },
        };
        let issuer = settings.issuer.clone();
        let site = RelyingParty::new(settings, store.clone(), shared.clone(), random.clone());

        let sessions = Sessions::new(SESSION_COOKIE, store.clone(), shared, random.clone());
        let until = clock.now() + Duration::hours(1);
        let (record, id) = (sessions.mint(), SessionId::mint([1; 16]));
        let alice = record.cookie_value();
        let sealed = web::seal::seal("an-access-token", &alice, "access token", &*random);
        let session = Session {
            id,
            issuer,
            user: UserInfo {
                id: UserId::mint([1; 16]),
                email: "alice@harbor.example".to_owned(),
                name: "Alice Moreau".to_owned(),
                email_verified: true,
            },
            access_token: Sealed(sealed),
            created_at: clock.now(),
            expires_at: until,
            checked_at: clock.now(),
        };
        store.begin_session(session, None).await.unwrap();
        sessions.begin_with(record, id, until).await.unwrap();
        Self {
            site,
            store,
            clock,
            alice,
        }
    }

    async fn send(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Response {
        let body = handoff::uri::with_query("", fields);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::COOKIE, format!("{SESSION_COOKIE}={}", self.alice))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.trim_start_matches('?').to_owned()))
            .unwrap();
        request.extensions_mut().insert(self.site.context().clone());
        request.extensions_mut().insert(self.site.clone());
        relying_party::router().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        read(self.send(Method::GET, path, &[]).await).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let csrf = csrf::token(&self.alice, &SystemRandomness);
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.send(Method::POST, path, &fields).await
    }
}

async fn read(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
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
        "__Host-rp_session=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"
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
async fn there_is_nothing_to_switch_to_unless_somebody_waits() {
    let world = World::new().await;
    let answer = world.send(Method::GET, "/switch", &[]).await;
    assert_eq!(answer.headers()[header::LOCATION], "/");
    let answer = world.post("/switch", &[("decision", "switch")]).await;
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    assert!(location.starts_with("/signin/problem?"), "{location}");
    let answer = world.post("/switch", &[("decision", "neither")]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}
