//! Where a platform keeps what it must not forget: a database a site, and the folder around them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use authority::store::Store as AuthorityStore;
use lab::store::Store as LabStore;
use relying_party::{Application, store::Store as RelyingPartyStore};

use super::CannotStart;
use crate::data::{AUTHORITY, Turn};

/// Where a platform keeps what it must not forget.
#[derive(Clone, Debug)]
pub enum Stores {
    /// In files of this folder, one database a site.
    InFolder(PathBuf),
    /// In plain memory: gone with the platform.
    InMemory,
}

impl Stores {
    /// The turn to open and fill the stores: nobody else changes the folder meanwhile.
    pub(super) async fn turn(&self) -> Result<Option<Turn>, CannotStart> {
        Ok(match self {
            Self::InFolder(folder) => Some(Turn::take(folder).await?),
            Self::InMemory => None,
        })
    }
}

/// The databases that are open.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Held for the platform's life.
    _lock: Option<File>,
    authority: Option<authority::store::Sqlite>,
    applications: Vec<relying_party::store::Sqlite>,
    lab: Option<lab::store::Sqlite>,
}

impl Files {
    pub(super) fn lock(stores: &Stores) -> Result<Self, CannotStart> {
        let lock = match stores {
            Stores::InFolder(folder) => Some(lock(folder)?),
            Stores::InMemory => None,
        };
        Ok(Self {
            _lock: lock,
            ..Self::default()
        })
    }

    pub(super) async fn authority(
        &mut self,
        stores: &Stores,
    ) -> Result<Arc<dyn AuthorityStore>, CannotStart> {
        Ok(match stores {
            Stores::InFolder(folder) => {
                let store = authority::store::Sqlite::open(&folder.join(AUTHORITY)).await?;
                self.authority = Some(store.clone());
                Arc::new(store)
            }
            Stores::InMemory => Arc::new(authority::store::Memory::default()),
        })
    }

    pub(super) async fn application(
        &mut self,
        stores: &Stores,
        application: Application,
    ) -> Result<Arc<dyn RelyingPartyStore>, CannotStart> {
        Ok(match stores {
            Stores::InFolder(folder) => {
                let file = folder.join(format!("{}.db", application.id()));
                let store = relying_party::store::Sqlite::open(&file).await?;
                self.applications.push(store.clone());
                Arc::new(store)
            }
            Stores::InMemory => Arc::new(relying_party::store::Memory::default()),
        })
    }

    pub(super) async fn lab(&mut self, stores: &Stores) -> Result<Arc<dyn LabStore>, CannotStart> {
        Ok(match stores {
            Stores::InFolder(folder) => {
                let store = lab::store::Sqlite::open(&folder.join("lab.db")).await?;
                self.lab = Some(store.clone());
                Arc::new(store)
            }
            Stores::InMemory => Arc::new(lab::store::Memory::default()),
        })
    }

    pub(super) async fn close(&self) {
        if let Some(store) = &self.authority {
            store.close().await;
        }
        for store in &self.applications {
            store.close().await;
        }
        if let Some(store) = &self.lab {
            store.close().await;
        }
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
