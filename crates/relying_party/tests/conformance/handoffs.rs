//! Handoffs under way.

use handoff::handoff::{STARTED_LIFETIME, STARTED_PER_BROWSER};
use relying_party::store::{
    Beginning, FINISHING, HandoffKey, NewHandoff, Sealed, Session, Source, Store,
};
use time::Duration;

use super::world::{NOW, begin, browser, handoff, path, session, state, taken};

pub(crate) async fn row_20_a_started_handoff_is_taken_once_with_all_that_it_holds(
    store: &dyn Store,
) {
    store
        .start_handoff(handoff(browser(1), 1), NOW)
        .await
        .unwrap();
    let taken = store
        .take_started(browser(1), state(1), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(taken.verifier, Sealed(vec![0, 1]));
    assert_eq!(taken.target, path("/?a=1"));
    assert_eq!(taken.expires_at, NOW + STARTED_LIFETIME);
    assert_eq!(
        store.take_started(browser(1), state(1), NOW).await.unwrap(),
        None
    );
}

pub(crate) async fn row_20_another_browser_takes_nothing_and_uses_nothing_up(store: &dyn Store) {
    store
        .start_handoff(handoff(browser(1), 1), NOW)
        .await
        .unwrap();
    store
        .start_handoff(handoff(browser(2), 2), NOW)
        .await
        .unwrap();
    assert_eq!(
        store.take_started(browser(2), state(1), NOW).await.unwrap(),
        None
    );
    assert_eq!(
        store.take_started(browser(1), state(3), NOW).await.unwrap(),
        None
    );
    assert!(
        store
            .take_started(browser(1), state(1), NOW)
            .await
            .unwrap()
            .is_some()
    );
}

pub(crate) async fn row_20_a_started_handoff_dies_after_five_minutes(store: &dyn Store) {
    let last = NOW + STARTED_LIFETIME - Duration::milliseconds(1);
    for n in [1, 2] {
        store
            .start_handoff(handoff(browser(1), n), NOW)
            .await
            .unwrap();
    }
    assert!(
        store
            .take_started(browser(1), state(1), last)
            .await
            .unwrap()
            .is_some()
    );
    let over = NOW + STARTED_LIFETIME;
    assert_eq!(
        store
            .take_started(browser(1), state(2), over)
            .await
            .unwrap(),
        None
    );
}

pub(crate) async fn a_browser_has_five_handoffs_under_way_and_the_oldest_goes(store: &dyn Store) {
    let five = u16::try_from(STARTED_PER_BROWSER).unwrap();
    store
        .start_handoff(handoff(browser(2), 100), NOW)
        .await
        .unwrap();
    for n in 0..=five {
        store
            .start_handoff(handoff(browser(1), n), NOW)
            .await
            .unwrap();
    }
    assert_eq!(
        store.take_started(browser(1), state(0), NOW).await.unwrap(),
        None
    );
    for n in 1..=five {
        let taken = store.take_started(browser(1), state(n), NOW).await.unwrap();
        assert!(taken.is_some(), "{n}");
    }
    let other = store
        .take_started(browser(2), state(100), NOW)
        .await
        .unwrap();
    assert!(other.is_some(), "another browser's is left alone");
}

pub(crate) async fn row_17_a_browser_has_a_handoff_under_way_until_it_is_finished_or_expires(
    store: &dyn Store,
) {
    let has_started = async |n, now| store.has_started(browser(n), now).await.unwrap();
    assert!(!has_started(1, NOW).await);
    for n in [1, 2] {
        let new = handoff(browser(n), n.into());
        store.start_handoff(new, NOW).await.unwrap();
    }
    assert!(has_started(1, NOW).await && has_started(2, NOW).await);
    store.take_started(browser(1), state(1), NOW).await.unwrap();
    assert!(has_started(1, NOW).await && has_started(2, NOW).await);
    let finished = NOW + FINISHING;
    assert!(!has_started(1, finished).await && has_started(2, finished).await);
    assert!(!has_started(2, NOW + STARTED_LIFETIME).await);
}

pub(crate) async fn a_pre_session_stays_while_another_tab_is_under_way(store: &dyn Store) {
    let is_over = |beginning| match beginning {
        Beginning::Begun {
            pre_session_over, ..
        } => pre_session_over,
        other => panic!("{other:?}"),
    };
    let mine = |id| Session {
        browser: browser(1),
        ..session(id, 1)
    };
    store
        .start_handoff(handoff(browser(2), 3), NOW)
        .await
        .unwrap();
    // Started and not back; back and not finished.
    store
        .start_handoff(handoff(browser(1), 1), NOW)
        .await
        .unwrap();
    assert!(!is_over(begin(store, mine(1), None).await));
    let other = taken(store, browser(1), 2).await;
    store.take_started(browser(1), state(1), NOW).await.unwrap();
    assert!(!is_over(begin(store, mine(2), None).await));
    // The last one; an expired one is none.
    let expired = NewHandoff {
        expires_at: NOW,
        ..handoff(browser(1), 4)
    };
    store.start_handoff(expired, NOW).await.unwrap();
    let one = HandoffKey {
        browser: browser(1),
        state: state(1),
    };
    let source = |handoff| Source::Handoff {
        handoff,
        replacing: None,
    };
    let next = store.begin_session(mine(3), source(one), NOW).await;
    assert!(!is_over(next.unwrap()));
    let next = store.begin_session(mine(4), source(other), NOW).await;
    assert!(is_over(next.unwrap()));
}

pub(crate) async fn a_handoff_that_is_finishing_is_swept_when_its_time_is_over(store: &dyn Store) {
    taken(store, browser(1), 1).await;
    let over = NOW + FINISHING;
    let last = over - Duration::milliseconds(1);
    assert_eq!(store.sweep(last).await.unwrap(), 0);
    assert_eq!(store.sweep(over).await.unwrap(), 1);
}
