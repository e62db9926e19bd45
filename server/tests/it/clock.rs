//! The clock jumps: what was refused because its time was over is never accepted later.

use reqwest::StatusCode;
use time::Duration;

use crate::harness::{basic, world};

#[tokio::test]
async fn row_2_a_token_that_came_too_late_is_not_accepted_when_the_clock_is_put_back() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let party = world.relying_party();
    let auth = basic("notes", &world.notes_secret());
    let url = world.authority("/auth/external/handoff/verify");
    let verify = async |token: &str| {
        let headers = [("authorization", auth.as_str())];
        let body = party.body(token);
        let answer = world.visitor().post_json(&url, &headers, &body).await;
        answer.status
    };
    let late = party.token(&world, &alice).await;
    let early = party.token(&world, &alice).await;
    world.clock.advance(Duration::seconds(60));
    assert_eq!(verify(&late).await, StatusCode::BAD_REQUEST);
    world.clock.advance(Duration::seconds(-60));
    assert_eq!(verify(&late).await, StatusCode::BAD_REQUEST);
    // The jumps alone spoil nothing.
    assert_eq!(verify(&early).await, StatusCode::OK);
}

#[tokio::test]
async fn row_62_a_session_that_was_over_stays_over_when_the_clock_is_put_back() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    assert!(alice.is_signed_in_at_notes(&world).await);
    for jump in [Duration::hours(2), Duration::hours(-2)] {
        world.clock.advance(jump);
        assert!(!alice.is_signed_in_at_notes(&world).await, "{jump}");
        let portal = alice.open(&world.authority("/")).await;
        assert!(portal.url.contains("/login"), "{jump}: {portal:?}");
    }
}

#[tokio::test]
async fn row_20_a_handoff_that_came_back_too_late_does_not_go_on_when_the_clock_is_put_back() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    let callback = alice.callback_address(&world).await;
    for (jump, leads_to) in [(300, "/handoff/start?again=1&"), (-300, "/signin/problem?")] {
        let jump = Duration::seconds(jump);
        world.clock.advance(jump);
        let answer = alice.get(&callback).await;
        assert!(
            answer.location_starts_with(&world.notes(leads_to)),
            "{jump}: {answer:?}"
        );
        assert!(!alice.is_signed_in_at_notes(&world).await, "{jump}");
    }
}

#[tokio::test]
async fn a_session_that_ended_is_noticed_although_the_clock_was_put_back() {
    let (_process, world) = world().await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    let csrf = alice.get(&world.authority("/")).await.csrf();
    let signed_out = alice
        .post(&world.authority("/logout"), &[("csrf", &csrf)])
        .await;
    assert!(signed_out.status.is_redirection(), "{signed_out:?}");
    // By the clock, the last check is yet to come: for a day, if it counted.
    world.clock.advance(Duration::days(-1));
    assert!(!alice.is_signed_in_at_notes(&world).await);
}
