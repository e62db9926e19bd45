//! What goes wrong with a database: while it is opened, and while it is used.

use std::{io::ErrorKind, path::Path};

use sqlx::migrate::MigrateError;

/// The store cannot be reached, or what it holds cannot be read. Only the operator can act; the
/// text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the store is unavailable: {0}")]
pub struct Unavailable(String);

impl Unavailable {
    /// What the store holds cannot be read back into a value.
    pub fn unreadable(what: impl std::fmt::Display) -> Self {
        Self::because(format!("unreadable: {what}"))
    }

    pub(crate) fn because(why: impl Into<String>) -> Self {
        Self(why.into())
    }

    pub(crate) fn read_only() -> Self {
        Self::because("it was opened to be read")
    }

    pub(crate) fn closed() -> Self {
        Self::because("it is closed")
    }
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Self::because(error.to_string())
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
    pub(crate) fn new(path: &Path, why: impl Into<String>) -> Self {
        Self {
            path: path.display().to_string(),
            why: why.into(),
        }
    }

    pub(crate) fn no_thread(path: &Path, error: &std::io::Error) -> Self {
        Self::new(path, format!("has no thread to write it: {error}"))
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
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

    pub(crate) fn sqlite(path: &Path, error: &sqlx::Error) -> Self {
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

    pub(crate) fn migration(path: &Path, error: &MigrateError) -> Self {
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

pub(crate) const DAMAGED: &str = "is damaged: move it away, or restore it from a backup";

/// The text as one line: whatever a library says, an error is one sentence.
fn one_line(text: String) -> String {
    text.replace(['\n', '\r'], " ")
}
