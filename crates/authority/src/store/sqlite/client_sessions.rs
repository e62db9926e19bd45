//! Sessions of clients on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    client::AssignedTo,
    ids::{ClientId, SessionId, SignInId, UserId},
    token::{AccessToken, Digest},
    wire::SessionInfo,
};
use sqlx::FromRow;
use time::{Duration, OffsetDateTime};

use super::{
    super::{ClientSession, ClientSessionStore, NoSession, OwnClientSession, SignIn, SignInStore},
    Sqlite, accounts, ending, json,
};

#[derive(FromRow)]
struct ClientSessionRow {
    id: String,
    client: String,
    user_id: String,
    created_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
    sign_in: String,
    user_disabled_at: Option<i64>,
    sign_in_ended_at: Option<i64>,
    sign_in_expires_at: i64,
    idle_until: i64,
}

/// A session as its owner sees it.
pub(super) fn own(
    id: &str,
    client_name: String,
    created_at: i64,
) -> Result<OwnClientSession, Unavailable> {
    Ok(OwnClientSession {
        id: SessionId::parse(id).map_err(Unavailable::unreadable)?,
        client_name,
        began: from_millis(created_at)?,
    })
}

/// A session that begins: id, access token, client, sign-in, person, when it begins and when it ends.
pub(super) type Beginning = (String, String, String, String, String, i64, i64);

const BEGIN: Statement = Statement::for_sqlite(
    "INSERT INTO client_session (id, access_token, client, sign_in, user_id, created_at, expires_at)
     SELECT value ->> 0, unhex(value ->> 1), value ->> 2, value ->> 3, value ->> 4, value ->> 5,
            value ->> 6
     FROM json_each($1)",
);

/// Begins sessions.
pub(super) async fn begin(tx: &mut Connection, sessions: &[Beginning]) -> Result<(), Unavailable> {
    sqlx::query(BEGIN)
        .bind(json::list(sessions)?)
        .execute(tx)
        .await?;
    Ok(())
}

const END: Statement =
    Statement::new("UPDATE client_session SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL");

/// Ends the session that a token gave which was presented a second time.
pub(super) async fn end_replayed(
    tx: &mut Connection,
    id: SessionId,
    now: i64,
) -> Result<(), Unavailable> {
    sqlx::query(END)
        .bind(now)
        .bind(id.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

const PEOPLE_AT: Statement = Statement::new(
    "SELECT DISTINCT user_id FROM client_session WHERE client = $1 AND ended_at IS NULL",
);
const END_AT: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1
     WHERE client = $2 AND user_id = $3 AND ended_at IS NULL",
);

/// Ends the sessions at a client of all people who may not use it.
pub(super) async fn end_of_unassigned(
    tx: &mut Connection,
    client: &ClientId,
    assigned_to: &AssignedTo,
    now: i64,
) -> Result<(), Unavailable> {
    let people: Vec<String> = sqlx::query_scalar(PEOPLE_AT)
        .bind(client.as_str())
        .fetch_all(&mut *tx)
        .await?;
    for user in people {
        if assigned_to.includes(UserId::parse(&user).map_err(Unavailable::unreadable)?) {
            continue;
        }
        sqlx::query(END_AT)
            .bind(now)
            .bind(client.as_str())
            .bind(user)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

const FIND: Statement = Statement::new(
    "SELECT c.id, c.client, c.user_id, c.created_at, c.expires_at, c.ended_at, c.sign_in,
            s.ended_at AS sign_in_ended_at, s.expires_at AS sign_in_expires_at,
            s.idle_until, u.disabled_at AS user_disabled_at
     FROM client_session c
     JOIN sign_in s ON s.id = c.sign_in JOIN \"user\" u ON u.id = c.user_id
     WHERE c.access_token = $1",
);
const END_IF_OVER: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1
     WHERE id = $2 AND ended_at IS NULL AND expires_at <= $1",
);

/// Makes it final that the time of a session, or of its sign-in, is over.
async fn end_if_over(
    tx: &mut Connection,
    id: String,
    sign_in: String,
    now: i64,
) -> Result<(), Unavailable> {
    sqlx::query(END_IF_OVER)
        .bind(now)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    ending::end_sign_in_if_over(tx, &sign_in, now).await
}

const END_BY_TOKEN: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1
     WHERE access_token = $2 AND client = $3 AND ended_at IS NULL
     RETURNING expires_at",
);

async fn end_by_token(
    tx: &mut Connection,
    token: Digest<AccessToken>,
    client: ClientId,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let expires_at: Option<i64> = sqlx::query_scalar(END_BY_TOKEN)
        .bind(millis(now))
        .bind(token.as_bytes().as_slice())
        .bind(client.as_str())
        .fetch_optional(tx)
        .await?;
    Ok(expires_at.is_some_and(|expires_at| expires_at > millis(now)))
}

const END_OWN: Statement = Statement::new(
    "UPDATE client_session SET ended_at = $1
     WHERE id = $2 AND user_id = $3 AND ended_at IS NULL AND expires_at > $1",
);

async fn end_own(
    tx: &mut Connection,
    user: UserId,
    id: SessionId,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let ended = sqlx::query(END_OWN)
        .bind(millis(now))
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(tx)
        .await?
        .rows_affected();
    Ok(ended == 1)
}

#[async_trait]
impl ClientSessionStore for Sqlite {
    async fn find_client_session(
        &self,
        token: Digest<AccessToken>,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Result<ClientSession, NoSession>, Unavailable> {
        let row = sqlx::query_as::<_, ClientSessionRow>(FIND)
            .bind(token.as_bytes().as_slice())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let Some(row) = row else {
            return Ok(Err(NoSession::Unknown));
        };
        if row.user_disabled_at.is_some() {
            return Ok(Err(NoSession::UserGone));
        }
        let now_millis = millis(now);
        let has_ended = row.ended_at.is_some() || row.sign_in_ended_at.is_some();
        let is_over = [row.expires_at, row.sign_in_expires_at, row.idle_until]
            .iter()
            .any(|&end| end <= now_millis);
        if is_over {
            if !has_ended {
                let (id, sign_in) = (row.id, row.sign_in);
                self.database
                    .write(move |tx| Box::pin(end_if_over(tx, id, sign_in, now_millis)))
                    .await?;
            }
            return Ok(Err(NoSession::Expired));
        }
        if has_ended {
            return Ok(Err(NoSession::Unknown));
        }
        let sign_in = SignInId::parse(&row.sign_in).map_err(Unavailable::unreadable)?;
        let Some(SignIn { user, .. }) = self.touch_sign_in(sign_in, now, idle).await? else {
            let user = UserId::parse(&row.user_id).map_err(Unavailable::unreadable)?;
            let mut reader = self.database.reader().await?;
            return Ok(Err(match accounts::find(&mut reader, user).await? {
                Some(account) if account.is_active => NoSession::Unknown,
                _ => NoSession::UserGone,
            }));
        };
        Ok(Ok(ClientSession {
            client: ClientId::parse(&row.client).map_err(Unavailable::unreadable)?,
            session: SessionInfo {
                id: SessionId::parse(&row.id).map_err(Unavailable::unreadable)?,
                user_id: user.id,
                created_at: from_millis(row.created_at)?,
                expires_at: from_millis(row.expires_at)?,
            },
            user,
        }))
    }

    async fn end_client_session(
        &self,
        token: Digest<AccessToken>,
        client: &ClientId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let client = client.clone();
        self.database
            .write(move |tx| Box::pin(end_by_token(tx, token, client, now)))
            .await
    }

    async fn end_own_client_session(
        &self,
        user: UserId,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        self.database
            .write(move |tx| Box::pin(end_own(tx, user, id, now)))
            .await
    }
}
