//! Records of browser sessions, and the sweep.

use handoff::handoff::{STARTED_LIFETIME, TARGET_LIFETIME};
use relying_party::store::{NewHandoff, Store, Waiting};
use time::Duration;

use super::world::{
    LATER, NOW, add, begun, browser, handoff, item, keep_waiting, list, owner, session, sid, state,
    waiting,
};

pub(crate) async fn a_record_reads_back_until_it_expires_or_is_removed(store: &dyn Store) {
    let id = [7; 32];
    store.put(id, vec![1], LATER).await.unwrap();
    store.put(id, vec![2], LATER).await.unwrap();
    let last = LATER - Duration::milliseconds(1);
    assert_eq!(store.get(id, last).await.unwrap(), Some(vec![2]));
    assert_eq!(store.get(id, LATER).await.unwrap(), None);
    store.remove(id).await.unwrap();
    store.remove(id).await.unwrap();
    assert_eq!(store.get(id, NOW).await.unwrap(), None);
}

pub(crate) async fn a_sweep_takes_what_has_expired_and_nothing_else(store: &dyn Store) {
    let over = NOW + STARTED_LIFETIME;
    store
        .start_handoff(handoff(browser(1), 1), NOW)
        .await
        .unwrap();
    let later = NewHandoff {
        expires_at: over + Duration::SECOND,
        ..handoff(browser(1), 2)
    };
    store.start_handoff(later, NOW).await.unwrap();
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    store.put([1; 32], vec![1], over).await.unwrap();
    store.put([2; 32], vec![2], LATER).await.unwrap();
    add(store, &owner(1), 1..=1).await;
    assert_eq!(store.sweep(NOW, 100).await.unwrap(), 0);
    assert_eq!(store.sweep(over, 100).await.unwrap(), 1, "a record");
    let abandoned = store.take_abandoned(over).await.unwrap();
    assert_eq!(abandoned, [waiting(2, 2).session.access_token]);
    assert_eq!(store.take_abandoned(over).await.unwrap(), [], "once");
    assert!(
        store
            .take_started(browser(1), state(2), over)
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.find_session(sid(1), over).await.unwrap().is_some());
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);

    let waits_long = Waiting {
        wait_until: LATER + Duration::HOUR,
        ..waiting(2, 2)
    };
    keep_waiting(store, sid(1), waits_long).await;
    assert_eq!(
        store.sweep(LATER, 100).await.unwrap(),
        2,
        "a record, a handoff that came back"
    );
    let abandoned = store.take_abandoned(LATER).await.unwrap();
    assert_eq!(abandoned, [waiting(2, 2).session.access_token]);
    assert_eq!(store.sweep(LATER, 100).await.unwrap(), 1, "a session");
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
    assert_eq!(
        list(store, &owner(1)).await,
        [item(1)],
        "what a person keeps stays"
    );
    assert_eq!(store.sweep(LATER, 100).await.unwrap(), 0);
    let forgotten = over + TARGET_LIFETIME;
    let last = forgotten - Duration::milliseconds(1);
    assert_eq!(store.sweep(last, 100).await.unwrap(), 0);
    assert_eq!(
        store.sweep(forgotten, 100).await.unwrap(),
        1,
        "a handoff whose target is remembered no more"
    );
}

pub(crate) async fn of_the_targets_remembered_the_newest_stay(store: &dyn Store) {
    for n in 1..=5 {
        let new = NewHandoff {
            expires_at: NOW + Duration::seconds(i64::from(n)),
            ..handoff(browser(n), n.into())
        };
        store.start_handoff(new, NOW).await.unwrap();
    }
    // The fifth is under way, and the fourth finishing.
    let now = NOW + Duration::seconds(4);
    let taken = store.take_started(browser(4), state(4), NOW).await;
    assert!(taken.unwrap().is_some());
    assert_eq!(store.sweep(now, 2).await.unwrap(), 1);
    for (n, stays) in [(1, false), (2, true), (3, true)] {
        let late = store
            .take_late(browser(n), state(n.into()), now)
            .await
            .unwrap();
        assert_eq!(late.is_some(), stays, "{n}");
    }
    let under_way = store.take_started(browser(5), state(5), now).await;
    assert!(under_way.unwrap().is_some());
}
