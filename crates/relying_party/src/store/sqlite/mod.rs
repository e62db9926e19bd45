//! The store on SQLite: one file a noun, static SQL, one transaction a verb. How to add a verb stands
//! in the documentation of [the store](super).

mod handoffs;
mod items;
mod maintenance;
mod records;
mod rows;
mod sessions;
mod waiting;

use database::{CannotOpen, Database, Unavailable};
use handoff::{token::Digest, uri::LocalPath};
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
        Ok(Self {
            database: Database::open(path, &MIGRATIONS).await?,
        })
    }

    /// Closes the file.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

fn local_path(text: String) -> Result<LocalPath, Unavailable> {
    LocalPath::try_from(text).map_err(Unavailable::unreadable)
}

fn digest<T>(bytes: &[u8]) -> Result<Digest<T>, Unavailable> {
    let bytes = <[u8; 32]>::try_from(bytes).map_err(Unavailable::unreadable)?;
    Ok(Digest::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use handoff::{
        ids::{SessionId, UserId},
        token::{PreSession, Secret, State},
        uri::Origin,
        wire::UserInfo,
    };
    use time::{OffsetDateTime, macros::datetime};

    use super::{
        super::{
            Beginning, HandoffKey, HandoffStore, Kept, NewHandoff, Sealed, Session, SessionStore,
            Source, Waiting, WaitingStore,
        },
        *,
    };

    const NOW: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);
    const LATER: OffsetDateTime = datetime!(2026-11-21 04:00 UTC);

    fn session(id: u8) -> Session {
        Session {
            id: SessionId::mint([id; 16]),
            issuer: Origin::parse("http://auth.localhost:4000").unwrap(),
            user: UserInfo {
                id: UserId::mint([id; 16]),
                email: "somebody@harbor.example".to_owned(),
                name: "Somebody".to_owned(),
                email_verified: true,
            },
            access_token: Sealed(vec![id]),
            browser: PreSession::mint([1; 32]).digest(),
            spare: None,
            created_at: NOW,
            expires_at: LATER,
            checked_at: NOW,
        }
    }

    async fn run(store: &Sqlite, statement: &'static str) {
        let run = store.database.write(move |tx| {
            Box::pin(async move {
                sqlx::query(statement).execute(tx).await?;
                Ok(())
            })
        });
        run.await.unwrap();
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("notes.db")).await.unwrap();

        let (browser, state) = (PreSession::mint([1; 32]), State::mint([2; 32]));
        let new = NewHandoff {
            browser: browser.digest(),
            state: state.digest(),
            verifier: Sealed(vec![3]),
            target: LocalPath::root(),
            again: false,
            expires_at: LATER,
        };
        store.start_handoff(new.clone(), NOW).await.unwrap();
        let take = || store.take_started(browser.digest(), state.digest(), NOW);
        run(&store, "UPDATE started SET target = 'elsewhere'").await;
        assert!(take().await.is_err());
        run(&store, "UPDATE started SET target = '/'").await;
        assert!(take().await.unwrap().is_some());

        let handoff = HandoffKey {
            browser: browser.digest(),
            state: state.digest(),
        };
        let source = Source::Handoff {
            handoff,
            replacing: None,
        };
        let current = session(1);
        let begun = store.begin_session(current.clone(), source, NOW).await;
        assert!(matches!(begun.unwrap(), Beginning::Begun { .. }));
        store.start_handoff(new, NOW).await.unwrap();
        assert!(take().await.unwrap().is_some());
        let waiting = Waiting {
            session: session(2),
            target: LocalPath::root(),
            wait_until: LATER,
        };
        let kept = store.keep_waiting(current.id, waiting, handoff, NOW).await;
        assert!(matches!(kept.unwrap(), Kept::Waits { .. }));
        run(&store, "UPDATE waiting SET target = 'elsewhere'").await;
        assert!(store.take_waiting(current.id).await.is_err());
        run(&store, "UPDATE waiting SET target = '/'").await;
        assert!(store.take_waiting(current.id).await.unwrap().is_some());
        store.close().await;
    }
}
