//! The keys of clients on SQLite.

use async_trait::async_trait;
use database::{Statement, Unavailable};
use handoff::{
    ids::ClientId,
    token::{Digest, ReportKey},
};

use super::{super::ReportKeyStore, Sqlite};

const SET: Statement = Statement::new(
    "INSERT INTO report_key (client, digest) VALUES ($1, $2)
     ON CONFLICT (client) DO UPDATE SET digest = excluded.digest",
);
const REVOKE: Statement = Statement::new("DELETE FROM report_key WHERE client = $1");
const FIND: Statement = Statement::new("SELECT client FROM report_key WHERE digest = $1");

#[async_trait]
impl ReportKeyStore for Sqlite {
    async fn set_report_key(
        &self,
        client: &ClientId,
        key: Digest<ReportKey>,
    ) -> Result<(), Unavailable> {
        let client = client.clone();
        self.database
            .write(move |tx| {
                Box::pin(async move {
                    sqlx::query(SET)
                        .bind(client.as_str())
                        .bind(key.as_bytes().as_slice())
                        .execute(&mut *tx)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    async fn revoke_report_key(&self, client: &ClientId) -> Result<bool, Unavailable> {
        let client = client.clone();
        self.database
            .write(move |tx| {
                Box::pin(async move {
                    let gone = sqlx::query(REVOKE)
                        .bind(client.as_str())
                        .execute(&mut *tx)
                        .await?;
                    Ok(gone.rows_affected() > 0)
                })
            })
            .await
    }

    async fn find_reporter(&self, key: Digest<ReportKey>) -> Result<Option<ClientId>, Unavailable> {
        let found: Option<String> = sqlx::query_scalar(FIND)
            .bind(key.as_bytes().as_slice())
            .fetch_optional(&mut *self.database.reader().await?)
            .await?;
        let client = found.as_deref().map(ClientId::parse).transpose();
        client.map_err(Unavailable::unreadable)
    }
}
