//! Opening and migrating a database, the transaction of a verb, and what differs between SQLite and
//! PostgreSQL ([`dialect`]). It knows no table.
//!
//! SQLite lets one connection write at a time. Letting many try gives "database is locked" under
//! load, so there is exactly one writing connection, and a verb waits for its turn in memory.
//!
//! Adding a query: it belongs to the store of the crate whose table it is, in the file of its noun, as a
//! [`Statement`]. The store's module documentation says how.

pub mod dialect;
mod error;

use std::{future::Future, path::Path, pin::Pin, time::Duration};

pub use dialect::{Connection, Row, Statement};
use error::DAMAGED;
pub use error::{CannotOpen, Unavailable};
use sqlx::{
    Connection as _, SqlitePool, Transaction,
    migrate::Migrator,
    sqlite::{
        Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};
use time::OffsetDateTime;

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

/// An SQLite database: one writer, some readers.
#[derive(Clone, Debug)]
pub struct Database {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, creating it if it is not there, and migrates it.
    ///
    /// Every commit is on the disk when it is acknowledged (`synchronous=FULL`).
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &Path, migrations: &Migrator) -> Result<Self, CannotOpen> {
        Self::open_with(path, migrations, SqliteSynchronous::Full).await
    }

    /// The same, for what may be lost: a commit is acknowledged before it is on the disk. When the
    /// power fails, the last ones are gone and the file is whole (`synchronous=NORMAL` with a
    /// write-ahead log).
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_with_relaxed_durability(
        path: &Path,
        migrations: &Migrator,
    ) -> Result<Self, CannotOpen> {
        Self::open_with(path, migrations, SqliteSynchronous::Normal).await
    }

    async fn open_with(
        path: &Path,
        migrations: &Migrator,
        synchronous: SqliteSynchronous,
    ) -> Result<Self, CannotOpen> {
        make_private_file(path).map_err(|error| CannotOpen::file(path, &error))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            // What people delete is overwritten with zeros, not left in free pages.
            .pragma("secure_delete", "ON")
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(Duration::from_secs(5));
        let cannot_open = |error| CannotOpen::sqlite(path, &error);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            // When a disk is full, SQLite ends the transaction by itself, and sqlx still believes in
            // it: such a connection would refuse every write from then on.
            .before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            })
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.clone())
            .await
            .map_err(cannot_open)?;
        let migrated = migrations.run(&writer).await;
        migrated.map_err(|error| CannotOpen::migration(path, &error))?;
        sqlx::query(PROBED)
            .execute(&writer)
            .await
            .map_err(cannot_open)?;
        // A page that is broken shows when it is read: better now than in the middle of a handoff.
        let checked: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&writer)
            .await
            .map_err(cannot_open)?;
        if checked != "ok" {
            return Err(CannotOpen::new(path, DAMAGED));
        }
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.read_only(true))
            .await
            .map_err(cannot_open)?;
        Ok(Self { writer, readers })
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
        let readers = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(|error| CannotOpen::sqlite(path, &error))?;
        Ok(Self {
            writer: readers.clone(),
            readers,
        })
    }

    /// Runs a verb in one transaction, which holds the write lock from its first statement on, and
    /// commits it. A verb that fails has changed nothing.
    ///
    /// The function owns what it needs, so that another task may run it later:
    ///
    /// ```text
    /// self.database.write(move |tx| Box::pin(redeem(tx, redemption, now))).await
    /// ```
    ///
    /// # Errors
    /// [`Unavailable`] from the verb, or when the writer is not free within ten seconds.
    pub async fn write<T, F>(&self, verb: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, T> + Send + 'static,
    {
        let mut tx = self.begin().await?;
        let answer = verb(&mut tx).await?;
        tx.commit().await?;
        Ok(answer)
    }

    /// The same for a verb that may end by taking back what it wrote.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn write_or_undo<T, F>(&self, verb: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, Ending<T>> + Send + 'static,
    {
        let mut tx = self.begin().await?;
        match verb(&mut tx).await? {
            Ending::Commit(answer) => {
                tx.commit().await?;
                Ok(answer)
            }
            Ending::RollBack(answer) => {
                tx.rollback().await?;
                Ok(answer)
            }
        }
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Unavailable> {
        Ok(self.writer.begin_with(dialect::BEGIN_WRITE).await?)
    }

    /// Whether the database can be written to. It writes one row and commits it: neither a read nor a
    /// write that is taken back would meet a full disk.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        let mut tx = self.begin().await?;
        sqlx::query(PROBE).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// For single statements that only read.
    #[must_use]
    pub const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Closes all connections, folding the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
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

    #[tokio::test]
    async fn the_writer_waits_for_the_disk_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let migrations = Migrator::DEFAULT;
        let database = Database::open(&folder.path().join("a.db"), &migrations)
            .await
            .unwrap();
        let mut writing = database.begin().await.unwrap();
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&mut *writing)
            .await
            .unwrap();
        assert_eq!(synchronous, 2);
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
            .fetch_one(&mut *writing)
            .await
            .unwrap();
        assert_eq!(mode, "wal");
        writing.rollback().await.unwrap();
        let refused = sqlx::query("CREATE TABLE t (a)")
            .execute(database.readers())
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
            .fetch_all(database.readers())
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
        let mut tx = database.begin().await.unwrap();
        sqlx::query("CREATE TABLE t (a BLOB)")
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();

        let limit = async |pages: &'static str| {
            let mut writer = database.writer.acquire().await.unwrap();
            sqlx::query(pages).execute(&mut *writer).await.unwrap();
        };
        let write = async || -> Result<(), Unavailable> {
            let mut tx = database.begin().await?;
            sqlx::query("INSERT INTO t VALUES (zeroblob(1000000))")
                .execute(&mut *tx)
                .await?;
            Ok(tx.commit().await?)
        };
        limit("PRAGMA max_page_count = 10").await;
        let full = write().await.unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        // The probe writes what fits on the pages that are there, and is refused with everything else
        // where nothing can be written.
        limit("PRAGMA query_only = ON").await;
        database.ping().await.unwrap_err();
        limit("PRAGMA query_only = OFF").await;
        limit("PRAGMA max_page_count = 100000").await;
        write().await.unwrap();
        database.ping().await.unwrap();
        database.close().await;
    }

    #[tokio::test]
    async fn what_was_deleted_stands_in_the_file_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        let run = async |statements: &[&'static str]| {
            let mut tx = database.begin().await.unwrap();
            for statement in statements {
                sqlx::query(*statement).execute(&mut *tx).await.unwrap();
            }
            tx.commit().await.unwrap();
        };
        let is_there = || {
            let bytes = std::fs::read(&path).unwrap();
            bytes.windows(17).any(|part| part == b"the berth is kept")
        };
        let checkpoint = async || {
            let mut connection = database.writer.acquire().await.unwrap();
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut *connection)
                .await
                .unwrap();
        };
        run(&[
            "CREATE TABLE t (a TEXT)",
            "INSERT INTO t VALUES ('the berth is kept')",
        ])
        .await;
        checkpoint().await;
        assert!(is_there(), "the test would see it");
        run(&["DELETE FROM t"]).await;
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

    async fn synchronous(database: &Database) -> i64 {
        let mut writing = database.begin().await.unwrap();
        let synchronous = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&mut *writing)
            .await
            .unwrap();
        writing.rollback().await.unwrap();
        synchronous
    }

    #[tokio::test]
    async fn every_connection_that_writes_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        assert_eq!(synchronous(&database).await, 2);
        assert_eq!(database.writer.options().get_max_connections(), 1);

        // One that was closed is opened anew, and so is one whose transaction SQLite ended.
        let writer = database.writer.acquire().await.unwrap();
        writer.close().await.unwrap();
        assert_eq!(synchronous(&database).await, 2);
        let mut writer = database.writer.acquire().await.unwrap();
        sqlx::query("PRAGMA synchronous = OFF")
            .execute(&mut *writer)
            .await
            .unwrap();
        let mut tx = writer.begin().await.unwrap();
        // As SQLite does by itself when the disk is full.
        sqlx::query("ROLLBACK").execute(&mut *tx).await.unwrap();
        drop(tx);
        drop(writer);
        assert_eq!(synchronous(&database).await, 2);

        // And each of another pool on the same file, which another process would have.
        let again = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        assert_eq!(synchronous(&again).await, 2);
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
        let mut tx = database.begin().await.unwrap();
        for statement in [
            "CREATE TABLE t (a TEXT)",
            "CREATE INDEX i ON t (a)",
            "INSERT INTO t SELECT hex(zeroblob(3000)) FROM sqlite_schema",
            "INSERT INTO t SELECT t.a FROM t JOIN t AS u JOIN t AS v",
        ] {
            sqlx::query(statement).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
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
        let mut tx = database.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'of tomorrow', 1, x'00', 0)",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
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
