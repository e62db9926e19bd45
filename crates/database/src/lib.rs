//! Opening and migrating a database, the transaction of a verb, and what differs between SQLite and
//! PostgreSQL ([`dialect`]). It knows no table.
//!
//! SQLite lets one connection write at a time. Letting many try gives "database is locked" under
//! load, so there is exactly one writing connection. A thread owns it and commits in groups: the verbs
//! that wait share one transaction, so that one wait for the disk serves them all ([`Database::write`]).
//!
//! Adding a query: it belongs to the store of the crate whose table it is, in the file of its noun, as a
//! [`Statement`]. The store's module documentation says how.

mod checkpoints;
pub mod dialect;
mod error;
mod jobs;
mod readers;
mod writer;

use std::{future::Future, path::Path, pin::Pin, sync::Arc, time::Duration};

pub use dialect::{Connection, Row, Statement};
use error::DAMAGED;
pub use error::{CannotOpen, Unavailable};
pub use jobs::Set;
pub use readers::Reader;
use readers::Readers;
use sqlx::{
    Connection as _,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use time::OffsetDateTime;
use writer::Writer;

/// What a verb's function returns: its future, which borrows the connection for as long as it runs.
pub type Verb<'c, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'c>>;

/// How a verb ends that may have to take back what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending<T> {
    /// What it wrote stays. A refusal usually ends so too: a token that is refused stays used up.
    Commit(T),
    /// What it wrote is undone.
    RollBack(T),
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether a commit is on the disk when it is acknowledged (`synchronous=FULL`). Without it the
    /// last commits are gone when the power fails, and the file is whole (`synchronous=NORMAL` with a
    /// write-ahead log).
    pub durable: bool,
    /// How many verbs may share one transaction.
    pub batch: usize,
    /// How many verbs may wait for their turn. One more is refused.
    pub queue: usize,
    /// How long the writer waits for another program that holds the write lock.
    pub lock: Duration,
}

impl Default for Settings {
    /// Durable. A batch of 64 verbs keeps a transaction below about ten milliseconds; a queue of 2,048 is
    /// half a second of work. Who comes while a batch waits for another program's lock waits for two of them,
    /// which is less than the ten seconds after which nobody waits: so it is told of the lock.
    fn default() -> Self {
        Self {
            durable: true,
            batch: 64,
            queue: 2_048,
            lock: Duration::from_secs(4),
        }
    }
}

/// An SQLite database: one writer, some readers.
#[derive(Clone, Debug)]
pub struct Database {
    /// None where the file was opened to be read.
    writer: Option<Arc<Writer>>,
    readers: Arc<Readers>,
}

impl Database {
    /// Opens the file, creating it if it is not there, and migrates it.
    ///
    /// Every commit is on the disk when it is acknowledged.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &Path, migrations: &Migrator) -> Result<Self, CannotOpen> {
        Self::open_with(path, migrations, Settings::default()).await
    }

    /// The same, as the settings say.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_with(
        path: &Path,
        migrations: &Migrator,
        settings: Settings,
    ) -> Result<Self, CannotOpen> {
        make_private_file(path).map_err(|error| CannotOpen::file(path, &error))?;
        let synchronous = if settings.durable {
            SqliteSynchronous::Full
        } else {
            SqliteSynchronous::Normal
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            // What people delete is overwritten with zeros, not left in free pages.
            .pragma("secure_delete", "ON")
            // The journal of a statement that touches many rows would be a file that is made and
            // unlinked for every batch.
            .pragma("temp_store", "MEMORY")
            .pragma("wal_autocheckpoint", checkpoints::LONGEST_LOG)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(settings.lock);
        let cannot_open = |error| CannotOpen::sqlite(path, &error);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(cannot_open)?;
        let migrated = migrations.run(&pool).await;
        migrated.map_err(|error| CannotOpen::migration(path, &error))?;
        let mut connection = pool.acquire().await.map_err(cannot_open)?.detach();
        sqlx::query(PROBED)
            .execute(&mut connection)
            .await
            .map_err(cannot_open)?;
        // A page that is broken shows when it is read: better now than in the middle of a handoff.
        let checked: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut connection)
            .await
            .map_err(cannot_open)?;
        if checked != "ok" {
            return Err(CannotOpen::new(path, DAMAGED));
        }
        let readers = Readers::open(options.clone().read_only(true), 4)
            .await
            .map_err(cannot_open)?;
        let writer = Writer::start(connection, options, settings)
            .map_err(|error| CannotOpen::no_thread(path, &error))?;
        Ok(Self {
            writer: Some(Arc::new(writer)),
            readers: Arc::new(readers),
        })
    }

    /// Opens a file that is there, to look into it and change nothing.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_read_only(path: &Path) -> Result<Self, CannotOpen> {
        // A reader makes a write-ahead log too, unless it is told that no program writes. Where there is
        // one already, the newest rows may be in it.
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .immutable(!Path::new(&log).exists());
        let readers = Readers::open(options, 1)
            .await
            .map_err(|error| CannotOpen::sqlite(path, &error))?;
        Ok(Self {
            writer: None,
            readers: Arc::new(readers),
        })
    }

    fn writer(&self) -> Result<&Writer, Unavailable> {
        self.writer.as_deref().ok_or_else(Unavailable::read_only)
    }

    /// Runs a verb and answers when what it wrote is committed. A verb that fails has changed nothing.
    ///
    /// The verbs that wait share a transaction, which holds the write lock from its first statement on;
    /// they run one after the other, and each sees what those before it wrote. An error or a panic in
    /// one costs that verb alone: the others run again, each in a transaction of its own. So a function
    /// may run twice, and the first run leaves nothing. It owns what it needs; ids, secrets and the time
    /// are made before:
    ///
    /// ```text
    /// self.database.write(move |tx| Box::pin(redeem(tx, redemption, now))).await
    /// ```
    ///
    /// A caller that stops waiting before the verb's turn comes takes the verb with it.
    ///
    /// # Errors
    /// [`Unavailable`] from the verb; when too many wait; when the verb is not done within ten seconds.
    /// When the commit itself fails, what was written may be on the disk or not, and nothing runs again.
    pub async fn write<T, F>(&self, verb: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, T> + Clone + Send + 'static,
    {
        self.writer()?.run(|answer| jobs::one(verb, answer)).await
    }

    /// The same for a verb that may end by taking back what it wrote.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_or_undo<T, F>(&self, verb: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, Ending<T>> + Clone + Send + 'static,
    {
        self.writer()?
            .run(|answer| jobs::one(undoable(verb), answer))
            .await
    }

    /// The same for a verb whose statements take many inputs at once: those that wait run as one set.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_in_set<S: Set>(&self, input: S) -> Result<S::Answer, Unavailable> {
        self.writer()?.run(|answer| jobs::set(input, answer)).await
    }

    /// Whether the database can be written to. It writes one row and commits it: neither a read nor a
    /// write that is taken back would meet a full disk.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        self.write(|tx| {
            Box::pin(async move {
                sqlx::query(PROBE).execute(tx).await?;
                Ok(())
            })
        })
        .await
    }

    /// A connection for statements that only read. One at a time: a task that holds one and waits for
    /// a second may wait for itself.
    ///
    /// # Errors
    /// [`Unavailable`] when none is free within ten seconds.
    pub async fn reader(&self) -> Result<Reader<'_>, Unavailable> {
        self.readers.take().await
    }

    /// Closes all connections, folding the write-ahead log into the file. Verbs that wait are done
    /// first; one that comes later is refused.
    pub async fn close(&self) {
        // The last connection folds the log, and one that only reads cannot.
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            writer.close().await;
        }
    }
}

/// A verb within a savepoint, which its undoing ends: the transaction belongs to others too.
fn undoable<T, F>(
    verb: F,
) -> impl for<'c> FnOnce(&'c mut Connection) -> Verb<'c, T> + Clone + Send + 'static
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, Ending<T>> + Clone + Send + 'static,
{
    move |tx| {
        Box::pin(async move {
            let mut savepoint = tx.begin().await?;
            match verb(&mut savepoint).await? {
                Ending::Commit(answer) => {
                    savepoint.commit().await?;
                    Ok(answer)
                }
                Ending::RollBack(answer) => {
                    savepoint.rollback().await?;
                    Ok(answer)
                }
            }
        })
    }
}

/// What [`Database::ping`] writes to. It belongs to the database and to no store.
const PROBED: &str =
    "CREATE TABLE IF NOT EXISTS write_probe (id INTEGER PRIMARY KEY, writes INTEGER NOT NULL)";
const PROBE: Statement = Statement::new(
    "INSERT INTO write_probe (id, writes) VALUES (1, 1)
     ON CONFLICT (id) DO UPDATE SET writes = write_probe.writes + 1",
);

/// Makes the file for the owner alone. SQLite gives its log the rights that the database has.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

/// A time as it is stored: milliseconds since 1970. Text would compare wrongly as soon as two
/// writers differ in how many decimals they print.
#[must_use]
pub fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// A time as it was stored.
///
/// # Errors
/// [`Unavailable`] for a number outside the years that a time can have.
pub fn from_millis(millis: i64) -> Result<OffsetDateTime, Unavailable> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .map_err(Unavailable::unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the statements in one transaction.
    async fn run(
        database: &Database,
        statements: &'static [&'static str],
    ) -> Result<(), Unavailable> {
        database
            .write(move |tx| {
                Box::pin(async move {
                    for statement in statements {
                        sqlx::query(*statement).execute(&mut *tx).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The answer of a statement on the writing connection.
    async fn ask<T>(database: &Database, statement: &'static str) -> T
    where
        T: Send + Unpin + 'static,
        (T,): for<'r> sqlx::FromRow<'r, Row>,
    {
        let asked = database.write(move |tx| {
            Box::pin(async move { Ok(sqlx::query_scalar(statement).fetch_one(tx).await?) })
        });
        asked.await.unwrap()
    }

    #[tokio::test]
    async fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let migrations = Migrator::DEFAULT;
        let database = Database::open(&folder.path().join("a.db"), &migrations)
            .await
            .unwrap();
        assert_eq!(ask::<i64>(&database, "PRAGMA synchronous").await, 2);
        assert_eq!(ask::<String>(&database, "PRAGMA journal_mode").await, "wal");
        let refused = sqlx::query("CREATE TABLE t (a)")
            .execute(&mut *database.reader().await.unwrap())
            .await;
        assert!(refused.is_err());
        database.close().await;
    }

    #[tokio::test]
    async fn a_verb_that_fails_or_takes_back_has_changed_nothing() {
        const ADD: Statement = Statement::new("INSERT INTO t (a) VALUES ($1)");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        async fn add(tx: &mut Connection, a: i64) -> Result<i64, Unavailable> {
            sqlx::query(ADD).bind(a).execute(&mut *tx).await?;
            Ok(a)
        }
        database
            .write(|tx| {
                Box::pin(async move {
                    sqlx::query("CREATE TABLE t (a INTEGER)")
                        .execute(&mut *tx)
                        .await?;
                    add(tx, 1).await
                })
            })
            .await
            .unwrap();
        let failed: Result<(), _> = database
            .write(|tx| {
                Box::pin(async move {
                    add(tx, 2).await?;
                    Err(Unavailable::unreadable("a test"))
                })
            })
            .await;
        assert!(failed.is_err());
        let undone = database
            .write_or_undo(|tx| Box::pin(async move { Ok(Ending::RollBack(add(tx, 3).await?)) }))
            .await;
        assert_eq!(undone.unwrap(), 3);
        let kept = database
            .write_or_undo(|tx| Box::pin(async move { Ok(Ending::Commit(add(tx, 4).await?)) }))
            .await;
        assert_eq!(kept.unwrap(), 4);
        let all: Vec<i64> = sqlx::query_scalar("SELECT a FROM t ORDER BY a")
            .fetch_all(&mut *database.reader().await.unwrap())
            .await
            .unwrap();
        assert_eq!(all, [1, 4]);
        database.close().await;
    }

    #[tokio::test]
    async fn after_a_full_disk_writing_goes_on_as_soon_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        run(&database, &["CREATE TABLE t (a BLOB)"]).await.unwrap();
        const FILL: &[&str] = &["INSERT INTO t VALUES (zeroblob(1000000))"];
        run(&database, &["PRAGMA max_page_count = 10"])
            .await
            .unwrap();
        let full = run(&database, FILL).await.unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        // The probe writes what fits on the pages that are there, and is refused with everything else
        // where nothing can be written.
        run(&database, &["PRAGMA query_only = ON"]).await.unwrap();
        database.ping().await.unwrap_err();
        run(&database, &["PRAGMA query_only = OFF"]).await.unwrap();
        run(&database, &["PRAGMA max_page_count = 100000"])
            .await
            .unwrap();
        run(&database, FILL).await.unwrap();
        database.ping().await.unwrap();
        database.close().await;
    }

    #[tokio::test]
    async fn what_was_deleted_stands_in_the_file_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        let is_there = || {
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(17).any(|part| part == b"the berth is kept")
        };
        let checkpoint = async || {
            let mut other = Connection::connect(&path.display().to_string())
                .await
                .unwrap();
            for pragma in [
                "PRAGMA secure_delete = ON",
                "PRAGMA wal_checkpoint(TRUNCATE)",
            ] {
                sqlx::query(pragma).execute(&mut other).await.unwrap();
            }
        };
        const WRITE: &[&str] = &[
            "CREATE TABLE t (a TEXT)",
            "INSERT INTO t VALUES ('the berth is kept')",
        ];
        run(&database, WRITE).await.unwrap();
        checkpoint().await;
        assert!(is_there(), "the test would see it");
        run(&database, &["DELETE FROM t"]).await.unwrap();
        checkpoint().await;
        assert!(!is_there());
        database.close().await;
    }

    #[tokio::test]
    async fn the_files_are_for_the_owner_alone() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db"), &Migrator::DEFAULT).await;
        let database = database.unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(files.len() >= 2, "the database and its log");
        for file in files {
            assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600, "{file:?}");
        }
        database.close().await;
    }

    #[tokio::test]
    async fn every_connection_that_writes_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        assert_eq!(ask::<i64>(&database, "PRAGMA synchronous").await, 2);

        // One whose transaction SQLite has ended, as it does when the disk is full, is opened anew: what
        // was set for the old one alone is gone.
        run(&database, &["PRAGMA cache_size = 77"]).await.unwrap();
        assert_eq!(ask::<i64>(&database, "PRAGMA cache_size").await, 77);
        run(&database, &["ROLLBACK"]).await.unwrap_err();
        assert_ne!(ask::<i64>(&database, "PRAGMA cache_size").await, 77);
        assert_eq!(ask::<i64>(&database, "PRAGMA synchronous").await, 2);

        // And each of another pool on the same file, which another process would have.
        let again = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        assert_eq!(ask::<i64>(&again, "PRAGMA synchronous").await, 2);
        again.close().await;
        database.close().await;
    }

    async fn refused(path: &Path) -> String {
        let opened = Database::open(path, &Migrator::DEFAULT).await;
        let said = opened.unwrap_err().to_string();
        let start = format!("the database {} ", path.display());
        assert!(said.starts_with(&start) && !said.contains('\n'), "{said}");
        said
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_file_is_said_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        std::fs::create_dir(&path).unwrap();
        assert!(refused(&path).await.contains("is a folder"));
        std::fs::remove_dir(&path).unwrap();

        std::fs::write(
            &path,
            "this is no database, and long enough to look like none",
        )
        .unwrap();
        assert!(refused(&path).await.contains("no database"));
        std::fs::remove_file(&path).unwrap();

        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        const FILL: &[&str] = &[
            "CREATE TABLE t (a TEXT)",
            "CREATE INDEX i ON t (a)",
            "INSERT INTO t SELECT hex(zeroblob(3000)) FROM sqlite_schema",
            "INSERT INTO t SELECT t.a FROM t JOIN t AS u JOIN t AS v",
        ];
        run(&database, FILL).await.unwrap();
        database.close().await;
        let whole = std::fs::read(&path).unwrap();
        assert!(whole.len() > 20_000, "{}", whole.len());

        // Half of it, and one page of it, which reading others would not show.
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(refused(&path).await.contains("damaged"));
        let mut broken = whole.clone();
        let last = broken.len() - 4096;
        broken[last..].fill(0xff);
        std::fs::write(&path, &broken).unwrap();
        assert!(refused(&path).await.contains("damaged"));

        std::fs::write(&path, &whole).unwrap();
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        const OF_TOMORROW: &[&str] = &[
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of tomorrow', 1, x'00', 0)",
        ];
        run(&database, OF_TOMORROW).await.unwrap();
        database.close().await;
        assert!(refused(&path).await.contains("newer version"));
    }

    #[test]
    fn a_time_reads_back_in_milliseconds() {
        let time = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_795_230_000_123);
        assert_eq!(from_millis(millis(time)).unwrap(), time);
        assert!(from_millis(i64::MAX).is_err());
    }
}
