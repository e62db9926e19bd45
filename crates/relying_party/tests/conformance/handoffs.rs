//! Handoffs under way.

use handoff::handoff::{STARTED_LIFETIME, STARTED_PER_BROWSER, TARGET_LIFETIME};
use relying_party::store::{
    Beginning, FINISHING, HandoffKey, LateHandoff, NewHandoff, Sealed, Session, Source, Store,
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

pub(crate) async fn a_browser_has_so_many_handoffs_under_way_and_the_oldest_goes(
    store: &dyn Store,
) {
    let most = u16::try_from(STARTED_PER_BROWSER).unwrap();
    store
        .start_handoff(handoff(browser(2), 100), NOW)
        .await
        .unwrap();
    for n in 0..=most {
        store
            .start_handoff(handoff(browser(1), n), NOW)
            .await
            .unwrap();
    }
    assert_eq!(
        store.take_started(browser(1), state(0), NOW).await.unwrap(),
        None
    );
    for n in 1..=most {
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
    // The last one.
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
    // One that is too late is led to its target.
    let late = NewHandoff {
        expires_at: NOW,
        ..handoff(browser(1), 4)
    };
    store.start_handoff(late, NOW).await.unwrap();
    let last = NOW + TARGET_LIFETIME - Duration::milliseconds(1);
    assert!(store.remembers(browser(1), last).await.unwrap());
    let next = store.begin_session(mine(4), source(other), NOW).await;
    assert!(!is_over(next.unwrap()));
    store.take_late(browser(1), state(4), NOW).await.unwrap();
    assert!(!store.remembers(browser(1), NOW).await.unwrap());
    let last = taken(store, browser(1), 5).await;
    let next = store.begin_session(mine(5), source(last), NOW).await;
    assert!(is_over(next.unwrap()));
}

pub(crate) async fn a_handoff_that_is_too_late_gives_its_target_once(store: &dyn Store) {
    let over = NOW + STARTED_LIFETIME;
    let last = over + TARGET_LIFETIME - Duration::milliseconds(1);
    let late = |again| {
        Some(LateHandoff {
            target: path("/?a=1"),
            again,
        })
    };
    let take = async |n, m, now| {
        let late = store.take_late(browser(n), state(m), now).await;
        late.unwrap()
    };
    for n in 1..=5 {
        let new = NewHandoff {
            again: n == 2,
            ..handoff(browser(1), n)
        };
        store.start_handoff(new, NOW).await.unwrap();
    }
    let in_time = over - Duration::milliseconds(1);
    assert_eq!(take(1, 1, in_time).await, None, "it can still be taken");
    assert_eq!(take(2, 1, over).await, None, "another browser's");
    assert_eq!(take(1, 1, over).await, late(false));
    assert_eq!(take(1, 1, over).await, None, "once");
    assert_eq!(take(1, 2, last).await, late(true));
    assert_eq!(take(1, 3, over + TARGET_LIFETIME).await, None);
    // One that came back in time is not late when it comes back once more.
    let back = store.take_started(browser(1), state(4), NOW).await.unwrap();
    assert!(back.is_some());
    assert_eq!(take(1, 4, over).await, None);
    // One that is refused because it is too late.
    let back = store.take_started(browser(1), state(5), over).await;
    assert_eq!(back.unwrap(), None);
    assert_eq!(take(1, 5, over).await, late(false));
}

pub(crate) async fn row_81_what_a_sign_out_cancels_still_knows_where_it_led(store: &dyn Store) {
    let new = handoff(browser(1), 1);
    store.start_handoff(new, NOW).await.unwrap();
    let finishing = taken(store, browser(1), 2).await;
    store.sign_out(None, Some(browser(1))).await.unwrap();
    for n in [1, 2] {
        let back = store.take_started(browser(1), state(n), NOW).await;
        assert_eq!(back.unwrap(), None);
        let late = store.take_late(browser(1), state(n), NOW).await.unwrap();
        assert_eq!(late.map(|late| late.target), Some(path("/?a=1")), "{n}");
    }
    let source = Source::Handoff {
        handoff: finishing,
        replacing: None,
    };
    let begun = store.begin_session(session(1, 1), source, NOW).await;
    assert_eq!(begun.unwrap(), Beginning::TooLate);
}

pub(crate) async fn a_handoff_that_is_finishing_is_swept_when_its_time_is_over(store: &dyn Store) {
    taken(store, browser(1), 1).await;
    let over = NOW + FINISHING;
    let last = over - Duration::milliseconds(1);
    assert_eq!(store.sweep(last, 100).await.unwrap(), 0);
    assert_eq!(store.sweep(over, 100).await.unwrap(), 1);
}
