//! Sessions that wait for the answer to "Switch?".

use handoff::handoff::SWITCH_LIFETIME;
use relying_party::store::{Beginning, Kept, Sealed, Session, Source, Store, Waiting};
use time::Duration;

use super::world::{LATER, NOW, begun, ended, is_alive, keep_waiting, session, sid, waiting};

pub(crate) async fn a_session_that_waits_is_taken_once(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    let kept = keep_waiting(store, sid(1), waiting(2, 2)).await;
    assert_eq!(
        kept,
        Kept::Waits {
            displaced: None,
            pre_session_over: true
        }
    );
    assert_eq!(
        store.find_waiting(sid(1), NOW).await.unwrap(),
        Some(waiting(2, 2))
    );
    assert_eq!(
        store.find_session(sid(2), NOW).await.unwrap(),
        None,
        "it has not begun"
    );
    assert_eq!(store.take_waiting(sid(2)).await.unwrap(), None);
    assert_eq!(
        store.take_waiting(sid(1)).await.unwrap(),
        Some(waiting(2, 2))
    );
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
    assert_eq!(store.find_waiting(sid(1), NOW).await.unwrap(), None);
}

pub(crate) async fn the_last_one_waits_and_the_one_before_gives_its_token_back(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let kept = keep_waiting(store, sid(1), waiting(3, 3)).await;
    assert_eq!(
        kept,
        Kept::Waits {
            displaced: Some(Sealed(vec![2])),
            pre_session_over: true
        }
    );
    assert_eq!(
        store.take_waiting(sid(1)).await.unwrap(),
        Some(waiting(3, 3))
    );
}

pub(crate) async fn nothing_waits_for_a_session_that_has_ended(store: &dyn Store) {
    let kept = keep_waiting(store, sid(1), waiting(3, 2)).await;
    assert_eq!(kept, Kept::NobodyIsSignedIn);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);

    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let gone = store.end_session(sid(1)).await.unwrap();
    assert_eq!(gone, [ended(2), ended(1)]);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
}

pub(crate) async fn a_session_that_waited_too_long_is_not_found_but_taken(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let over = NOW + SWITCH_LIFETIME;
    let last = over - Duration::milliseconds(1);
    assert!(store.find_waiting(sid(1), last).await.unwrap().is_some());
    assert_eq!(store.find_waiting(sid(1), over).await.unwrap(), None);
    let taken = store.take_waiting(sid(1)).await.unwrap().unwrap();
    assert_eq!(taken.session, session(2, 2));
    assert!(!taken.is_live(over));
}

pub(crate) async fn a_session_is_abandoned_when_its_wait_is_over_and_not_before(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    let waiting = waiting(2, 2);
    let over = waiting.wait_until;
    keep_waiting(store, sid(1), waiting.clone()).await;
    let just_before = over - Duration::MILLISECOND;
    assert_eq!(store.take_abandoned(just_before).await.unwrap(), []);
    let taken = store.take_abandoned(over).await.unwrap();
    assert_eq!(taken, [waiting.session.access_token]);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
}

pub(crate) async fn a_session_is_abandoned_when_it_or_the_current_one_expires(store: &dyn Store) {
    let just_before = LATER - Duration::MILLISECOND;
    let outlives = |n| Session {
        expires_at: LATER + Duration::HOUR,
        ..session(n, u8::from(n % 2 == 0) + 1)
    };
    for (current, new) in [(session(1, 1), outlives(2)), (outlives(3), session(4, 2))] {
        begun(store, current.clone(), None).await;
        let waits_long = Waiting {
            session: new,
            wait_until: LATER + Duration::HOUR,
            ..waiting(2, 2)
        };
        let token = waits_long.session.access_token.clone();
        keep_waiting(store, current.id, waits_long).await;
        assert_eq!(store.take_abandoned(just_before).await.unwrap(), []);
        assert_eq!(store.take_abandoned(LATER).await.unwrap(), [token]);
        assert_eq!(store.take_abandoned(LATER).await.unwrap(), [], "once");
    }
}

pub(crate) async fn the_answer_yes_begins_what_waited_once(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let source = Source::Waiting { current: sid(1) };
    let another = store.begin_session(session(3, 3), source, NOW).await;
    assert_eq!(another.unwrap(), Beginning::TooLate);
    let waits = store.find_waiting(sid(1), NOW).await.unwrap();
    assert_eq!(waits, Some(waiting(2, 2)));
    let begins = store.begin_session(session(2, 2), source, NOW).await;
    let gone = vec![ended(1)];
    assert_eq!(
        begins.unwrap(),
        Beginning::Begun {
            ended: gone,
            pre_session_over: true
        }
    );
    assert!(is_alive(store, 2).await && !is_alive(store, 1).await);
    store.end_session(sid(2)).await.unwrap();
    let again = store.begin_session(session(2, 2), source, NOW).await;
    assert_eq!(again.unwrap(), Beginning::TooLate);
}
