//! Handoffs under way, on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, from_millis, millis};
use handoff::{
    handoff::{STARTED_PER_BROWSER, TARGET_LIFETIME},
    token::{Digest, PreSession, State},
};
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{FINISHING, HandoffKey, HandoffStore, LateHandoff, NewHandoff, Sealed, TakenHandoff},
    Sqlite, local_path,
};

#[derive(FromRow)]
struct StartedRow {
    verifier: Vec<u8>,
    target: String,
    expires_at: i64,
}

impl StartedRow {
    fn read(self) -> Result<TakenHandoff, Unavailable> {
        Ok(TakenHandoff {
            verifier: Sealed(self.verifier),
            target: local_path(self.target)?,
            expires_at: from_millis(self.expires_at)?,
        })
    }
}

const ADD: Statement = Statement::new(
    "INSERT INTO started (state, browser, verifier, target, expires_at, again)
     VALUES ($1, $2, $3, $4, $5, $6)",
);
const FORGET_SURPLUS: Statement = Statement::new(
    "DELETE FROM started
     WHERE browser = $1 AND (
         CASE WHEN taken_until > 0 THEN taken_until <= $2 ELSE expires_at <= $4 END
         OR seq NOT IN (
             SELECT seq FROM started WHERE browser = $1 ORDER BY seq DESC LIMIT $3))",
);

async fn start(
    tx: &mut Connection,
    new: NewHandoff,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    let browser = new.browser.as_bytes().as_slice();
    sqlx::query(ADD)
        .bind(new.state.as_bytes().as_slice())
        .bind(browser)
        .bind(&new.verifier.0)
        .bind(new.target.as_str())
        .bind(millis(new.expires_at))
        .bind(new.again)
        .execute(&mut *tx)
        .await?;
    sqlx::query(FORGET_SURPLUS)
        .bind(browser)
        .bind(millis(now))
        .bind(i64::try_from(STARTED_PER_BROWSER).unwrap_or(i64::MAX))
        .bind(millis(now - TARGET_LIFETIME))
        .execute(tx)
        .await?;
    Ok(())
}

const IS_UNDER_WAY: Statement = Statement::new(
    "SELECT EXISTS (SELECT 1 FROM started
                    WHERE browser = $1 AND coalesce(taken_until, expires_at) > $2)",
);

/// Whether a handoff of this browser is under way.
pub(super) async fn is_under_way(
    connection: &mut Connection,
    browser: Digest<PreSession>,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    Ok(sqlx::query_scalar(IS_UNDER_WAY)
        .bind(browser.as_bytes().as_slice())
        .bind(millis(now))
        .fetch_one(connection)
        .await?)
}

const IS_KEPT: Statement = Statement::new(
    "SELECT EXISTS (
         SELECT 1 FROM started
         WHERE browser = $1
           AND CASE WHEN taken_until > 0 THEN taken_until > $2 ELSE expires_at > $3 END)",
);

/// Whether a handoff of this browser is under way, or its target is remembered.
pub(super) async fn is_kept(
    connection: &mut Connection,
    browser: Digest<PreSession>,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    Ok(sqlx::query_scalar(IS_KEPT)
        .bind(browser.as_bytes().as_slice())
        .bind(millis(now))
        .bind(millis(now - TARGET_LIFETIME))
        .fetch_one(connection)
        .await?)
}

const IS_LATE: Statement = Statement::new(
    "SELECT EXISTS (
         SELECT 1 FROM started
         WHERE state = $1 AND browser = $2 AND coalesce(taken_until, 0) = 0)",
);
const TAKE_LATE: Statement = Statement::new(
    "DELETE FROM started
     WHERE state = $1 AND browser = $2
       AND (taken_until = 0 OR (taken_until IS NULL AND expires_at <= $3))
     RETURNING target, again, expires_at > $4 AS is_kept",
);

#[derive(FromRow)]
struct LateRow {
    target: String,
    again: bool,
    is_kept: bool,
}

async fn take_late(
    tx: &mut Connection,
    HandoffKey { browser, state }: HandoffKey,
    now: OffsetDateTime,
) -> Result<Option<LateHandoff>, Unavailable> {
    let taken = sqlx::query_as::<_, LateRow>(TAKE_LATE)
        .bind(state.as_bytes().as_slice())
        .bind(browser.as_bytes().as_slice())
        .bind(millis(now))
        .bind(millis(now - TARGET_LIFETIME))
        .fetch_optional(tx)
        .await?;
    let kept = taken.filter(|row| row.is_kept);
    kept.map(|row| {
        Ok(LateHandoff {
            target: local_path(row.target)?,
            again: row.again,
        })
    })
    .transpose()
}

const CAN_BE_TAKEN: Statement = Statement::new(
    "SELECT EXISTS (SELECT 1 FROM started
                    WHERE state = $1 AND browser = $2 AND taken_until IS NULL)",
);
const TAKE: Statement = Statement::new(
    "UPDATE started SET taken_until = CASE WHEN expires_at > $1 THEN $2 ELSE 0 END
     WHERE state = $3 AND browser = $4 AND taken_until IS NULL
     RETURNING verifier, target, expires_at",
);

async fn take(
    tx: &mut Connection,
    HandoffKey { browser, state }: HandoffKey,
    now: OffsetDateTime,
) -> Result<Option<TakenHandoff>, Unavailable> {
    let row = sqlx::query_as::<_, StartedRow>(TAKE)
        .bind(millis(now))
        .bind(millis(now + FINISHING))
        .bind(state.as_bytes().as_slice())
        .bind(browser.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    // A row that cannot be read is an error, and is not taken either.
    let taken = row.map(StartedRow::read).transpose()?;
    Ok(taken.filter(|taken| taken.expires_at > now))
}

const FINISH: Statement = Statement::new(
    "DELETE FROM started WHERE state = $1 AND browser = $2 AND taken_until IS NOT NULL
     RETURNING taken_until",
);

/// Uses up a handoff that was taken, also when it has taken too long; tells whether a session may begin
/// from it.
pub(super) async fn finish(
    tx: &mut Connection,
    handoff: HandoffKey,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let until: Option<i64> = sqlx::query_scalar(FINISH)
        .bind(handoff.state.as_bytes().as_slice())
        .bind(handoff.browser.as_bytes().as_slice())
        .fetch_optional(tx)
        .await?;
    Ok(until.is_some_and(|until| until > millis(now)))
}

const CANCEL_ALL: Statement =
    Statement::new("UPDATE started SET taken_until = 0 WHERE browser = $1");

/// Cancels every handoff of a browser, also one that is just finishing. Where they led to stays known.
pub(super) async fn cancel_all(
    tx: &mut Connection,
    browser: Digest<PreSession>,
) -> Result<(), Unavailable> {
    sqlx::query(CANCEL_ALL)
        .bind(browser.as_bytes().as_slice())
        .execute(tx)
        .await?;
    Ok(())
}

#[async_trait]
impl HandoffStore for Sqlite {
    async fn start_handoff(&self, new: NewHandoff, now: OffsetDateTime) -> Result<(), Unavailable> {
        self.database
            .write(move |tx| Box::pin(start(tx, new, now)))
            .await
    }

    async fn take_late(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<LateHandoff>, Unavailable> {
        let is_there: bool = sqlx::query_scalar(IS_LATE)
            .bind(state.as_bytes().as_slice())
            .bind(browser.as_bytes().as_slice())
            .fetch_one(&mut *self.database.reader().await?)
            .await?;
        if !is_there {
            return Ok(None);
        }
        let handoff = HandoffKey { browser, state };
        self.database
            .write(move |tx| Box::pin(take_late(tx, handoff, now)))
            .await
    }

    async fn has_started(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut reader = self.database.reader().await?;
        is_under_way(&mut reader, browser, now).await
    }

    async fn remembers(
        &self,
        browser: Digest<PreSession>,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut reader = self.database.reader().await?;
        is_kept(&mut reader, browser, now).await
    }

    async fn take_started(
        &self,
        browser: Digest<PreSession>,
        state: Digest<State>,
        now: OffsetDateTime,
    ) -> Result<Option<TakenHandoff>, Unavailable> {
        // Only whether to try: the verb decides which caller gets it.
        let is_there: bool = sqlx::query_scalar(CAN_BE_TAKEN)
            .bind(state.as_bytes().as_slice())
            .bind(browser.as_bytes().as_slice())
            .fetch_one(&mut *self.database.reader().await?)
            .await?;
        if !is_there {
            return Ok(None);
        }
        let handoff = HandoffKey { browser, state };
        self.database
            .write(move |tx| Box::pin(take(tx, handoff, now)))
            .await
    }
}
