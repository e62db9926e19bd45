//! The whole store in memory.

use async_trait::async_trait;
use database::Unavailable;

use super::{super::Maintenance, Memory};

#[async_trait]
impl Maintenance for Memory {
    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }
}
