//! What happens when the clock is put back.

use handoff::handoff::STARTED_LIFETIME;
use relying_party::store::{Beginning, FINISHING, Kept, Source, Store};
use time::Duration;

use super::world::{
    LATER, NOW, begun, browser, handoff, keep_waiting, session, sid, state, taken, waiting,
};

pub(crate) async fn what_is_refused_for_its_age_stays_refused_when_the_clock_is_put_back(
    store: &dyn Store,
) {
    let over = NOW + STARTED_LIFETIME;
    let new = handoff(browser(1), 1);
    store.start_handoff(new, NOW).await.unwrap();
    for now in [over, NOW] {
        let taken = store.take_started(browser(1), state(1), now).await;
        assert_eq!(taken.unwrap(), None, "{now}");
    }

    begun(store, session(1, 1), None).await;
    for now in [LATER, NOW] {
        assert_eq!(store.find_session(sid(1), now).await.unwrap(), None);
    }

    // One that waits for an answer, too long itself or with a session that is over.
    for (n, expires_at) in [(3, LATER), (4, NOW + Duration::seconds(1))] {
        let mut new = waiting(n, 3);
        new.session.expires_at = expires_at;
        let over = new.wait_until.min(expires_at);
        begun(store, session(10 + n, 2), None).await;
        keep_waiting(store, sid(10 + n), new.clone()).await;
        let source = Source::Waiting {
            current: sid(10 + n),
        };
        for now in [over, NOW] {
            let begins = store.begin_session(new.session.clone(), source, now).await;
            assert_eq!(begins.unwrap(), Beginning::TooLate);
            let found = store.find_waiting(sid(10 + n), now).await.unwrap();
            assert_eq!(found, None);
        }
        // Its access token is still to be had, to be revoked.
        let taken = store.take_waiting(sid(10 + n)).await.unwrap().unwrap();
        assert_eq!(taken.session, new.session);
        assert!(!taken.is_live(NOW));
        store.end_session(sid(10 + n)).await.unwrap();
    }

    let handoff = taken(store, browser(9), 9).await;
    for now in [NOW + FINISHING, NOW] {
        let source = Source::Handoff {
            handoff,
            replacing: None,
        };
        let begins = store.begin_session(session(9, 9), source, now).await;
        assert_eq!(begins.unwrap(), Beginning::TooLate);
        let kept = store
            .keep_waiting(sid(1), waiting(9, 9), handoff, now)
            .await;
        assert_eq!(kept.unwrap(), Kept::TooLate);
    }

    store.put([7; 32], vec![1], LATER).await.unwrap();
    for now in [LATER, NOW] {
        assert_eq!(store.get([7; 32], now).await.unwrap(), None, "{now}");
    }
}

pub(crate) async fn a_session_is_asked_about_again_when_the_clock_is_put_back(store: &dyn Store) {
    let interval = Duration::seconds(30);
    begun(store, session(1, 1), None).await;
    let before = NOW - Duration::hours(1);
    for expected in [true, false] {
        let turn = store.mark_checked(sid(1), before, interval).await;
        assert_eq!(turn.unwrap(), expected);
    }
    let due = store
        .mark_checked(sid(1), before + interval, interval)
        .await;
    assert!(due.unwrap());
}
