//! Notes and tasks.

use handoff::ids::ItemId;
use relying_party::store::{
    Added, Deleted, ITEMS_PER_PAGE, ITEMS_PER_PERSON, Item, JUST_RESTORED_FOR, Listed, Owner,
    Store, UNDO_FOR,
};
use time::Duration;

use super::world::{LATER, NOW, add, item, list, namesake, owner, total};

pub(crate) async fn items_are_listed_newest_first_and_what_is_done_after_what_is_not(
    store: &dyn Store,
) {
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

pub(crate) async fn an_item_is_added_once(store: &dyn Store) {
    let add = async |text: &str| {
        let item = Item {
            text: text.to_owned(),
            ..item(1)
        };
        store.add_item(&owner(1), item).await.unwrap()
    };
    assert_eq!(add("first").await, Added::Yes);
    assert_eq!(add("second").await, Added::Before);
    let listed = list(store, &owner(1)).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].text, "first");
    store.delete_item(&owner(1), item(1).id, NOW).await.unwrap();
    assert_eq!(add("third").await, Added::Before);
    assert_eq!(list(store, &owner(1)).await, []);
}

pub(crate) async fn an_item_says_what_it_was_changed_to_and_when(store: &dyn Store) {
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

pub(crate) async fn what_is_deleted_is_gone_until_it_is_brought_back(store: &dyn Store) {
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

pub(crate) async fn what_was_brought_back_counts_as_just_restored_for_a_minute(store: &dyn Store) {
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

pub(crate) async fn a_page_has_fifty_items_and_the_last_page_the_rest(store: &dyn Store) {
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

pub(crate) async fn what_is_brought_back_too_late_stays_gone(store: &dyn Store) {
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

pub(crate) async fn what_is_deleted_is_swept_when_it_cannot_be_brought_back(store: &dyn Store) {
    add(store, &owner(1), 1..=2).await;
    store.delete_item(&owner(1), item(1).id, NOW).await.unwrap();
    let end = NOW + UNDO_FOR;
    let too_early = store.sweep_items(end - Duration::MILLISECOND).await;
    assert_eq!(too_early.unwrap(), 0);
    assert_eq!(
        store.sweep(end, 100).await.unwrap(),
        0,
        "sign-in has no items"
    );
    assert_eq!(store.sweep_items(end).await.unwrap(), 1);
    let found = store.find_deleted(&owner(1), item(1).id, NOW).await;
    assert_eq!(found.unwrap(), None);
    assert_eq!(list(store, &owner(1)).await, [item(2)]);
}

pub(crate) async fn nobody_reaches_the_items_of_another(store: &dyn Store) {
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

pub(crate) async fn a_person_has_a_thousand_items_at_most_deleted_ones_among_them(
    store: &dyn Store,
) {
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
