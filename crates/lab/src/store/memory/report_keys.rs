//! The keys of clients in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::ClientId,
    token::{Digest, ReportKey},
};

use super::{super::ReportKeyStore, Memory};

#[async_trait]
impl ReportKeyStore for Memory {
    async fn set_report_key(
        &self,
        client: &ClientId,
        key: Digest<ReportKey>,
    ) -> Result<(), Unavailable> {
        self.tables().report_keys.insert(client.clone(), key);
        Ok(())
    }

    async fn revoke_report_key(&self, client: &ClientId) -> Result<bool, Unavailable> {
        Ok(self.tables().report_keys.remove(client).is_some())
    }

    async fn find_reporter(&self, key: Digest<ReportKey>) -> Result<Option<ClientId>, Unavailable> {
        let tables = self.tables();
        let mut keys = tables.report_keys.iter();
        let found = keys.find(|(_, known)| **known == key);
        Ok(found.map(|(client, _)| client.clone()))
    }
}
