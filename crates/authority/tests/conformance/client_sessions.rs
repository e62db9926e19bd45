use authority::store::{ClientSession, NoSession};
use handoff::token::{AccessToken, Secret};
use time::Duration;

use super::world::{IDLE, NOTES, START, TASKS, TICK, World, id, seconds};

const HOUR: Duration = Duration::hours(1);

pub(crate) async fn a_session_is_found_by_its_access_token<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let other = world.sign_in(world.bob).await;
    world.redeemed(other, START).await;
    let attempt = world.redeemed(sign_in, START).await;
    let redeemed = attempt.accepted().clone();
    let now = START + seconds(60);
    let found = world.store.find_client_session(attempt.access, now, IDLE);
    assert_eq!(
        found.await.unwrap(),
        Ok(ClientSession {
            client: id(NOTES),
            session: redeemed.session,
            user: redeemed.user,
        })
    );
}

pub(crate) async fn an_unknown_access_token_opens_nothing<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    world.redeemed(sign_in, START).await;
    let unknown = AccessToken::mint(world.random()).digest();
    let closed = world.closed(unknown, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
    let ended = world
        .store
        .end_client_session(unknown, &id(NOTES), START)
        .await;
    assert!(!ended.unwrap());
}

pub(crate) async fn working_at_a_client_keeps_the_sign_in_alive<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let session = world.redeemed(sign_in, START).await;
    let later = START + IDLE - TICK;
    assert_eq!(world.closed(session.access, later).await, None);
    assert!(world.is_signed_in(sign_in, later + IDLE - TICK).await);
}

pub(crate) async fn a_session_expires<F>(world: World<F>) {
    let mut new = world.new_sign_in(world.alice, START);
    new.idle_until = new.expires_at;
    let sign_in = world.begin(new).await;
    let session = world.redeemed(sign_in, START).await;
    let end = START + HOUR;
    assert_eq!(world.closed(session.access, end - TICK).await, None);
    for now in [end, end + HOUR] {
        let closed = world.closed(session.access, now).await;
        assert_eq!(closed, Some(NoSession::Expired));
    }
}

pub(crate) async fn a_session_does_not_outlive_an_idle_sign_in<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let session = world.redeemed(sign_in, START).await;
    for _ in 0..2 {
        let closed = world.closed(session.access, START + IDLE).await;
        assert_eq!(closed, Some(NoSession::Expired));
    }
    assert!(!world.is_signed_in(sign_in, START + IDLE).await);
}

pub(crate) async fn a_client_ends_its_own_session_and_no_more<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let one = world.redeemed(sign_in, START).await;
    let other = world.redeemed(sign_in, START).await;
    for expected in [true, false] {
        let ended = world
            .store
            .end_client_session(one.access, &id(NOTES), START)
            .await;
        assert_eq!(ended.unwrap(), expected);
        let closed = world.closed(one.access, START).await;
        assert_eq!(closed, Some(NoSession::Unknown));
    }
    assert_eq!(world.closed(other.access, START).await, None);
    assert!(world.is_signed_in(sign_in, START).await);
}

pub(crate) async fn row_19_another_client_cannot_end_a_session<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let session = world.redeemed(sign_in, START).await;
    let ended = world
        .store
        .end_client_session(session.access, &id(TASKS), START)
        .await;
    assert!(!ended.unwrap());
    assert_eq!(world.closed(session.access, START).await, None);
}

pub(crate) async fn an_expired_session_cannot_be_ended<F>(world: World<F>) {
    let sign_in = world.sign_in(world.alice).await;
    let session = world.redeemed(sign_in, START).await;
    let ended = world
        .store
        .end_client_session(session.access, &id(NOTES), START + HOUR)
        .await;
    assert!(!ended.unwrap());
}
