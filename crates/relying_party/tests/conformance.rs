//! What every store of the relying party must do: one suite, run against each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

use std::sync::Arc;

use handoff::{
    handoff::{STARTED_LIFETIME, STARTED_PER_BROWSER, SWITCH_LIFETIME},
    ids::{ItemId, SessionId, UserId},
    token::{Digest, PreSession, Secret, State},
    uri::{LocalPath, Origin},
    wire::UserInfo,
};
use relying_party::store::{
    Added, Beginning, Deleted, Ended, FINISHING, HandoffKey, ITEMS_PER_PAGE, ITEMS_PER_PERSON,
    Item, JUST_RESTORED_FOR, Kept, Listed, Memory, NewHandoff, Owner, Sealed, Session, Source,
    Sqlite, Store, UNDO_FOR, Waiting,
};
use sqlx::{Connection, SqliteConnection};
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
        browser: browser(id),
        spare: Some(Sealed(vec![id, id])),
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

/// A handoff of this browser that has just come back.
async fn taken(store: &dyn Store, browser: Digest<PreSession>, n: u16) -> HandoffKey {
    store.start_handoff(handoff(browser, n), NOW).await.unwrap();
    let taken = store.take_started(browser, state(n), NOW).await.unwrap();
    assert!(taken.is_some());
    HandoffKey {
        browser,
        state: state(n),
    }
}

/// Begins a session from a handoff of its own.
async fn begin(store: &dyn Store, new: Session, replacing: Option<SessionId>) -> Beginning {
    let n = 1000 + u16::from(new.access_token.0[0]);
    let handoff = taken(store, new.browser, n).await;
    let source = Source::Handoff { handoff, replacing };
    store.begin_session(new, source, NOW).await.unwrap()
}

/// The same where nothing stands in its way: what ended for it.
async fn begun(store: &dyn Store, new: Session, replacing: Option<SessionId>) -> Vec<Ended> {
    match begin(store, new, replacing).await {
        Beginning::Begun { ended, .. } => ended,
        other => panic!("{other:?}"),
    }
}

/// Lets a session wait, from a handoff of its own.
async fn keep_waiting(store: &dyn Store, current: SessionId, waiting: Waiting) -> Kept {
    let n = 2000 + u16::from(waiting.session.access_token.0[0]);
    let handoff = taken(store, waiting.session.browser, n).await;
    let kept = store.keep_waiting(current, waiting, handoff, NOW).await;
    kept.unwrap()
}

/// What a session leaves when it has ended.
fn ended(id: u8) -> Ended {
    Ended::from(session(id, 0))
}

/// The same where it waited for an answer.
fn ended_while_waiting(id: u8) -> Ended {
    Ended::from(waiting(id, 0).session)
}

fn item(n: u8) -> Item {
    Item {
        id: ItemId::mint([n; 16]),
        text: format!("item {n}\nwith a second line"),
        done: false,
        created_at: NOW,
        edited_at: None,
    }
}

fn namesake() -> Owner {
    Owner {
        issuer: Origin::parse("http://other.localhost:4000").unwrap(),
        ..owner(1)
    }
}

/// What a person has, where that is one page.
async fn list(store: &dyn Store, owner: &Owner) -> Vec<Item> {
    let Listed { items, total } = store.list_items(owner, 0).await.unwrap();
    assert_eq!(items.len(), total);
    items
}

async fn total(store: &dyn Store, owner: &Owner) -> usize {
    store.list_items(owner, 0).await.unwrap().total
}

async fn add(store: &dyn Store, owner: &Owner, numbers: impl IntoIterator<Item = u8>) {
    for n in numbers {
        let added = store.add_item(owner, item(n)).await.unwrap();
        assert_eq!(added, Added::Yes);
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

async fn row_62_a_session_reads_back_until_it_expires(store: &dyn Store) {
    let new = session(1, 1);
    assert_eq!(begun(store, new.clone(), None).await, []);
    let last = LATER - Duration::milliseconds(1);
    assert_eq!(store.find_session(sid(1), last).await.unwrap(), Some(new));
    assert_eq!(store.find_session(sid(1), LATER).await.unwrap(), None);
    assert_eq!(store.find_session(sid(2), NOW).await.unwrap(), None);
}

async fn sessions_are_counted_while_they_are_alive(store: &dyn Store) {
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

async fn a_session_id_is_used_once(store: &dyn Store) {
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

async fn row_23_a_session_that_is_replaced_ends_and_gives_its_tokens_back(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let gone = begun(store, session(3, 1), Some(sid(1))).await;
    assert_eq!(gone, [ended(2), ended(1)]);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(3), NOW).await.unwrap().is_some());
    let again = begun(store, session(4, 1), Some(sid(1))).await;
    assert_eq!(again, []);
}

async fn an_ended_session_is_gone_and_gives_its_tokens_once(store: &dyn Store) {
    begun(store, session(1, 1), None).await;
    begun(store, session(2, 1), None).await;
    assert_eq!(store.end_session(sid(1)).await.unwrap(), [ended(1)]);
    assert_eq!(store.end_session(sid(1)).await.unwrap(), []);
    assert_eq!(store.find_session(sid(1), NOW).await.unwrap(), None);
    assert!(store.find_session(sid(2), NOW).await.unwrap().is_some());
}

async fn one_caller_in_each_interval_asks_about_a_session(store: &dyn Store) {
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

async fn a_session_that_waits_is_taken_once(store: &dyn Store) {
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

async fn the_last_one_waits_and_the_one_before_gives_its_token_back(store: &dyn Store) {
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

async fn nothing_waits_for_a_session_that_has_ended(store: &dyn Store) {
    let kept = keep_waiting(store, sid(1), waiting(3, 2)).await;
    assert_eq!(kept, Kept::NobodyIsSignedIn);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);

    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    let gone = store.end_session(sid(1)).await.unwrap();
    assert_eq!(gone, [ended(2), ended(1)]);
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
}

async fn a_session_that_waited_too_long_is_not_found_but_taken(store: &dyn Store) {
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

async fn what_is_refused_for_its_age_stays_refused_when_the_clock_is_put_back(store: &dyn Store) {
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

async fn a_session_is_asked_about_again_when_the_clock_is_put_back(store: &dyn Store) {
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

async fn items_are_listed_newest_first_and_what_is_done_after_what_is_not(store: &dyn Store) {
    add(store, &owner(1), 1..=3).await;
    let done = Item {
        done: true,
        ..item(2)
    };
    for _ in 0..2 {
        let ticked = store.tick_item(&owner(1), item(2).id, true).await;
        assert!(ticked.unwrap(), "there is such an item");
        let listed = list(store, &owner(1)).await;
        assert_eq!(listed, [item(3), item(1), done.clone()]);
    }
    assert!(store.tick_item(&owner(1), item(2).id, false).await.unwrap());
    let found = store.find_item(&owner(1), item(2).id).await.unwrap();
    assert_eq!(found, Some(item(2)));
}

async fn an_item_says_what_it_was_changed_to_and_when(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    let edit = async |text: &str, now| {
        let edited = store
            .edit_item(&owner(1), item(1).id, text.to_owned(), now)
            .await;
        assert!(edited.unwrap());
        list(store, &owner(1)).await
    };
    let unchanged = edit(&item(1).text, LATER).await;
    assert_eq!(unchanged, [item(2), item(1)]);
    let changed = Item {
        text: "other".to_owned(),
        edited_at: Some(LATER),
        ..item(1)
    };
    assert_eq!(edit("other", LATER).await, [item(2), changed.clone()]);
    let later = LATER + Duration::SECOND;
    assert_eq!(edit("other", later).await, [item(2), changed]);
}

async fn what_is_deleted_is_gone_until_it_is_brought_back(store: &dyn Store) {
    add(store, &owner(1), 1..=3).await;
    let id = item(2).id;
    assert!(store.delete_item(&owner(1), id, NOW).await.unwrap());
    let still = NOW + UNDO_FOR - Duration::MILLISECOND;
    for _ in 0..2 {
        let listed = list(store, &owner(1)).await;
        assert_eq!(listed, [item(3), item(1)]);
        assert_eq!(store.find_item(&owner(1), id).await.unwrap(), None);
        // A second click does not put the end off.
        assert!(!store.delete_item(&owner(1), id, still).await.unwrap());
        assert!(!store.tick_item(&owner(1), id, true).await.unwrap());
        let edited = store
            .edit_item(&owner(1), id, "other".to_owned(), NOW)
            .await;
        assert!(!edited.unwrap());
        let found = store.find_deleted(&owner(1), id, still).await.unwrap();
        let deleted = Deleted {
            item: item(2),
            undo_until: NOW + UNDO_FOR,
        };
        assert_eq!(found, Some(deleted));
        let over = store.find_deleted(&owner(1), id, NOW + UNDO_FOR).await;
        assert_eq!(over.unwrap(), None);
    }
    for _ in 0..2 {
        assert!(store.restore_item(&owner(1), id, still).await.unwrap());
        let listed = list(store, &owner(1)).await;
        assert_eq!(listed, [item(3), item(2), item(1)], "in its old place");
        let found = store.find_deleted(&owner(1), id, NOW).await.unwrap();
        assert_eq!(found, None);
    }
}

async fn what_was_brought_back_counts_as_just_restored_for_a_minute(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    let id = item(1).id;
    let is_just_restored = async |owner: &Owner, now| {
        let restored = store.is_just_restored(owner, id, now).await;
        restored.unwrap()
    };
    // One that was never deleted, also when somebody asks for it back.
    assert!(store.restore_item(&owner(1), id, NOW).await.unwrap());
    assert!(!is_just_restored(&owner(1), NOW).await);
    store.delete_item(&owner(1), id, NOW).await.unwrap();
    assert!(!is_just_restored(&owner(1), NOW).await);
    store.restore_item(&owner(1), id, NOW).await.unwrap();
    let over = NOW + JUST_RESTORED_FOR;
    store.restore_item(&owner(1), id, over).await.unwrap();
    for (now, is_so) in [
        (NOW - Duration::MILLISECOND, false),
        (NOW, true),
        (over - Duration::MILLISECOND, true),
        (over, false),
    ] {
        assert_eq!(is_just_restored(&owner(1), now).await, is_so, "{now}");
    }
    assert!(!is_just_restored(&owner(2), NOW).await);
    let never = store.is_just_restored(&owner(1), item(2).id, NOW).await;
    assert!(!never.unwrap());
    store.delete_item(&owner(1), id, NOW).await.unwrap();
    assert!(!is_just_restored(&owner(1), NOW).await);
}

async fn a_page_has_fifty_items_and_the_last_page_the_rest(store: &dyn Store) {
    let mine = owner(1);
    assert_eq!(
        store.list_items(&mine, 7).await.unwrap(),
        Listed {
            items: vec![],
            total: 0
        }
    );
    add(store, &owner(2), [200]).await;
    add(store, &mine, 1..=103).await;
    let done = Item {
        done: true,
        ..item(100)
    };
    store.tick_item(&mine, done.id, true).await.unwrap();
    for n in [101, 50] {
        store.delete_item(&mine, item(n).id, NOW).await.unwrap();
    }
    let to_do = (1..=103).rev().filter(|n| ![101, 100, 50].contains(n));
    let all: Vec<_> = to_do.map(item).chain([done]).collect();
    assert_eq!(all.len(), 2 * ITEMS_PER_PAGE + 1);
    let pages: Vec<_> = all.chunks(ITEMS_PER_PAGE).collect();
    for (asked, shown) in [(0, 0), (1, 1), (2, 2), (3, 2), (u32::MAX, 2)] {
        let page = store.list_items(&mine, asked).await.unwrap();
        assert_eq!(page.items, pages[shown], "{asked}");
        assert_eq!(page.total, all.len());
    }
    store.delete_item(&mine, item(100).id, NOW).await.unwrap();
    let page = store.list_items(&mine, 2).await.unwrap();
    assert_eq!(page.items, pages[1], "a last page that is full");
}

async fn what_is_brought_back_too_late_stays_gone(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    let id = item(1).id;
    store.delete_item(&owner(1), id, NOW).await.unwrap();
    // The second time the clock has been put back.
    for now in [NOW + UNDO_FOR, NOW] {
        assert!(!store.restore_item(&owner(1), id, now).await.unwrap());
        let listed = list(store, &owner(1)).await;
        assert_eq!(listed, [item(2)]);
    }
    let unknown = store.restore_item(&owner(1), item(9).id, NOW).await;
    assert!(!unknown.unwrap());
}

async fn what_is_deleted_is_swept_when_it_cannot_be_brought_back(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    store.delete_item(&owner(1), item(1).id, NOW).await.unwrap();
    let end = NOW + UNDO_FOR;
    assert_eq!(store.sweep(end - Duration::MILLISECOND).await.unwrap(), 0);
    assert_eq!(store.sweep(end).await.unwrap(), 1);
    let found = store.find_deleted(&owner(1), item(1).id, NOW).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(list(store, &owner(1)).await, [item(2)]);
}

async fn nobody_reaches_the_items_of_another(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    let (living, deleted) = (item(1).id, item(2).id);
    store.delete_item(&owner(1), deleted, NOW).await.unwrap();
    for other in [owner(2), namesake()] {
        assert_eq!(list(store, &other).await, []);
        assert_eq!(store.find_item(&other, living).await.unwrap(), None);
        assert!(!store.tick_item(&other, living, true).await.unwrap());
        let edited = store.edit_item(&other, living, "theirs".to_owned(), NOW);
        assert!(!edited.await.unwrap());
        assert!(!store.delete_item(&other, living, NOW).await.unwrap());
        let found = store.find_deleted(&other, deleted, NOW).await;
        assert_eq!(found.unwrap(), None);
        for now in [NOW, NOW + UNDO_FOR] {
            assert!(!store.restore_item(&other, deleted, now).await.unwrap());
        }
    }
    assert_eq!(list(store, &owner(1)).await, [item(1)]);
    let back = store.restore_item(&owner(1), deleted, NOW).await;
    assert!(back.unwrap());
}

async fn a_person_has_a_thousand_items_at_most_deleted_ones_among_them(store: &dyn Store) {
    let id = |n: usize| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        ItemId::mint(bytes)
    };
    let item = |n| Item {
        id: id(n),
        ..item(1)
    };
    let mine = owner(1);
    for n in 0..ITEMS_PER_PERSON {
        assert_eq!(store.add_item(&mine, item(n)).await.unwrap(), Added::Yes);
    }
    let most = ITEMS_PER_PERSON;
    for _ in 0..2 {
        let added = store.add_item(&mine, item(most)).await.unwrap();
        assert_eq!(added, Added::Full);
    }
    assert_eq!(total(store, &mine).await, most);
    // Another person's room is their own.
    let added = store.add_item(&owner(2), item(most)).await.unwrap();
    assert_eq!(added, Added::Yes);

    // What is deleted makes room, and is forgotten when the room is taken, the first one first.
    for n in [7, 3] {
        let now = NOW + Duration::seconds(10 - i64::try_from(n).unwrap());
        assert!(store.delete_item(&mine, id(n), now).await.unwrap());
    }
    let added = store.add_item(&mine, item(most + 1)).await.unwrap();
    assert_eq!(added, Added::Yes);
    let now = NOW + Duration::seconds(20);
    assert!(!store.restore_item(&mine, id(7), now).await.unwrap());
    assert!(store.restore_item(&mine, id(3), now).await.unwrap());
    assert_eq!(total(store, &mine).await, most);
    let added = store.add_item(&mine, item(most + 2)).await.unwrap();
    assert_eq!(added, Added::Full);
}

/// A second session of the same browser.
fn same_browser(id: u8, user: u8) -> Session {
    Session {
        browser: browser(1),
        ..session(id, user)
    }
}

async fn is_alive(store: &dyn Store, id: u8) -> bool {
    store.find_session(sid(id), NOW).await.unwrap().is_some()
}

async fn a_session_ends_whatever_was_born_of_the_same_pre_session(store: &dyn Store) {
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

async fn row_24_a_sibling_of_another_person_is_asked_first(store: &dyn Store) {
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

async fn a_session_begins_from_a_handoff_that_came_back_once(store: &dyn Store) {
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
    store.sweep(last).await.unwrap();
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

async fn a_handoff_that_is_finishing_is_swept_when_its_time_is_over(store: &dyn Store) {
    taken(store, browser(1), 1).await;
    let over = NOW + FINISHING;
    let last = over - Duration::milliseconds(1);
    assert_eq!(store.sweep(last).await.unwrap(), 0);
    assert_eq!(store.sweep(over).await.unwrap(), 1);
}

async fn the_answer_yes_begins_what_waited_once(store: &dyn Store) {
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

async fn row_81_a_sign_out_ends_all_that_this_browser_has_and_has_under_way(store: &dyn Store) {
    for by_session in [true, false] {
        begun(store, session(1, 1), None).await;
        keep_waiting(store, sid(1), waiting(3, 2)).await;
        begun(store, session(2, 1), None).await;
        let finishing = taken(store, browser(1), 1).await;
        let others = taken(store, browser(2), 2).await;
        store
            .start_handoff(handoff(browser(1), 3), NOW)
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
        let back = store.take_started(browser(1), state(3), NOW).await;
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

async fn a_session_is_abandoned_when_it_or_the_current_one_expires(store: &dyn Store) {
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
    begun(store, session(1, 1), None).await;
    keep_waiting(store, sid(1), waiting(2, 2)).await;
    store.put([1; 32], vec![1], over).await.unwrap();
    store.put([2; 32], vec![2], LATER).await.unwrap();
    add(store, &owner(1), 1..=1).await;
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
    keep_waiting(store, sid(1), waits_long).await;
    assert_eq!(
        store.sweep(LATER).await.unwrap(),
        2,
        "a record, a handoff that came back"
    );
    let abandoned = store.take_abandoned(LATER).await.unwrap();
    assert_eq!(abandoned, [waiting(2, 2).session.access_token]);
    assert_eq!(store.sweep(LATER).await.unwrap(), 1, "a session");
    assert_eq!(store.take_waiting(sid(1)).await.unwrap(), None);
    assert_eq!(
        list(store, &owner(1)).await,
        [item(1)],
        "what a person keeps stays"
    );
    assert_eq!(store.sweep(LATER).await.unwrap(), 0);
}

/// Both orders, and at once: no session is left of a browser that has signed out.
async fn row_81_race_of_sign_out_against_h6_leaves_no_session(store: Arc<dyn Store>) {
    let (mut begun_first, mut too_late) = (0, 0);
    for round in 0..500_u16 {
        let handoff = taken(&*store, browser(1), 3000 + round).await;
        let finishing = {
            let store = Arc::clone(&store);
            async move {
                let source = Source::Handoff {
                    handoff,
                    replacing: None,
                };
                store.begin_session(session(1, 1), source, NOW).await
            }
        };
        let leaving = {
            let store = Arc::clone(&store);
            async move { store.sign_out(None, Some(browser(1))).await }
        };
        let (begun, gone) = match round % 3 {
            0 => {
                let begun = finishing.await;
                (begun, leaving.await)
            }
            1 => {
                let gone = leaving.await;
                (finishing.await, gone)
            }
            _ => {
                let (one, other) = (tokio::spawn(finishing), tokio::spawn(leaving));
                (one.await.unwrap(), other.await.unwrap())
            }
        };
        // Either the sign-out ends it and gives its token back, or it never begins and whoever
        // brought it has the token.
        match begun.unwrap() {
            Beginning::Begun { .. } => {
                begun_first += 1;
                assert_eq!(gone.unwrap(), [ended(1)], "round {round}");
            }
            Beginning::TooLate => {
                too_late += 1;
                assert_eq!(gone.unwrap(), [], "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
        assert!(!is_alive(&*store, 1).await, "round {round}");
    }
    assert!(begun_first >= 166 && too_late >= 166, "both orders");
}

/// Five tabs come back at once: one session is left, and each that ended gave its token back.
async fn row_23_race_of_handoffs_of_one_browser_leaves_one_session(store: Arc<dyn Store>) {
    for round in 0..100_u16 {
        let mut tabs = Vec::new();
        for tab in 0..5_u8 {
            let handoff = taken(&*store, browser(1), round * 5 + u16::from(tab)).await;
            tabs.push((tab, handoff));
        }
        let tabs: Vec<_> = tabs
            .into_iter()
            .map(|(tab, handoff)| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let source = Source::Handoff {
                        handoff,
                        replacing: None,
                    };
                    let new = same_browser(tab, 1);
                    store.begin_session(new, source, NOW).await
                })
            })
            .collect();
        let (mut gone, mut over) = (Vec::new(), 0);
        for tab in tabs {
            match tab.await.unwrap().unwrap() {
                Beginning::Begun {
                    ended,
                    pre_session_over,
                } => {
                    gone.extend(ended);
                    over += usize::from(pre_session_over);
                }
                other => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!((gone.len(), over), (4, 1), "round {round}");
        let left = store.sign_out(None, Some(browser(1))).await.unwrap();
        assert_eq!(left.len(), 1, "round {round}");
        assert!(!gone.contains(&left[0]), "round {round}");
    }
}

async fn row_17_a_browser_has_a_handoff_under_way_until_it_is_finished_or_expires(
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

#[tokio::test]
async fn what_was_kept_as_notes_or_tasks_is_kept_as_items() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    let all: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
    let first: Vec<_> = all.iter().take(1).cloned().collect();
    let first = sqlx::migrate::Migrator::with_migrations(first);
    let old = database::Database::open(&path, &first).await.unwrap();
    let mut tx = old.write().await.unwrap();
    let Owner { issuer, user } = owner(1);
    for (n, done) in [(1, 0), (2, 1)] {
        sqlx::query(
            "INSERT INTO task (id, issuer, user_id, text, done, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(item(n).id.to_string())
        .bind(issuer.as_str())
        .bind(user.to_string())
        .bind(item(n).text)
        .bind(done)
        .bind(database::millis(NOW))
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    sqlx::query("INSERT INTO note (id, issuer, user_id, text, created_at) VALUES (?, ?, ?, ?, ?)")
        .bind(item(3).id.to_string())
        .bind(issuer.as_str())
        .bind(UserId::mint([2; 16]).to_string())
        .bind(item(3).text)
        .bind(database::millis(NOW))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    old.close().await;

    let store = Sqlite::open(&path).await.unwrap();
    let done = Item {
        done: true,
        ..item(2)
    };
    assert_eq!(list(&store, &owner(1)).await, [item(1), done]);
    let note = list(&store, &owner(2)).await;
    assert_eq!(note, [item(3)]);
    store.close().await;
}

#[tokio::test]
async fn row_17_a_callback_that_was_not_started_here_waits_for_no_writer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let store = Sqlite::open(&file).await.unwrap();
    let new = handoff(browser(1), 1);
    store.start_handoff(new, NOW).await.unwrap();
    let mut beside = SqliteConnection::connect(file.to_str().unwrap())
        .await
        .unwrap();
    store
        .start_handoff(handoff(browser(1), 3), NOW)
        .await
        .unwrap();
    store.take_started(browser(1), state(3), NOW).await.unwrap();
    let writing = beside.begin_with("BEGIN IMMEDIATE").await.unwrap();
    for (stranger, junk) in [(1, 2), (2, 1), (1, 3)] {
        let taken = store
            .take_started(browser(stranger), state(junk), NOW)
            .await;
        assert_eq!(taken.unwrap(), None, "it was not held up");
    }
    assert!(store.has_started(browser(1), NOW).await.unwrap());
    writing.rollback().await.unwrap();
    let taken = store.take_started(browser(1), state(1), NOW).await;
    assert!(taken.unwrap().is_some());
    store.close().await;
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
    ($($name:ident),* $(,)?; races: $($race:ident),* $(,)?) => {
        mod sqlite {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                super::$name(&store).await;
                store.close().await;
            })*

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                let folder = tempfile::tempdir().unwrap();
                let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();
                super::$race(Arc::new(store.clone())).await;
                store.close().await;
            })*
        }

        mod memory {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                super::$name(&Memory::default()).await;
            })*

            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $race() {
                super::$race(Arc::new(Memory::default())).await;
            })*
        }
    };
}

suite![
    row_20_a_started_handoff_is_taken_once_with_all_that_it_holds,
    row_20_another_browser_takes_nothing_and_uses_nothing_up,
    row_20_a_started_handoff_dies_after_five_minutes,
    a_browser_has_five_handoffs_under_way_and_the_oldest_goes,
    row_17_a_browser_has_a_handoff_under_way_until_it_is_finished_or_expires,
    a_pre_session_stays_while_another_tab_is_under_way,
    row_62_a_session_reads_back_until_it_expires,
    sessions_are_counted_while_they_are_alive,
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
    items_are_listed_newest_first_and_what_is_done_after_what_is_not,
    an_item_says_what_it_was_changed_to_and_when,
    what_is_deleted_is_gone_until_it_is_brought_back,
    what_was_brought_back_counts_as_just_restored_for_a_minute,
    a_page_has_fifty_items_and_the_last_page_the_rest,
    what_is_brought_back_too_late_stays_gone,
    what_is_deleted_is_swept_when_it_cannot_be_brought_back,
    nobody_reaches_the_items_of_another,
    a_person_has_a_thousand_items_at_most_deleted_ones_among_them,
    a_record_reads_back_until_it_expires_or_is_removed,
    a_session_is_abandoned_when_its_wait_is_over_and_not_before,
    a_session_is_abandoned_when_it_or_the_current_one_expires,
    a_sweep_takes_what_has_expired_and_nothing_else,
    a_session_ends_whatever_was_born_of_the_same_pre_session,
    row_24_a_sibling_of_another_person_is_asked_first,
    a_session_begins_from_a_handoff_that_came_back_once,
    a_handoff_that_is_finishing_is_swept_when_its_time_is_over,
    the_answer_yes_begins_what_waited_once,
    row_81_a_sign_out_ends_all_that_this_browser_has_and_has_under_way;
    races:
    row_81_race_of_sign_out_against_h6_leaves_no_session,
    row_23_race_of_handoffs_of_one_browser_leaves_one_session,
    row_20_race_32_callers_take_one_started_handoff_and_one_wins,
];
