//! Sign-ins on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    ids::{SignInId, UserId},
    wire::UserInfo,
};
use sqlx::FromRow;
use time::{Duration, OffsetDateTime};

use super::{
    super::{
        Began, NewSignIn, OwnClientSession, OwnSignIn, SignIn, SignInStore, Which,
        sign_ins::touched,
    },
    Sqlite, client_sessions, ending,
};

/// A sign-in that was not ended, with its person.
#[derive(FromRow)]
struct SignInRow {
    id: String,
    user_id: String,
    auth_time: i64,
    expires_at: i64,
    idle_until: i64,
    previous_at: Option<i64>,
    email: String,
    name: String,
    email_verified: bool,
    disabled_at: Option<i64>,
}

impl SignInRow {
    fn is_live(&self, now: i64) -> bool {
        self.expires_at > now && self.idle_until > now
    }
}

/// A sign-in with one of the clients' sessions that it gave, or with none.
#[derive(FromRow)]
struct OwnRow {
    id: String,
    browser: String,
    auth_time: i64,
    used_at: i64,
    session: Option<String>,
    client_name: Option<String>,
    created_at: Option<i64>,
}

impl OwnRow {
    fn session(&mut self) -> Result<Option<OwnClientSession>, Unavailable> {
        let (Some(id), Some(client_name), Some(created_at)) =
            (&self.session, self.client_name.take(), self.created_at)
        else {
            return Ok(None);
        };
        client_sessions::own(id, client_name, created_at).map(Some)
    }

    fn read(self) -> Result<OwnSignIn, Unavailable> {
        Ok(OwnSignIn {
            id: SignInId::parse(&self.id).map_err(Unavailable::unreadable)?,
            browser: self.browser,
            began: from_millis(self.auth_time)?,
            last_used: from_millis(self.used_at)?,
            sessions: Vec::new(),
        })
    }
}

const BEGIN: Statement = Statement::new(
    "INSERT INTO sign_in (id, user_id, auth_time, amr, signed_in_for, expires_at, idle_until,
                          used_at, browser, previous_at)
     SELECT $1, id, $3, $4, $5, $6, $7, $3, $9, signed_in_at FROM \"user\"
     WHERE id = $2 AND disabled_at IS NULL AND password_hash = coalesce($8, password_hash)",
);
const SIGNED_IN: Statement = Statement::new("UPDATE \"user\" SET signed_in_at = $1 WHERE id = $2");

async fn begin(
    tx: &mut Connection,
    new: NewSignIn,
    replacing: Option<SignInId>,
) -> Result<Began, Unavailable> {
    let begun = sqlx::query(BEGIN)
        .bind(new.id.to_string())
        .bind(new.user.to_string())
        .bind(millis(new.at))
        .bind(serde_json::to_string(&new.amr).map_err(Unavailable::unreadable)?)
        .bind(new.signed_in_for.map(|request| request.to_vec()))
        .bind(millis(new.expires_at))
        .bind(millis(new.idle_until))
        .bind(new.compared_with)
        .bind(new.browser)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if begun == 0 {
        return Ok(Began::Refused);
    }
    sqlx::query(SIGNED_IN)
        .bind(millis(new.at))
        .bind(new.user.to_string())
        .execute(&mut *tx)
        .await?;
    if let Some(old) = replacing {
        ending::end_sign_in(tx, old, millis(new.at)).await?;
    }
    Ok(Began::Yes)
}

const FIND_LIVE: Statement = Statement::new(
    "SELECT s.id, s.user_id, s.auth_time, s.expires_at, s.idle_until, s.previous_at, u.email, u.name,
            u.email_verified, u.disabled_at
     FROM sign_in s JOIN \"user\" u ON u.id = s.user_id WHERE s.id = $1 AND s.ended_at IS NULL",
);
const TOUCH: Statement = Statement::new(
    "UPDATE sign_in SET idle_until = $1, used_at = $3
     WHERE id = $2 AND ended_at IS NULL AND expires_at > $3 AND idle_until > $3",
);

/// Puts off the end of an idle sign-in; tells whether it was still alive.
async fn touch(
    tx: &mut Connection,
    id: SignInId,
    until: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let touched = sqlx::query(TOUCH)
        .bind(millis(until))
        .bind(id.to_string())
        .bind(millis(now))
        .execute(tx)
        .await?
        .rows_affected();
    Ok(touched == 1)
}

const COUNT: Statement = Statement::new(
    "SELECT COUNT(*) FROM sign_in
     WHERE ended_at IS NULL AND expires_at > $1 AND idle_until > $1",
);
const LIST_OWN: Statement = Statement::new(
    "SELECT s.id, s.browser, s.auth_time, s.used_at,
            c.id AS session, k.name AS client_name, c.created_at
     FROM sign_in s JOIN \"user\" u ON u.id = s.user_id
     LEFT JOIN client_session c
            ON c.sign_in = s.id AND c.ended_at IS NULL AND c.expires_at > $2
     LEFT JOIN client k ON k.id = c.client
     WHERE s.user_id = $1 AND u.disabled_at IS NULL AND s.ended_at IS NULL
       AND s.expires_at > $2 AND s.idle_until > $2
     ORDER BY s.used_at DESC, s.id, c.created_at, c.id",
);

const END_OWN: Statement = Statement::new(
    "UPDATE sign_in SET ended_at = $1
     WHERE id = $2 AND user_id = $3 AND ended_at IS NULL AND expires_at > $1 AND idle_until > $1",
);

async fn end_own(
    tx: &mut Connection,
    user: UserId,
    id: SignInId,
    now: OffsetDateTime,
) -> Result<Option<Vec<String>>, Unavailable> {
    let ended = sqlx::query(END_OWN)
        .bind(millis(now))
        .bind(id.to_string())
        .bind(user.to_string())
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if ended == 0 {
        return Ok(None);
    }
    ending::end_sign_in(tx, id, millis(now)).await.map(Some)
}

const IS_OWN: Statement = Statement::new(
    "SELECT COUNT(*) FROM sign_in
     WHERE id = $2 AND user_id = $3 AND ended_at IS NULL AND expires_at > $1 AND idle_until > $1",
);

async fn end_own_all(
    tx: &mut Connection,
    user: UserId,
    by: SignInId,
    which: Which,
    now: OffsetDateTime,
) -> Result<Option<Vec<String>>, Unavailable> {
    let is_own: i64 = sqlx::query_scalar(IS_OWN)
        .bind(millis(now))
        .bind(by.to_string())
        .bind(user.to_string())
        .fetch_one(&mut *tx)
        .await?;
    if is_own == 0 {
        return Ok(None);
    }
    let kept = match which {
        Which::Others => Some(by),
        Which::All => None,
    };
    ending::end_sign_ins_but(tx, user, kept, now)
        .await
        .map(Some)
}

#[async_trait]
impl SignInStore for Sqlite {
    async fn begin_sign_in(
        &self,
        new: NewSignIn,
        replacing: Option<SignInId>,
    ) -> Result<Began, Unavailable> {
        self.database
            .write(move |tx| Box::pin(begin(tx, new, replacing)))
            .await
    }

    async fn touch_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
        idle: Duration,
    ) -> Result<Option<SignIn>, Unavailable> {
        let row = sqlx::query_as::<_, SignInRow>(FIND_LIVE)
            .bind(id.to_string())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        if !row.is_live(millis(now)) {
            let id = row.id;
            self.database
                .write(move |tx| {
                    Box::pin(async move { ending::end_sign_in_if_over(tx, &id, millis(now)).await })
                })
                .await?;
            return Ok(None);
        }
        if row.disabled_at.is_some() {
            return Ok(None);
        }
        if let Some(until) = touched(from_millis(row.idle_until)?, now, idle) {
            // Under the condition again: it may have ended since it was read.
            let is_live = self
                .database
                .write(move |tx| Box::pin(touch(tx, id, until, now)))
                .await?;
            if !is_live {
                return Ok(None);
            }
        }
        Ok(Some(SignIn {
            id,
            user: UserInfo {
                id: UserId::parse(&row.user_id).map_err(Unavailable::unreadable)?,
                email: row.email,
                name: row.name,
                email_verified: row.email_verified,
            },
            auth_time: from_millis(row.auth_time)?,
            expires_at: from_millis(row.expires_at)?,
            previous: row.previous_at.map(from_millis).transpose()?,
        }))
    }

    async fn count_sign_ins(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let counted: i64 = sqlx::query_scalar(COUNT)
            .bind(millis(now))
            .fetch_one(&mut *self.database.reader().await?)
            .await?;
        Ok(counted.unsigned_abs())
    }

    async fn end_sign_in(
        &self,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<Vec<String>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(ending::end_sign_in(tx, id, millis(now))))
            .await
    }

    async fn end_own_sign_ins(
        &self,
        user: UserId,
        by: SignInId,
        which: Which,
        now: OffsetDateTime,
    ) -> Result<Option<Vec<String>>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(end_own_all(tx, user, by, which, now)))
            .await
    }

    async fn list_sign_ins(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<OwnSignIn>, Unavailable> {
        let rows = sqlx::query_as::<_, OwnRow>(LIST_OWN)
            .bind(user.to_string())
            .bind(millis(now))
            .fetch_all(&mut *self.database.reader().await?)
            .await?;
        let mut found: Vec<OwnSignIn> = Vec::new();
        for mut row in rows {
            let session = row.session()?;
            let sign_in = row.read()?;
            if found.last().is_none_or(|last| last.id != sign_in.id) {
                found.push(sign_in);
            }
            if let Some(last) = found.last_mut() {
                last.sessions.extend(session);
            }
        }
        Ok(found)
    }

    async fn end_own_sign_in(
        &self,
        user: UserId,
        id: SignInId,
        now: OffsetDateTime,
    ) -> Result<Option<Vec<String>>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(end_own(tx, user, id, now)))
            .await
    }
}
