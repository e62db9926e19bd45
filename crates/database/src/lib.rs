//! Opening and migrating a database, and SQLite's one writer. It knows no table.
//!
//! SQLite lets one connection write at a time. Letting many try gives "database is locked" under
//! load, so there is exactly one writing connection, and a verb waits for its turn in memory.
//!
//! Adding a query: it belongs to the store of the crate whose table it is, written as static SQL
//! for both databases, and the store's conformance suite gets a test for it.

use std::{io::ErrorKind, path::Path, time::Duration};

use sqlx::{
    Connection, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{
        Sqlite, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
    },
};
use time::OffsetDateTime;

/// The store cannot be reached, or what it holds cannot be read. Only the operator can act; the
/// text is for the log.
#[derive(Debug, thiserror::Error)]
#[error("the store is unavailable: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    /// What the store holds cannot be read back into a value.
    pub fn unreadable(what: impl std::fmt::Display) -> Self {
        Self(format!("unreadable: {what}"))
    }
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Self(error.to_string())
    }
}

/// Why a database could not be opened: which file, what is wrong with it, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("the database {path} {why}")]
pub struct CannotOpen {
    path: String,
    why: String,
}

impl CannotOpen {
    fn new(path: &Path, why: impl Into<String>) -> Self {
        Self {
            path: path.display().to_string(),
            why: why.into(),
        }
    }

    fn file(path: &Path, error: &std::io::Error) -> Self {
        let why = match error.kind() {
            ErrorKind::PermissionDenied => {
                "may not be written by this user: run this as the user that owns it".to_owned()
            }
            ErrorKind::IsADirectory => "is a folder: move it away".to_owned(),
            ErrorKind::StorageFull => "cannot be made, because the disk is full".to_owned(),
            _ => format!("cannot be opened: {error}"),
        };
        Self::new(path, why)
    }

    fn sqlite(path: &Path, error: &sqlx::Error) -> Self {
        if let sqlx::Error::Io(error) = error {
            return Self::file(path, error);
        }
        let code = error.as_database_error().and_then(|error| error.code());
        let code = code.and_then(|code| code.parse::<u32>().ok());
        // The lowest byte is the result code, the others say more (sqlite.org/rescode.html).
        let why = match code.map(|code| code & 0xff) {
            Some(5) => "is locked by another program: stop that one first",
            Some(8) => {
                "cannot be written to: give its owner the right to write, or make its disk writable"
            }
            Some(11) => DAMAGED,
            Some(13) => "cannot grow, because the disk is full: make room",
            Some(26) => "is no database: move it away, or restore it from a backup",
            _ => return Self::new(path, one_line(format!("cannot be opened: {error}"))),
        };
        Self::new(path, why)
    }

    fn migration(path: &Path, error: &MigrateError) -> Self {
        let why = match error {
            MigrateError::Execute(error) => return Self::sqlite(path, error),
            MigrateError::VersionMissing(_) => {
                "was made by a newer version of this program: run that one, or restore an older backup"
                    .to_owned()
            }
            MigrateError::VersionMismatch(_) => {
                "was made by another version of this program, whose tables differ: run that one, or \
                 move the database away"
                    .to_owned()
            }
            other => format!("cannot be brought up to date: {other}"),
        };
        Self::new(path, one_line(why))
    }
}

const DAMAGED: &str = "is damaged: move it away, or restore it from a backup";

/// The text as one line: whatever a library says, an error is one sentence.
fn one_line(text: String) -> String {
    text.replace(['\n', '\r'], " ")
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
    pub async fn open_unhurried(path: &Path, migrations: &Migrator) -> Result<Self, CannotOpen> {
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
        // A reader makes a write-ahead log too, unless it is told that nobody writes. Where there is
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

    /// Begins a transaction that holds the write lock from its first statement on.
    ///
    /// # Errors
    /// [`Unavailable`] when the writer is not free within ten seconds.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, Unavailable> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Whether the database can be written to, which reading one would not tell.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot.
    pub async fn ping(&self) -> Result<(), Unavailable> {
        let mut tx = self.write().await?;
        sqlx::query("SELECT COUNT(*) FROM sqlite_schema")
            .execute(&mut *tx)
            .await?;
        Ok(tx.rollback().await?)
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
        let mut writing = database.write().await.unwrap();
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
    async fn after_a_full_disk_writing_goes_on_as_soon_as_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.db");
        let database = Database::open(&path, &Migrator::DEFAULT).await.unwrap();
        let mut tx = database.write().await.unwrap();
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
            let mut tx = database.write().await?;
            sqlx::query("INSERT INTO t VALUES (zeroblob(1000000))")
                .execute(&mut *tx)
                .await?;
            Ok(tx.commit().await?)
        };
        limit("PRAGMA max_page_count = 10").await;
        let full = write().await.unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
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
            let mut tx = database.write().await.unwrap();
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
        let mut writing = database.write().await.unwrap();
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
        let mut tx = database.write().await.unwrap();
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
        let mut tx = database.write().await.unwrap();
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
