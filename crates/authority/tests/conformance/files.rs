//! What only a store with a file can be asked.

use authority::{
    people::Email,
    store::{Listed, NewUser, NoSession, Store},
    throttle::{Admission, Rule},
};
use database::{Database, millis};
use handoff::{
    client::Icon,
    ids::{SignInId, UserId},
    refusal_reason::RefusalReason,
};
use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};

use super::{
    attempts::{attempt, counter},
    world::{Fixture, IDLE, NOTES, START, SqliteFile, World, email, id, seconds},
};

pub(crate) async fn a_used_token_is_still_used_after_a_restart(world: World<SqliteFile>) {
    let sign_in = world.sign_in(world.alice).await;
    let sent = world.send(sign_in, START).await;
    let first = world.redeem(sent.presented(), START).await;
    first.accepted();

    let World {
        fixture,
        mut people,
    } = world;
    // The other one is gone before this one is there.
    people.store = std::sync::Arc::new(authority::store::Memory::default());
    people.store = fixture.open().await;
    assert_eq!(people.closed(first.access, START).await, None);
    let replay = people.redeem(sent.presented(), START).await;
    assert_eq!(replay.rejection(), Some(RefusalReason::Replayed));
    let closed = people.closed(first.access, START).await;
    assert_eq!(closed, Some(NoSession::Unknown));
}

pub(crate) async fn row_64_what_was_counted_is_still_counted_after_a_restart(
    world: World<SqliteFile>,
) {
    let one = [counter(1, Rule::ACCOUNT)];
    for _ in 0..Rule::ACCOUNT.free {
        attempt(&world, &one, START).await;
    }
    let World {
        fixture,
        mut people,
    } = world;
    people.store = std::sync::Arc::new(authority::store::Memory::default());
    people.store = fixture.open().await;
    let until = START + seconds(1);
    let admission = attempt(&people, &one, START).await;
    assert_eq!(admission, Admission::Wait { until });
}

pub(crate) async fn an_address_of_an_earlier_version_is_found_once_it_is_renewed(
    world: World<SqliteFile>,
) {
    let all: Migrator = sqlx::migrate!("./migrations");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.db");
    let old = Database::open(&path, &all).await.unwrap();
    let at = millis(START);
    let (zoe, other) = (world.alice, world.bob);
    old.write(move |tx| {
        Box::pin(async move {
            for (id, email) in [
                (zoe, "zoe\u{308}@harbor.example"),
                (other, "rene\u{301}@harbor.example"),
            ] {
                let row = format!(
                    "INSERT INTO user (id, email, name, email_verified, password_hash, created_at)
                     VALUES ('{id}', '{email}', 'Old', 1, 'hash', {at})"
                );
                sqlx::query(sqlx::AssertSqlSafe(row))
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    old.close().await;

    let store: &dyn Store = &authority::store::Sqlite::open(&path).await.unwrap();
    let (typed, taken) = ("zo\u{eb}@harbor.example", "ren\u{e9}@harbor.example");
    let typed = Email::parse(typed).unwrap();
    let new = NewUser {
        id: UserId::mint([9; 16]),
        email: Email::parse(taken).unwrap(),
        name: "New".to_owned(),
        password_hash: "hash".to_owned(),
    };
    store.add_user(new, START).await.unwrap();
    assert!(store.find_account(&typed).await.unwrap().is_none());
    assert_eq!(store.renew_addresses().await.unwrap(), 1);
    let found = store.find_account(&typed).await.unwrap().unwrap();
    assert_eq!(found.user.id, zoe);
    // Somebody has the form of the other one: nobody gets their account.
    assert_eq!(store.renew_addresses().await.unwrap(), 0);
    assert_eq!(store.list_users().await.unwrap().len(), 3);
}

pub(crate) async fn a_database_of_the_first_version_is_brought_up_to_date(
    world: World<SqliteFile>,
) {
    let all: Migrator = sqlx::migrate!("./migrations");
    let first: Vec<_> = all.iter().take(1).cloned().collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.db");
    let old = Database::open(&path, &Migrator::with_migrations(first))
        .await
        .unwrap();
    let (at, sign_in) = (millis(START), SignInId::mint([5; 16]));
    let until = at + 3_600_000;
    let rows = [
        format!(
            "INSERT INTO user (id, email, name, email_verified, password_hash, created_at)
             VALUES ('{}', 'alice@harbor.example', 'Alice', 1, 'hash', {at})",
            world.alice
        ),
        format!(
            "INSERT INTO sign_in (id, user_id, auth_time, amr, expires_at, idle_until, used_at,
                                  browser)
             VALUES ('{sign_in}', '{}', {at}, '[]', {until}, {until}, {at}, 'Firefox')",
            world.alice,
        ),
        "INSERT INTO client (id, name, description, sdk_compat, origin, redirect_uris,
                             initiate_login_uri, handoff_seconds, assigned_to)
         VALUES ('notes', 'Notes', '', 0, 'https://notes.example',
                 '[\"https://notes.example/callback\"]', 'https://notes.example/start', 60,
                 '\"Everyone\"')"
            .to_owned(),
    ];
    old.write(move |tx| {
        Box::pin(async move {
            for row in rows {
                sqlx::query(sqlx::AssertSqlSafe(row))
                    .execute(&mut *tx)
                    .await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    old.close().await;

    let store: &dyn Store = &authority::store::Sqlite::open(&path).await.unwrap();
    let listed = store.list_users().await.unwrap();
    assert!(matches!(&*listed, [Listed { user, .. }] if user.id == world.alice));
    let client = store.find_client(&id(NOTES)).await.unwrap().unwrap();
    assert_eq!(client.icon, Icon::default());
    let account = store.find_account(&email("alice")).await.unwrap();
    assert!(account.is_some());
    let now = START + seconds(60);
    let found = store.touch_sign_in(sign_in, now, IDLE).await.unwrap();
    assert_eq!(found.unwrap().previous, None);
    let next = world.new_sign_in(world.alice, now);
    let next_id = next.id;
    store.begin_sign_in(next, None).await.unwrap();
    let found = store.touch_sign_in(next_id, now, IDLE).await.unwrap();
    assert_eq!(found.unwrap().previous, Some(START));
    assert_eq!(store.recent_handoffs(world.alice, now).await.unwrap(), []);
}

pub(crate) async fn a_record_that_another_program_changes_is_another_version(
    world: World<SqliteFile>,
) {
    let old = world.revision(&id(NOTES)).await;
    let options = SqliteConnectOptions::new().filename(world.fixture.path());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    // As a program of an earlier version writes it, which knows nothing of versions.
    sqlx::query("UPDATE client SET name = 'Notes, renamed' WHERE id = 'notes'")
        .execute(&mut other)
        .await
        .unwrap();
    assert_ne!(world.revision(&id(NOTES)).await, old);
    other.close().await.unwrap();
}
