//! The keys by which clients report their own steps.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    ids::ClientId,
    token::{Digest, ReportKey},
};

/// The keys by which clients report their own steps: one a client at most, and its hash alone.
#[async_trait]
pub trait ReportKeyStore: Send + Sync {
    /// The client has this key from now on, and no other.
    async fn set_report_key(
        &self,
        client: &ClientId,
        key: Digest<ReportKey>,
    ) -> Result<(), Unavailable>;

    /// The client has no key from now on. False if it had none.
    async fn revoke_report_key(&self, client: &ClientId) -> Result<bool, Unavailable>;

    /// Whose key this is.
    async fn find_reporter(&self, key: Digest<ReportKey>) -> Result<Option<ClientId>, Unavailable>;
}
