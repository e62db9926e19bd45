//! The store on SQLite: one file a noun, static SQL, one transaction a verb. How to add a verb stands
//! in the documentation of [the store](super).

mod batch;
mod flows;
mod maintenance;
mod report_keys;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use database::{CannotOpen, Database, Row, Settings, Unavailable};
use sqlx::{Row as _, migrate::Migrator};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Database,
    /// For which tables it was logged that a record cannot be read. Once is enough for each: a flow
    /// may have two hundred, and each look at it would log all.
    logged: Arc<LogOnce>,
}

#[derive(Debug, Default)]
struct LogOnce {
    flow: AtomicBool,
    event: AtomicBool,
}

/// What is kept here may be lost with the machine's power: a picture is not worth a handoff's waiting
/// for the disk.
fn settings() -> Settings {
    Settings {
        durable: false,
        ..Settings::default()
    }
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open_with(path, &MIGRATIONS, settings()).await?,
            logged: Arc::default(),
        })
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

/// What was read of a row of this table, whose first column is its number; none when it could not be.
fn readable<T>(
    logged: &AtomicBool,
    table: &'static str,
    row: &Row,
    read: Result<T, Unavailable>,
) -> Option<T> {
    read.inspect_err(|cause| {
        if !logged.swap(true, Ordering::Relaxed) {
            let number: i64 = row.try_get(0).unwrap_or_default();
            tracing::error!(table, number, %cause, "record not readable");
        }
    })
    .ok()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
