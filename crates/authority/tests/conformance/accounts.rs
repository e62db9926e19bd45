use authority::store::Added;
use handoff::{ids::UserId, wire::UserInfo};

use super::world::{START, World, email, new_user, seconds};

pub(crate) async fn the_store_answers<F>(world: World<F>) {
    world.store.ping().await.unwrap();
}

pub(crate) async fn a_new_person_is_found_by_address<F>(world: World<F>) {
    let id = UserId::mint(world.random());
    let new = new_user(id, "zoë");
    assert_eq!(world.store.add_user(new, START).await.unwrap(), Added::New);
    let found = world.store.find_account(&email("zoë")).await.unwrap();
    let account = found.expect("the person is found");
    assert_eq!(
        account.user,
        UserInfo {
            id,
            email: "zoë@harbor.example".to_owned(),
            name: "zoë of Harbor".to_owned(),
            email_verified: true,
        }
    );
    assert_eq!(account.password_hash, "hash of zoë");
    assert!(account.is_active);
    let nobody = world.store.find_account(&email("mallory")).await.unwrap();
    assert!(nobody.is_none());
}

pub(crate) async fn a_taken_address_changes_nothing<F>(world: World<F>) {
    let id = UserId::mint(world.random());
    let mut new = new_user(id, "alice");
    new.name = "Somebody else".to_owned();
    new.password_hash = "another hash".to_owned();
    let added = world.store.add_user(new, START).await.unwrap();
    assert_eq!(added, Added::EmailTaken);
    let account = world.store.find_account(&email("alice")).await.unwrap();
    let account = account.unwrap();
    assert_eq!(account.user.id, world.alice);
    assert_eq!(account.user.name, "alice of Harbor");
    assert_eq!(account.password_hash, "hash of alice");
}

pub(crate) async fn a_stronger_hash_replaces_that_persons_only<F>(world: World<F>) {
    let unknown = UserId::mint(world.random());
    for user in [world.alice, unknown] {
        let new = "stronger".to_owned();
        let rehashed = world.store.rehash_password(user, "hash of alice", new);
        rehashed.await.unwrap();
    }
    for (name, hash) in [("alice", "stronger"), ("bob", "hash of bob")] {
        let account = world.store.find_account(&email(name)).await.unwrap();
        assert_eq!(account.unwrap().password_hash, hash, "{name}");
    }
}

pub(crate) async fn a_hash_that_was_replaced_meanwhile_does_not_come_back<F>(world: World<F>) {
    for new in ["the first", "the second"] {
        let rehashed = world
            .store
            .rehash_password(world.alice, "hash of alice", new.to_owned());
        rehashed.await.unwrap();
    }
    let account = world.store.find_account(&email("alice")).await.unwrap();
    assert_eq!(account.unwrap().password_hash, "the first");
}

pub(crate) async fn a_disabled_person_may_not_sign_in_and_nobody_else_is_touched<F>(
    world: World<F>,
) {
    for later in [1, 2] {
        let now = START + seconds(later);
        assert!(world.store.disable_user(world.alice, now).await.unwrap());
        for (name, expected) in [("alice", false), ("bob", true)] {
            let account = world.store.find_account(&email(name)).await.unwrap();
            assert_eq!(account.unwrap().is_active, expected, "{name}");
        }
    }
}

pub(crate) async fn an_unknown_person_is_not_disabled<F>(world: World<F>) {
    let unknown = UserId::mint(world.random());
    assert!(!world.store.disable_user(unknown, START).await.unwrap());
    for name in ["alice", "bob"] {
        let account = world.store.find_account(&email(name)).await.unwrap();
        assert!(account.unwrap().is_active, "{name}");
    }
}

pub(crate) async fn people_are_listed_by_address_with_what_became_of_them<F>(world: World<F>) {
    let id = UserId::mint(world.random());
    let later = START + seconds(1);
    let added = world.store.add_user(new_user(id, "aaron"), later).await;
    assert_eq!(added.unwrap(), Added::New);
    world.store.disable_user(world.alice, later).await.unwrap();
    let listed = world.store.list_users().await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|listed| (&*listed.user.name, listed.is_active, listed.since))
        .collect();
    assert_eq!(
        listed,
        [
            ("aaron of Harbor", true, later),
            ("alice of Harbor", false, START),
            ("bob of Harbor", true, START),
        ]
    );
}

pub(crate) async fn a_new_password_replaces_that_persons_only<F>(world: World<F>) {
    world.store.disable_user(world.bob, START).await.unwrap();
    for (user, hash) in [(world.alice, "new"), (world.bob, "newer")] {
        let set = world.store.set_password(user, hash.to_owned(), START);
        assert!(set.await.unwrap());
    }
    // One who is disabled stays so.
    for (name, hash, is_active) in [("alice", "new", true), ("bob", "newer", false)] {
        let account = world.store.find_account(&email(name)).await.unwrap();
        let account = account.unwrap();
        assert_eq!(account.password_hash, hash, "{name}");
        assert_eq!(account.is_active, is_active, "{name}");
    }
}

pub(crate) async fn an_unknown_person_gets_no_password<F>(world: World<F>) {
    let unknown = UserId::mint(world.random());
    let set = world.store.set_password(unknown, "new".to_owned(), START);
    assert!(!set.await.unwrap());
    for name in ["alice", "bob"] {
        let account = world.store.find_account(&email(name)).await.unwrap();
        assert_eq!(account.unwrap().password_hash, format!("hash of {name}"));
    }
}
