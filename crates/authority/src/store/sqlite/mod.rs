//! The store on SQLite: one file a noun, static SQL, one transaction a verb. How to add a verb stands
//! in the documentation of [the store](super).

mod accounts;
mod attempts;
mod browsers;
mod client_sessions;
mod clients;
mod ending;
mod handoffs;
mod issuing;
mod json;
mod maintenance;
mod recent;
mod records;
mod redeeming;
mod sign_ins;
mod stored;

use database::{CannotOpen, Database, Settings};
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The store on SQLite.
#[derive(Clone, Debug)]
pub struct Sqlite {
    database: Database,
}

impl Sqlite {
    /// Opens the file, creating and migrating it as needed.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Self::open_with(path, Settings::default()).await
    }

    /// The same, as the settings say.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_with(path: &std::path::Path, settings: Settings) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open_with(path, &MIGRATIONS, settings).await?,
        })
    }

    /// Opens a file that is there, to look into it and change nothing.
    ///
    /// # Errors
    /// [`CannotOpen`] with the file's name.
    pub async fn open_read_only(path: &std::path::Path) -> Result<Self, CannotOpen> {
        Ok(Self {
            database: Database::open_read_only(path).await?,
        })
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
