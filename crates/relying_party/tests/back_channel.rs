//! The back channel against an authorization server that answers by script.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

use handoff::{
    handoff::{Returned, Started},
    ids::ClientId,
    token::{AccessToken, ClientSecret, HandoffToken, Secret, State, Unverified, Verifier},
    uri::{LocalPath, Origin},
    wire::{ErrorCode, VerifyRequest},
};
use recording::flow_recorder::FlowRecorder;
use relying_party::{
    Application, Settings,
    authority_client::{AuthorityClient, SessionCheck, Verification},
};
use time::macros::datetime;
use ui::shell::Assets;
use web::trace_id::TraceId;

const ACCEPTED: &str = r#"{"token_type":"Bearer","access_token":"AT","expires_in":3600,
    "session":{"id":"AQEBAQEBAQEBAQEBAQEBAQ","userId":"AgICAgICAgICAgICAgICAg",
               "createdAt":"2026-11-21T03:00:00Z","expiresAt":"2026-11-21T04:00:00Z"},
    "user":{"id":"AgICAgICAgICAgICAgICAg","email":"alice@harbor.example",
            "name":"Alice Moreau","emailVerified":true},
    "auth_time":1795230000,"amr":["pwd"]}"#;
const FAILED: &str = r#"{"error":"HANDOFF_VERIFICATION_FAILED","error_description":"No."}"#;

fn answer(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// What the server does with a request that it has read: answers, and closes the connection. An
/// empty answer is a connection that breaks.
type Script = Vec<String>;

/// A server that serves one connection for each line of its script.
struct Serving {
    listener: TcpListener,
    thread: JoinHandle<Vec<String>>,
}

impl Serving {
    /// The requests that came. The client must have finished: whoever came beyond the script has
    /// then knocked, and waits in the listener's queue, where there must be nobody.
    fn requests(self) -> Vec<String> {
        let requests = self.thread.join().unwrap();
        self.listener.set_nonblocking(true).unwrap();
        assert!(self.listener.accept().is_err(), "one connection too many");
        requests
    }
}

fn serve(script: Script) -> (AuthorityClient, Serving) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepting = listener.try_clone().unwrap();
    let thread = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in script {
            let (mut connection, _) = accepting.accept().unwrap();
            requests.push(read_request(&mut connection));
            connection.write_all(answer.as_bytes()).unwrap();
        }
        requests
    });
    (client(port), Serving { listener, thread })
}

fn read_request(connection: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = connection.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        assert_ne!(read, 0, "half a request");
    }
}

fn client(port: u16) -> AuthorityClient {
    AuthorityClient::new(&Settings {
        application: Application::Notes,
        client_id: ClientId::parse("notes").unwrap(),
        client_secret: ClientSecret::mint([1; 32]),
        origin: Origin::parse("http://notes.localhost:4000").unwrap(),
        issuer: Origin::parse(&format!("http://auth.localhost:{port}")).unwrap(),
        authority_name: "Harbor ID".to_owned(),
        authority_ca: None,
        assets: Assets::default(),
        policy: handoff::policy::Policy::STRICT,
        cookie_prefix: web::cookies::Prefix::default(),
        recheck: relying_party::identity::MAX_RECHECK,
        recorder: recording::recorder::Recorders::none(),
        flow_links: None,
        max_keys: web::limits::MAX_KEYS,
    })
}

fn returned() -> Returned {
    let (state, verifier) = (State::mint([2; 32]), Verifier::mint([3; 32]));
    let now = datetime!(2026-11-21 03:00 UTC);
    Started::new(state, verifier, LocalPath::root(), now)
        .returned((&HandoffToken::mint([4; 32])).into())
}

fn trace() -> TraceId {
    TraceId("0123456789abcdef".into())
}

fn aside() -> FlowRecorder {
    FlowRecorder::disabled(trace())
}

fn token() -> Unverified<AccessToken> {
    (&AccessToken::mint([5; 32])).into()
}

#[tokio::test]
async fn h5_a_verify_proves_the_client_and_brings_every_binding() {
    let (client, serving) = serve(vec![answer("200 OK", ACCEPTED)]);
    let verification = client.verify(&returned(), &aside()).await;
    let Verification::Accepted(accepted) = verification else {
        panic!("{verification:?}");
    };
    assert_eq!(accepted.user.name, "Alice Moreau");

    let requests = serving.requests();
    let [request] = &requests[..] else {
        panic!("{requests:?}")
    };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /auth/external/handoff/verify HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("\r\ncontent-type: application/json"),
        "{head}"
    );
    assert!(head.contains("\r\nhost: auth.localhost:"), "{head}");
    assert!(head.contains("\r\nauthorization: basic "), "{head}");
    let body: VerifyRequest = serde_json::from_str(body).unwrap();
    let sent = returned();
    assert_eq!(body.handoff_token.digest(), sent.token.digest());
    assert_eq!(body.state.digest(), sent.started.state.digest());
    assert_eq!(
        body.code_verifier.unwrap().digest(),
        sent.started.verifier.digest()
    );
    assert_eq!(
        body.redirect_uri.as_deref(),
        Some("http://notes.localhost:4000/callback")
    );
    assert_eq!(body.client_id, "notes");
}

#[tokio::test]
async fn row_82_a_lost_answer_is_followed_by_one_more_presentation() {
    let two_people = ACCEPTED.replace(r#""userId":"AgIC"#, r#""userId":"AwIC"#);
    let too_long = format!("{ACCEPTED}{}", " ".repeat(64 * 1024));
    let cut_short = answer("200 OK", ACCEPTED)[..200].to_owned();
    for (what, lost) in [
        ("a connection that breaks", String::new()),
        ("half an answer", cut_short),
        ("no JSON", answer("200 OK", "<html>")),
        ("JSON of another shape", answer("200 OK", "{}")),
        ("an answer about two people", answer("200 OK", &two_people)),
        ("an answer that is too long", answer("200 OK", &too_long)),
        (
            "a server that failed half-way",
            answer("500 Internal Server Error", ""),
        ),
        (
            "a proxy that gave up",
            answer("504 Gateway Timeout", "<html>"),
        ),
    ] {
        let (client, serving) = serve(vec![lost, answer("400 Bad Request", FAILED)]);
        let verification = client.verify(&returned(), &aside()).await;
        assert!(
            matches!(verification, Verification::Unreachable),
            "{what}: {verification:?}"
        );
        let requests = serving.requests();
        assert_eq!(requests.len(), 2, "{what}");
        assert_eq!(requests[0], requests[1], "{what}");
    }
}

#[tokio::test]
async fn row_82_when_only_the_second_presentation_arrives_its_session_is_ended() {
    let (client, serving) = serve(vec![
        String::new(),
        answer("200 OK", ACCEPTED),
        answer("200 OK", r#"{"success":true}"#),
    ]);
    let verification = client.verify(&returned(), &aside()).await;
    assert!(
        matches!(verification, Verification::Unreachable),
        "{verification:?}"
    );
    let requests = serving.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[2].starts_with("POST /api/v1/auth/direct/logout "),
        "{}",
        requests[2]
    );
    assert!(requests[2].contains("Bearer AT\r\n"), "{}", requests[2]);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let invalid_client = FAILED.replace("HANDOFF_VERIFICATION_FAILED", "invalid_client");
    for (status, body, expected) in [
        (
            "400 Bad Request",
            FAILED,
            ErrorCode::HandoffVerificationFailed,
        ),
        (
            "401 Unauthorized",
            &*invalid_client,
            ErrorCode::InvalidClient,
        ),
    ] {
        let (client, serving) = serve(vec![answer(status, body)]);
        let verification = client.verify(&returned(), &aside()).await;
        let Verification::Refused(found) = verification else {
            panic!("{verification:?}");
        };
        assert_eq!(found, expected);
        assert_eq!(serving.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_token_that_nobody_looked_at_is_not_presented_again() {
    let away = FAILED.replace("HANDOFF_VERIFICATION_FAILED", "temporarily_unavailable");
    let slow_down = FAILED.replace("HANDOFF_VERIFICATION_FAILED", "slow_down");
    for (status, body) in [
        ("503 Service Unavailable", &*away),
        ("429 Too Many Requests", &*slow_down),
        (
            "421 Misdirected Request",
            "No site of this server has that name.",
        ),
        ("404 Not Found", "<html>"),
    ] {
        let (client, serving) = serve(vec![answer(status, body)]);
        let verification = client.verify(&returned(), &aside()).await;
        assert!(
            matches!(verification, Verification::Unreachable),
            "{status}: {verification:?}"
        );
        assert_eq!(serving.requests().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn row_84_a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://evil.localhost:{port}/\r\nContent-Length: 0\r\n\r\n"
    );
    let (client, serving) = serve(vec![redirect]);
    let verification = client.verify(&returned(), &aside()).await;
    assert!(
        matches!(verification, Verification::Unreachable),
        "{verification:?}"
    );
    assert_eq!(serving.requests().len(), 1);
    assert!(elsewhere.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn an_authority_that_is_down_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = client(listener.local_addr().unwrap().port());
    drop(listener);
    let verification = client.verify(&returned(), &aside()).await;
    assert!(
        matches!(verification, Verification::Unreachable),
        "{verification:?}"
    );
    let check = client.session(&token(), &trace()).await;
    assert!(matches!(check, SessionCheck::Unreachable), "{check:?}");
    client.logout_or_log(&token(), &trace()).await;
}

#[tokio::test]
async fn only_a_clear_no_ends_a_session() {
    let no = r#"{"error":"no_session","error_description":"No."}"#;
    let (client, serving) = serve(vec![
        answer("200 OK", ACCEPTED),
        answer("401 Unauthorized", no),
        answer("503 Service Unavailable", no),
        answer("403 Forbidden", ""),
        answer("200 OK", "{}"),
        String::new(),
    ]);
    let SessionCheck::Alive(alive) = client.session(&token(), &trace()).await else {
        panic!("alive");
    };
    assert_eq!(alive.user.name, "Alice Moreau");
    assert!(matches!(
        client.session(&token(), &trace()).await,
        SessionCheck::Ended
    ));
    for _ in 0..4 {
        assert!(matches!(
            client.session(&token(), &trace()).await,
            SessionCheck::Unreachable
        ));
    }
    let requests = serving.requests();
    let bearer = format!("Bearer {}\r\n", token().expose());
    assert!(
        requests.iter().all(|request| request.contains(&bearer)),
        "{requests:?}"
    );
}
