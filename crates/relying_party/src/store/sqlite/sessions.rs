//! Sessions on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use handoff::{
    handoff::TARGET_LIFETIME,
    ids::SessionId,
    token::{Digest, PreSession},
};
use time::{Duration, OffsetDateTime};

use super::{
    super::{Beginning, Ended, HandoffKey, Session, SessionStore, Source},
    Sqlite, digest, handoffs,
    rows::{EndedRow, SessionRow},
    waiting,
};

const END: Statement =
    Statement::new("DELETE FROM session WHERE id = $1 RETURNING access_token, spare");

/// Ends a session, and the one that waits for its answer.
async fn end(tx: &mut Connection, id: SessionId) -> Result<Vec<Ended>, Unavailable> {
    // What waits goes first, by name: the cascade would take it and answer with no token.
    let mut ended: Vec<Ended> = waiting::end(tx, id).await?.into_iter().collect();
    let row = sqlx::query_as::<_, EndedRow>(END)
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    ended.extend(row.map(Ended::from));
    Ok(ended)
}

const BORN_OF: Statement = Statement::new("SELECT id FROM session WHERE browser = $1");

/// Ends every session that was born of this pre-session.
async fn end_born_of(
    tx: &mut Connection,
    browser: Digest<PreSession>,
) -> Result<Vec<Ended>, Unavailable> {
    let born: Vec<String> = sqlx::query_scalar(BORN_OF)
        .bind(browser.as_bytes().as_slice())
        .fetch_all(&mut *tx)
        .await?;
    let mut ended = Vec::new();
    for id in born {
        let id = SessionId::parse(&id).map_err(Unavailable::unreadable)?;
        ended.append(&mut end(tx, id).await?);
    }
    Ok(ended)
}

/// A handoff is used up by its session only where no other person has one by the same browser.
const FINISH_ALONE: Statement = Statement::new(
    "DELETE FROM started
     WHERE state = $1 AND browser = $2 AND taken_until IS NOT NULL
       AND (taken_until <= $3 OR NOT EXISTS (
           SELECT 1 FROM session
           WHERE browser = $2 AND expires_at > $3 AND id IS DISTINCT FROM $4
             AND (issuer <> $5 OR user_id <> $6)))
     RETURNING taken_until",
);
const OTHER_PERSON: Statement = Statement::new(
    "SELECT id FROM session
     WHERE browser = $2 AND expires_at > $3 AND id IS DISTINCT FROM $4
       AND (issuer <> $5 OR user_id <> $6)
       AND EXISTS (SELECT 1 FROM started
                   WHERE state = $1 AND browser = $2 AND taken_until > $3)
     ORDER BY created_at DESC, id LIMIT 1",
);

/// How a handoff ends by whose session is to begin.
enum Finished {
    Alone,
    TooLate,
    /// The youngest session of another person, begun by another handoff of the same browser. The handoff
    /// is not used up: it may still become the session that waits for an answer.
    SomebodyElse(SessionId),
}

async fn finish_alone(
    tx: &mut Connection,
    new: &Session,
    handoff: HandoffKey,
    replacing: Option<SessionId>,
    now: OffsetDateTime,
) -> Result<Finished, Unavailable> {
    let (replacing, user) = (replacing.map(|id| id.to_string()), new.user.id.to_string());
    let until: Option<i64> = sqlx::query_scalar(FINISH_ALONE)
        .bind(handoff.state.as_bytes().as_slice())
        .bind(handoff.browser.as_bytes().as_slice())
        .bind(millis(now))
        .bind(&replacing)
        .bind(new.issuer.as_str())
        .bind(&user)
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(until) = until {
        return Ok(match until > millis(now) {
            true => Finished::Alone,
            false => Finished::TooLate,
        });
    }
    let other: Option<String> = sqlx::query_scalar(OTHER_PERSON)
        .bind(handoff.state.as_bytes().as_slice())
        .bind(handoff.browser.as_bytes().as_slice())
        .bind(millis(now))
        .bind(replacing)
        .bind(new.issuer.as_str())
        .bind(user)
        .fetch_optional(tx)
        .await?;
    let other = other.map(|id| SessionId::parse(&id).map_err(Unavailable::unreadable));
    Ok(other
        .transpose()?
        .map_or(Finished::TooLate, Finished::SomebodyElse))
}

const ADD: Statement = Statement::new(
    "INSERT INTO session (id, issuer, user_id, email, name, email_verified, access_token, browser,
                          spare, created_at, expires_at, checked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     RETURNING EXISTS (
         SELECT 1 FROM started
         WHERE started.browser = $8
           AND CASE WHEN started.taken_until > 0 THEN started.taken_until > $13
                    ELSE started.expires_at > $14 END)",
);

async fn begin(
    tx: &mut Connection,
    new: Session,
    source: Source,
    now: OffsetDateTime,
) -> Result<Beginning, Unavailable> {
    let old = match source {
        Source::Handoff { handoff, replacing } => {
            match finish_alone(tx, &new, handoff, replacing, now).await? {
                Finished::Alone => replacing,
                Finished::TooLate => return Ok(Beginning::TooLate),
                Finished::SomebodyElse(other) => return Ok(Beginning::SomebodyElse(other)),
            }
        }
        Source::Waiting { current } => {
            if !waiting::answer(tx, current, new.id, now).await? {
                return Ok(Beginning::TooLate);
            }
            Some(current)
        }
    };
    let mut ended = match old {
        Some(old) => end(tx, old).await?,
        None => Vec::new(),
    };
    ended.append(&mut end_born_of(tx, new.browser).await?);
    let is_kept: bool = sqlx::query_scalar(ADD)
        .bind(new.id.to_string())
        .bind(new.issuer.as_str())
        .bind(new.user.id.to_string())
        .bind(new.user.email)
        .bind(new.user.name)
        .bind(new.user.email_verified)
        .bind(new.access_token.0)
        .bind(new.browser.as_bytes().as_slice())
        .bind(new.spare.map(|spare| spare.0))
        .bind(millis(new.created_at))
        .bind(millis(new.expires_at))
        .bind(millis(new.checked_at))
        .bind(millis(now))
        .bind(millis(now - TARGET_LIFETIME))
        .fetch_one(tx)
        .await?;
    Ok(Beginning::Begun {
        ended,
        pre_session_over: !is_kept,
    })
}

const FIND: Statement = Statement::new("SELECT * FROM session WHERE id = $1");
const WRITE_OFF: Statement =
    Statement::new("UPDATE session SET expires_at = 0 WHERE id = $1 AND expires_at <= $2");

/// Makes it final that the time of a session is over. The row stays until it is swept.
async fn write_off(
    tx: &mut Connection,
    id: SessionId,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    sqlx::query(WRITE_OFF)
        .bind(id.to_string())
        .bind(millis(now))
        .execute(tx)
        .await?;
    Ok(())
}

const MARK_CHECKED: Statement = Statement::new(
    "UPDATE session SET checked_at = $1
     WHERE id = $2 AND (checked_at <= $3 OR checked_at > $1)",
);

async fn mark_checked(
    tx: &mut Connection,
    id: SessionId,
    now: OffsetDateTime,
    interval: Duration,
) -> Result<bool, Unavailable> {
    let marked = sqlx::query(MARK_CHECKED)
        .bind(millis(now))
        .bind(id.to_string())
        .bind(millis(now - interval))
        .execute(tx)
        .await?
        .rows_affected();
    Ok(marked == 1)
}

const COUNT: Statement = Statement::new("SELECT COUNT(*) FROM session WHERE expires_at > $1");
const BROWSER: Statement = Statement::new("SELECT browser FROM session WHERE id = $1");

async fn sign_out(
    tx: &mut Connection,
    session: Option<SessionId>,
    browser: Option<Digest<PreSession>>,
) -> Result<Vec<Ended>, Unavailable> {
    let mut browsers: Vec<_> = browser.into_iter().collect();
    let mut ended = Vec::new();
    if let Some(id) = session {
        let born: Option<Vec<u8>> = sqlx::query_scalar(BROWSER)
            .bind(id.to_string())
            .fetch_optional(&mut *tx)
            .await?;
        browsers.extend(born.map(|born| digest(&born)).transpose()?);
        ended = end(tx, id).await?;
    }
    for browser in browsers {
        handoffs::cancel_all(tx, browser).await?;
        ended.append(&mut end_born_of(tx, browser).await?);
    }
    Ok(ended)
}

#[async_trait]
impl SessionStore for Sqlite {
    async fn begin_session(
        &self,
        new: Session,
        source: Source,
        now: OffsetDateTime,
    ) -> Result<Beginning, Unavailable> {
        self.database
            .write(move |tx| Box::pin(begin(tx, new, source, now)))
            .await
    }

    async fn find_session(
        &self,
        id: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Session>, Unavailable> {
        let row = sqlx::query_as::<_, SessionRow>(FIND)
            .bind(id.to_string())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let Some(row) = row else { return Ok(None) };
        if row.expires_at > millis(now) {
            return row.read().map(Some);
        }
        self.database
            .write(move |tx| Box::pin(write_off(tx, id, now)))
            .await?;
        Ok(None)
    }

    async fn mark_checked(
        &self,
        id: SessionId,
        now: OffsetDateTime,
        interval: Duration,
    ) -> Result<bool, Unavailable> {
        self.database
            .write(move |tx| Box::pin(mark_checked(tx, id, now, interval)))
            .await
    }

    async fn count_sessions(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        let counted: i64 = sqlx::query_scalar(COUNT)
            .bind(millis(now))
            .fetch_one(&mut *self.database.reader().await?)
            .await?;
        Ok(counted.unsigned_abs())
    }

    async fn end_session(&self, id: SessionId) -> Result<Vec<Ended>, Unavailable> {
        self.database.write(move |tx| Box::pin(end(tx, id))).await
    }

    async fn sign_out(
        &self,
        session: Option<SessionId>,
        browser: Option<Digest<PreSession>>,
    ) -> Result<Vec<Ended>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(sign_out(tx, session, browser)))
            .await
    }
}
