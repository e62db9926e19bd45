//! Sessions of clients in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::{ClientId, SessionId, SignInId, UserId},
    token::{AccessToken, Digest},
    wire::SessionInfo,
};
use time::{Duration, OffsetDateTime};

use super::{
    super::{ClientSession, ClientSessionStore, NoSession, OwnClientSession, SignIn},
    Memory, State,
};

#[derive(Debug)]
pub(super) struct KeptSession {
    pub(super) client: ClientId,
    pub(super) sign_in: SignInId,
    pub(super) info: SessionInfo,
    pub(super) token: Digest<AccessToken>,
    pub(super) ended: bool,
}

impl State {
    pub(super) fn sessions_of(
        &self,
        sign_in: SignInId,
        now: OffsetDateTime,
    ) -> Vec<OwnClientSession> {
        let living = self.sessions.iter().filter(|(_, session)| {
            session.sign_in == sign_in && !session.ended && session.info.expires_at > now
        });
        let mut living: Vec<_> = living
            .filter_map(|(id, session)| {
                Some(OwnClientSession {
                    id: *id,
                    client_name: self.clients.get(&session.client)?.name.clone(),
                    began: session.info.created_at,
                })
            })
            .collect();
        living.sort_by_cached_key(|session| (session.began, session.id.to_string()));
        living
    }
}

#[async_trait]
impl ClientSessionStore for Memory {
    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let id = state.session_of_token.get(&token);
        let Some(session) = id.and_then(|id| state.sessions.get_mut(id)) else {
            return Ok(Err(NoSession::Unknown));
        };
        let Some(sign_in) = state.sign_ins.get(&session.sign_in) else {
            return Ok(Err(NoSession::Unknown));
        };
        let account = state.accounts.get(&session.info.user_id);
        if !account.is_some_and(|(_, account)| account.is_active) {
            return Ok(Err(NoSession::UserGone));
        }
        let is_over = [
            session.info.expires_at,
            sign_in.new.expires_at,
            sign_in.new.idle_until,
        ]
        .iter()
        .any(|end| *end <= now);
        if is_over {
            let sign_in = session.sign_in;
            session.ended |= session.info.expires_at <= now;
            state.end_if_over(sign_in, now);
            return Ok(Err(NoSession::Expired));
        }
        if session.ended || sign_in.ended {
            return Ok(Err(NoSession::Unknown));
        }
        let (client, info, sign_in) = (
            session.client.clone(),
            session.info.clone(),
            session.sign_in,
        );
        Ok(match state.touch(sign_in, now, idle) {
            Some(SignIn { user, .. }) => Ok(ClientSession {
                client,
                session: info,
                user,
            }),
            None => Err(NoSession::UserGone),
        })
    }

    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let id = state.session_of_token.get(&token);
        let session = id
            .and_then(|id| state.sessions.get_mut(id))
            .filter(|session| !session.ended && session.client == *client);
        Ok(session.is_some_and(|session| {
            session.ended = true;
            session.info.expires_at > now
        }))
    }

    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut state = self.state();
        let session = state.sessions.get_mut(&id).filter(|session| {
            session.info.user_id == user && !session.ended && session.info.expires_at > now
        });
        Ok(session.map(|session| session.ended = true).is_some())
    }
}
