//! Where a platform keeps what it must not forget: a database a site, and the folder around them.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    pin::Pin,
};

use web::site::SiteId;

use super::setup::CannotStart;
use crate::data::{DataDirLock, database};

/// Where a platform keeps what it must not forget.
#[derive(Clone, Debug)]
pub enum Stores {
    /// In files of this folder, one database a site.
    InFolder(PathBuf),
    /// In plain memory: gone with the platform.
    InMemory,
}

impl Stores {
    /// The lock under which the stores are opened and filled.
    pub(super) async fn lock(&self) -> Result<Option<DataDirLock>, CannotStart> {
        Ok(match self {
            Self::InFolder(folder) => Some(DataDirLock::acquire(folder).await?),
            Self::InMemory => None,
        })
    }
}

type Close = Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The folder, and the databases in it that are open.
pub(crate) struct Files {
    stores: Stores,
    /// Held for the platform's life.
    _lock: Option<File>,
    closes: Vec<Close>,
}

impl Files {
    pub(super) fn lock(stores: Stores) -> Result<Self, CannotStart> {
        let lock = match &stores {
            Stores::InFolder(folder) => Some(lock(folder)?),
            Stores::InMemory => None,
        };
        Ok(Self {
            stores,
            _lock: lock,
            closes: Vec::new(),
        })
    }

    /// The folder; none where everything is kept in memory.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.stores {
            Stores::InFolder(folder) => Some(folder),
            Stores::InMemory => None,
        }
    }

    /// The file of a site's database; none where everything is kept in memory.
    pub(crate) fn database(&self, site: SiteId) -> Option<PathBuf> {
        self.folder().map(|folder| folder.join(database(site)))
    }

    /// `close` is run by [`Self::close`].
    pub(crate) fn on_close<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        close: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.closes.push(Box::new(move || Box::pin(close())));
    }

    pub(super) async fn close(&self) {
        for close in &self.closes {
            close().await;
        }
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Files({:?})", self.stores)
    }
}

/// Keeps a second process out of the folder: each would register its own addresses over the other's.
fn lock(folder: &Path) -> Result<File, CannotStart> {
    let path = folder.join("lock");
    let fail = |why: String| CannotStart::Folder {
        path: folder.to_owned(),
        why,
    };
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.map_err(|error| {
        fail(match error.kind() {
            ErrorKind::PermissionDenied => {
                "this user may not write there; run this as the user that owns it".to_owned()
            }
            _ => format!("the file `lock` in it cannot be opened: {error}"),
        })
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(fail(
            "another handoff-lab serves from it; stop that one, or name another folder by --data"
                .to_owned(),
        )),
        Err(TryLockError::Error(error)) => Err(fail(error.to_string())),
    }
}
