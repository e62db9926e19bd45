//! Sessions of clients: what a handoff gave, behind an access token.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::{ClientId, SessionId, UserId},
    token::{AccessToken, Digest},
    wire::{SessionInfo, UserInfo},
};
use time::{Duration, OffsetDateTime};

/// A client's session that is alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSession {
    /// Whose it is among the clients.
    pub client: ClientId,
    /// The session.
    pub session: SessionInfo,
    /// The person.
    pub user: UserInfo,
}

/// A client's session that is alive, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnClientSession {
    /// Its public id.
    pub id: SessionId,
    /// The client's name.
    pub client_name: String,
    /// When it began.
    pub began: OffsetDateTime,
}

/// Why an access token opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSession {
    /// It is unknown, or its session was ended.
    Unknown,
    /// Its time is over.
    Expired,
    /// Its person is gone or disabled, whatever else is over.
    UserGone,
}

/// Sessions of clients: what a handoff gave, behind an access token.
#[async_trait]
pub trait ClientSessionStore: Send + Sync {
    /// The session behind an access token. Being asked for keeps the sign-in behind it from ending
    /// for idleness, as [`SignInStore::touch_sign_in`](super::SignInStore::touch_sign_in) does: a person
    /// who works at a client is not idle.
    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable>;

    /// Ends the session behind a client's own access token, if it is alive.
    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// Ends a client's session and its access token, if it is alive and this person's. Tells whether
    /// it was.
    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;
}
