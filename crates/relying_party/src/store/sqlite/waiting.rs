//! Sessions that wait for an answer, on SQLite.

use async_trait::async_trait;
use database::{Connection, Ending, Statement, Unavailable, from_millis, millis};
use handoff::ids::SessionId;
use sqlx::FromRow;
use time::OffsetDateTime;

use super::{
    super::{Ended, HandoffKey, Kept, Sealed, Waiting, WaitingStore},
    Sqlite, handoffs, local_path,
    rows::{EndedRow, SessionRow},
};

#[derive(FromRow)]
struct WaitingRow {
    #[sqlx(flatten)]
    session: SessionRow,
    target: String,
    wait_until: i64,
}

impl WaitingRow {
    fn read(self) -> Result<Waiting, Unavailable> {
        Ok(Waiting {
            session: self.session.read()?,
            target: local_path(self.target)?,
            wait_until: from_millis(self.wait_until)?,
        })
    }
}

const END: Statement =
    Statement::new("DELETE FROM waiting WHERE current = $1 RETURNING access_token, spare");

/// Ends the session that waits for the answer of this one.
pub(super) async fn end(
    tx: &mut Connection,
    current: SessionId,
) -> Result<Option<Ended>, Unavailable> {
    let row = sqlx::query_as::<_, EndedRow>(END)
        .bind(current.to_string())
        .fetch_optional(tx)
        .await?;
    Ok(row.map(Ended::from))
}

const USE_UP: Statement = Statement::new(
    "DELETE FROM waiting
     WHERE current = $1 AND id = $2 AND wait_until > $3 AND expires_at > $3",
);
const WRITE_OFF_ANSWERED: Statement = Statement::new(
    "UPDATE waiting SET wait_until = 0
     WHERE current = $1 AND id = $2 AND (wait_until <= $3 OR expires_at <= $3)",
);

/// Uses up a session that waits for the answer of this one; tells whether it may begin. One that has
/// waited too long stays until its access token is revoked.
pub(super) async fn answer(
    tx: &mut Connection,
    current: SessionId,
    waiting: SessionId,
    now: OffsetDateTime,
) -> Result<bool, Unavailable> {
    let mut changed = [0; 2];
    for (rows, statement) in changed.iter_mut().zip([USE_UP, WRITE_OFF_ANSWERED]) {
        *rows = sqlx::query(statement)
            .bind(current.to_string())
            .bind(waiting.to_string())
            .bind(millis(now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    Ok(changed[0] == 1)
}

const DISPLACE: Statement =
    Statement::new("DELETE FROM waiting WHERE current = $1 RETURNING access_token");
const KEEP: Statement = Statement::new(
    "INSERT INTO waiting (current, id, issuer, user_id, email, name, email_verified, access_token,
                          browser, spare, created_at, expires_at, checked_at, target, wait_until)
     SELECT id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
     FROM session WHERE id = $15",
);

async fn keep(
    tx: &mut Connection,
    current: SessionId,
    waiting: Waiting,
    handoff: HandoffKey,
    now: OffsetDateTime,
) -> Result<Ending<Kept>, Unavailable> {
    if !handoffs::finish(tx, handoff, now).await? {
        return Ok(Ending::Commit(Kept::TooLate));
    }
    let current = current.to_string();
    let Waiting {
        session,
        target,
        wait_until,
    } = waiting;
    let displaced: Option<Vec<u8>> = sqlx::query_scalar(DISPLACE)
        .bind(&current)
        .fetch_optional(&mut *tx)
        .await?;
    let kept = sqlx::query(KEEP)
        .bind(session.id.to_string())
        .bind(session.issuer.as_str())
        .bind(session.user.id.to_string())
        .bind(session.user.email)
        .bind(session.user.name)
        .bind(session.user.email_verified)
        .bind(session.access_token.0)
        .bind(session.browser.as_bytes().as_slice())
        .bind(session.spare.map(|spare| spare.0))
        .bind(millis(session.created_at))
        .bind(millis(session.expires_at))
        .bind(millis(session.checked_at))
        .bind(target.as_str())
        .bind(millis(wait_until))
        .bind(&current)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    if kept != 1 {
        // Then the handoff is not used up either.
        return Ok(Ending::RollBack(Kept::NobodyIsSignedIn));
    }
    Ok(Ending::Commit(Kept::Waits {
        displaced: displaced.map(Sealed),
        pre_session_over: !handoffs::is_kept(tx, handoff.browser, now).await?,
    }))
}

const FIND: Statement = Statement::new("SELECT * FROM waiting WHERE current = $1");
const WRITE_OFF: Statement = Statement::new(
    "UPDATE waiting SET wait_until = 0
     WHERE current = $1 AND (wait_until <= $2 OR expires_at <= $2)",
);

/// Makes it final that a session has waited too long. The row stays until its access token is revoked.
async fn write_off(
    tx: &mut Connection,
    current: SessionId,
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    sqlx::query(WRITE_OFF)
        .bind(current.to_string())
        .bind(millis(now))
        .execute(tx)
        .await?;
    Ok(())
}

const TAKE: Statement = Statement::new(
    "DELETE FROM waiting WHERE current = $1
     RETURNING id, issuer, user_id, email, name, email_verified, access_token, browser, spare,
               created_at, expires_at, checked_at, target, wait_until",
);

async fn take(tx: &mut Connection, current: SessionId) -> Result<Option<Waiting>, Unavailable> {
    let row = sqlx::query_as::<_, WaitingRow>(TAKE)
        .bind(current.to_string())
        .fetch_optional(tx)
        .await?;
    row.map(WaitingRow::read).transpose()
}

const TAKE_ABANDONED: Statement = Statement::new(
    "DELETE FROM waiting
     WHERE wait_until <= $1 OR expires_at <= $1
        OR current IN (SELECT id FROM session WHERE expires_at <= $1)
     RETURNING access_token",
);

async fn take_abandoned(
    tx: &mut Connection,
    now: OffsetDateTime,
) -> Result<Vec<Sealed>, Unavailable> {
    let tokens: Vec<Vec<u8>> = sqlx::query_scalar(TAKE_ABANDONED)
        .bind(millis(now))
        .fetch_all(tx)
        .await?;
    Ok(tokens.into_iter().map(Sealed).collect())
}

#[async_trait]
impl WaitingStore for Sqlite {
    async fn keep_waiting(
        &self,
        current: SessionId,
        waiting: Waiting,
        handoff: HandoffKey,
        now: OffsetDateTime,
    ) -> Result<Kept, Unavailable> {
        self.database
            .write_or_undo(move |tx| Box::pin(keep(tx, current, waiting, handoff, now)))
            .await
    }

    async fn find_waiting(
        &self,
        current: SessionId,
        now: OffsetDateTime,
    ) -> Result<Option<Waiting>, Unavailable> {
        let row = sqlx::query_as::<_, WaitingRow>(FIND)
            .bind(current.to_string())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let Some(waiting) = row.map(WaitingRow::read).transpose()? else {
            return Ok(None);
        };
        if waiting.is_live(now) {
            return Ok(Some(waiting));
        }
        self.database
            .write(move |tx| Box::pin(write_off(tx, current, now)))
            .await?;
        Ok(None)
    }

    async fn take_waiting(&self, current: SessionId) -> Result<Option<Waiting>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(take(tx, current)))
            .await
    }

    async fn take_abandoned(&self, now: OffsetDateTime) -> Result<Vec<Sealed>, Unavailable> {
        self.database
            .write(move |tx| Box::pin(take_abandoned(tx, now)))
            .await
    }
}
