use authority::store::Added;
use handoff::{ids::UserId, wire::UserInfo};

use super::world::{START, World, email, new_user};

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
    let rehash = |user, hash: &str| world.store.rehash_password(user, hash.to_owned());
    rehash(world.alice, "stronger").await.unwrap();
    rehash(UserId::mint(world.random()), "nobody's")
        .await
        .unwrap();
    for (name, hash) in [("alice", "stronger"), ("bob", "hash of bob")] {
        let account = world.store.find_account(&email(name)).await.unwrap();
        assert_eq!(account.unwrap().password_hash, hash, "{name}");
    }
}
