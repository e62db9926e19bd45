//! H1: *Open App*.

use reqwest::{Method, StatusCode};

use crate::harness::world;

#[tokio::test]
async fn row_26_h1_open_app_needs_the_sessions_own_csrf_token_and_the_sites_own_page() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let url = world.authority("/apps/notes/open");
    let csrf = alice.get(&world.authority("/")).await.csrf();
    let foreign = mallory.get(&world.authority("/")).await.csrf();

    for (fields, what) in [
        (vec![], "no token"),
        (vec![("csrf", "")], "an empty token"),
        (vec![("csrf", &*foreign)], "another session's token"),
        (vec![("csrf", &*csrf), ("csrf", &*csrf)], "two tokens"),
    ] {
        let answer = alice.post(&url, &fields).await;
        assert!(answer.status.is_client_error(), "{what}: {answer:?}");
        assert_eq!(answer.header("location"), "", "{what}");
    }
    let own = world.origins.of(authority::ID).as_str();
    for (headers, allowed) in [
        (vec![], true),
        (vec![("origin", own)], true),
        (vec![("origin", "null")], false),
        (vec![("origin", "http://evil.localhost")], false),
        (
            vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
            true,
        ),
        (
            vec![("origin", own), ("sec-fetch-site", "same-site")],
            false,
        ),
        (
            vec![("origin", own), ("sec-fetch-site", "cross-site")],
            false,
        ),
    ] {
        let answer = alice.post_with(&url, &headers, &[("csrf", &csrf)]).await;
        let expected = if allowed {
            StatusCode::SEE_OTHER
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(answer.status, expected, "{headers:?}: {answer:?}");
    }
}

#[tokio::test]
async fn h1_open_app_is_for_people_who_are_signed_in_and_for_apps_that_exist() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    for unknown in ["nobody", "Notes", "a%00", "a%ff", "..%2f", &"a".repeat(100)] {
        let url = world.authority(&format!("/apps/{unknown}/open"));
        let answer = alice.post(&url, &[("csrf", &csrf)]).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{unknown}: {answer:?}"
        );
    }
    let answer = alice.get(&world.authority("/apps/notes/open")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{answer:?}");
    let answer = alice
        .send(Method::PUT, &world.authority("/login"), &[], None)
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{answer:?}");

    let stranger = world.visitor();
    let answer = stranger
        .post(&world.authority("/apps/notes/open"), &[("csrf", &csrf)])
        .await;
    assert_eq!(answer.location(), world.authority("/login"), "{answer:?}");
}
