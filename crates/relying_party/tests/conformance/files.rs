//! What only a store with a file can be asked.

use handoff::ids::UserId;
use relying_party::store::{HandoffStore, Item, Owner, Sqlite};
use sqlx::{Connection, SqliteConnection};

use super::world::{NOW, browser, handoff, item, list, owner, state};

pub(crate) async fn what_was_kept_as_notes_or_tasks_is_kept_as_items() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    let all: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
    let first: Vec<_> = all.iter().take(1).cloned().collect();
    let first = sqlx::migrate::Migrator::with_migrations(first);
    let old = database::Database::open(&path, &first).await.unwrap();
    old.close().await;
    let mut beside = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
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
        .execute(&mut beside)
        .await
        .unwrap();
    }
    sqlx::query("INSERT INTO note (id, issuer, user_id, text, created_at) VALUES (?, ?, ?, ?, ?)")
        .bind(item(3).id.to_string())
        .bind(issuer.as_str())
        .bind(UserId::mint([2; 16]).to_string())
        .bind(item(3).text)
        .bind(database::millis(NOW))
        .execute(&mut beside)
        .await
        .unwrap();
    beside.close().await.unwrap();

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

pub(crate) async fn row_17_a_callback_that_was_not_started_here_waits_for_no_writer() {
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
