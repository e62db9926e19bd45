//! A platform is a value: two of them in one process share nothing but the process.

use std::{sync::Arc, time::Duration};

use reqwest::StatusCode;

use crate::harness::{Kept, Process, World, basic};

#[tokio::test]
async fn two_platforms_in_one_process_share_nothing() {
    let process = Process::start().await;
    let one = process.platform("-one", Kept::InFiles).await;
    let two = process.platform("-two", Kept::InFiles).await;

    // The same person, by name, signs in at both.
    let alice = one.signed_in("alice@harbor.example").await;
    let other = two.signed_in("alice@harbor.example").await;
    assert!(alice.open_notes(&one).await.body.contains("Alice Moreau"));
    assert!(other.open_notes(&two).await.body.contains("Alice Moreau"));

    // No cookie of one opens anything at the other.
    for (site, cookie) in [
        ("auth", "__Host-as_session"),
        ("notes", "__Host-rp_session"),
    ] {
        let at = |world: &World| match site {
            "auth" => world.authority("/"),
            _ => world.notes("/"),
        };
        let thief = two.visitor();
        thief.set_cookie(&at(&two), cookie, &alice.cookie(&at(&one), cookie).unwrap());
        let page = thief.open(&at(&two)).await.body;
        // The sign-in page offers her account by name, so look for what only she would see.
        let inside = page.contains("Your apps") || page.contains("Your notes");
        assert!(!inside, "{site}: {page}");
    }

    // No token of one is redeemed at the other, and no secret of one is known there.
    let party = one.relying_party();
    let token = party.token(&one, &alice).await;
    let body = party.body(&token);
    let verify = async |world: &World, secret: &str| {
        let auth = basic("notes", secret);
        let url = world.authority("/auth/external/handoff/verify");
        world
            .visitor()
            .post_json(&url, &[("authorization", &auth)], &body)
            .await
            .status
    };
    assert_ne!(one.notes_secret(), two.notes_secret());
    assert_eq!(
        verify(&two, &one.notes_secret()).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        verify(&two, &two.notes_secret()).await,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(verify(&one, &one.notes_secret()).await, StatusCode::OK);

    // Time is each platform's own.
    two.clock.advance(time::Duration::hours(13));
    assert_eq!(alice.get(&one.authority("/")).await.status, StatusCode::OK);
    assert!(other.open(&two.authority("/")).await.url.contains("/login"));

    // A sign-out at one leaves the other alone.
    other.sign_in(&two, "alice@harbor.example").await;
    let csrf = alice.get(&one.authority("/")).await.csrf();
    alice
        .post(&one.authority("/logout"), &[("csrf", &csrf)])
        .await;
    assert_eq!(other.get(&two.authority("/")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn dropping_a_platform_ends_its_sites_and_tasks_and_the_other_goes_on() {
    let process = Process::start().await;
    let kept = process.platform("-kept", Kept::InMemory).await;
    let gone = process.platform("-gone", Kept::InMemory).await;
    let (visitor, home) = (gone.visitor(), gone.authority("/"));
    assert!(visitor.get(&home).await.status.is_redirection());
    gone.settled().await;

    // Every site and every task of a platform holds its clock.
    let clock = Arc::downgrade(&gone.clock);
    drop(gone);
    let ended = async {
        while clock.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    assert!(ended.is_ok(), "{} still hold it", clock.strong_count());
    assert_eq!(
        visitor.get(&home).await.status,
        StatusCode::MISDIRECTED_REQUEST
    );

    let alice = kept.signed_in("alice@harbor.example").await;
    assert!(alice.open_notes(&kept).await.body.contains("Alice Moreau"));
}
