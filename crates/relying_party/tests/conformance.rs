//! What every store of the relying party must do: one suite, run against each.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use handoff::{
    handoff::{STARTED_LIFETIME, STARTED_PER_BROWSER, SWITCH_LIFETIME},
    ids::{ItemId, SessionId, UserId},
    token::{Digest, PreSession, Secret, State},
    uri::{LocalPath, Origin},
    wire::UserInfo,
};
use relying_party::store::{
    Added, ITEMS_PER_PERSON, Kept, Memory, NewHandoff, Note, Owner, Sealed, Session, Sqlite, Store,
    Task, Waiting,
};
use time::{Duration, OffsetDateTime, macros::datetime};

const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);
const LATER: OffsetDateTime = datetime!(2026-11-21 04:00 UTC);

fn browser(n: u8) -> Digest<PreSession> {
    PreSession::mint([n; 32]).digest()
}

fn state(n: u16) -> Digest<State> {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    State::mint(bytes).digest()
}

fn handoff(browser: Digest<PreSession>, n: u16) -> NewHandoff {
    NewHandoff {
        browser,
        state: state(n),
        verifier: Sealed(n.to_be_bytes().to_vec()),
        target: path("/?a=1"),
        expires_at: NOW + STARTED_LIFETIME,
    }
}

fn path(text: &str) -> LocalPath {
    LocalPath::try_from(text.to_owned()).unwrap()
}

fn sid(n: u8) -> SessionId {
    SessionId::mint([n; 16])
}

fn owner(n: u8) -> Owner {
    session(0, n).owner()
}

fn session(id: u8, user: u8) -> Session {
    Session {
        id: sid(id),
        issuer: Origin::parse("http://auth.localhost:4000").unwrap(),
        user: UserInfo {
            id: UserId::mint([user; 16]),
            email: "somebody@harbor.example".to_owned(),
            name: format!("Person {user}"),
            email_verified: true,
        },
        access_token: Sealed(vec![id]),
        created_at: NOW,
        expires_at: LATER,
        checked_at: NOW,
    }
}

fn waiting(id: u8, user: u8) -> Waiting {
    Waiting {
        session: session(id, user),
        target: path("/"),
        wait_until: NOW + SWITCH_LIFETIME,
    }
}

fn note(n: u8) -> Note {
    Note {
        id: ItemId::mint([n; 16]),
        text: format!("note {n}\nwith a second line"),
        created_at: NOW,
    }
}

async fn row_20_a_started_handoff_is_taken_once_with_all_that_it_holds(store: &dyn Store) {
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

async fn row_20_another_browser_takes_nothing_and_uses_nothing_up(store: &dyn Store) {
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

async fn row_20_a_started_handoff_dies_after_five_minutes(store: &dyn Store) {
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

async fn a_browser_has_five_handoffs_under_way_and_the_oldest_goes(store: &dyn Store) {
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

async fn a_pre_session_stays_while_another_tab_is_under_way(store: &dyn Store) {
    for n in [1, 2] {
        store
            .start_handoff(handoff(browser(1), n), NOW)
            .await
            .unwrap();
    }
    store
        .start_handoff(handoff(browser(2), 3), NOW)
        .await
        .unwrap();
    store
        .take_started(browser(1), state(1), NOW)
        .await
        .unwrap()
        .unwrap();
    assert!(!store.end_pre_session(browser(1), NOW).await.unwrap());
    store
        .take_started(browser(1), state(2), NOW)
        .await
        .unwrap()
        .unwrap();
    assert!(store.end_pre_session(browser(1), NOW).await.unwrap());
    assert!(!store.end_pre_session(browser(2), NOW).await.unwrap());
    let over = NOW + STARTED_LIFETIME;
    assert!(
        store.end_pre_session(browser(2), over).await.unwrap(),
        "an expired one is none"
    );
}

async fn a_session_reads_back_until_it_expires(store: &dyn Store) {
    let new = session(1, 1);
    assert_eq!(store.begin_session(new.clone(), None).await.unwrap(), []);
    let last = LATER - Duration::milliseconds(1);
    assert_eq!(store.find_session(sid(1), last).await.unwrap(), Some(new));
    assert_eq!(store.find_session(sid(1), LATER).await.unwrap(), None);
    assert_eq!(store.find_session(sid(2), NOW).await.unwrap(), None);
}

async fn a_session_id_is_used_once(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    assert!(store.begin_session(session(1, 2), None).await.is_err());
    let found = store.find_session(sid(1), NOW).await.unwrap().unwrap();
    assert_eq!(found.owner(), owner(1));
}

async fn row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    let ended = store
        .begin_session(session(3, 1), Some(sid(1)))
        .await
        .unwrap();
    assert_eq!(ended, [Sealed(vec![2]), Sealed(vec![1])]);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(3), NOW).await.unwrap().is_some());
    let again = store
        .begin_session(session(4, 1), Some(sid(1)))
        .await
        .unwrap();
    assert_eq!(again, []);
}

async fn an_ended_session_is_gone_and_gives_its_tokens_once(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    store.begin_session(session(2, 1), None).await.unwrap();
    assert_eq!(store.end_session(sid(1)).await.unwrap(), [Sealed(vec![1])]);
    assert_eq!(store.end_session(sid(1)).await.unwrap(), []);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(2), NOW).await.unwrap().is_some());
}

async fn one_caller_in_each_interval_asks_about_a_session(store: &dyn Store) {
    let interval = Duration::seconds(30);
    store.begin_session(session(1, 1), None).await.unwrap();
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

async fn a_session_that_waits_is_taken_once(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    let kept = store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    assert_eq!(kept, Kept::Waits { displaced: None });
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

async fn the_last_one_waits_and_the_one_before_gives_its_token_back(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    let kept = store.keep_waiting(sid(1), waiting(3, 3)).await.unwrap();
    assert_eq!(
        kept,
        Kept::Waits {
            displaced: Some(Sealed(vec![2]))
        }
    );
    assert_eq!(
        store.take_waiting(sid(1)).await.unwrap(),
        Some(waiting(3, 3))
    );
}

async fn nothing_waits_for_a_session_that_has_ended(store: &dyn Store) {
    let kept = store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    assert_eq!(kept, Kept::NobodyIsSignedIn);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);

    store.begin_session(session(1, 1), None).await.unwrap();
    store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    let ended = store.end_session(sid(1)).await.unwrap();
    assert_eq!(ended, [Sealed(vec![2]), Sealed(vec![1])]);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
}

async fn a_session_that_waited_too_long_is_not_found_but_taken(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    let over = NOW + SWITCH_LIFETIME;
    let last = over - Duration::milliseconds(1);
    assert!(store.find_waiting(sid(1), last).await.unwrap().is_some());
    assert_eq!(store.find_waiting(sid(1), over).await.unwrap(), None);
    let taken = store.take_waiting(sid(1)).await.unwrap().unwrap();
    assert_eq!(taken.session, session(2, 2));
    assert!(!taken.is_live(over));
}

async fn what_is_refused_for_its_age_stays_refused_when_the_clock_is_put_back(store: &dyn Store) {
    let over = NOW + STARTED_LIFETIME;
    let new = handoff(browser(1), 1);
    store.start_handoff(new, NOW).await.unwrap();
    for now in [over, NOW] {
        let taken = store.take_started(browser(1), state(1), now).await;
        assert_eq!(taken.unwrap(), None, "{now}");
    }

    store.begin_session(session(1, 1), None).await.unwrap();
    for now in [LATER, NOW] {
        assert_eq!(store.find_session(sid(1), now).await.unwrap(), None);
    }

    // One that waits for an answer, too long itself or with a session that is over.
    for expires_at in [LATER, NOW + Duration::seconds(1)] {
        let mut new = waiting(3, 3);
        new.session.expires_at = expires_at;
        let over = new.wait_until.min(expires_at);
        store.begin_session(session(2, 2), None).await.unwrap();
        store.keep_waiting(sid(2), new.clone()).await.unwrap();
        for now in [over, NOW] {
            assert_eq!(store.find_waiting(sid(2), now).await.unwrap(), None);
        }
        // Its access token is still to be had, to be revoked.
        let taken = store.take_waiting(sid(2)).await.unwrap().unwrap();
        assert_eq!(taken.session, new.session);
        assert!(!taken.is_live(NOW));
        store.end_session(sid(2)).await.unwrap();
    }

    store.put([7; 32], vec![1], LATER).await.unwrap();
    for now in [LATER, NOW] {
        assert_eq!(store.get([7; 32], now).await.unwrap(), None, "{now}");
    }
}

async fn a_session_is_asked_about_again_when_the_clock_is_put_back(store: &dyn Store) {
    let interval = Duration::seconds(30);
    store.begin_session(session(1, 1), None).await.unwrap();
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

async fn notes_are_listed_newest_first(store: &dyn Store) {
    for n in 1..=3 {
        store.add_note(&owner(1), note(n)).await.unwrap();
    }
    let listed = store.list_notes(&owner(1)).await.unwrap();
    assert_eq!(listed, [note(3), note(2), note(1)]);
    assert!(store.delete_note(&owner(1), note(2).id).await.unwrap());
    assert!(!store.delete_note(&owner(1), note(2).id).await.unwrap());
    let listed = store.list_notes(&owner(1)).await.unwrap();
    assert_eq!(listed, [note(3), note(1)]);
}

async fn nobody_sees_or_deletes_the_notes_of_another(store: &dyn Store) {
    store.add_note(&owner(1), note(1)).await.unwrap();
    let namesake = Owner {
        issuer: Origin::parse("http://other.localhost:4000").unwrap(),
        ..owner(1)
    };
    for other in [owner(2), namesake] {
        assert_eq!(store.list_notes(&other).await.unwrap(), []);
        assert!(!store.delete_note(&other, note(1).id).await.unwrap());
    }
    assert_eq!(store.list_notes(&owner(1)).await.unwrap(), [note(1)]);
}

fn task(n: u8) -> Task {
    Task {
        id: ItemId::mint([n; 16]),
        text: format!("task {n}"),
        done: false,
        created_at: NOW,
    }
}

async fn tasks_are_listed_newest_first_with_what_is_done(store: &dyn Store) {
    for n in 1..=3 {
        store.add_task(&owner(1), task(n)).await.unwrap();
    }
    let done = Task {
        done: true,
        ..task(2)
    };
    for _ in 0..2 {
        let ticked = store.tick_task(&owner(1), task(2).id, true).await;
        assert!(ticked.unwrap(), "there is such a task");
        let listed = store.list_tasks(&owner(1)).await.unwrap();
        assert_eq!(listed, [task(3), done.clone(), task(1)]);
    }
    assert!(store.tick_task(&owner(1), task(2).id, false).await.unwrap());
    assert!(store.delete_task(&owner(1), task(3).id).await.unwrap());
    assert!(!store.delete_task(&owner(1), task(3).id).await.unwrap());
    assert!(!store.tick_task(&owner(1), task(3).id, true).await.unwrap());
    let listed = store.list_tasks(&owner(1)).await.unwrap();
    assert_eq!(listed, [task(2), task(1)]);
    assert_eq!(store.list_notes(&owner(1)).await.unwrap(), []);
}

async fn nobody_sees_ticks_or_deletes_the_tasks_of_another(store: &dyn Store) {
    store.add_task(&owner(1), task(1)).await.unwrap();
    let namesake = Owner {
        issuer: Origin::parse("http://other.localhost:4000").unwrap(),
        ..owner(1)
    };
    for other in [owner(2), namesake] {
        assert_eq!(store.list_tasks(&other).await.unwrap(), []);
        assert!(!store.tick_task(&other, task(1).id, true).await.unwrap());
        assert!(!store.delete_task(&other, task(1).id).await.unwrap());
    }
    assert_eq!(store.list_tasks(&owner(1)).await.unwrap(), [task(1)]);
}

async fn a_person_has_a_thousand_notes_and_tasks_at_most(store: &dyn Store) {
    let id = |n: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        ItemId::mint(bytes)
    };
    let note = |n| Note {
        id: id(n),
        ..note(1)
    };
    let task = |n| Task {
        id: id(n),
        ..task(1)
    };
    let mine = owner(1);
    for n in 0..ITEMS_PER_PERSON {
        assert_eq!(store.add_note(&mine, note(n)).await.unwrap(), Added::Yes);
        assert_eq!(store.add_task(&mine, task(n)).await.unwrap(), Added::Yes);
    }
    let one_more = ITEMS_PER_PERSON;
    for _ in 0..2 {
        let added = store.add_note(&mine, note(one_more)).await.unwrap();
        assert_eq!(added, Added::Full);
        let added = store.add_task(&mine, task(one_more)).await.unwrap();
        assert_eq!(added, Added::Full);
    }
    assert_eq!(store.list_notes(&mine).await.unwrap().len(), one_more);
    assert_eq!(store.list_tasks(&mine).await.unwrap().len(), one_more);

    // Another person's room is their own, and one that goes makes room for one.
    for (who, n) in [(owner(2), one_more), (mine.clone(), one_more + 1)] {
        store.delete_note(&mine, id(0)).await.unwrap();
        store.delete_task(&mine, id(0)).await.unwrap();
        assert_eq!(store.add_note(&who, note(n)).await.unwrap(), Added::Yes);
        assert_eq!(store.add_task(&who, task(n)).await.unwrap(), Added::Yes);
    }
    let added = store.add_note(&mine, note(one_more + 2)).await.unwrap();
    assert_eq!(added, Added::Full);
}

async fn a_record_reads_back_until_it_expires_or_is_removed(store: &dyn Store) {
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

async fn a_session_is_abandoned_when_its_wait_is_over_and_not_before(store: &dyn Store) {
    store.begin_session(session(1, 1), None).await.unwrap();
    let waiting = waiting(2, 2);
    let over = waiting.wait_until;
    store.keep_waiting(sid(1), waiting.clone()).await.unwrap();
    let just_before = over - Duration::MILLISECOND;
    assert_eq!(store.take_abandoned(just_before).await.unwrap(), []);
    let taken = store.take_abandoned(over).await.unwrap();
    assert_eq!(taken, [waiting.session.access_token]);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
}

async fn a_sweep_takes_what_has_expired_and_nothing_else(store: &dyn Store) {
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
    store.begin_session(session(1, 1), None).await.unwrap();
    store.keep_waiting(sid(1), waiting(2, 2)).await.unwrap();
    store.put([1; 32], vec![1], over).await.unwrap();
    store.put([2; 32], vec![2], LATER).await.unwrap();
    store.add_note(&owner(1), note(1)).await.unwrap();
    store.add_task(&owner(1), task(1)).await.unwrap();
    assert_eq!(store.sweep(NOW).await.unwrap(), 0);
    assert_eq!(store.sweep(over).await.unwrap(), 2, "a handoff, a record");
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
    store.keep_waiting(sid(1), waits_long).await.unwrap();
    assert_eq!(
        store.sweep(LATER).await.unwrap(),
        3,
        "a session, what waits for it, a record"
    );
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
    assert_eq!(
        store.list_notes(&owner(1)).await.unwrap(),
        [note(1)],
        "notes stay"
    );
    assert_eq!(store.list_tasks(&owner(1)).await.unwrap(), [task(1)]);
    assert_eq!(store.sweep(LATER).await.unwrap(), 0);
}

async fn row_20_race_32_callers_take_one_started_handoff_and_one_wins(store: Arc<dyn Store>) {
    for round in 0..500 {
        store
            .start_handoff(handoff(browser(1), round), NOW)
            .await
            .unwrap();
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.take_started(browser(1), state(round), NOW).await })
            })
            .collect();
        let mut winners = 0;
        for caller in callers {
            winners += usize::from(caller.await.unwrap().unwrap().is_some());
        }
        assert_eq!(winners, 1, "round {round}");
    }
}

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                super::$name(&store).await;
                store.close().await;
            })*

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn row_20_race_32_callers_take_one_started_handoff_and_one_wins() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                let racing = Arc::new(store.clone());
                super::row_20_race_32_callers_take_one_started_handoff_and_one_wins(racing).await;
                store.close().await;
            }
        }

        mod memory {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                super::$name(&Memory::default()).await;
            })*

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn row_20_race_32_callers_take_one_started_handoff_and_one_wins() {
                let racing = Arc::new(Memory::default());
                super::row_20_race_32_callers_take_one_started_handoff_and_one_wins(racing).await;
            }
        }
    };
}

suite![
    row_20_a_started_handoff_is_taken_once_with_all_that_it_holds,
    row_20_another_browser_takes_nothing_and_uses_nothing_up,
    row_20_a_started_handoff_dies_after_five_minutes,
    a_browser_has_five_handoffs_under_way_and_the_oldest_goes,
    a_pre_session_stays_while_another_tab_is_under_way,
    a_session_reads_back_until_it_expires,
    a_session_id_is_used_once,
    row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back,
    an_ended_session_is_gone_and_gives_its_tokens_once,
    one_caller_in_each_interval_asks_about_a_session,
    a_session_that_waits_is_taken_once,
    the_last_one_waits_and_the_one_before_gives_its_token_back,
    nothing_waits_for_a_session_that_has_ended,
    a_session_that_waited_too_long_is_not_found_but_taken,
    what_is_refused_for_its_age_stays_refused_when_the_clock_is_put_back,
    a_session_is_asked_about_again_when_the_clock_is_put_back,
    notes_are_listed_newest_first,
    nobody_sees_or_deletes_the_notes_of_another,
    tasks_are_listed_newest_first_with_what_is_done,
    nobody_sees_ticks_or_deletes_the_tasks_of_another,
    a_person_has_a_thousand_notes_and_tasks_at_most,
    a_record_reads_back_until_it_expires_or_is_removed,
    a_session_is_abandoned_when_its_wait_is_over_and_not_before,
    a_sweep_takes_what_has_expired_and_nothing_else,
];
