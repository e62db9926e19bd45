//! The site through its router: what is counted, by what, and what whoever has too much is told.
//! The handoff itself is tested with a relying party, in the server's tests.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{net::Ipv4Addr, sync::Arc};

use authority::{
    Authority, Settings,
    identity::{KNOWN_COOKIE, PRE_COOKIE, SESSION_COOKIE},
    password::{Cost, Passwords},
    people::Email,
    store::{AccountStore, ClientStore, Memory, NewUser},
};
use axum::{body::Body, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::{ClientId, UserId},
    policy::Policy,
    token::{ClientSecret, PreSession, Secret, Verifier},
    uri::Origin,
    wire::path,
};
use http::{Method, Request, StatusCode, header};
use time::{Duration, macros::datetime};
use tower::ServiceExt;
use ui::shell::Assets;
use web::{
    clock::{Clock, ManualClock},
    context::Context,
    cookies::Prefix,
    csrf,
    peer::Peer,
    rng::{Randomness, SystemRandomness},
    site::Site,
};

const NOTES: &str = "http://notes.localhost:4000";
const SECRET: [u8; 32] = [1; 32];
const ALICE: &str = "alice@harbor.example";
const PASSWORD: &str = "right";

struct World {
    authority: Authority,
    clock: Arc<ManualClock>,
}

/// Where a request comes from, and with which cookies.
#[derive(Clone, Default)]
struct Browser {
    network: u8,
    cookies: String,
}

impl Browser {
    fn at(network: u8) -> Self {
        let cookies = String::new();
        Self { network, cookies }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.cookies = format!("{}; {name}={value}", self.cookies);
        self
    }
}

impl World {
    async fn new() -> Self {
        let store = Memory::default();
        let client = Client::register(Registration {
            id: ClientId::parse("notes").unwrap(),
            name: "Notes",
            description: "",
            icon: Icon::default(),
            kind: Kind::Confidential {
                secret: ClientSecret::mint(SECRET).digest(),
            },
            origin: NOTES,
            redirect_uris: &[&format!("{NOTES}/callback")],
            initiate_login_uri: &format!("{NOTES}/handoff/start"),
            handoff_lifetime: HandoffLifetime::default(),
            assigned_to: AssignedTo::Everyone,
        });
        store.put_client(&client.unwrap()).await.unwrap();
        let clock = Arc::new(ManualClock::at(datetime!(2026-11-21 03:00 UTC)));
        let shared: Arc<dyn Clock> = clock.clone();
        let random: Arc<dyn Randomness> = Arc::new(SystemRandomness);
        let passwords = Passwords::new(Cost::DEFAULT, 2, random.clone()).unwrap();
        let alice = NewUser {
            id: UserId::mint([1; 16]),
            email: Email::parse(ALICE).unwrap(),
            name: "Alice Moreau".to_owned(),
            password_hash: passwords.hash(PASSWORD).await.unwrap(),
        };
        store.add_user(alice, clock.now()).await.unwrap();
        let settings = Settings {
            origin: Origin::parse("http://auth.localhost:4000").unwrap(),
            name: "Harbor ID".to_owned(),
            assets: Assets::default(),
            cookie_prefix: Prefix::default(),
            recorder: recording::recorder::Recorders::none(),
            flow_links: None,
            max_keys: web::limits::MAX_KEYS,
            idle: Duration::minutes(30),
            absolute: Duration::hours(12),
            recheck: Duration::seconds(30),
            policy: Policy::STRICT,
            demo_accounts: Vec::new(),
        };
        let authority = Authority::new(settings, Arc::new(store), passwords, shared, random);
        Self { authority, clock }
    }

    async fn send(
        &self,
        browser: &Browser,
        request: http::request::Builder,
        body: String,
    ) -> Answer {
        let mut request = request
            .header(header::COOKIE, &browser.cookies)
            .body(Body::from(body))
            .unwrap();
        let extensions = request.extensions_mut();
        extensions.insert::<Context>(self.authority.context().clone());
        extensions.insert(self.authority.clone());
        extensions.insert(Peer(Ipv4Addr::new(192, 0, 2, browser.network).into()));
        Answer::read(authority::router().oneshot(request).await.unwrap()).await
    }

    async fn get(&self, browser: &Browser, path: &str) -> Answer {
        let request = Request::builder().uri(path);
        self.send(browser, request, String::new()).await
    }

    /// A form; `cookie` is the value that its token belongs to.
    async fn post(
        &self,
        browser: &Browser,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let csrf = csrf::token(cookie, &SystemRandomness);
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        let body = handoff::uri::with_query("", &fields);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = body.trim_start_matches('?').to_owned();
        self.send(browser, request, body).await
    }

    async fn sign_in(&self, browser: &Browser, email: &str, password: &str) -> Answer {
        let pre = PreSession::mint([7; 32]);
        let browser = browser.clone().with(PRE_COOKIE, pre.expose().as_ref());
        let fields = [("email", email), ("password", password)];
        self.post(&browser, "/login", pre.expose().as_ref(), &fields)
            .await
    }

    /// Wrong passwords until one has to wait: how many there were.
    async fn guess(&self, browser: &Browser, email: &str) -> (usize, Answer) {
        for guessed in 0..1000 {
            let answer = self.sign_in(browser, email, "wrong").await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                return (guessed, answer);
            }
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        panic!("nobody has to wait");
    }

    async fn verify(&self, network: u8, authorization: Option<&str>, body: &str) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path::VERIFY)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(&Browser::at(network), request, body.to_owned())
            .await
    }
}

struct Answer {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    fn cookie(&self, name: &str) -> String {
        let lines = self.headers.get_all(header::SET_COOKIE);
        let mut found = lines.iter().filter_map(|line| {
            let (cookie, _) = line.to_str().ok()?.split_once(';')?;
            let (found, value) = cookie.split_once('=')?;
            (found == name).then(|| value.to_owned())
        });
        found.next().unwrap()
    }

    fn retry_after(&self) -> &str {
        self.headers[header::RETRY_AFTER].to_str().unwrap()
    }

    fn error(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        body["error"].as_str().unwrap().to_owned()
    }
}

fn basic(id: &str, secret: [u8; 32]) -> String {
    let secret = ClientSecret::mint(secret);
    let pair = format!("{id}:{}", secret.expose());
    format!("Basic {}", STANDARD.encode(pair))
}

fn junk(client: &str) -> String {
    format!(
        r#"{{"handoff_token":"t","state":"s","client_id":"{client}","redirect_uri":"{NOTES}/callback","code_verifier":"v"}}"#
    )
}

fn authorize() -> String {
    let challenge = Verifier::mint([1; 32]).challenge().to_string();
    let redirect_uri = format!("{NOTES}/callback");
    handoff::uri::with_query(
        path::AUTHORIZE,
        &[
            ("client_id", "notes"),
            ("redirect_uri", &redirect_uri),
            ("state", "s"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    )
}

#[tokio::test]
async fn row_64_each_attempt_that_is_admitted_compares_one_password_and_no_other_does() {
    let world = World::new().await;
    let compared = || world.authority.passwords_compared();
    let stranger = Browser::at(1);
    let long = "a".repeat(2000);
    let mut before = compared();
    for (email, password, expected) in [
        (ALICE, PASSWORD, StatusCode::SEE_OTHER),
        (ALICE, "wrong", StatusCode::UNPROCESSABLE_ENTITY),
        (ALICE, &long, StatusCode::UNPROCESSABLE_ENTITY),
        (ALICE, "", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "nobody@harbor.example",
            "wrong",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("no address", "wrong", StatusCode::UNPROCESSABLE_ENTITY),
        ("", "", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = world.sign_in(&stranger, email, password).await;
        assert_eq!(answer.status, expected, "{email} {}", answer.body);
        assert_eq!(compared(), before + 1, "{email}");
        before += 1;
    }
    world.guess(&stranger, ALICE).await;
    before = compared();
    let answer = world.sign_in(&stranger, ALICE, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(compared(), before, "whoever waits costs nothing");
}

#[tokio::test]
async fn row_64_whoever_waits_is_told_the_same_for_every_account() {
    let world = World::new().await;
    let mut told = Vec::new();
    for (network, email) in [
        (1, ALICE),
        (2, "aline@harbor.example"),
        (3, "no address at all!!!"),
    ] {
        assert_eq!(email.len(), ALICE.len());
        let stranger = Browser::at(network);
        let (free, answer) = world.guess(&stranger, email).await;
        assert_eq!((free, answer.retry_after()), (10, "1"));
        let words = "Too many sign-ins went wrong here. Wait a second, then try again.";
        assert!(answer.body.contains(words), "{}", answer.body);
        let form = answer.body.split_once("<form").unwrap().1;
        let csrf = form.split_once("value=\"").unwrap().1;
        let csrf = csrf.split_once('"').unwrap().0.to_owned();
        let nonceless = answer.body.replace(email, "").replace(&csrf, "");
        told.push(nonceless.len());
        let right = world.sign_in(&stranger, email, PASSWORD).await;
        assert_eq!(right.status, StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(told, [told[0]; 3]);
}

#[tokio::test]
async fn row_17_wrong_passwords_slow_the_guesser_and_nobody_else() {
    let world = World::new().await;
    // Alice has signed in here before, with this browser, behind the guesser's own address.
    let known = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
    let known = Browser::at(1).with(KNOWN_COOKIE, &known.cookie(KNOWN_COOKIE));

    let guesser = Browser::at(1);
    let mut waited = Vec::new();
    assert_eq!(world.guess(&guesser, ALICE).await.0, 10);
    for _ in 0..6 {
        let answer = world.sign_in(&guesser, ALICE, "wrong").await;
        let seconds = answer.retry_after().parse().unwrap();
        waited.push(seconds);
        world.clock.advance(Duration::seconds(seconds));
        let answer = world.sign_in(&guesser, ALICE, "wrong").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 32]);
    let is_let_in = async |browser: &Browser| {
        let status = world.sign_in(browser, ALICE, PASSWORD).await.status;
        status == StatusCode::SEE_OTHER
    };
    assert!(!is_let_in(&guesser).await);
    assert!(is_let_in(&Browser::at(2)).await, "another address");
    // A cookie that somebody made up, and one that is known for nobody.
    let made_up = PreSession::mint([9; 32]);
    let made_up = Browser::at(1).with(KNOWN_COOKIE, made_up.expose().as_ref());
    assert!(!is_let_in(&made_up).await);
    assert!(is_let_in(&known).await, "a browser that is known");
    assert!(!is_let_in(&known).await, "by a new name since then");
    world.clock.advance(Duration::seconds(64));
    assert!(is_let_in(&guesser).await, "after the wait");
    assert_eq!(
        world.guess(&guesser, ALICE).await.0,
        10,
        "and all is forgiven"
    );
}

#[tokio::test]
async fn row_17_a_known_browser_counts_its_own_wrong_passwords() {
    let world = World::new().await;
    let known = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
    let known = known.cookie(KNOWN_COOKIE);
    let at = |network| Browser::at(network).with(KNOWN_COOKIE, &known);
    assert_eq!(world.guess(&at(1), ALICE).await.0, 10);
    assert_eq!(world.guess(&at(2), ALICE).await.0, 0, "wherever it is");
    assert_eq!(world.guess(&at(1), "bob@harbor.example").await.0, 10);
    let answer = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_17_one_password_tried_at_many_accounts_slows_the_address() {
    let world = World::new().await;
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    for n in 0..100 {
        let email = format!("person{n}@harbor.example");
        let answer = world.sign_in(&Browser::at(1), &email, "wrong").await;
        assert_eq!(answer.status, wrong, "{n}");
        // Signing in at an account of one's own washes nothing off.
        if n == 50 {
            let answer = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
        }
    }
    let answer = world
        .sign_in(&Browser::at(1), "other@harbor.example", "wrong")
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let answer = world
        .sign_in(&Browser::at(2), "other@harbor.example", "wrong")
        .await;
    assert_eq!(answer.status, wrong);
    world.clock.advance(Duration::SECOND);
    let answer = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_17_open_and_authorize_are_counted_by_session_or_else_by_address() {
    let world = World::new().await;
    let signed_in = async || {
        let answer = world.sign_in(&Browser::at(1), ALICE, PASSWORD).await;
        let session = answer.cookie(SESSION_COOKIE);
        (Browser::at(1).with(SESSION_COOKIE, &session), session)
    };
    let (alice, session) = signed_in().await;
    for n in 0..300 {
        let answer = match n % 3 {
            0 => world.post(&alice, "/apps/notes/open", &session, &[]).await,
            1 => world.get(&alice, &authorize()).await,
            // Refused for what it is, and counted all the same.
            _ => {
                world
                    .post(&alice, path::AUTHORIZE, &session, &[("decision", "cancel")])
                    .await
            }
        };
        assert_ne!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{n}");
    }
    for answer in [
        world.post(&alice, "/apps/notes/open", &session, &[]).await,
        world.get(&alice, &authorize()).await,
        world
            .post(&alice, path::AUTHORIZE, &session, &[("decision", "cancel")])
            .await,
    ] {
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.retry_after(), "1");
        assert!(answer.body.contains("Too many requests"), "{}", answer.body);
    }
    // Another session, at the same address, and nobody at all.
    let (other, _) = signed_in().await;
    assert_eq!(world.get(&other, &authorize()).await.status, StatusCode::OK);
    for n in 0..2400 {
        let answer = world.get(&Browser::at(1), &authorize()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{n}");
    }
    let answer = world.get(&Browser::at(1), &authorize()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    let answer = world.get(&Browser::at(2), &authorize()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(world.get(&other, &authorize()).await.status, StatusCode::OK);
    world.clock.advance(Duration::SECOND);
    let answer = world.post(&alice, "/apps/notes/open", &session, &[]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_17_calls_of_verify_that_prove_nothing_block_nobody_but_their_sender() {
    let world = World::new().await;
    let wrong = basic("notes", [2; 32]);
    // The same address and the same client as the real one: all that can be told apart is the secret.
    for n in 0..20 {
        let (authorization, body) = match n % 3 {
            0 => (Some(&*wrong), junk("notes")),
            1 => (None, junk("notes")),
            _ => (Some(&*wrong), "no JSON".to_owned()),
        };
        let answer = world.verify(1, authorization, &body).await;
        let expected = if n % 3 == 2 {
            "invalid_request"
        } else {
            "invalid_client"
        };
        assert_eq!(answer.error(), expected, "{n}");
    }
    for body in [&junk("notes"), "no JSON"] {
        let answer = world.verify(1, Some(&wrong), body).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.error(), "slow_down");
        assert_eq!(answer.retry_after(), "3");
    }
    let right = basic("notes", SECRET);
    for _ in 0..100 {
        let answer = world.verify(1, Some(&right), &junk("notes")).await;
        assert_eq!(answer.error(), "HANDOFF_VERIFICATION_FAILED");
        let answer = world.verify(1, Some(&right), "no JSON").await;
        assert_eq!(answer.error(), "invalid_request");
    }
    for (network, claimed) in [(1, "tasks"), (2, "notes")] {
        let answer = world.verify(network, None, &junk(claimed)).await;
        assert_eq!(answer.error(), "invalid_client", "{network} {claimed}");
    }
    world.clock.advance(Duration::seconds(3));
    let answer = world.verify(1, Some(&wrong), &junk("notes")).await;
    assert_eq!(answer.error(), "invalid_client");
}
