//! The whole store on SQLite.

use async_trait::async_trait;
use database::Unavailable;

use super::{super::Maintenance, Sqlite};

#[async_trait]
impl Maintenance for Sqlite {
    async fn ping(&self) -> Result<(), Unavailable> {
        self.database.ping().await
    }
}
