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
    let own = world.origins.authority.as_str();
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

#[tokio::test]
async fn row_79_assignment_is_checked_at_every_door() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let bob = world.signed_in("bob@harbor.example").await;
    let csrf = bob.get(&world.authority("/")).await.csrf();
    let launch = bob.launch(&world).await;
    world.assign_notes_only_to(&["alice@harbor.example"]).await;

    let portal = bob.get(&world.authority("/")).await;
    assert!(!portal.body.contains("Open Notes"), "{portal:?}");
    let answer = bob
        .post(&world.authority("/apps/notes/open"), &[("csrf", &csrf)])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.body.contains("not assigned"), "{answer:?}");

    // From the relying party's own button, with a ticket from better days.
    let party = world.relying_party();
    let answer = bob.get(&party.authorize(&world, Some(&launch))).await;
    assert_eq!(
        answer.location_parameter("error"),
        "access_denied",
        "{answer:?}"
    );
    let page = bob.open(&world.notes("/handoff/start")).await;
    assert!(page.url.contains("reason=not-assigned"), "{page:?}");
    assert!(!bob.is_signed_in_at_notes(&world).await);

    let home = alice.open_notes(&world).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
}
