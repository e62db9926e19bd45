//! What only a store with a file can be asked.

use authority::{
    store::NoSession,
    throttle::{Admission, Rule},
};
use handoff::rejection::Rejection;

use super::{
    attempts::{attempt, counter},
    world::{Fixture, START, SqliteFile, World, seconds},
};

pub(crate) async fn a_used_token_is_still_used_after_a_restart(world: World<SqliteFile>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    first.accepted();

    let World {
        fixture,
        mut people,
    } = world;
    // The other one is gone before this one is there.
    people.store = std::sync::Arc::new(authority::store::Memory::default());
    people.store = fixture.open().await;
    assert_eq!(people.closed(first.access, START).await, None);
    let replay = people.redeem(sent.presented(), START).await;
    assert_eq!(replay.rejection(), Some(Rejection::Replayed));
    let closed = people.closed(first.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
}

pub(crate) async fn row_64_what_was_counted_is_still_counted_after_a_restart(
    world: World<SqliteFile>,
) {
    let one = [counter(1, Rule::ACCOUNT)];
    for _ in 0..Rule::ACCOUNT.free {
        attempt(&world, &one, START).await;
    }
    let World {
        fixture,
        mut people,
    } = world;
    people.store = std::sync::Arc::new(authority::store::Memory::default());
    people.store = fixture.open().await;
    let until = START + seconds(1);
    let admission = attempt(&people, &one, START).await;
    assert_eq!(admission, Admission::Wait { until });
}
