//! Signing in and out at Harbor ID.

use reqwest::StatusCode;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use time::Duration;

use crate::harness::{Answer, Kept, PASSWORD, Persona, Process, World, world};

#[tokio::test]
async fn rows_53_and_57_a_person_signs_in_sees_the_portal_and_signs_out() {
    let (_process, world) = world().await;
    let alice = world.visitor();
    let portal = alice.sign_in(&world, "Alice@Harbor.example").await;
    assert_eq!(portal.url, world.authority("/"));
    assert!(portal.body.contains("Alice Moreau") && portal.body.contains("Open Notes"));
    assert_eq!(
        alice.cookie(&portal.url, "__Host-as_pre"),
        None,
        "the pre-session is gone"
    );

    let old = alice.cookie(&portal.url, "__Host-as_session").unwrap();
    let answer = alice
        .post(&world.authority("/logout"), &[("csrf", &portal.csrf())])
        .await;
    assert_eq!(answer.header("clear-site-data"), "\"cache\"", "row 57");
    assert_eq!(alice.cookie(&portal.url, "__Host-as_session"), None);
    let page = alice.follow(answer).await;
    assert!(page.body.contains("signed out"), "{page:?}");
    alice.set_cookie(&portal.url, "__Host-as_session", &old);
    let again = alice.get(&world.authority("/")).await;
    assert!(again.location().contains("/login"), "row 53: {again:?}");
}

#[tokio::test]
async fn row_64_a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let mut bodies = Vec::new();
    for (email, password) in [
        ("alice@harbor.example", "wrong"),
        ("nobody@harbor.example", PASSWORD),
        ("alice@harbor.example", ""),
        ("", ""),
        ("alice@harbor.example", &"a".repeat(2000)),
    ] {
        let csrf = visitor.get(&world.authority("/login")).await.csrf();
        let fields = [("csrf", &*csrf), ("email", email), ("password", password)];
        let answer = visitor.post(&world.authority("/login"), &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{email} {password}"
        );
        assert_eq!(visitor.cookie(&answer.url, "__Host-as_session"), None);
        assert!(!answer.body.contains(PASSWORD), "no password comes back");
        let csrf = answer.csrf();
        // What was typed comes back, and the token is another one each time. An empty field has
        // the cursor, which shows nothing but that it was empty.
        if !email.is_empty() {
            bodies.push(answer.body.replace(&csrf, "").replace(email, ""));
        }
    }
    assert_eq!(bodies.len(), 4);
    for body in &bodies {
        assert_eq!(*body, bodies[0]);
    }
}

#[tokio::test]
async fn row_27_the_sign_in_form_needs_this_browsers_own_token() {
    let (_process, world) = world().await;
    let (alice, mallory) = (world.visitor(), world.visitor());
    let foreign = mallory.get(&world.authority("/login")).await.csrf();
    let own = alice.get(&world.authority("/login")).await.csrf();
    let url = world.authority("/login");
    let fields = |csrf: &str| {
        [
            ("csrf".to_owned(), csrf.to_owned()),
            ("email".to_owned(), "mallory@harbor.example".to_owned()),
            ("password".to_owned(), PASSWORD.to_owned()),
        ]
    };
    let post = async |csrf: &str, headers: &[(&str, &str)]| {
        let fields = fields(csrf);
        let fields: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        alice.post_with(&url, headers, &fields).await.status
    };
    let same = [("sec-fetch-site", "same-origin")];
    assert_eq!(post(&foreign, &same).await, StatusCode::FORBIDDEN);
    assert_eq!(post("", &same).await, StatusCode::FORBIDDEN);
    assert_eq!(
        post(&own, &[("sec-fetch-site", "cross-site")]).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        post(&own, &[("origin", "http://evil.localhost")]).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(alice.cookie(&url, "__Host-as_session"), None);
    assert_eq!(post(&own, &same).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn row_23_the_session_id_changes_at_sign_in_and_the_old_one_is_dead() {
    let (_process, world) = world().await;
    let browser = world.signed_in("alice@harbor.example").await;
    let home = world.authority("/");
    let first = browser.cookie(&home, "__Host-as_session").unwrap();
    // The sign-in page sends somebody who is signed in on to the portal; its form still works.
    browser.lose_cookie(&home, "__Host-as_session");
    let csrf = browser.get(&world.authority("/login")).await.csrf();
    browser.set_cookie(&home, "__Host-as_session", &first);
    let fields = [
        ("csrf", &*csrf),
        ("email", "bob@harbor.example"),
        ("password", PASSWORD),
    ];
    browser.post(&world.authority("/login"), &fields).await;
    let second = browser.cookie(&home, "__Host-as_session").unwrap();
    assert_ne!(first, second);
    assert!(browser.get(&home).await.body.contains("Bob Okafor"));
    browser.set_cookie(&home, "__Host-as_session", &first);
    let answer = browser.get(&home).await;
    assert!(answer.location().contains("/login"), "{answer:?}");
}

#[tokio::test]
async fn row_62_a_sign_in_ends_when_idle_and_at_the_latest_after_a_day_of_work() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = world.authority("/");
    world.clock.advance(Duration::minutes(29));
    assert_eq!(alice.get(&home).await.status, StatusCode::OK);
    world.clock.advance(Duration::minutes(29));
    assert_eq!(alice.get(&home).await.status, StatusCode::OK);
    world.clock.advance(Duration::minutes(30));
    let page = alice.open(&home).await;
    assert!(page.url.contains("/login"), "{page:?}");

    alice.sign_in(&world, "alice@harbor.example").await;
    for _ in 0..(12 * 4 - 1) {
        world.clock.advance(Duration::minutes(15));
        assert_eq!(alice.get(&home).await.status, StatusCode::OK);
    }
    world.clock.advance(Duration::minutes(15));
    let page = alice.open(&home).await;
    assert!(page.url.contains("/login"), "{page:?}");
}

#[tokio::test]
async fn a_demo_account_fills_the_form_and_no_more() {
    let (_process, world) = world().await;
    let visitor = world.visitor();
    let page = visitor.get(&world.authority("/login?demo=bob")).await;
    assert!(page.body.contains("bob@harbor.example") && page.body.contains(PASSWORD));
    assert_eq!(visitor.cookie(&page.url, "__Host-as_session"), None);
    let page = visitor.get(&world.authority("/login?demo=nobody")).await;
    assert_eq!(page.status, StatusCode::OK);
}

/// Lets writes to a table of Harbor ID fail, or be possible again.
async fn change(world: &World, statement: &'static str) {
    let file = world.folder().join("authority.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(statement).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

async fn enter_password(world: &World, alice: &Persona) -> Answer {
    let csrf = alice.get(&world.authority("/login")).await.csrf();
    let fields = [("csrf", &*csrf), ("email", ALICE), ("password", PASSWORD)];
    alice.post(&world.authority("/login"), &fields).await
}

const ALICE: &str = "alice@harbor.example";

#[tokio::test]
async fn what_a_browser_is_known_by_changes_in_the_browser_and_in_the_store_or_in_neither() {
    let process = Process::start().await;
    let world = process.platform("", Kept::InFiles).await;
    let alice = world.signed_in(ALICE).await;
    let home = world.authority("/");
    let known = || alice.cookie(&home, "__Host-as_known").unwrap();
    let first = known();

    for event in [
        "CREATE TRIGGER no_insert BEFORE INSERT ON known_browser BEGIN SELECT RAISE(ABORT, ''); END",
        "CREATE TRIGGER no_update BEFORE UPDATE ON known_browser BEGIN SELECT RAISE(ABORT, ''); END",
    ] {
        change(&world, event).await;
    }
    alice.lose_cookie(&home, "__Host-as_session");
    let answer = enter_password(&world, &alice).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(known(), first, "the store has no other");

    for event in [
        "DROP TRIGGER no_insert",
        "DROP TRIGGER no_update",
        "CREATE TRIGGER none BEFORE INSERT ON browser_session BEGIN SELECT RAISE(ABORT, ''); END",
    ] {
        change(&world, event).await;
    }
    alice.lose_cookie(&home, "__Host-as_session");
    let answer = enter_password(&world, &alice).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_ne!(known(), first, "the store has another");
}
