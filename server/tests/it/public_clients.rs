//! H5 for browser applications: known by their origin, bound by every binding, read by their own
//! origin alone.

use relying_party::Application;
use std::collections::BTreeSet;

use authority::store::{ClientStore, Sqlite};
use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Icon, Kind, Registration},
    ids::ClientId,
    token::{Secret, State, Verifier},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use time::Duration;
use url::Url;
use web::rng::{Randomness, SystemRandomness};

use crate::harness::{Answer, Persona, World, basic, world};

const ALICE: &str = "alice@harbor.example";
const VERIFY: &str = "/auth/external/handoff/verify";
const VERIFY_ALIAS: &str = "/handoff/verify";
const SESSION: &str = "/api/v1/auth/direct/session";
const LOGOUT: &str = "/api/v1/auth/direct/logout";
const REFUSED: (StatusCode, &str) = (StatusCode::BAD_REQUEST, "HANDOFF_VERIFICATION_FAILED");

/// The three kinds of client that verify tells apart.
const KINDS: [&str; 3] = ["notes", "board", "older"];

fn origin(world: &World, client: &str) -> String {
    let notes = world.origins.of(Application::Notes).as_str();
    notes.replacen("notes", client, 1)
}

/// Set-up, behind the back of the running platform: two browser applications, one of them on the
/// older SDK.
async fn register_public_clients(world: &World) {
    let store = Sqlite::open(&world.folder().join("authority.db"))
        .await
        .unwrap();
    for (id, sdk_compat) in [("board", false), ("older", true)] {
        let origin = origin(world, id);
        let client = Client::register(Registration {
            id: ClientId::parse(id).unwrap(),
            name: id,
            description: "",
            icon: Icon::default(),
            kind: Kind::Public { sdk_compat },
            origin: &origin,
            redirect_uris: &[&format!("{origin}/callback")],
            initiate_login_uri: &format!("{origin}/handoff/start"),
            handoff_lifetime: HandoffLifetime::default(),
            assigned_to: AssignedTo::Everyone,
        });
        store.put_client(&client.unwrap()).await.unwrap();
    }
    store.close().await;
}

/// One handoff as its client sees it.
struct Party {
    client: &'static str,
    state: State,
    verifier: Verifier,
    redirect_uri: String,
    token: String,
}

impl Party {
    /// H3, with the click on the confirmation page.
    async fn with_token(world: &World, persona: &Persona, client: &'static str) -> Self {
        let random: &dyn Randomness = &SystemRandomness;
        let mut party = Self {
            client,
            state: State::mint(random.bytes()),
            verifier: Verifier::mint(random.bytes()),
            redirect_uri: format!("{}/callback", origin(world, client)),
            token: String::new(),
        };
        let challenge = party.verifier.challenge().to_string();
        // The older SDK sends a challenge too, and never the verifier.
        let request = [
            ("client_id", client),
            ("redirect_uri", party.redirect_uri.as_str()),
            ("state", party.state.expose().as_ref()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let address = world.authority("/handoff/authorize");
        let asked = Url::parse_with_params(&address, request).unwrap();
        let page = persona.get(asked.as_str()).await;
        let csrf = page.csrf();
        let mut fields = request.to_vec();
        fields.extend([("csrf", csrf.as_str()), ("decision", "continue")]);
        let answer = persona.post(&address, &fields).await;
        party.token = answer.location_parameter("handoff_token");
        party
    }

    /// What shows who asks: the secret, or the origin.
    fn proof(&self, world: &World) -> (&'static str, String) {
        match self.client {
            "notes" => ("authorization", basic("notes", &world.notes_secret())),
            client => ("origin", origin(world, client)),
        }
    }

    /// The valid body.
    fn body(&self) -> Value {
        let mut body = json!({
            "handoff_token": self.token,
            "state": self.state.expose().to_string(),
            "client_id": self.client,
        });
        if self.client != "older" {
            body["redirect_uri"] = json!(self.redirect_uri);
            body["code_verifier"] = json!(self.verifier.expose().to_string());
        }
        body
    }

    async fn verify(&self, world: &World, body: &Value) -> Answer {
        let (name, value) = self.proof(world);
        verify_with(world, &[(name, &value)], body).await
    }
}

async fn verify_with(world: &World, headers: &[(&str, &str)], body: &Value) -> Answer {
    let url = world.authority(VERIFY);
    world.visitor().post_json(&url, headers, body).await
}

fn outcome(answer: &Answer) -> (StatusCode, String) {
    let error = answer.json()["error"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status, error)
}

#[track_caller]
fn assert_refused(answer: &Answer, expected: (StatusCode, &str), what: &str) {
    let (status, error) = outcome(answer);
    assert_eq!((status, error.as_str()), expected, "{what}: {answer:?}");
}

type Change = fn(&mut Value);

/// Everything that a client can get wrong about its own token.
const MISMATCHES: [(&str, Change); 4] = [
    ("another state", |body| body["state"] = json!("x")),
    ("another redirect URI", |body| {
        body["redirect_uri"] = json!("http://notes.localhost/");
    }),
    ("a foreign verifier", |body| {
        body["code_verifier"] = json!("A".repeat(43));
    }),
    ("an empty-handed thief", |body| {
        body["state"] = json!("x");
        body["code_verifier"] = json!("x");
    }),
];

/// What only clients with a challenge can get wrong: the older SDK sends neither.
const OMISSIONS: [(&str, Change); 2] = [
    ("no verifier", |body| {
        body.as_object_mut().unwrap().remove("code_verifier");
    }),
    ("no redirect URI", |body| {
        body.as_object_mut().unwrap().remove("redirect_uri");
    }),
];

fn mistakes(client: &str) -> Vec<(&'static str, Change)> {
    let mut mistakes = MISMATCHES.to_vec();
    if client != "older" {
        mistakes.extend(OMISSIONS);
    }
    mistakes
}

#[tokio::test]
async fn row_5_a_mismatch_burns_a_confidential_clients_token_and_no_public_clients() {
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let alice = world.signed_in(ALICE).await;
    for client in KINDS {
        for (what, change) in mistakes(client) {
            let party = Party::with_token(&world, &alice, client).await;
            let mut wrong = party.body();
            change(&mut wrong);
            for _ in 0..2 {
                let answer = party.verify(&world, &wrong).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
            }
            let right = party.verify(&world, &party.body()).await;
            if client == "notes" {
                assert_refused(&right, REFUSED, what);
                continue;
            }
            assert_eq!(right.status, StatusCode::OK, "{client}, {what}: {right:?}");
            // Used up: now a mismatch revokes nothing, and a replay does.
            let access = format!("Bearer {}", right.json()["access_token"].as_str().unwrap());
            let alive = async || {
                let url = world.authority(SESSION);
                let headers = [("authorization", access.as_str())];
                let visitor = world.visitor();
                visitor.send(Method::GET, &url, &headers, None).await.status
            };
            party.verify(&world, &wrong).await;
            assert_eq!(alive().await, StatusCode::OK, "{client}, {what}");
            let replay = party.verify(&world, &party.body()).await;
            assert_refused(&replay, REFUSED, what);
            assert_eq!(alive().await, StatusCode::UNAUTHORIZED, "{client}, {what}");
        }
    }
}

#[tokio::test]
async fn rows_5_13_who_is_not_the_client_is_refused_alike_and_burns_nothing() {
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let alice = world.signed_in(ALICE).await;
    let secret = basic("notes", &world.notes_secret());
    let mut bodies = BTreeSet::new();
    for client in KINDS {
        let party = Party::with_token(&world, &alice, client).await;
        let own = origin(&world, client);
        let strangers = [
            own.to_uppercase(),
            format!("{own}/"),
            format!("{own}0"),
            format!("{own}, {own}"),
            own.replacen("http:", "https:", 1),
            own.replacen(client, &format!("evil.{client}"), 1),
            origin(&world, "auth"),
            origin(&world, "evil"),
        ];
        let mut attempts: Vec<Vec<(&str, &str)>> = vec![
            vec![],
            vec![("origin", "null")],
            vec![("origin", "")],
            vec![("origin", "*")],
            vec![("origin", &own), ("origin", &own)],
            vec![("origin", "null"), ("origin", &own)],
            // A header that proves nothing is not made good by an origin.
            vec![("origin", &own), ("authorization", "Basic")],
            vec![("origin", &own), ("authorization", "Bearer x")],
            vec![("origin", &own), ("authorization", "Basic Ym9hcmQ6")],
        ];
        attempts.extend(
            strangers
                .iter()
                .map(|origin| vec![("origin", origin.as_str())]),
        );
        if client == "notes" {
            // Its origin is no secret.
            attempts.push(vec![("origin", &own)]);
        } else {
            attempts.push(vec![("origin", &own), ("authorization", &secret)]);
            attempts.push(vec![("authorization", &secret)]);
        }
        for headers in attempts {
            let answer = verify_with(&world, &headers, &party.body()).await;
            let expected = (StatusCode::UNAUTHORIZED, "invalid_client");
            assert_refused(&answer, expected, &format!("{client} {headers:?}"));
            bodies.insert(answer.body);
        }
        let right = party.verify(&world, &party.body()).await;
        assert_eq!(right.status, StatusCode::OK, "{client}: {right:?}");
    }
    assert_eq!(bodies.len(), 1, "{bodies:#?}");
}

#[tokio::test]
async fn row_80_the_stored_row_decides_about_the_verifier_and_the_client_is_who_was_authenticated()
{
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let alice = world.signed_in(ALICE).await;
    let refused = [Some(REFUSED); 4];
    for (client, [right, stripped, foreign, of_another]) in [
        ("notes", [None, refused[0], refused[1], refused[2]]),
        ("board", [None, refused[0], refused[1], refused[2]]),
        // No challenge was stored, though one was sent: any verifier is one too many.
        ("older", [refused[0], None, refused[1], refused[2]]),
    ] {
        let other = Party::with_token(&world, &alice, client).await;
        for (what, verifier, expected) in [
            ("right", Some("own"), right),
            ("stripped", None, stripped),
            ("foreign", Some("foreign"), foreign),
            ("of another handoff", Some("other"), of_another),
        ] {
            let party = Party::with_token(&world, &alice, client).await;
            let mut body = party.body();
            body["code_verifier"] = match verifier {
                Some("own") => json!(party.verifier.expose().to_string()),
                Some("other") => json!(other.verifier.expose().to_string()),
                Some(_) => json!("A".repeat(43)),
                None => Value::Null,
            };
            let answer = party.verify(&world, &body).await;
            match expected {
                Some(expected) => assert_refused(&answer, expected, &format!("{client}, {what}")),
                None => assert_eq!(
                    answer.status,
                    StatusCode::OK,
                    "{client}, {what}: {answer:?}"
                ),
            }
        }
        // The right proof of another client than the body names.
        let party = Party::with_token(&world, &alice, client).await;
        for named in KINDS.into_iter().filter(|named| *named != client) {
            let mut body = party.body();
            body["client_id"] = json!(named);
            let answer = party.verify(&world, &body).await;
            let expected = (StatusCode::UNAUTHORIZED, "invalid_client");
            assert_refused(&answer, expected, &format!("{client} as {named}"));
        }
        // Another client with everything else right.
        for thief in KINDS.into_iter().filter(|thief| *thief != client) {
            let thief = Party::with_token(&world, &alice, thief).await;
            let mut body = party.body();
            body["client_id"] = json!(thief.client);
            let answer = thief.verify(&world, &body).await;
            assert_refused(
                &answer,
                REFUSED,
                &format!("{} with {client}'s", thief.client),
            );
        }
        let answer = party.verify(&world, &party.body()).await;
        assert_eq!(answer.status, StatusCode::OK, "{client}: {answer:?}");
    }
}

#[tokio::test]
async fn row_15_every_refusal_is_the_same_for_every_kind_of_client_but_for_one_of_the_older_sdk() {
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let mut answers = BTreeSet::new();
    let mut collect = |what: String, answer: Answer| {
        assert_refused(&answer, REFUSED, &what);
        // The browser's permission to read it depends on the client, and on nothing else.
        let own = [
            "date",
            "content-security-policy",
            "access-control-allow-origin",
        ];
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        answers.insert((answer.status.as_u16(), answer.body, headers));
    };
    for client in KINDS {
        let alice = world.signed_in(ALICE).await;
        let mut wrongs = mistakes(client);
        wrongs.push(("another token", |body| {
            body["handoff_token"] = json!("A".repeat(43));
        }));
        wrongs.push(("no token at all", |body| body["handoff_token"] = json!("x")));
        for (what, change) in wrongs {
            let party = Party::with_token(&world, &alice, client).await;
            let mut body = party.body();
            change(&mut body);
            let answer = party.verify(&world, &body).await;
            if client == "older" && what == "another state" {
                // The SDK knows this one, and its wording is the same.
                let expected = (StatusCode::BAD_REQUEST, "HANDOFF_STATE_MISMATCH");
                assert_refused(&answer, expected, what);
                let later = party.verify(&world, &party.body()).await;
                assert_eq!(later.status, StatusCode::OK, "nothing burnt: {later:?}");
                // Used by now, so the state is not all that is wrong.
                collect(
                    format!("{client}, used, {what}"),
                    party.verify(&world, &body).await,
                );
                continue;
            }
            collect(format!("{client}, {what}"), answer);
        }

        let party = Party::with_token(&world, &alice, client).await;
        let used = party.verify(&world, &party.body()).await;
        assert_eq!(used.status, StatusCode::OK, "{used:?}");
        collect(
            format!("{client}, used"),
            party.verify(&world, &party.body()).await,
        );

        let party = Party::with_token(&world, &alice, client).await;
        world.clock.advance(Duration::seconds(60));
        let mut wrong = party.body();
        collect(
            format!("{client}, expired"),
            party.verify(&world, &wrong).await,
        );
        wrong["state"] = json!("x");
        collect(
            format!("{client}, expired, another state"),
            party.verify(&world, &wrong).await,
        );

        let party = Party::with_token(&world, &alice, client).await;
        assign(&world, client, AssignedTo::Users(vec![])).await;
        collect(
            format!("{client}, not assigned"),
            party.verify(&world, &party.body()).await,
        );
        assign(&world, client, AssignedTo::Everyone).await;

        let party = Party::with_token(&world, &alice, client).await;
        let csrf = alice.get(&world.authority("/logout")).await.csrf();
        let signed_out = alice
            .post(&world.authority("/logout"), &[("csrf", &csrf)])
            .await;
        assert_eq!(signed_out.status, StatusCode::SEE_OTHER);
        collect(
            format!("{client}, signed out"),
            party.verify(&world, &party.body()).await,
        );
        let mut wrong = party.body();
        wrong["state"] = json!("x");
        collect(
            format!("{client}, signed out, another state"),
            party.verify(&world, &wrong).await,
        );
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
}

async fn assign(world: &World, client: &str, assigned_to: AssignedTo) {
    let store = Sqlite::open(&world.folder().join("authority.db"))
        .await
        .unwrap();
    let id = ClientId::parse(client).unwrap();
    let mut found = store.find_client(&id).await.unwrap().unwrap();
    found.assigned_to = assigned_to;
    store.put_client(&found).await.unwrap();
    store.close().await;
}

/// The permission to read an answer, whose absence is the rule.
#[track_caller]
fn assert_readable_by(answer: &Answer, origin: Option<&str>, what: &str) {
    let allowed: Vec<_> = answer
        .headers
        .get_all("access-control-allow-origin")
        .iter()
        .collect();
    let expected: Vec<_> = origin.into_iter().collect();
    assert_eq!(allowed, expected, "{what}: {answer:?}");
    assert!(
        !answer
            .headers
            .contains_key("access-control-allow-credentials"),
        "{what}"
    );
    let varies = answer.headers.get_all("vary").iter();
    let varies = varies.filter(|value| value.as_bytes().eq_ignore_ascii_case(b"origin"));
    assert_eq!(varies.count(), 1, "{what}: {answer:?}");
}

#[tokio::test]
async fn row_69_a_preflight_passes_for_the_origin_of_every_public_client_and_no_other() {
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let board = origin(&world, "board");
    let mut origins: Vec<(String, bool)> = [("board", true), ("older", true)]
        .into_iter()
        .chain([
            ("notes", false),
            ("tasks", false),
            ("auth", false),
            ("evil", false),
        ])
        .map(|(host, passes)| (origin(&world, host), passes))
        .collect();
    origins.extend(
        [
            "null".to_owned(),
            "*".to_owned(),
            board.to_uppercase(),
            format!("{board}/"),
            format!("{board}0"),
            board.replacen("http:", "https:", 1),
            board.replacen("board", "evil.board", 1),
        ]
        .map(|origin| (origin, false)),
    );
    let server = world.visitor();
    for (path, method) in [
        (VERIFY, "POST"),
        (VERIFY_ALIAS, "POST"),
        (SESSION, "GET"),
        (LOGOUT, "POST"),
    ] {
        let url = world.authority(path);
        for (origin, passes) in &origins {
            let headers = [
                ("origin", origin.as_str()),
                ("access-control-request-method", method),
                (
                    "access-control-request-headers",
                    "authorization,content-type",
                ),
            ];
            let answer = server.send(Method::OPTIONS, &url, &headers, None).await;
            let what = format!("{path} from {origin}");
            assert_readable_by(&answer, passes.then_some(origin.as_str()), &what);
            if *passes {
                assert_eq!(answer.status, StatusCode::NO_CONTENT, "{what}: {answer:?}");
                assert_eq!(answer.header("access-control-allow-methods"), method);
                let headers = "Content-Type, Authorization, DPoP";
                assert_eq!(answer.header("access-control-allow-headers"), headers);
                assert_eq!(answer.header("access-control-max-age"), "600");
                assert_eq!(answer.body, "");
            } else {
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{what}");
                for name in ["methods", "headers"] {
                    let name = format!("access-control-allow-{name}");
                    assert!(!answer.headers.contains_key(&name), "{what}: {answer:?}");
                }
            }
        }
        // Without `Origin` it is no preflight.
        let headers = [("access-control-request-method", method)];
        let answer = server.send(Method::OPTIONS, &url, &headers, None).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_readable_by(&answer, None, path);
    }
    // Pages are nobody's but their own.
    for path in [
        "/",
        "/login",
        "/handoff/authorize",
        "/sessions",
        "/apps/notes/open",
    ] {
        let headers = [
            ("origin", board.as_str()),
            ("access-control-request-method", "POST"),
        ];
        let url = world.authority(path);
        let answer = server.send(Method::OPTIONS, &url, &headers, None).await;
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn row_69_an_answer_is_readable_by_the_client_that_it_concerns_and_no_other() {
    let (_process, world) = world().await;
    register_public_clients(&world).await;
    let alice = world.signed_in(ALICE).await;
    let server = world.visitor();
    let of = |client: &str| origin(&world, client);
    let origins = ["board", "older", "notes", "auth", "evil"].map(of);
    let all: Vec<&str> = origins
        .iter()
        .map(String::as_str)
        .chain(["null", "*"])
        .collect();

    for client in KINDS {
        let party = Party::with_token(&world, &alice, client).await;
        let own = of(client);
        let is_public = client != "notes";
        let (proof, value) = party.proof(&world);

        // Verify: refused as unauthenticated, then for a mismatch, then accepted.
        for path in [VERIFY, VERIFY_ALIAS] {
            for &origin in &all {
                let mut headers = vec![("origin", origin)];
                if proof == "authorization" {
                    headers.push((proof, &value));
                }
                let mut body = party.body();
                body["handoff_token"] = json!("A".repeat(43));
                let url = world.authority(path);
                let answer = server.post_json(&url, &headers, &body).await;
                let is_own = is_public && origin == own;
                let what = format!("{path} of {client} from {origin}");
                assert_readable_by(&answer, is_own.then_some(origin), &what);
                let authenticated = is_own || !is_public;
                let status = if authenticated { 400 } else { 401 };
                assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
            }
        }
        let mut headers = vec![(proof, value.as_str())];
        if !is_public {
            headers.push(("origin", &origins[0]));
        }
        let answer = verify_with(&world, &headers, &party.body()).await;
        assert_eq!(answer.status, StatusCode::OK, "{client}: {answer:?}");
        assert_readable_by(&answer, is_public.then_some(own.as_str()), client);

        // The session behind the access token, and its end.
        let access = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        for &origin in &all {
            let headers = [("origin", origin), ("authorization", &access)];
            let url = world.authority(SESSION);
            let answer = server.send(Method::GET, &url, &headers, None).await;
            let is_own = is_public && origin == own;
            let what = format!("session of {client} from {origin}");
            assert_eq!(answer.status, StatusCode::OK, "{what}");
            assert_readable_by(&answer, is_own.then_some(origin), &what);
        }
        let headers = [("origin", own.as_str()), ("authorization", &access)];
        let body = json!({"client_id": client});
        let answer = server
            .post_json(&world.authority(LOGOUT), &headers, &body)
            .await;
        assert_eq!(answer.json(), json!({"success": true}), "{client}");
        assert_readable_by(&answer, is_public.then_some(own.as_str()), client);
    }

    // Refusals that name no client: every browser application of the platform may learn what was
    // wrong with its request.
    for &origin in &all {
        let is_public = [of("board"), of("older")].contains(&origin.to_owned());
        let readable = is_public.then_some(origin);
        let headers = [("origin", origin), ("content-type", "application/json")];
        for (path, method, body, status) in [
            (VERIFY, Method::POST, "{", 400),
            (VERIFY, Method::POST, r#"{"client_id": "board"}"#, 400),
            (VERIFY, Method::GET, "", 405),
            (SESSION, Method::GET, "", 401),
            (SESSION, Method::POST, "", 405),
            (LOGOUT, Method::POST, "{}", 401),
        ] {
            let url = world.authority(path);
            let body = Some(body.to_owned());
            let answer = server.send(method, &url, &headers, body).await;
            let what = format!("{path} from {origin}");
            assert_eq!(answer.status.as_u16(), status, "{what}: {answer:?}");
            assert_readable_by(&answer, readable, &what);
        }
        // One that names a client nobody knows is nobody's to read: whether there is such a client
        // shows in no header.
        let party = json!({"handoff_token": "x", "state": "x", "client_id": "nobody"});
        let answer = verify_with(&world, &[("origin", origin)], &party).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        assert_readable_by(&answer, None, origin);
    }
    // Servers send no origin, and get no permission; caches must know that it matters.
    let party = Party::with_token(&world, &alice, "notes").await;
    let answer = party.verify(&world, &party.body()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_readable_by(&answer, None, "a server");
}
