//! The data folder: its permissions, and the lock under which it is changed.

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    time::Duration,
};

use handoff::token::Secret;
use web::site::SiteId;

/// The database of the authorization server, in the data folder.
pub const AUTHORITY: &str = "authority.db";

/// The database of a site, in the data folder.
#[must_use]
pub fn database(site: SiteId) -> String {
    format!("{site}.db")
}

/// How long to wait for the lock, and how often to try.
const MAX_WAIT: Duration = Duration::from_secs(10);
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {} {why}", path.display())]
pub struct DataDirError {
    path: PathBuf,
    why: String,
}

impl DataDirError {
    fn new(path: &Path, why: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// The folder has no database of an authorization server.
    #[must_use]
    pub fn without_authority(path: &Path) -> Self {
        let why = format!(
            "holds no {AUTHORITY}: name the right one by --data or HANDOFF_LAB_DATA, or start the \
             server once"
        );
        Self::new(path, why)
    }
}

/// Makes the folder, for the owner alone. One that is there already is taken as it is (its files are
/// the owner's alone), unless others can write to it: they could put a secret of their own there.
///
/// # Errors
/// [`DataDirError`] with what to do about it.
pub fn make_private(path: &Path) -> Result<(), DataDirError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                "is no folder, or lies in something that is none: name another one by --data"
                    .to_owned()
            }
            ErrorKind::PermissionDenied => {
                "cannot be made, because this user may not write there: name another one by --data"
                    .to_owned()
            }
            _ => format!("cannot be made: {error}"),
        };
        DataDirError::new(path, why)
    })?;
    check(path)
}

/// Whether an existing folder may be used: it is one, and nobody else can write to it.
///
/// # Errors
/// [`DataDirError`] with what to do about it.
pub fn check(path: &Path) -> Result<(), DataDirError> {
    let metadata = std::fs::metadata(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => {
                "is not there: name the right one by --data or HANDOFF_LAB_DATA".to_owned()
            }
            _ => format!("cannot be looked at: {error}"),
        };
        DataDirError::new(path, why)
    })?;
    if !metadata.is_dir() {
        return Err(DataDirError::new(path, "is no folder: name one by --data"));
    }
    if metadata.mode() & 0o022 != 0 {
        let why = "can be written to by others, who could put a secret of their own there: \
                   `chmod 700` it";
        return Err(DataDirError::new(path, why));
    }
    Ok(())
}

/// The lock under which a starting server, or a command of the operator, opens and changes the content
/// of a data folder. One process at a time makes tables, or writes a secret to a file and to a
/// database. Dropping it releases it.
#[derive(Debug)]
pub struct DataDirLock {
    /// The folder itself. A lock file would belong to the first user and keep others out.
    _folder: File,
}

impl DataDirLock {
    /// Waits for the lock, ten seconds at most.
    ///
    /// # Errors
    /// [`DataDirError`] when the folder cannot be opened, or the lock is held for longer.
    pub async fn acquire(folder: &Path) -> Result<Self, DataDirError> {
        let fail = |error: io::Error| {
            let why = match error.kind() {
                ErrorKind::PermissionDenied => {
                    "may not be read by this user: run this as its owner".to_owned()
                }
                _ => format!("cannot be opened: {error}"),
            };
            DataDirError::new(folder, why)
        };
        let opened = File::open(folder).map_err(fail)?;
        let mut waited = Duration::ZERO;
        loop {
            match opened.try_lock() {
                Ok(()) => return Ok(Self { _folder: opened }),
                Err(TryLockError::Error(error)) => return Err(fail(error)),
                Err(TryLockError::WouldBlock) if waited >= MAX_WAIT => {
                    let why = "is being changed by another handoff-lab: try again";
                    return Err(DataDirError::new(folder, why));
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(TRY_EVERY).await,
            }
            waited += TRY_EVERY;
        }
    }
}

/// The file that holds a client's secret, for a relying party that this program serves.
#[must_use]
pub fn secret_file(folder: &Path, client: &str) -> PathBuf {
    folder.join(format!("{client}.secret"))
}

/// The file that holds the key by which sites of other processes report to the lab.
#[must_use]
pub fn report_key_file(folder: &Path) -> PathBuf {
    folder.join("lab.key")
}

/// The file that holds the issuer of the authorization server that last ran on this folder: its origin, on one line. No
/// secret. The operator's commands read it, because the origin follows from how `serve` was started.
fn issuer_file(folder: &Path) -> PathBuf {
    folder.join("issuer")
}

/// Keeps the issuer for the operator's commands.
///
/// # Errors
/// What the system says.
pub fn keep_issuer(folder: &Path, issuer: &str) -> io::Result<()> {
    if kept_issuer(folder).as_deref() == Some(issuer) {
        return Ok(());
    }
    let file = issuer_file(folder);
    let half = file.with_extension("new");
    std::fs::write(&half, format!("{issuer}\n"))?;
    std::fs::rename(half, file)
}

/// The issuer of the authorization server that last ran on this folder. None before the first time, and where the file
/// holds no origin.
#[must_use]
pub fn kept_issuer(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(issuer_file(folder)).ok()?;
    let issuer = text.trim();
    let origin = url::Url::parse(issuer).ok()?.origin();
    (origin.ascii_serialization() == issuer).then(|| issuer.to_owned())
}

/// A secret that is on the disk under another name, and takes the place of the file by
/// [`Self::put_in_place`]. A crash in between leaves the old file as it was.
#[derive(Debug)]
pub struct PreparedSecret {
    half: PathBuf,
    file: PathBuf,
}

impl PreparedSecret {
    /// Writes the secret for the owner alone. `there` is the file that it will replace, which may
    /// belong to another user than the one who runs the command.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(file: &Path, secret: &impl Secret, there: Option<&Metadata>) -> io::Result<Self> {
        let half = file.with_extension("new");
        let mut options = OpenOptions::new();
        let mut created = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&half)?;
        if let Some(there) = there
            && created.metadata()?.uid() != there.uid()
        {
            fchown(&created, Some(there.uid()), Some(there.gid()))?;
        }
        writeln!(created, "{}", secret.expose())?;
        created.sync_all()?;
        Ok(Self {
            half,
            file: file.to_owned(),
        })
    }

    /// Puts it in the place of the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn put_in_place(self) -> io::Result<()> {
        std::fs::rename(&self.half, &self.file)?;
        // The name is on the disk when its folder is.
        match self.file.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Takes it away again.
    pub fn discard(self) {
        // What stays behind is of no use to anybody: no client has this secret.
        let _ = std::fs::remove_file(&self.half);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    #[test]
    fn an_issuer_is_kept_and_what_is_no_origin_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(kept_issuer(folder), None);
        for issuer in ["http://auth.localhost:4000", "https://auth.example.org"] {
            keep_issuer(folder, issuer).unwrap();
            assert_eq!(kept_issuer(folder).as_deref(), Some(issuer));
        }
        for damaged in ["", "auth", "https://auth.example.org/x", "data:,x", "null"] {
            std::fs::write(issuer_file(folder), damaged).unwrap();
            assert_eq!(kept_issuer(folder), None, "{damaged}");
        }
    }

    #[tokio::test]
    async fn one_has_the_lock_and_the_next_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDirLock::acquire(folder.path()).await.unwrap();
        let mut second = pin!(DataDirLock::acquire(folder.path()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(second.as_mut().poll(&mut context), Poll::Pending));
        drop(first);
        second.await.unwrap();
    }
}
