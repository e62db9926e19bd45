//! Opening and migrating a database, and SQLite's one writer. It knows no table.
//!
//! SQLite lets one connection write at a time. Letting many try gives "database is locked" under
//! load, so there is exactly one writing connection, and a verb waits for its turn in memory.
//!
//! Adding a query: it belongs to the store of the crate whose table it is, written as static SQL
//! for both databases, and the store's conformance suite gets a test for it.

use std::{path::Path, time::Duration};

use sqlx::{
    Connection, SqlitePool, Transaction,
    migrate::Migrator,
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

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpen {
    /// The file cannot be opened or created, or is no database.
    #[error("cannot open the database {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What SQLite says.
        source: sqlx::Error,
    },
    /// Its tables cannot be brought up to date.
    #[error("cannot migrate the database {path}: {source}")]
    Migrate {
        /// The file.
        path: String,
        /// What is wrong.
        source: sqlx::migrate::MigrateError,
    },
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
        let name = path.display().to_string();
        make_private_file(path).map_err(|source| CannotOpen::File {
            path: name.clone(),
            source: sqlx::Error::Io(source),
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let cannot_open = |source| CannotOpen::File {
            path: name.clone(),
            source,
        };
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
        migrations
            .run(&writer)
            .await
            .map_err(|source| CannotOpen::Migrate {
                path: name.clone(),
                source,
            })?;
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
            .map_err(|source| CannotOpen::File {
                path: path.display().to_string(),
                source,
            })?;
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
    async fn a_file_that_is_no_database_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("broken.db");
        std::fs::write(
            &path,
            "this is no database, and long enough to look like none",
        )
        .unwrap();
        let error = Database::open(&path, &Migrator::DEFAULT).await.unwrap_err();
        assert!(error.to_string().contains("broken.db"), "{error}");
    }

    #[test]
    fn a_time_reads_back_in_milliseconds() {
        let time = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_795_230_000_123);
        assert_eq!(from_millis(millis(time)).unwrap(), time);
        assert!(from_millis(i64::MAX).is_err());
    }
}
