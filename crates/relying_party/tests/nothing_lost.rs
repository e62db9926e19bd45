//! What people wrote, and where they wanted to go, outlives sessions and waits. Two browsers at the site's
//! router; the authorization server is away.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

use axum::{
    http::{Method, StatusCode, header},
    response::Response,
};
use handoff::{
    ids::{ItemId, SessionId},
    uri::LocalPath,
};
use relying_party::{Application, store::Sqlite};
use sqlx::{Connection, SqliteConnection};
use std::sync::Arc;
use time::Duration;
use web::{
    csrf,
    rng::{Randomness, SystemRandomness},
};

use super::front_door::{World, cookie_of, read, user};

const APPLICATIONS: [(Application, &str); 2] = [
    (Application::Notes, "/notes"),
    (Application::Tasks, "/tasks"),
];

/// The value of the first hidden field of this name.
fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let (_, rest) = html
        .split_once(&start)
        .unwrap_or_else(|| panic!("{name}: {html}"));
    let (value, _) = rest.split_once('"').unwrap();
    value.to_owned()
}

fn location(answer: &Response) -> String {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()[header::LOCATION]
        .to_str()
        .unwrap()
        .to_owned()
}

/// How many texts a page lists.
fn texts(page: &str, path: &str) -> usize {
    page.matches(&format!("href=\"{path}/")).count()
}

/// A browser with a session.
struct Browser<'a> {
    world: &'a World,
    session: String,
}

impl Browser<'_> {
    async fn get(&self, path: &str) -> String {
        let cookie = format!("__Host-rp_session={}", self.session);
        let answer = self.world.send_from(&cookie, Method::GET, path, &[]).await;
        read(answer).await.1
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let csrf = csrf::token(&self.session, &SystemRandomness);
        self.post_with(&csrf, path, fields).await
    }

    /// A form with the CSRF token of another session.
    async fn post_with(&self, csrf: &str, path: &str, fields: &[(&str, &str)]) -> Response {
        let cookie = format!("__Host-rp_session={}", self.session);
        let mut fields = fields.to_vec();
        fields.push(("csrf", csrf));
        self.world
            .send_from(&cookie, Method::POST, path, &fields)
            .await
    }
}

async fn browser<'a>(world: &'a World, id: u8, name: &str) -> Browser<'a> {
    let random: &dyn Randomness = &SystemRandomness;
    let session = SessionId::mint(random.bytes());
    let session = world.session_of(session, user(id, name)).await;
    Browser { world, session }
}

#[tokio::test]
async fn a_text_whose_session_ended_comes_back_to_its_author_alone() {
    for (application, path) in APPLICATIONS {
        let world = World::of(application).await;
        let alice = browser(&world, 1, "Alice Moreau").await;
        let bob = browser(&world, 2, "Bob Okafor").await;
        alice.post(path, &[("text", "old words")]).await;
        let page = alice.get("/").await;
        let (_, id) = page.split_once(&format!("href=\"{path}/")).unwrap();
        let (id, _) = id.split_once("/edit").unwrap();
        let edit = format!("{path}/{id}/edit");
        for (action, shown) in [(path, "/"), (&*edit, &*edit)] {
            let form = field(&alice.get(shown).await, "form");
            let sent = [("text", "dear <diary>"), ("form", &*form)];
            let stale = csrf::token("a session that ended", &SystemRandomness);
            let mut fields = sent.to_vec();
            fields.push(("csrf", &stale));

            // Nobody is signed in: the page shows the text, and keeps it.
            let answer = world.send_from("", Method::POST, action, &fields).await;
            let (status, page) = read(answer).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
            assert!(page.contains("dear &lt;diary&gt;") && page.contains("You are signed out of"));
            let kept = field(&page, "kept");
            // Whoever has the page later opens nothing by it.
            let later = [("kept", &*kept)];
            let answer = world.send_from("", Method::POST, action, &later).await;
            let (_, page) = read(answer).await;
            assert!(!page.contains("diary"), "{page}");
            let kept = field(&page, "kept");

            // Somebody else is signed in: the page shows nothing of it, and keeps it.
            for fields in [&sent[..], &[("kept", &*kept)]] {
                let answer = bob.post_with(&stale, action, fields).await;
                let (status, page) = read(answer).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
                assert!(page.contains("Somebody else is signed in now"), "{page}");
                assert!(!page.contains("diary"), "{page}");
                let kept = field(&page, "kept");
                let (_, page) = read(alice.post(action, &[("kept", &kept)]).await).await;
                assert!(page.contains("dear &lt;diary"), "{page}");
            }

            // Its author has signed in again: the form is filled in, and nothing is done yet.
            for fields in [&sent[..], &[("kept", &*kept)]] {
                let (status, page) = read(alice.post_with(&stale, action, fields).await).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
                assert!(page.contains("dear &lt;diary"), "{page}");
                assert!(page.contains("It is not saved yet"), "{page}");
                assert!(!alice.get("/").await.contains("diary"));
                // The same form once more: whichever way it came back, it makes one text.
                let form = field(&page, "form");
                let again = [("text", "my own words"), ("form", &*form)];
                assert_eq!(location(&alice.post(action, &again).await), "/");
                let page = alice.get("/").await;
                assert!(page.contains("my own words"), "{page}");
                assert_eq!(texts(&page, path), 2, "{page}");
            }
        }
        assert!(!bob.get("/").await.contains("my own words"));
    }
}

#[tokio::test]
async fn a_form_that_was_not_sealed_here_gives_nothing_back() {
    let world = World::new().await;
    let alice = browser(&world, 1, "Alice Moreau").await;
    let form = field(&alice.get("/").await, "form");
    let mut changed = form.clone().into_bytes();
    changed[20] = if changed[20] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for form in ["", "x", &changed, &"A".repeat(5_000)] {
        for fields in [
            [("text", "planted"), ("form", form)],
            [("x", ""), ("kept", form)],
        ] {
            let answer = world.send_from("", Method::POST, "/notes", &fields).await;
            let (status, page) = read(answer).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            assert!(
                !page.contains("planted") && !page.contains("name=\"kept\""),
                "{page}"
            );
            assert!(page.contains("href=\"/handoff/start\""), "a way on: {page}");
        }
    }
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_or_came_too_fast_stays_in_its_form() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let store = Sqlite::open(&file).await.unwrap();
    let world = World::over(Arc::new(store), 1).await;
    let alice = browser(&world, 1, "Alice Moreau").await;
    let form = field(&alice.get("/").await, "form");
    let fields = [("text", "dear <diary>"), ("form", &*form)];
    let held = |page: &str| {
        assert!(page.contains("dear &lt;diary"), "{page}");
        assert!(page.contains("Try again") && page.contains("action=\"/notes\""));
        assert_eq!(field(page, "csrf").len(), 86);
        field(page, "form")
    };
    let mut beside = SqliteConnection::connect(file.to_str().unwrap())
        .await
        .unwrap();
    for (broken, mended) in [
        (
            "ALTER TABLE item RENAME TO away",
            "ALTER TABLE away RENAME TO item",
        ),
        (
            "ALTER TABLE session RENAME TO away",
            "ALTER TABLE away RENAME TO session",
        ),
    ] {
        sqlx::query(broken).execute(&mut beside).await.unwrap();
        let (status, page) = read(alice.post("/notes", &fields).await).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
        held(&page);
        sqlx::query(mended).execute(&mut beside).await.unwrap();
    }
    let page = loop {
        let answer = alice.post("/notes", &fields).await;
        if answer.status() != StatusCode::SEE_OTHER {
            break read(answer).await;
        }
    };
    assert_eq!(page.0, StatusCode::TOO_MANY_REQUESTS);
    let form = held(&page.1);
    world.clock.advance(Duration::minutes(1));
    let again = [("text", "dear <diary>"), ("form", &*form)];
    assert_eq!(location(&alice.post("/notes", &again).await), "/");
    let page = alice.get("/").await;
    assert_eq!(texts(&page, "/notes"), 1, "sent many times: {page}");
}

#[tokio::test]
async fn what_a_form_is_named_after_is_the_same_for_one_person_and_differs_between_two() {
    let world = World::new().await;
    let mut names = Vec::new();
    for (id, name) in [(1, "Alice Moreau"), (1, "Alice Moreau"), (2, "Bob Okafor")] {
        let page = browser(&world, id, name).await.get("/").await;
        let forms: Vec<_> = page.split("<form ").skip(1).collect();
        for form in forms.iter().filter(|form| form.contains("name=\"csrf\"")) {
            let first = form.split("name=\"").nth(1).unwrap();
            assert!(first.starts_with("of-"), "in front of all others: {form}");
        }
        let (_, name) = page.split_once("name=\"of-").unwrap();
        names.push(name.split_once('"').unwrap().0.to_owned());
        world.clock.advance(Duration::SECOND);
    }
    assert_eq!(names[0], names[1]);
    assert_ne!(names[1], names[2]);
}

#[tokio::test]
async fn one_shown_form_makes_one_text_however_often_it_is_sent() {
    for (application, path) in APPLICATIONS {
        let world = World::of(application).await;
        let alice = browser(&world, 1, "Alice Moreau").await;
        let form = field(&alice.get("/").await, "form");
        for _ in 0..3 {
            let answer = alice
                .post(path, &[("text", "buy milk"), ("form", &form)])
                .await;
            assert_eq!(location(&answer), "/");
        }
        let page = alice.get("/").await;
        assert!(page.contains("buy milk"), "{page}");
        assert_eq!(texts(&page, path), 1, "{page}");
        // A corrected text is not lost: it is shown, and makes a text of its own.
        let corrected = [("text", "buy oat milk"), ("form", &*form)];
        let (status, shown) = read(alice.post(path, &corrected).await).await;
        assert_eq!(status, StatusCode::CONFLICT, "{shown}");
        assert!(shown.contains("buy oat milk"), "{shown}");
        let new = field(&shown, "form");
        let again = [("text", "buy oat milk"), ("form", &*new)];
        assert_eq!(location(&alice.post(path, &again).await), "/");
        assert_eq!(texts(&alice.get("/").await, path), 2);
        assert_ne!(
            field(&page, "form"),
            form,
            "the next form makes the next text"
        );
    }
}

/// Addresses that differ in all that a reader of a query may change.
const TARGETS: [&str; 8] = [
    "/?page=2",
    "/notes/AQEBAQEBAQEBAQEBAQEBAQ/edit?page=2",
    "/?b=2&a=1&a=2&a=1",
    "/?flag&empty=&=nameless&&x",
    "/?t=a%20b+c%2Bd&u=%C3%BC%E2%82%AC",
    "/?x=%26%3D%3F%23&y=a;b,c:d@e!f$g*h(i)",
    "/%C3%BC/x?p=~-._",
    "/?continue=https://elsewhere.example/a?b=c",
];

/// The target that a request for a sign-in names.
fn target_of(address: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    let read: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap();
    let mut targets = read
        .into_iter()
        .filter(|(name, _)| name == "target_link_uri");
    let (target, None) = (targets.next(), targets.next()) else {
        panic!("{address}")
    };
    target.map(|(_, target)| target)
}

/// H2 with this cookie: what the browser then has, and the address of its return without a token.
async fn start(world: &World, cookie: &str, address: &str) -> (String, String) {
    let answer = world.send_from(cookie, Method::GET, address, &[]).await;
    let authorize = location(&answer);
    let (_, state) = authorize
        .split_once("&state=")
        .unwrap_or_else(|| panic!("{authorize}"));
    let (state, _) = state.split_once('&').unwrap();
    let cookie = cookie_of(&answer);
    (
        cookie,
        format!("/callback?handoff_token=T&state={state}&iss=x"),
    )
}

#[tokio::test]
async fn where_somebody_wanted_to_go_survives_the_sign_in_byte_for_byte() {
    let world = World::new().await;
    for target in TARGETS {
        let answer = world.send_from("", Method::GET, target, &[]).await;
        let (status, page) = read(answer).await;
        // No page of a text has such an address; a visitor does not learn that.
        let is_page = !target.starts_with("/%");
        assert_eq!(status == StatusCode::OK, is_page, "{target}");
        let link = match is_page {
            true => {
                let (_, link) = page.split_once("href=\"/handoff/start").unwrap();
                let (link, _) = link.split_once('"').unwrap();
                format!("/handoff/start{}", link.replace("&amp;", "&"))
            }
            false => handoff::uri::with_query("/handoff/start", &[("target_link_uri", target)]),
        };
        assert_eq!(target_of(&link).as_deref(), Some(target), "{page}");
        let (cookie, callback) = start(&world, "", &link).await;
        world.clock.advance(Duration::minutes(6));
        let back = world.send_from(&cookie, Method::GET, &callback, &[]).await;
        assert_eq!(target_of(&location(&back)).as_deref(), Some(target));
    }
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_is_started_again_once_and_then_by_a_button() {
    let world = World::new().await;
    for wait in [Duration::seconds(301), Duration::hours(12)] {
        let target = "/?page=2&a=%20+";
        let link = handoff::uri::with_query("/handoff/start", &[("target_link_uri", target)]);
        let (cookie, callback) = start(&world, "", &link).await;
        world.clock.advance(wait);
        let back = world.send_from(&cookie, Method::GET, &callback, &[]).await;
        let again = location(&back);
        assert!(again.starts_with("/handoff/start?again=1&"), "{again}");
        assert_eq!(target_of(&again).as_deref(), Some(target));
        let (cookie, second) = start(&world, &cookie, &again).await;
        assert_ne!(second, callback, "a new state");
        world.clock.advance(wait);
        let back = world.send_from(&cookie, Method::GET, &second, &[]).await;
        let problem = location(&back);
        assert!(problem.contains("reason=took-too-long"), "{problem}");
        let (_, page) = world.get(&problem).await;
        let (_, button) = page.split_once("href=\"/handoff/start").unwrap();
        let (button, _) = button.split_once('"').unwrap();
        let button = button.replace("&amp;", "&");
        assert_eq!(target_of(&button).as_deref(), Some(target), "{page}");
        // Neither is started a third time.
        for old in [callback, second] {
            let back = world.send_from(&cookie, Method::GET, &old, &[]).await;
            assert!(location(&back).contains("reason=not-this-browser"));
        }
    }
}

#[tokio::test]
async fn what_was_declined_too_late_is_not_asked_once_more() {
    let world = World::new().await;
    let link = handoff::uri::with_query("/handoff/start", &[("target_link_uri", "/?page=2")]);
    for (error, reason) in [
        ("access_denied", "reason=cancelled&"),
        (
            "access_denied&error_description=not_assigned",
            "reason=not-assigned&",
        ),
        ("server_error", "reason=refused&"),
    ] {
        let (cookie, callback) = start(&world, "", &link).await;
        world.clock.advance(Duration::minutes(6));
        let callback = callback.replace("handoff_token=T", &format!("error={error}"));
        let back = world.send_from(&cookie, Method::GET, &callback, &[]).await;
        let problem = location(&back);
        assert!(problem.contains(reason), "{problem}");
        assert_eq!(target_of(&problem).as_deref(), Some("/?page=2"));
    }
}

#[tokio::test]
async fn a_target_that_is_none_says_so_and_one_of_another_site_is_the_start_page() {
    let world = World::new().await;
    let long = format!("/{}", "a".repeat(LocalPath::MAX_LENGTH));
    for (target, words) in [
        (&*long, "longer than 2048 characters"),
        ("home", "not the address of a page of Notes"),
        ("/a%00b", "not the address of a page of Notes"),
        ("/a b", "not the address of a page of Notes"),
    ] {
        let link = handoff::uri::with_query("/handoff/start", &[("target_link_uri", target)]);
        let answer = world.send_from("", Method::GET, &link, &[]).await;
        let (status, page) = read(answer).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{target}");
        assert!(page.contains(words), "{page}");
        assert!(page.contains("href=\"/handoff/start\""), "{page}");
        assert!(!page.contains("aaaa") && !page.contains(">home"), "{page}");
    }
    for target in [
        "https://elsewhere.example/",
        "http://notes.localhost:4000.elsewhere.example/",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "javascript:alert(1)",
    ] {
        let link = handoff::uri::with_query("/handoff/start", &[("target_link_uri", target)]);
        let (cookie, callback) = start(&world, "", &link).await;
        world.clock.advance(Duration::minutes(6));
        let back = world.send_from(&cookie, Method::GET, &callback, &[]).await;
        assert_eq!(
            target_of(&location(&back)).as_deref(),
            Some("/"),
            "{target}"
        );
    }
    let link = handoff::uri::with_query("/handoff/start", &[("target_link_uri", "/?t=ü€")]);
    let (cookie, callback) = start(&world, "", &link).await;
    world.clock.advance(Duration::minutes(6));
    let back = world.send_from(&cookie, Method::GET, &callback, &[]).await;
    let target = target_of(&location(&back));
    assert_eq!(target.as_deref(), Some("/?t=%C3%BC%E2%82%AC"));
}

#[tokio::test]
async fn a_change_without_a_session_says_so_and_leads_to_the_sign_in() {
    let world = World::of(Application::Tasks).await;
    let id = ItemId::mint([1; 16]);
    for verb in ["delete", "restore", "tick"] {
        let path = format!("/tasks/{id}/{verb}");
        let answer = world.send_from("", Method::POST, &path, &[]).await;
        let (status, page) = read(answer).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{verb}");
        assert!(page.contains("You are signed out"), "{page}");
        assert!(page.contains("href=\"/handoff/start\""), "{page}");
    }
}
