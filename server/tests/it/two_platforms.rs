//! A platform is a value: two of them in one process share nothing but the process.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use reqwest::StatusCode;
use server::{
    config::Origins,
    platform::{Platform, Setup, Shared, Stores},
    sites::Directory,
};
use tokio::runtime::Handle;
use tower::ServiceExt;
use ui::shell::Assets;

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

/// Platforms with few bounds: what a workspace is made of.
fn lean(setup: &mut Setup) {
    setup.metrics = false;
    setup.monitor = false;
}

#[tokio::test]
async fn a_thousand_platforms_come_and_go_and_leave_nothing_behind() {
    let shared = Shared::default();
    let directory = Directory::default();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let create = async |n: usize| {
        let origins = Origins::on_localhost(&format!("-{n}"), 4000).unwrap();
        let assets = Assets::default();
        let mut setup = Setup::demo(origins, assets);
        setup.shared = shared.clone();
        lean(&mut setup);
        let platform = Platform::open(setup, Stores::InMemory).await.unwrap();
        let mounted = platform.mount(&directory);
        (platform, mounted)
    };
    // The first one makes what a process makes once.
    let first = create(0).await;
    let with_one = tasks();
    drop(first);
    let mut alive = Vec::new();
    for n in 0..1_000 {
        alive.push(create(n).await);
        if alive.len() == 10 {
            alive.clear();
        }
    }
    let last = create(1_000).await;
    let few = async {
        while tasks() > with_one {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), few).await;
    assert!(ended.is_ok(), "{} tasks, {with_one} before", tasks());
    assert_eq!(shared.sweeper.living(), 1);
    assert_eq!(format!("{directory:?}").matches("localhost").count(), 4);
    drop(last);
    assert_eq!(format!("{directory:?}"), "{}");
}

#[tokio::test]
async fn a_platform_without_metrics_and_monitor_has_no_page_of_them() {
    let process = Process::start().await;
    let world = process.platform_with("", Kept::InMemory, lean).await;
    let visitor = world.visitor();
    let page = visitor.get(&world.lab("/flows")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("/monitor"), "{page:?}");
    let page = visitor.get(&world.lab("/monitor")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = world.operations().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    // And handoffs are recorded and shown as ever.
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    world.settled().await;
    let page = visitor.get(&world.lab("/flows")).await;
    assert!(
        page.body.contains("Alice") || page.body.contains("/flows/"),
        "{page:?}"
    );
}
