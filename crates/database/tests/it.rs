//! The writer: what verbs of one batch see of each other, and what none of them does.
//!
//! To know who is in one batch, the tests hold the writer by a verb that waits: what is queued meanwhile is
//! the next batch.
#![allow(
    clippy::unwrap_used,
    reason = "a failure in the set-up of a test is a failure of the test"
)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use database::{Connection, Database, Ending, Set, Settings, Statement, Unavailable, Verb};
use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use sqlx::{Connection as _, migrate::Migrator};
use tempfile::TempDir;
use tokio::{sync::Notify, task::JoinHandle};

struct World {
    database: Database,
    path: PathBuf,
    _folder: TempDir,
}

impl World {
    async fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open_with(&path, &Migrator::DEFAULT, settings)
            .await
            .unwrap();
        let world = Self {
            database,
            path,
            _folder: folder,
        };
        let tables = [
            "CREATE TABLE item (id INTEGER PRIMARY KEY, size INTEGER, content BLOB)",
            "CREATE TABLE part (of INTEGER REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)",
        ];
        for table in tables {
            run(&world.database, table).await.unwrap();
        }
        world
    }

    /// Takes the write lock.
    async fn lock(&self) -> Connection {
        let mut lock = Connection::connect(&self.path.display().to_string())
            .await
            .unwrap();
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut lock)
            .await
            .unwrap();
        lock
    }

    /// Keeps the writer at a verb that waits.
    async fn hold(&self) -> Held {
        let [runs, may_end] = [(); 2].map(|()| Arc::new(Notify::new()));
        let (database, waits) = (self.database.clone(), (runs.clone(), may_end.clone()));
        let verb = tokio::spawn(async move {
            let verb = database.write(move |_| {
                Box::pin(async move {
                    waits.0.notify_one();
                    waits.1.notified().await;
                    Ok(())
                })
            });
            verb.await
        });
        runs.notified().await;
        Held { may_end, verb }
    }

    /// Runs the verbs in one batch: that after a verb which waits until all are queued.
    async fn in_one_batch<T: Send + 'static>(
        &self,
        verbs: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
    ) -> Vec<T> {
        let held = self.hold().await;
        let mut queued = Vec::new();
        for verb in verbs {
            queued.push(self.queued(verb).await);
        }
        held.release().await;
        let mut answers = Vec::new();
        for verb in queued {
            answers.push(verb.await.unwrap());
        }
        answers
    }

    /// Starts a verb and lets it run up to its place in the queue.
    async fn queued<T: Send + 'static>(
        &self,
        verb: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let task = tokio::spawn(verb);
        // The test has one thread: the task runs until it waits for its answer.
        tokio::task::yield_now().await;
        task
    }

    async fn ids(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT id FROM item ORDER BY id")
            .fetch_all(&mut *self.database.reader().await.unwrap())
            .await
            .unwrap()
    }
}

/// The writer, at a verb that waits.
struct Held {
    may_end: Arc<Notify>,
    verb: JoinHandle<Result<(), Unavailable>>,
}

impl Held {
    async fn release(self) {
        self.may_end.notify_one();
        self.verb.await.unwrap().unwrap();
    }
}

async fn release(mut lock: Connection) {
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    lock.close().await.unwrap();
}

async fn run(database: &Database, text: &'static str) -> Result<(), Unavailable> {
    run_owned(database, text).await
}

fn run_owned(
    database: &Database,
    text: &'static str,
) -> impl Future<Output = Result<(), Unavailable>> + Send + 'static {
    let database = database.clone();
    async move {
        database
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(text).execute(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

const ADD: Statement =
    Statement::new("INSERT INTO item (id, size, content) VALUES ($1, $2, zeroblob($2))");

async fn add(tx: &mut Connection, id: i64, size: i64) -> Result<i64, Unavailable> {
    sqlx::query(ADD).bind(id).bind(size).execute(tx).await?;
    Ok(id)
}

/// Adds an item; tells its id.
fn adding(
    world: &World,
    id: i64,
    size: i64,
) -> impl Future<Output = Result<i64, Unavailable>> + Send + use<> {
    let database = world.database.clone();
    async move { database.write(move |tx| Box::pin(add(tx, id, size))).await }
}

#[tokio::test]
async fn verbs_that_wait_share_one_commit_and_each_sees_those_before_it() {
    let world = World::new(Settings::default()).await;
    let counting = |at: i64| {
        let database = world.database.clone();
        async move {
            let seen = database.write(move |tx| {
                Box::pin(async move {
                    let before: i64 = sqlx::query_scalar("SELECT count(*) FROM item")
                        .fetch_one(&mut *tx)
                        .await?;
                    add(tx, at, 1).await?;
                    // A reader sees none of it before the commit.
                    Ok(before)
                })
            });
            seen.await.unwrap()
        }
    };
    let seen = world.in_one_batch((0..40).map(counting)).await;
    assert_eq!(seen, (0..40).collect::<Vec<_>>());

    // That they are one transaction shows when its commit fails: none of them is there.
    let missing = run_owned(&world.database, "INSERT INTO part (of) VALUES (-1)");
    let verbs: Vec<BoxFuture<'static, _>> = (100..110)
        .map(|id| adding(&world, id, 1).map_ok(drop).boxed())
        .chain([missing.boxed()])
        .collect();
    let answers = world.in_one_batch(verbs).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(world.ids().await.len(), 40);
    // And the next ones are.
    adding(&world, 200, 1).await.unwrap();
    world.database.close().await;
}

#[tokio::test]
async fn after_a_commit_that_failed_nothing_runs_again() {
    let world = World::new(Settings::default()).await;
    let runs = Arc::new(AtomicU32::new(0));
    let breaking = |of: i64| {
        let (database, runs) = (world.database.clone(), Arc::clone(&runs));
        async move {
            database
                .write(move |tx| {
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::Relaxed);
                        sqlx::query("INSERT INTO part (of) VALUES ($1)")
                            .bind(of)
                            .execute(tx)
                            .await?;
                        Ok(())
                    })
                })
                .await
        }
    };
    let answers = world.in_one_batch((-5..0).map(breaking)).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(runs.load(Ordering::Relaxed), 5);
    let parts: i64 = sqlx::query_scalar("SELECT count(*) FROM part")
        .fetch_one(&mut *world.database.reader().await.unwrap())
        .await
        .unwrap();
    assert_eq!(parts, 0);
    world.database.close().await;
}

#[tokio::test]
async fn a_verb_that_fails_costs_itself_alone() {
    let world = World::new(Settings::default()).await;
    adding(&world, 3, 1).await.unwrap();
    // Two of them take an id that is taken, one by a verb of the same batch.
    let ids = [1, 2, 3, 4, 5, 5, 6];
    let answers = world
        .in_one_batch(ids.map(|id| adding(&world, id, 1)))
        .await;
    let went: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, true, false, true, true, false, true]);
    assert_eq!(world.ids().await, [1, 2, 3, 4, 5, 6]);
    world.database.close().await;
}

#[tokio::test]
async fn a_verb_that_panics_costs_itself_alone() {
    let world = World::new(Settings::default()).await;
    let verb = |id: i64| {
        let database = world.database.clone();
        async move {
            database
                .write(move |tx| {
                    Box::pin(async move {
                        add(tx, id, 1).await?;
                        assert_ne!(id, 3, "this verb panics, as the test wants");
                        Ok(())
                    })
                })
                .await
        }
    };
    let answers = world.in_one_batch((1..=5).map(verb)).await;
    let went: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, true, false, true, true]);
    assert_eq!(world.ids().await, [1, 2, 4, 5]);
    world.database.close().await;
}

#[tokio::test]
async fn a_verb_that_takes_back_what_it_wrote_takes_back_nothing_else() {
    let world = World::new(Settings::default()).await;
    let verb = |id: i64| {
        let database = world.database.clone();
        async move {
            let ended = database.write_or_undo(move |tx| {
                Box::pin(async move {
                    add(tx, id, 1).await?;
                    Ok(if id == 2 {
                        Ending::RollBack(id)
                    } else {
                        Ending::Commit(id)
                    })
                })
            });
            ended.await.unwrap()
        }
    };
    assert_eq!(world.in_one_batch((1..=3).map(verb)).await, [1, 2, 3]);
    assert_eq!(world.ids().await, [1, 3]);
    world.database.close().await;
}

#[tokio::test]
async fn a_disk_that_is_full_in_the_middle_of_a_batch_refuses_what_does_not_fit() {
    let world = World::new(Settings::default()).await;
    run(&world.database, "PRAGMA max_page_count = 60")
        .await
        .unwrap();
    // SQLite ends the transaction of all by itself, at the third one.
    let sizes = [
        (1, 10),
        (2, 10),
        (3, 1_000_000),
        (4, 10),
        (5, 1_000_000),
        (6, 10),
    ];
    let answers = world
        .in_one_batch(sizes.map(|(id, size)| adding(&world, id, size)))
        .await;
    for (answer, (_, size)) in answers.iter().zip(sizes) {
        match answer {
            Ok(_) => {}
            // The connection that is opened anew has no limit, so that the second large one may fit.
            Err(full) => assert!(size > 10 && full.to_string().contains("full"), "{full}"),
        }
    }
    let there: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
    assert!(there.len() >= 4, "{there:?}");
    assert_eq!(world.ids().await, there);
    adding(&world, 7, 10).await.unwrap();
    world.database.close().await;
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_and_nobody_waits() {
    let settings = Settings {
        queue: 3,
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let held = world.hold().await;
    let mut waiting = Vec::new();
    for id in 2..=4 {
        waiting.push(world.queued(adding(&world, id, 1)).await);
    }
    let refused = adding(&world, 5, 1).await.unwrap_err();
    assert!(refused.to_string().contains("too many"), "{refused}");
    held.release().await;
    for verb in waiting {
        verb.await.unwrap().unwrap();
    }
    assert_eq!(world.ids().await, [2, 3, 4]);
    adding(&world, 5, 1).await.unwrap();
    world.database.close().await;
}

#[tokio::test]
async fn a_verb_whose_caller_has_gone_does_not_run() {
    let world = World::new(Settings::default()).await;
    let lock = world.lock().await;
    let first = world.queued(adding(&world, 1, 1)).await;
    let gone = world.queued(adding(&world, 2, 1)).await;
    let third = world.queued(adding(&world, 3, 1)).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    release(lock).await;
    first.await.unwrap().unwrap();
    third.await.unwrap().unwrap();
    assert_eq!(world.ids().await, [1, 3]);
    world.database.close().await;
}

#[tokio::test]
async fn what_waits_at_a_shutdown_is_done_and_what_comes_later_is_refused() {
    let world = World::new(Settings::default()).await;
    let lock = world.lock().await;
    let mut waiting = Vec::new();
    for id in 1..=200 {
        waiting.push(world.queued(adding(&world, id, 1)).await);
    }
    let database = world.database.clone();
    let closing = world.queued(async move { database.close().await }).await;
    release(lock).await;
    for verb in waiting {
        verb.await.unwrap().unwrap();
    }
    closing.await.unwrap();
    adding(&world, 201, 1).await.unwrap_err();
    let again = Database::open(&world.path, &Migrator::DEFAULT)
        .await
        .unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM item")
        .fetch_one(&mut *again.reader().await.unwrap())
        .await
        .unwrap();
    assert_eq!(count, 200);
    again.close().await;
}

#[tokio::test]
async fn a_lock_that_is_not_given_back_refuses_the_batch_and_then_it_goes_on() {
    let settings = Settings {
        lock: Duration::from_millis(20),
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let lock = world.lock().await;
    let refused = adding(&world, 1, 1).await.unwrap_err();
    assert!(refused.to_string().contains("locked"), "{refused}");
    release(lock).await;
    adding(&world, 1, 1).await.unwrap();
    world.database.close().await;
}

#[tokio::test]
async fn a_file_that_was_opened_to_be_read_is_not_written() {
    let world = World::new(Settings::default()).await;
    world.database.close().await;
    let read = Database::open_read_only(&world.path).await.unwrap();
    let refused = run(&read, "DELETE FROM item").await.unwrap_err();
    assert!(refused.to_string().contains("to be read"), "{refused}");
    read.close().await;
}

/// Adds items in one statement, as a set.
#[derive(Clone)]
struct Adding(i64);

impl Set for Adding {
    /// How many were in the set.
    type Answer = usize;

    fn goes_with(&self, others: &[Self]) -> bool {
        others.iter().all(|other| other.0 != self.0)
    }

    fn run(tx: &mut Connection, inputs: Vec<Self>) -> Verb<'_, Vec<usize>> {
        Box::pin(async move {
            for Self(id) in &inputs {
                add(tx, *id, 1).await?;
            }
            Ok(vec![inputs.len(); inputs.len()])
        })
    }
}

fn in_set(
    world: &World,
    id: i64,
) -> impl Future<Output = Result<usize, Unavailable>> + Send + use<> {
    let database = world.database.clone();
    async move { database.write_in_set(Adding(id)).await }
}

#[tokio::test]
async fn inputs_that_wait_run_as_a_set_and_equal_ones_in_sets_of_their_own() {
    let world = World::new(Settings::default()).await;
    let answers = world
        .in_one_batch((1..=10).map(|id| in_set(&world, id)))
        .await;
    assert!(answers.iter().all(|answer| *answer.as_ref().unwrap() == 10));

    // The second use of one runs after the first, and costs no other.
    let ids = [11, 12, 11, 13];
    let answers = world.in_one_batch(ids.map(|id| in_set(&world, id))).await;
    let went: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, true, false, true]);
    assert_eq!(world.ids().await, (1..=13).collect::<Vec<_>>());
    world.database.close().await;
}

#[tokio::test]
async fn with_batches_of_one_each_verb_commits_by_itself() {
    let settings = Settings {
        batch: 1,
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let answers = world
        .in_one_batch((1..=10).map(|id| in_set(&world, id)))
        .await;
    assert!(answers.iter().all(|answer| *answer.as_ref().unwrap() == 1));
    world.database.close().await;
}
