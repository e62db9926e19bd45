//! Records of browser sessions on SQLite.

use async_trait::async_trait;
use database::{Connection, Statement, Unavailable, millis};
use time::OffsetDateTime;
use web::session::{Records, Unreachable};

use super::Sqlite;

const PUT: Statement = Statement::new(
    "INSERT INTO browser_session (id, data, expires_at) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at",
);

async fn put(
    tx: &mut Connection,
    id: [u8; 32],
    data: Vec<u8>,
    expires_at: OffsetDateTime,
) -> Result<(), Unavailable> {
    sqlx::query(PUT)
        .bind(id.as_slice())
        .bind(data)
        .bind(millis(expires_at))
        .execute(tx)
        .await?;
    Ok(())
}

const GET: Statement = Statement::new("SELECT data, expires_at FROM browser_session WHERE id = $1");
const REMOVE: Statement = Statement::new("DELETE FROM browser_session WHERE id = $1");
const REMOVE_IF_EXPIRED: Statement =
    Statement::new("DELETE FROM browser_session WHERE id = $1 AND expires_at <= $2");

async fn remove_if_expired(
    tx: &mut Connection,
    id: [u8; 32],
    now: OffsetDateTime,
) -> Result<(), Unavailable> {
    sqlx::query(REMOVE_IF_EXPIRED)
        .bind(id.as_slice())
        .bind(millis(now))
        .execute(tx)
        .await?;
    Ok(())
}

async fn remove(tx: &mut Connection, id: [u8; 32]) -> Result<(), Unavailable> {
    sqlx::query(REMOVE).bind(id.as_slice()).execute(tx).await?;
    Ok(())
}

fn unreachable(error: impl std::fmt::Display) -> Unreachable {
    Unreachable(error.to_string())
}

#[async_trait]
impl Records for Sqlite {
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable> {
        self.database
            .write(move |tx| Box::pin(put(tx, id, data, expires_at)))
            .await
            .map_err(unreachable)
    }

    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable> {
        let found: Option<(Vec<u8>, i64)> = sqlx::query_as(GET)
            .bind(id.as_slice())
            .fetch_optional(&mut *self.database.reader().await.map_err(unreachable)?)
            .await
            .map_err(unreachable)?;
        let Some((data, expires_at)) = found else {
            return Ok(None);
        };
        if expires_at > millis(now) {
            return Ok(Some(data));
        }
        self.database
            .write(move |tx| Box::pin(remove_if_expired(tx, id, now)))
            .await
            .map_err(unreachable)?;
        Ok(None)
    }

    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable> {
        self.database
            .write(move |tx| Box::pin(remove(tx, id)))
            .await
            .map_err(unreachable)
    }
}
