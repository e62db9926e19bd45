//! The connections that only read.
//!
//! sqlx's pool asks a connection whether it is alive when it is taken and when it is given back. To SQLite
//! each such question is a trip to the connection's thread and back, which costs as much as a small query;
//! and a file does not go away as a server does.

use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection as _, sqlite::SqliteConnectOptions};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{Connection, Unavailable};

/// The longest that a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Some connections that only read.
#[derive(Debug)]
pub(crate) struct Readers {
    options: SqliteConnectOptions,
    most: u32,
    free: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// At most so many connections, of which one is opened now, and the others when they are needed.
    pub(crate) async fn open(options: SqliteConnectOptions, most: u32) -> sqlx::Result<Self> {
        let first = Connection::connect_with(&options).await?;
        Ok(Self {
            options,
            most,
            free: Semaphore::new(usize::try_from(most).unwrap_or(1)),
            idle: Mutex::new(vec![first]),
        })
    }

    pub(crate) async fn take(&self) -> Result<Reader<'_>, Unavailable> {
        let permit = tokio::time::timeout(PATIENCE, self.free.acquire())
            .await
            .map_err(|_| Unavailable::because("no connection to read by was free"))?
            .map_err(|_| Unavailable::closed())?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::connect_with(&self.options).await?,
        };
        Ok(Reader {
            connection: Some(connection),
            readers: self,
            _permit: permit,
        })
    }

    /// Closes all connections, when they have been given back.
    pub(crate) async fn close(&self) {
        let all = self.free.acquire_many(self.most);
        let _all = match tokio::time::timeout(PATIENCE, all).await {
            Ok(Ok(all)) => all,
            // Closed already.
            Ok(Err(_)) => return,
            Err(_) => {
                let error = "a connection that reads was not given back";
                tracing::warn!(error, "the database was not closed in order");
                return;
            }
        };
        self.free.close();
        let idle: Vec<_> = self.idle().drain(..).collect();
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "the database was not closed in order");
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that only reads, until it is dropped.
#[derive(Debug)]
pub struct Reader<'a> {
    connection: Option<Connection>,
    readers: &'a Readers,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("it is there until it is dropped"),
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("it is there until it is dropped"),
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.idle().push(connection);
        }
    }
}
