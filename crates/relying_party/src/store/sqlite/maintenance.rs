//! The whole sign-in store on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use handoff::handoff::TARGET_LIFETIME;
use time::OffsetDateTime;

use super::{super::Maintenance, Sqlite};

/// What has expired. A session that another waits for stays: the cascade would take the other, and its
/// access token would never be revoked.
const EXPIRED: [Statement; 3] = [
    Statement::new("DELETE FROM started WHERE taken_until > 0 AND taken_until <= $1"),
    Statement::new(
        "DELETE FROM session
         WHERE expires_at <= $1 AND id NOT IN (SELECT current FROM waiting)",
    ),
    Statement::new("DELETE FROM browser_session WHERE expires_at <= $1"),
];

/// Handoffs whose target is remembered no more.
const FORGOTTEN: Statement =
    Statement::new("DELETE FROM started WHERE expires_at <= $1 AND coalesce(taken_until, 0) = 0");

/// Those beyond the newest $2.
const SURPLUS: Statement = Statement::new(
    "DELETE FROM started
     WHERE coalesce(taken_until, 0) = 0 AND expires_at <= (
         SELECT expires_at FROM started WHERE expires_at <= $1 AND coalesce(taken_until, 0) = 0
         ORDER BY expires_at DESC LIMIT 1 OFFSET $2)",
);

async fn sweep(
    tx: &mut Connection,
    now: OffsetDateTime,
    remembered: u32,
) -> Result<u64, Unavailable> {
    let mut swept = 0;
    for statement in EXPIRED {
        swept += sqlx::query(statement)
            .bind(millis(now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    swept += sqlx::query(FORGOTTEN)
        .bind(millis(now - TARGET_LIFETIME))
        .execute(&mut *tx)
        .await?
        .rows_affected();
    swept += sqlx::query(SURPLUS)
        .bind(millis(now))
        .bind(i64::from(remembered))
        .execute(tx)
        .await?
        .rows_affected();
    Ok(swept)
}

#[async_trait]
impl Maintenance for Sqlite {
    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }

    async fn sweep(&self, now: OffsetDateTime, remembered: u32) -> Result<u64, Unavailable> {
        self.database
            .write(move |tx| Box::pin(sweep(tx, now, remembered)))
            .await
    }
}
