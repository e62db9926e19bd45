//! Sessions at Notes, and what ends them.

use reqwest::StatusCode;
use time::Duration;

use crate::harness::world;

#[tokio::test]
async fn row_56_signing_out_of_harbor_id_ends_the_session_at_notes_within_the_recheck() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    alice
        .post(&world.authority("/logout"), &[("csrf", &csrf)])
        .await;
    world.clock.advance(Duration::seconds(30));
    assert!(!alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_53_signing_out_of_notes_ends_that_session_and_leaves_harbor_id_alone() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    let old = alice.cookie(&home.url, "__Host-rp_session").unwrap();
    let answer = alice
        .post(&world.notes("/logout"), &[("csrf", &home.csrf())])
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(alice.cookie(&home.url, "__Host-rp_session"), None);
    let page = alice.follow(answer).await;
    assert!(page.body.contains(&world.authority("/logout")), "{page:?}");
    alice.set_cookie(&home.url, "__Host-rp_session", &old);
    assert!(!alice.is_signed_in_at_notes(&world).await, "row 53");
    assert_eq!(
        alice.get(&world.authority("/")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_session_at_notes_ends_with_the_hour_that_verify_gave_it() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    for _ in 0..5 {
        world.clock.advance(Duration::minutes(10));
        assert!(
            alice.is_signed_in_at_notes(&world).await,
            "working at Notes is not being idle"
        );
    }
    world.clock.advance(Duration::minutes(10));
    assert!(!alice.is_signed_in_at_notes(&world).await);
    assert_eq!(
        alice.get(&world.authority("/")).await.status,
        StatusCode::OK,
        "Harbor ID stays"
    );
}

#[tokio::test]
async fn notes_belong_to_the_person_who_wrote_them() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let mallory = world.signed_in("mallory@harbor.example").await;
    let home = alice.open_notes(&world).await;
    let fields = [("csrf", &*home.csrf()), ("text", "a <b>secret</b> note")];
    let answer = alice.post(&world.notes("/notes"), &fields).await;
    let home = alice.follow(answer).await;
    assert!(
        home.body.contains("a &lt;b&gt;secret&lt;/b&gt; note"),
        "{home:?}"
    );
    let path = home
        .body
        .split_once("action=\"/notes/")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    let delete = world.notes(&format!("/notes/{path}"));

    let theirs = mallory.open_notes(&world).await;
    assert!(!theirs.body.contains("secret"), "{theirs:?}");
    mallory.post(&delete, &[("csrf", &theirs.csrf())]).await;
    let home = alice.get(&world.notes("/")).await;
    assert!(home.body.contains("secret"), "{home:?}");
    let answer = alice.post(&delete, &[("csrf", &home.csrf())]).await;
    let home = alice.follow(answer).await;
    assert!(!home.body.contains("secret"), "{home:?}");
}

#[tokio::test]
async fn when_harbor_id_is_away_notes_says_so_and_gives_no_session() {
    let (process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    process.take_away(&world.origins.authority);
    let page = alice.open(&callback).await;
    assert!(page.url.contains("/signin/problem?"), "{page:?}");
    assert!(
        page.url.contains("reason=authority-unreachable"),
        "{page:?}"
    );
    assert!(!alice.is_signed_in_at_notes(&world).await);
}

#[tokio::test]
async fn row_82_a_browser_that_hangs_up_leaves_no_session_that_nobody_holds() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    for turns in 0..60 {
        let callback = alice.callback_address(&world).await;
        alice.get_and_hang_up(&world, &callback, turns).await;
        world.settled().await;
        let (at_harbor, at_notes) = world.living_sessions().await;
        assert_eq!(at_harbor, at_notes, "after {turns} turns");
    }
    let (at_harbor, _) = world.living_sessions().await;
    assert!(
        at_harbor > 0,
        "some callbacks were read before the browser hung up"
    );
}
