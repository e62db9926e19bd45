use authority::store::NoSession;
use handoff::{client::AssignedTo, refusal_reason::RefusalReason};
use time::Duration;

use super::world::{
    ABSOLUTE, NOTES, START, TASKS, TICK, World, Wrong, email, id, new_client, seconds,
};

const HOUR: Duration = Duration::hours(1);

pub(crate) async fn sweeping_counts_what_has_expired_and_keeps_the_rest<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    let unused_ticket = world.launch(sign_in, NOTES, START).await;
    let used_ticket = world.launch(sign_in, NOTES, START).await;
    world
        .issue_silently(sign_in, Some(used_ticket), START)
        .await;
    let burned = world.send(sign_in, START).await;
    world.redeem(Wrong::State.of(&burned), START).await;
    let session = world.redeemed(sign_in, START).await;
    let store = &world.store;
    let until = START + HOUR * 2;
    store.put([1; 32], vec![1], until).await.unwrap();

    let sweep = async |now| store.sweep(now).await.unwrap();
    assert_eq!(sweep(START).await, 0);
    assert_eq!(sweep(START + seconds(60) - TICK).await, 0);
    // Two tickets, a token that nobody redeemed, and the one that was burned.
    assert_eq!(sweep(START + seconds(60)).await, 4);
    assert_eq!(sweep(START + seconds(60)).await, 0);
    let swept = world.redeem(burned.presented(), START).await;
    assert_eq!(swept.rejection(), Some(RefusalReason::Unknown));
    world
        .issue_silently(sign_in, Some(unused_ticket), START)
        .await;

    assert_eq!(world.closed(session.access, START).await, None);
    // The session, and the token that gave it.
    assert_eq!(sweep(START + HOUR - TICK).await, 0);
    assert_eq!(sweep(START + HOUR).await, 2);
    let closed = world.closed(session.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));

    assert_eq!(sweep(until - TICK).await, 0);
    assert!(store.get([1; 32], START).await.unwrap().is_some());
    assert_eq!(sweep(until).await, 1);
    assert!(store.get([1; 32], START).await.unwrap().is_none());

    assert_eq!(sweep(START + ABSOLUTE - TICK).await, 0);
    assert_eq!(sweep(START + ABSOLUTE).await, 1);
    assert!(!world.is_signed_in(sign_in, START).await);
    assert_eq!(sweep(START + ABSOLUTE).await, 0);
}

pub(crate) async fn a_redeemed_token_is_kept_until_its_access_token_has_expired<F>(
    world: World<F>,
) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    let redeemed_at = START + seconds(59);
    let end = redeemed_at + HOUR;
    for (swept_at, expected) in [
        (START + seconds(60), RefusalReason::Replayed),
        (end - TICK, RefusalReason::Replayed),
        (end, RefusalReason::Unknown),
    ] {
        let sent = world.send(sign_in, START).await;
        let first = world.redeem(sent.presented(), redeemed_at).await;
        let expires_at = first.accepted().session.expires_at;
        assert_eq!(expires_at, end);
        world.store.sweep(swept_at).await.unwrap();
        let replay = world.redeem(sent.presented(), swept_at).await;
        assert_eq!(replay.rejection(), Some(expected), "{swept_at}");
        let closed = world.closed(first.access, swept_at).await;
        assert_eq!(closed, Some(NoSession::Unknown), "{swept_at}");
    }
}

pub(crate) async fn what_hangs_on_a_sign_in_is_swept_with_it<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.expires_at = START + seconds(10);
    let sign_in = world.begin(new).await;
    let other = world.sign_in(world.alice).await;
    world.launch(sign_in, NOTES, START).await;
    let session = world.redeemed(sign_in, START).await;
    let unredeemed = world.send(sign_in, START).await;
    let others = world.send(other, START).await;
    // The sign-in, its ticket, its two tokens and its session.
    assert_eq!(world.store.sweep(START + seconds(10)).await.unwrap(), 5);
    let attempt = world.redeem(unredeemed.presented(), START).await;
    assert_eq!(attempt.rejection(), Some(RefusalReason::Unknown));
    let closed = world.closed(session.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
    // The ticket and the token did not wait for an expiry of their own.
    world.redeem(others.presented(), START).await.accepted();
    assert_eq!(world.store.sweep(START + seconds(60)).await.unwrap(), 0);
}

pub(crate) async fn people_and_clients_are_never_swept<F>(world: World<F>) {
    world.store.sweep(START + ABSOLUTE * 1000).await.unwrap();
    for name in ["alice", "bob"] {
        let found = world.store.find_account(&email(name)).await.unwrap();
        assert!(found.is_some(), "{name}");
    }
    for client in [NOTES, TASKS] {
        let found = world.store.find_client(&id(client)).await.unwrap();
        assert_eq!(found, Some(new_client(client, AssignedTo::Everyone)));
    }
}
