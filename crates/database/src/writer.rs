//! SQLite's one writer: a thread that owns the writing connection and commits in groups.
//!
//! What queued up while the disk was waited for is the next batch: nobody waits for a batch to fill.
//!
//! | What goes wrong | What comes of it |
//! |---|---|
//! | a verb fails or panics | the batch is rolled back; each of its verbs runs in a transaction of its own |
//! | the transaction cannot begin | all of the batch are unavailable; nothing was written |
//! | the commit fails | all of the batch are unavailable; it may be on the disk, so nothing runs again |
//! | a rollback or a commit fails | the connection is opened anew: sqlx and SQLite may differ about it |

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use sqlx::{Connection as _, sqlite::SqliteConnectOptions};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot},
};

use crate::{
    Connection, Settings, Unavailable,
    checkpoints::Checkpoints,
    dialect,
    jobs::{Caller, Job},
};

/// The longest that a caller waits for a verb. A file that another program has locked gives up
/// earlier; this is for a disk that does not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    closing: Arc<Notify>,
    /// Nothing is ever sent: it closes when the thread has ended.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Writer {
    /// Starts the writer on a connection; it opens further ones as the options say.
    ///
    /// It has a thread of its own. As a task among others it goes on after each statement when a thread of
    /// the runtime looks at what woke up elsewhere, and until then all that wait for it wait: a third
    /// of the verifies a second was lost by that (DR-0022).
    pub(crate) fn start(
        connection: Connection,
        options: SqliteConnectOptions,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(settings.queue);
        let closing = Arc::new(Notify::new());
        let task = Task {
            jobs,
            closing: Arc::clone(&closing),
            batch: settings.batch,
            checkpoints: Checkpoints::start(options.clone()),
            link: Link {
                connection: Some(connection),
                options,
            },
        };
        let (ends, ended) = oneshot::channel();
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                runtime.block_on(task.run());
                drop(ends);
            })?;
        Ok(Self {
            queue,
            closing,
            ended: Mutex::new(Some(ended)),
        })
    }

    /// Queues a job and waits for its answer.
    pub(crate) async fn run<T>(
        &self,
        job: impl FnOnce(Caller<T>) -> Box<dyn Job>,
    ) -> Result<T, Unavailable> {
        let (caller, answer) = oneshot::channel();
        self.queue
            .try_send(job(caller))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => Unavailable::because("too many verbs wait"),
                mpsc::error::TrySendError::Closed(_) => Unavailable::closed(),
            })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            // The thread has ended without an answer.
            Ok(Err(_)) => Err(Unavailable::closed()),
            Err(_) => Err(Unavailable::because("the disk does not answer")),
        }
    }

    /// Does what waits, and closes the connection.
    pub(crate) async fn close(&self) {
        self.closing.notify_one();
        let ended = self
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(ended) = ended
            && tokio::time::timeout(PATIENCE, ended).await.is_err()
        {
            // What it has not committed it has not acknowledged.
            tracing::warn!(
                error = "the disk does not answer",
                "the database was not closed in order"
            );
        }
    }
}

/// What the thread does.
struct Task {
    jobs: mpsc::Receiver<Box<dyn Job>>,
    closing: Arc<Notify>,
    batch: usize,
    checkpoints: Checkpoints,
    link: Link,
}

impl Task {
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(self.batch);
        loop {
            tokio::select! {
                // What waits is done also while it closes; none is left when the queue has ended.
                taken = self.jobs.recv_many(&mut batch, self.batch) => if taken == 0 {
                    break;
                },
                () = self.closing.notified() => self.jobs.close(),
            }
            self.link.settle(batch.drain(..)).await;
            self.checkpoints.committed();
        }
        // The last connection folds what is left of the log.
        self.checkpoints.close().await;
        self.link.close().await;
    }
}

/// Why a transaction did not commit.
enum Failed {
    /// It could not begin: the same will meet the next one.
    Begin(Unavailable),
    /// A verb failed, and what the transaction wrote is gone.
    Verb(Unavailable),
    /// It is not known whether the transaction is on the disk.
    Commit(Unavailable),
}

/// The writing connection, or how to open the next one.
struct Link {
    connection: Option<Connection>,
    options: SqliteConnectOptions,
}

impl Link {
    /// Runs a batch and answers each of its verbs.
    async fn settle(&mut self, batch: impl Iterator<Item = Box<dyn Job>>) {
        let awaited = batch.filter_map(|mut job| job.is_awaited().then_some(job));
        let mut jobs = in_sets(awaited);
        if jobs.is_empty() {
            return;
        }
        match self.commit(&mut jobs).await {
            Ok(()) => answer(jobs, &Ok(())),
            Err(Failed::Begin(error) | Failed::Commit(error)) => answer(jobs, &Err(error)),
            Err(Failed::Verb(error)) => {
                let verbs: Vec<_> = jobs.into_iter().flat_map(Job::apart).collect();
                if verbs.len() == 1 {
                    answer(verbs, &Err(error));
                } else {
                    self.settle_apart(verbs).await;
                }
            }
        }
    }

    /// Runs each verb in a transaction of its own, as one of them does not let the others commit.
    async fn settle_apart(&mut self, verbs: Vec<Box<dyn Job>>) {
        let mut verbs = verbs.into_iter();
        while let Some(verb) = verbs.next() {
            let mut verb = vec![verb];
            let ended = self.commit(&mut verb).await;
            let (ended, goes_on) = match ended {
                Ok(()) => (Ok(()), true),
                Err(Failed::Verb(error) | Failed::Commit(error)) => (Err(error), true),
                Err(Failed::Begin(error)) => (Err(error), false),
            };
            answer(verb, &ended);
            if !goes_on {
                // Each of the others would wait as long for the same lock.
                return answer(verbs, &ended);
            }
        }
    }

    /// Runs the jobs in one transaction.
    async fn commit(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), Failed> {
        let mut connection = self.take().await.map_err(Failed::Begin)?;
        let (ended, is_sound) = transaction(&mut connection, jobs).await;
        if is_sound {
            self.connection = Some(connection);
        } else {
            // Not waited for: a close that hangs must not keep the next verb waiting.
            drop(connection);
        }
        ended
    }

    /// The connection, which is put back if nothing is wrong with it.
    async fn take(&mut self) -> Result<Connection, Unavailable> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(Connection::connect_with(&self.options).await?),
        }
    }

    async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database was not closed in order");
        }
    }
}

/// Runs the jobs in one transaction; also tells whether the connection can be used again.
async fn transaction(
    connection: &mut Connection,
    jobs: &mut Vec<Box<dyn Job>>,
) -> (Result<(), Failed>, bool) {
    let mut tx = match connection.begin_with(dialect::BEGIN_WRITE).await {
        Ok(tx) => tx,
        Err(error) => return (Err(Failed::Begin(error.into())), false),
    };
    // It may have waited for the lock for longer than the callers did: what they were told is unavailable
    // must not be done now.
    jobs.retain_mut(|job| job.is_awaited());
    for job in jobs {
        if let Err(error) = unwound(async { job.run(&mut tx).await }).await {
            // On a full disk SQLite ends the transaction by itself; then there is none to roll back, and
            // sqlx still believes in it.
            let is_sound = tx.rollback().await.is_ok();
            return (Err(Failed::Verb(error)), is_sound);
        }
    }
    match tx.commit().await {
        Ok(()) => (Ok(()), true),
        Err(error) => (Err(Failed::Commit(error.into())), false),
    }
}

/// A panic in a verb is an error of that verb; the writer goes on.
async fn unwound(verb: impl Future<Output = Result<(), Unavailable>>) -> Result<(), Unavailable> {
    AssertUnwindSafe(verb)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Err(Unavailable::because("a verb panicked")))
}

/// The jobs with those that can run as one in one. All of a batch wait at the same time, so that any
/// order of them is one that could have been.
fn in_sets(batch: impl Iterator<Item = Box<dyn Job>>) -> Vec<Box<dyn Job>> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    for job in batch {
        let mut left = Some(job);
        for set in &mut jobs {
            left = left.and_then(|job| set.take_in(job));
        }
        jobs.extend(left);
    }
    jobs
}

fn answer(jobs: impl IntoIterator<Item = Box<dyn Job>>, ended: &Result<(), Unavailable>) {
    for job in jobs {
        job.answer(ended.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Set, Verb, jobs};

    #[derive(Clone)]
    struct Adding(i64);

    impl Set for Adding {
        type Answer = usize;

        fn goes_with(&self, _: &[Self]) -> bool {
            true
        }

        fn run(tx: &mut Connection, inputs: Vec<Self>) -> Verb<'_, Vec<usize>> {
            Box::pin(async move {
                let count = inputs.len();
                for Self(id) in inputs {
                    sqlx::query("INSERT INTO item VALUES ($1)")
                        .bind(id)
                        .execute(&mut *tx)
                        .await?;
                }
                Ok(vec![count; count])
            })
        }
    }

    /// A verb that adds an item, by itself or as one of a set, and the way to its answer.
    fn adding(
        id: i64,
        in_set: bool,
    ) -> (Box<dyn Job>, oneshot::Receiver<Result<usize, Unavailable>>) {
        let (caller, answer) = oneshot::channel();
        let job = if in_set {
            jobs::set(Adding(id), caller)
        } else {
            jobs::one(
                move |tx| {
                    Box::pin(async move {
                        Adding::run(tx, vec![Adding(id)]).await?;
                        Ok(1)
                    })
                },
                caller,
            )
        };
        (job, answer)
    }

    /// The lock may be waited for longer than the callers do.
    #[tokio::test]
    async fn a_verb_whose_caller_has_gone_by_the_time_that_the_transaction_begins_does_not_run() {
        let mut connection = Connection::connect("sqlite::memory:").await.unwrap();
        let make = "CREATE TABLE item (id INTEGER PRIMARY KEY)";
        sqlx::query(make).execute(&mut connection).await.unwrap();
        let (queued, answers): (Vec<_>, Vec<_>) = [(1, false), (2, true), (3, true), (4, false)]
            .map(|(id, in_set)| adding(id, in_set))
            .into_iter()
            .unzip();
        let mut jobs = in_sets(queued.into_iter());
        let [gone, gone_of_the_set, other_of_the_set, other] = <[_; 4]>::try_from(answers).unwrap();
        drop((gone, gone_of_the_set));
        let (ended, is_sound) = transaction(&mut connection, &mut jobs).await;
        assert!(ended.is_ok() && is_sound);
        answer(jobs, &Ok(()));
        assert_eq!(other_of_the_set.await.unwrap().unwrap(), 1);
        assert_eq!(other.await.unwrap().unwrap(), 1);
        let added = sqlx::query_scalar("SELECT id FROM item ORDER BY id");
        let added: Vec<i64> = added.fetch_all(&mut connection).await.unwrap();
        assert_eq!(added, [3, 4]);
    }
}
