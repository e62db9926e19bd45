//! The whole store on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use time::OffsetDateTime;

use super::{super::Maintenance, Sqlite};
use crate::throttle::MAX_COUNTERS;

/// What has expired. What hangs on a sign-in never outlives it: the foreign keys would see to that
/// without counting. A session needs no such condition, as it never expires after its sign-in.
const EXPIRED: [Statement; 8] = [
    Statement::new(
        "DELETE FROM launch WHERE expires_at <= $1
             OR sign_in IN (SELECT id FROM sign_in WHERE expires_at <= $1)",
    ),
    Statement::new(
        "DELETE FROM handoff WHERE keep_until <= $1
             OR sign_in IN (SELECT id FROM sign_in WHERE expires_at <= $1)",
    ),
    Statement::new("DELETE FROM client_session WHERE expires_at <= $1"),
    Statement::new("DELETE FROM browser_session WHERE expires_at <= $1"),
    Statement::new("DELETE FROM sign_in WHERE expires_at <= $1"),
    Statement::new("DELETE FROM attempt WHERE forget_at <= $1"),
    Statement::new("DELETE FROM known_browser WHERE expires_at <= $1"),
    Statement::new("DELETE FROM recent_handoff WHERE keep_until <= $1"),
];

const SURPLUS_COUNTERS: Statement = Statement::new(
    "DELETE FROM attempt WHERE key IN (
         SELECT key FROM attempt ORDER BY forget_at, key
         LIMIT (SELECT CASE WHEN COUNT(*) > $1 THEN COUNT(*) - $1 ELSE 0 END FROM attempt))",
);

async fn sweep(tx: &mut Connection, now: OffsetDateTime) -> Result<u64, Unavailable> {
    let mut swept = 0;
    for statement in EXPIRED {
        swept += sqlx::query(statement)
            .bind(millis(now))
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    swept += sqlx::query(SURPLUS_COUNTERS)
        .bind(i64::try_from(MAX_COUNTERS).unwrap_or(i64::MAX))
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

    async fn sweep(&self, now: OffsetDateTime) -> Result<u64, Unavailable> {
        self.database
            .write(move |tx| Box::pin(sweep(tx, now)))
            .await
    }
}
