//! Records of browser sessions in memory.

use async_trait::async_trait;
use time::OffsetDateTime;
use web::session::{Records, Unreachable};

use super::Memory;

#[async_trait]
impl Records for Memory {
    async fn put(
        &self,
        id: [u8; 32],
        data: Vec<u8>,
        expires_at: OffsetDateTime,
    ) -> Result<(), Unreachable> {
        self.state().records.insert(id, (data, expires_at));
        Ok(())
    }

    async fn get(&self, id: [u8; 32], now: OffsetDateTime) -> Result<Option<Vec<u8>>, Unreachable> {
        let mut state = self.state();
        let found = state.records.get(&id).cloned();
        let found = found.filter(|(_, expires_at)| *expires_at > now);
        if found.is_none() {
            state.records.remove(&id);
        }
        Ok(found.map(|(data, _)| data))
    }

    async fn remove(&self, id: [u8; 32]) -> Result<(), Unreachable> {
        self.state().records.remove(&id);
        Ok(())
    }
}
