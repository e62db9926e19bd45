//! A browser's session: tower-sessions' `Session`, over a store of ours, under a cookie of ours.
//!
//! The session holds one thing, the id of a row (a sign-in here, a session at a relying party):
//! whatever must be decided atomically lives in that row, because load-modify-save loses races.
//!
//! tower-sessions' own layer is not used: its removal cookie lacks `Secure`, so that browsers keep
//! a `__Host-` cookie; it answers 500 where a store is away; and it is tied to one store, where
//! each request has its platform's.

use std::{fmt, str::FromStr, sync::Arc};

use async_trait::async_trait;
use handoff::policy::Policy;
use http::HeaderValue;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions::{
    Session, SessionStore,
    session::{Id, Record},
    session_store,
};

use crate::{clock::Clock, cookies, error_page::ErrorPage, rng::Randomness};

/// Where session records are kept: by the hash of their id, so that a copy of the database opens
/// no session.
#[async_trait]
pub trait Records: Send + Sync + fmt::Debug {
    /// Keeps a record until it expires, in the place of one that has the same id.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable>;

    /// The data of a record that has not expired. One that has is forgotten: a clock that is put
    /// back must not bring it to life.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable>;

    /// Forgets a record.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable>;
}

/// The store cannot be reached; the text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the session store cannot be reached: {0}")]
pub struct Unreachable(pub String);

/// The sessions of one site.
#[derive(Clone, Debug)]
pub struct Sessions {
    cookie: &'static str,
    policy: Policy,
    store: Arc<RecordStore>,
}

/// Where a session's record holds its one value.
const KEY: &str = "row";

impl Sessions {
    /// The sessions under this cookie.
    #[must_use]
    pub fn new(
        cookie: &'static str,
        records: Arc<dyn Records>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            cookie,
            policy: Policy::STRICT,
            store: Arc::new(RecordStore {
                records,
                clock,
                random,
            }),
        }
    }

    /// The same sessions, with these defences.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    fn session(&self, cookies: &cookies::Cookies) -> Option<Session> {
        let id = Id::from_str(cookies.get(self.cookie)?).ok()?;
        Some(Session::new(Some(id), Arc::clone(&self.store), None))
    }

    /// What this browser's session holds, if it has one.
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub async fn load<T: DeserializeOwned>(
        &self,
        cookies: &cookies::Cookies,
    ) -> Result<Option<T>, ErrorPage> {
        match self.session(cookies) {
            Some(session) => session.get(KEY).await.map_err(ErrorPage::unavailable),
            None => Ok(None),
        }
    }

    /// Ends this browser's session, if it has one, and begins a new one under a new id (row 23).
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub async fn begin<T: Serialize + Send + Sync>(
        &self,
        cookies: &cookies::Cookies,
        holding: T,
        until: OffsetDateTime,
    ) -> Result<Begun, ErrorPage> {
        self.end(cookies).await?;
        self.begin_with(self.mint(cookies), holding, until).await
    }

    /// The id of the session that this browser begins next, for a caller who must know the cookie's
    /// value before that: a new one, whatever the browser brings (row 23).
    #[must_use]
    pub fn mint(&self, cookies: &cookies::Cookies) -> NewId {
        let brought = cookies.get(self.cookie);
        let brought = brought.and_then(|value| Id::from_str(value).ok());
        if let (Some(id), false) = (brought, self.policy.session_rotation()) {
            return NewId(id);
        }
        NewId(Id(i128::from_le_bytes(self.store.random.bytes())))
    }

    /// Begins a session under an id from [`Self::mint`].
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub async fn begin_with<T: Serialize + Send + Sync>(
        &self,
        NewId(id): NewId,
        holding: T,
        until: OffsetDateTime,
    ) -> Result<Begun, ErrorPage> {
        let holding = serde_json::to_value(holding).map_err(ErrorPage::unavailable)?;
        let data = [(KEY.to_owned(), holding)].into_iter().collect();
        let record = Record {
            id,
            data,
            expiry_date: until,
        };
        self.store
            .save(&record)
            .await
            .map_err(ErrorPage::unavailable)?;
        let value = id.to_string();
        Ok(Begun {
            set_cookie: cookies::set(self.cookie, &value, None),
            value,
        })
    }

    /// Forgets what [`Self::begin_with`] kept, where no browser has got the id.
    ///
    /// # Errors
    /// [`Unreachable`] when the store cannot be reached.
    pub async fn take_back(&self, NewId(id): NewId) -> Result<(), Unreachable> {
        self.store.records.remove(hash(id)).await
    }

    /// Forgets this browser's session. The answer must also carry [`Self::expire`].
    ///
    /// # Errors
    /// [`ErrorPage::unavailable`] when the store cannot be reached.
    pub async fn end(&self, cookies: &cookies::Cookies) -> Result<(), ErrorPage> {
        match self.session(cookies) {
            Some(session) => session.delete().await.map_err(ErrorPage::unavailable),
            None => Ok(()),
        }
    }

    /// The header that removes the cookie.
    #[must_use]
    pub fn expire(&self) -> HeaderValue {
        cookies::expire(self.cookie)
    }
}

/// An id for a session that has not begun.
#[derive(Clone, Copy)]
pub struct NewId(Id);

impl NewId {
    /// The value that the cookie will have.
    #[must_use]
    pub fn cookie_value(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for NewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewId(..)")
    }
}

/// A session that has just begun.
pub struct Begun {
    /// The header that gives the browser its cookie.
    pub set_cookie: HeaderValue,
    /// The cookie's value: a secret, for sealing and for CSRF tokens.
    pub value: String,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(..)")
    }
}

/// tower-sessions' store over [`Records`], with the platform's clock and randomness.
#[derive(Debug)]
struct RecordStore {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
}

fn hash(id: Id) -> [u8; 32] {
    Sha256::digest(id.to_string().as_bytes()).into()
}

fn backend(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for RecordStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        record.id = Id(i128::from_le_bytes(self.random.bytes()));
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        let data = serde_json::to_vec(&record.data)
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        self.records
            .put(hash(record.id), data, record.expiry_date)
            .await
            .map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self
            .records
            .get(hash(*id), self.clock.now())
            .await
            .map_err(backend)?;
        let Some(data) = found else { return Ok(None) };
        let data = serde_json::from_slice(&data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date: OffsetDateTime::UNIX_EPOCH,
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.records.remove(hash(*id)).await.map_err(backend)
    }
}
