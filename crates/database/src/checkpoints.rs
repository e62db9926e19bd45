//! Folds the write-ahead log into the file, beside the writer.
//!
//! By itself SQLite does this within the commit that makes the log a thousand pages long. Under load every
//! twentieth commit then takes several times as long as the others, and all verbs that wait, wait for it
//! too. A passive checkpoint on a connection of its own holds up no writer; but it cannot let the log begin
//! anew while commits follow one another, which needs a moment at which all of it is folded. The writer
//! makes that moment: at [`LONGEST_LOG`] it folds what is left.

use sqlx::{Connection as _, sqlite::SqliteConnectOptions};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};

use crate::Connection;

/// The log's length, in pages of four kilobytes, at which a commit folds it.
pub(crate) const LONGEST_LOG: &str = "16384";

/// How many pages are folded at once, at least: as many as by SQLite itself. A page that is written again
/// meanwhile is folded once.
const WORTHWHILE: i64 = 1_000;

/// So many pages that are not folded are a fault: twice what a commit folds.
const TOO_MANY: i64 = 32_768;

/// How many commits there are between two looks at the log's length.
const COMMITS: u32 = 8;

/// Busy, the log's length, and how much of it is folded; both in pages.
type Log = (i64, i64, i64);

/// The way to the task that folds.
pub(crate) struct Checkpoints {
    due: Sender<()>,
    task: JoinHandle<()>,
    commits: u32,
}

impl Checkpoints {
    /// Starts the task. It opens its connection when it first has something to look at.
    pub(crate) fn start(options: SqliteConnectOptions) -> Self {
        let (due, is_due) = mpsc::channel(1);
        Self {
            due,
            task: tokio::spawn(run(options, is_due)),
            commits: 0,
        }
    }

    /// There was a commit.
    pub(crate) fn committed(&mut self) {
        self.commits += 1;
        if self.commits >= COMMITS {
            self.commits = 0;
            // No room: it is about to look.
            let _ = self.due.try_send(());
        }
    }

    /// Ends the task, after the checkpoint that it is at.
    pub(crate) async fn close(self) {
        drop(self.due);
        drop(self.task.await);
    }
}

async fn run(options: SqliteConnectOptions, mut is_due: Receiver<()>) {
    let (mut idle, mut works) = (None, true);
    while is_due.recv().await.is_some() {
        // Commits do not meet this: they write the log, and leave aside what folding it came to.
        let fault = match fold(idle.take(), &options).await {
            Ok((connection, left)) => {
                idle = Some(connection);
                (left > TOO_MANY).then(|| "another program reads an old state".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        match &fault {
            Some(cause) if works => {
                tracing::error!(cause, "the write-ahead log is not checkpointed");
            }
            None if !works => tracing::info!("the write-ahead log is checkpointed again"),
            _ => {}
        }
        works = fault.is_none();
    }
    if let Some(connection) = idle {
        drop(connection.close().await);
    }
}

/// Folds what is worth it; also tells how many pages are left.
async fn fold(
    idle: Option<Connection>,
    options: &SqliteConnectOptions,
) -> sqlx::Result<(Connection, i64)> {
    let mut connection = match idle {
        Some(connection) => connection,
        None => Connection::connect_with(options).await?,
    };
    let (_, pages, folded): Log = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)")
        .fetch_one(&mut connection)
        .await?;
    if pages - folded < WORTHWHILE {
        return Ok((connection, pages - folded));
    }
    let (_, pages, folded): Log = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(&mut connection)
        .await?;
    Ok((connection, pages - folded))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Database, Settings};

    const FILL: &str = "INSERT INTO filled (bytes) VALUES (randomblob(200000))";

    #[tokio::test]
    async fn the_log_is_folded_while_no_commit_folds_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("database.sqlite");
        let migrations = sqlx::migrate::Migrator::DEFAULT;
        let database = Database::open_with(&file, &migrations, Settings::default());
        let database = database.await.unwrap();
        let run = |statement: &'static str| {
            database.write(move |tx| {
                Box::pin(async move {
                    sqlx::query(statement).execute(tx).await?;
                    Ok(())
                })
            })
        };
        run("CREATE TABLE filled (bytes BLOB NOT NULL)")
            .await
            .unwrap();
        let log = async || -> Log {
            let mut reader = database.reader().await.unwrap();
            let asked = sqlx::query_as("PRAGMA wal_checkpoint(NOOP)");
            asked.fetch_one(&mut *reader).await.unwrap()
        };
        // Fifty pages each: well below what makes a commit fold the log.
        let folded = async {
            while log().await.2 < WORTHWHILE {
                run(FILL).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), folded)
            .await
            .unwrap();
        let longest: i64 = LONGEST_LOG.parse().unwrap();
        assert!(log().await.1 < longest);
        database.close().await;
    }
}
