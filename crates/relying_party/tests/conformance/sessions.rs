//! Sessions, and how a browser signs out.

use handoff::handoff::STARTED_LIFETIME;
use relying_party::store::{
    Beginning, FINISHING, HandoffKey, Kept, NewHandoff, Session, Source, Store, Waiting,
};
use time::Duration;

use super::world::{
    LATER, NOW, begun, browser, ended, ended_while_waiting, handoff, is_alive, keep_waiting, owner,
    same_browser, session, sid, state, taken, waiting,
};

pub(crate) async fn row_62_a_session_reads_back_until_it_expires(store: &dyn Store) {
    let new = session(1, 1);
    assert_eq!(begun(store, new.clone(), None).await, []);
    let last = LATER - Duration::milliseconds(1);
    assert_eq!(store.find_session(sid(1), last).await.unwrap(), Some(new));
    assert_eq!(store.find_session(sid(1), LATER).await.unwrap(), None);
    assert_eq!(store.find_session(sid(2), NOW).await.unwrap(), None);
}

pub(crate) async fn sessions_are_counted_while_they_are_alive(store: &dyn Store) {
    let count = async |now| store.count_sessions(now).await.unwrap();
    assert_eq!(count(NOW).await, 0);
    begun(store, session(1, 1), None).await;
    begun(store, session(2, 2), None).await;
    let longer = Session {
        expires_at: LATER + Duration::SECOND,
        ..session(3, 3)
    };
    begun(store, longer, None).await;
    keep_waiting(store, sid(1), waiting(4, 4)).await;
    assert_eq!(count(LATER - Duration::milliseconds(1)).await, 3);
    assert_eq!(count(LATER).await, 1);
    store.end_session(sid(3)).await.unwrap();
    assert_eq!(count(NOW).await, 2);
}

pub(crate) async fn a_session_id_is_used_once(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    let twin = Session {
        browser: browser(2),
        ..session(1, 2)
    };
    let handoff = taken(store, twin.browser, 1).await;
    let source = Source::Handoff {
        handoff,
        replacing: None,
    };
    assert!(store.begin_session(twin, source, NOW).await.is_err());
    let found = store.find_session(sid(1), NOW).await.unwrap().unwrap();
    assert_eq!(found.owner(), owner(1));
}

pub(crate) async fn row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back(
    store: &dyn Store,
) {
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let gone = begun(store, session(3, 1), Some(sid(1))).await;
    assert_eq!(gone, [ended(2), ended(1)]);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(3), NOW).await.unwrap().is_some());
    let again = begun(store, session(4, 1), Some(sid(1))).await;
    assert_eq!(again, []);
}

pub(crate) async fn an_ended_session_is_gone_and_gives_its_tokens_once(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    begun(store, session(2, 1), None).await;
    assert_eq!(store.end_session(sid(1)).await.unwrap(), [ended(1)]);
    assert_eq!(store.end_session(sid(1)).await.unwrap(), []);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(2), NOW).await.unwrap().is_some());
}

pub(crate) async fn one_caller_in_each_interval_asks_about_a_session(store: &dyn Store) {
    let interval = Duration::seconds(30);
    begun(store, session(1, 1), None).await;
    let soon = NOW + Duration::milliseconds(29_999);
    assert!(!store.mark_checked(sid(1), soon, interval).await.unwrap());
    let due = NOW + interval;
    assert!(store.mark_checked(sid(1), due, interval).await.unwrap());
    assert!(!store.mark_checked(sid(1), due, interval).await.unwrap());
    let found = store.find_session(sid(1), due).await.unwrap().unwrap();
    assert_eq!(found.checked_at, due);
    assert!(
        store
            .mark_checked(sid(1), due + interval, interval)
            .await
            .unwrap()
    );
    assert!(
        !store.mark_checked(sid(2), due, interval).await.unwrap(),
        "there is no such session"
    );
}

pub(crate) async fn a_session_ends_whatever_was_born_of_the_same_pre_session(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    begun(store, session(2, 1), None).await;
    keep_waiting(store, sid(1), waiting(3, 2)).await;
    // Its own request knew of none of them.
    let gone = begun(store, same_browser(4, 1), None).await;
    assert_eq!(gone, [ended_while_waiting(3), ended(1)]);
    assert!(!is_alive(store, 1).await);
    assert!(is_alive(store, 2).await, "another browser's");
    // What it replaces and was born of the same is ended once.
    let gone = begun(store, same_browser(5, 1), Some(sid(4))).await;
    assert_eq!(gone, [ended(4)]);
}

pub(crate) async fn row_24_a_sibling_of_another_person_is_asked_first(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    let bob = same_browser(2, 2);
    let handoff = taken(store, bob.browser, 1).await;
    let source = Source::Handoff {
        handoff,
        replacing: None,
    };
    for _ in 0..2 {
        let asks = store.begin_session(bob.clone(), source, NOW).await.unwrap();
        assert_eq!(asks, Beginning::SomebodyElse(sid(1)));
    }
    let waits = Waiting {
        session: bob.clone(),
        ..waiting(2, 2)
    };
    let kept = store.keep_waiting(sid(1), waits, handoff, NOW).await;
    assert!(matches!(kept.unwrap(), Kept::Waits { .. }));

    // One whose session has expired is nobody.
    begun(store, session(3, 1), None).await;
    let late = Session {
        browser: browser(3),
        ..session(4, 2)
    };
    let handoff = HandoffKey {
        browser: browser(3),
        state: state(2),
    };
    let started = NewHandoff {
        expires_at: LATER + STARTED_LIFETIME,
        ..self::handoff(browser(3), 2)
    };
    store.start_handoff(started, LATER).await.unwrap();
    store
        .take_started(browser(3), state(2), LATER)
        .await
        .unwrap()
        .unwrap();
    let source = Source::Handoff {
        handoff,
        replacing: None,
    };
    let begins = store.begin_session(late, source, LATER).await.unwrap();
    assert!(matches!(begins, Beginning::Begun { .. }), "{begins:?}");
}

pub(crate) async fn a_session_begins_from_a_handoff_that_came_back_once(store: &dyn Store) {
    let source = |browser, n| Source::Handoff {
        handoff: HandoffKey {
            browser,
            state: state(n),
        },
        replacing: None,
    };
    let begin = async |source, now| {
        let new = same_browser(1, 1);
        store.begin_session(new, source, now).await.unwrap()
    };
    // Never started; started and not back; another browser's.
    assert_eq!(begin(source(browser(1), 1), NOW).await, Beginning::TooLate);
    store
        .start_handoff(handoff(browser(1), 1), NOW)
        .await
        .unwrap();
    assert_eq!(begin(source(browser(1), 1), NOW).await, Beginning::TooLate);
    store
        .take_started(browser(1), state(1), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(begin(source(browser(2), 1), NOW).await, Beginning::TooLate);
    assert!(!is_alive(store, 1).await);

    let last = NOW + FINISHING - Duration::milliseconds(1);
    store.sweep(last, 100).await.unwrap();
    let begun = begin(source(browser(1), 1), last).await;
    assert!(matches!(begun, Beginning::Begun { .. }), "{begun:?}");
    store.end_session(sid(1)).await.unwrap();
    assert_eq!(begin(source(browser(1), 1), NOW).await, Beginning::TooLate);
    let kept = store
        .keep_waiting(
            sid(1),
            waiting(2, 2),
            HandoffKey {
                browser: browser(1),
                state: state(1),
            },
            NOW,
        )
        .await;
    assert_eq!(kept.unwrap(), Kept::TooLate);
}

pub(crate) async fn row_81_a_sign_out_ends_all_that_this_browser_has_and_has_under_way(
    store: &dyn Store,
) {
    for (by_session, n) in [(true, 0), (false, 10)] {
        begun(store, session(1, 1), None).await;
        keep_waiting(store, sid(1), waiting(3, 2)).await;
        begun(store, session(2, 1), None).await;
        let finishing = taken(store, browser(1), n + 1).await;
        let others = taken(store, browser(2), n + 2).await;
        store
            .start_handoff(handoff(browser(1), n + 3), NOW)
            .await
            .unwrap();

        // The browser brings its session's cookie, or its pre-session's: each names the other.
        let (session_id, pre) = if by_session {
            (Some(sid(1)), None)
        } else {
            (None, Some(browser(1)))
        };
        let gone = store.sign_out(session_id, pre).await.unwrap();
        assert_eq!(gone, [ended_while_waiting(3), ended(1)]);
        assert_eq!(store.sign_out(session_id, pre).await.unwrap(), []);
        assert!(!is_alive(store, 1).await && is_alive(store, 2).await);

        let source = |handoff| Source::Handoff {
            handoff,
            replacing: None,
        };
        let late = store.begin_session(same_browser(4, 1), source(finishing), NOW);
        assert_eq!(late.await.unwrap(), Beginning::TooLate);
        let back = store.take_started(browser(1), state(n + 3), NOW).await;
        assert_eq!(back.unwrap(), None);
        let other = Session {
            browser: browser(2),
            ..session(5, 1)
        };
        let other = store.begin_session(other, source(others), NOW).await;
        assert!(matches!(other.unwrap(), Beginning::Begun { .. }));
        // Whoever starts anew may.
        begun(store, same_browser(6, 1), None).await;
        store.sign_out(None, Some(browser(1))).await.unwrap();
        store.sign_out(None, Some(browser(2))).await.unwrap();
    }
    assert_eq!(store.sign_out(None, None).await.unwrap(), []);
}
