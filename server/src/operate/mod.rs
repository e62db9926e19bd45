//! What an operator does: `user …` and `client …`, on the data folder, also while a server runs on
//! it. The server reads the store at each request, so it sees a change at once.
//!
//! What a script reads goes to the standard output, and nothing else does; what a person reads goes
//! to the standard error. A command that fails has changed nothing, unless it says so.

mod client;
mod report_key;
mod user;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use authority::{
    password::HashingFailed,
    people::Email,
    store::{AccountStore, Sqlite},
};
pub use client::ClientCommand;
use database::{CannotOpen, Unavailable};
use handoff::ids::{ClientId, UserId};
pub use user::UserCommand;
use web::{
    clock::{Clock, SystemClock},
    rng::{Randomness, SystemRandomness},
};

use crate::{
    config::{BadSettings, DataFolder},
    data::{self, AUTHORITY, DataDirError, DataDirLock},
};

/// Why a command was not done: one sentence that names the argument and the rule.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An argument.
    #[error("{0}")]
    Argument(String),
    /// The settings that say where the data folder is.
    #[error(transparent)]
    Setting(#[from] BadSettings),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] DataDirError),
    /// The database.
    #[error(transparent)]
    Database(#[from] CannotOpen),
    /// The database does not answer.
    #[error("nothing was changed, because {0}")]
    Store(#[from] Unavailable),
    /// The machine cannot hash passwords.
    #[error(transparent)]
    Hashing(#[from] HashingFailed),
    /// A file with a secret.
    #[error("{what} {}: {source}", path.display())]
    Secret {
        /// What was to be done, and what follows from the failure.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is done, but nobody learns what it gave.
    #[error("{done}, but the standard output cannot be written to: {source}")]
    Output {
        /// What is done, and what to do now.
        done: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Failure {
    fn argument(why: impl Into<String>) -> Self {
        Self::Argument(why.into())
    }
}

/// What a command of the operator works with: the store, the clock, the randomness, and the lock on the folder.
struct AdminContext {
    store: Sqlite,
    folder: PathBuf,
    clock: SystemClock,
    random: SystemRandomness,
    _lock: DataDirLock,
}

/// Whether a command may begin a data folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Folder {
    MustBeThere,
    MayBegin,
}

impl AdminContext {
    async fn open(data: &DataFolder, folder: Folder) -> Result<Self, Failure> {
        let data = data.path()?;
        match folder {
            Folder::MayBegin => data::make_private(&data)?,
            Folder::MustBeThere => data::check(&data)?,
        }
        let lock = DataDirLock::acquire(&data).await?;
        let file = data.join(AUTHORITY);
        let is_new = !file.exists();
        if folder == Folder::MustBeThere && is_new {
            return Err(DataDirError::without_authority(&data).into());
        }
        let store = Sqlite::open(&file).await?;
        if is_new {
            // Somebody who meant another folder shall see it.
            let begun = std::path::absolute(&data).unwrap_or_else(|_| data.clone());
            tell(&format!("Begun: the data folder {}.", begun.display()));
        }
        Ok(Self {
            store,
            folder: data,
            clock: SystemClock,
            random: SystemRandomness,
            _lock: lock,
        })
    }

    fn now(&self) -> time::OffsetDateTime {
        self.clock.now()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let random: &dyn Randomness = &self.random;
        random.bytes()
    }

    fn folder(&self) -> &Path {
        &self.folder
    }

    /// The person with this address.
    async fn person(&self, argument: &str, text: &str) -> Result<UserId, Failure> {
        let email = email(argument, text)?;
        match self.store.find_account(&email).await? {
            Some(account) => Ok(account.user.id),
            None => Err(Failure::argument(format!(
                "{argument} {email}: nobody here has this address"
            ))),
        }
    }

    async fn close(self) {
        self.store.close().await;
    }
}

fn email(argument: &str, text: &str) -> Result<Email, Failure> {
    Email::parse(text).ok_or_else(|| {
        Failure::argument(format!(
            "{argument} {text:?} is no e-mail address: it has one @ with something on both sides, \
             no spaces, and 254 characters at most"
        ))
    })
}

fn client_id(text: &str) -> Result<ClientId, Failure> {
    ClientId::parse(text).map_err(|_| {
        Failure::argument(format!(
            "the id {text:?} must be 1 to 64 of a-z, 0-9, _ and -, a letter first"
        ))
    })
}

fn no_such_client(id: &ClientId) -> Failure {
    Failure::argument(format!(
        "the id {id}: there is no such client; `client list` names those that there are"
    ))
}

/// Checks a text that pages will show.
fn line<'a>(argument: &str, text: &'a str, longest: usize) -> Result<&'a str, Failure> {
    let text = text.trim();
    if text.chars().any(char::is_control) || text.chars().count() > longest {
        return Err(Failure::argument(format!(
            "{argument} {text:?} must be one line of {longest} characters at most"
        )));
    }
    Ok(text)
}

/// Checks a name that pages will show.
fn name<'a>(argument: &str, text: &'a str) -> Result<&'a str, Failure> {
    match line(argument, text, 100)? {
        "" => Err(Failure::argument(format!("{argument} must not be empty"))),
        name => Ok(name),
    }
}

/// Prints what a script reads.
fn print(text: &str, done: impl Into<String>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|source| Failure::Output {
        done: done.into(),
        source,
    })
}

/// Tells a person what was done.
fn tell(text: &str) {
    // The work is done: that nobody reads about it makes it no failure.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Rows under a heading, each column as wide as its widest cell; the last is a text that may have
/// spaces.
fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let heading = heading.map(str::to_owned);
    let all = || std::iter::once(&heading).chain(rows);
    let mut widths = [0; N];
    for row in all() {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(widths);
        let padded: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_straight_columns() {
        let rows = [
            ["é".to_owned(), "one two".to_owned()],
            ["longer".to_owned(), String::new()],
        ];
        assert_eq!(
            table(["A", "B"], &rows),
            "A       B\né       one two\nlonger\n"
        );
    }

    #[test]
    fn a_name_is_one_line_of_some_length() {
        assert_eq!(name("--name", " Zoë ").unwrap(), "Zoë");
        for bad in ["", "  ", "a\nb", "a\u{1b}[2J", &"x".repeat(101)] {
            let said = name("--name", bad).unwrap_err().to_string();
            assert!(
                said.starts_with("--name ") && !said.contains('\n'),
                "{said}"
            );
        }
    }
}
