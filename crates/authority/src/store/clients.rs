//! The registered clients.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    client::{AssignedTo, Client},
    ids::{ClientId, UserId},
    token::{ClientSecret, Digest},
};
use time::OffsetDateTime;

/// Whether a client was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAdded {
    /// Yes.
    New,
    /// There is a client with this id already; nothing was changed.
    IdTaken,
}

/// Whether a client's secret was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretSet {
    /// Yes: the old one is refused from now on.
    Done,
    /// There is no such client.
    Unknown,
    /// The client is public: it has no secret, and gets none.
    Public,
}

/// Which version of a client's record something was held against. Every change of the record, by
/// whichever process, makes another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revision(pub(crate) i64);

/// A client as it was read.
#[derive(Clone, Debug)]
pub struct KnownClient {
    /// The record.
    pub client: Client,
    /// Which version of it.
    pub revision: Revision,
}

/// The registered clients.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Registers a client, in the place of one with the same id.
    async fn put_client(&self, client: &Client) -> Result<(), Unavailable>;

    /// Registers a client that is part of the installation, at every start of the process: as
    /// [`Self::put_client`], but one that is there already keeps who may use it, which is the
    /// operator's to say.
    async fn install_client(&self, client: &Client) -> Result<(), Unavailable>;

    /// Registers a client, unless its id is taken.
    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable>;

    /// All clients, by id.
    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable>;

    /// Replaces the secret of a confidential client.
    async fn set_client_secret(
        &self,
        id: &ClientId,
        secret: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable>;

    /// Says who may use a client, and ends its sessions with all others. Tells whether there is
    /// such a client.
    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        now: OffsetDateTime,
    ) -> Result<bool, Unavailable>;

    /// The client with this id, with what tells later whether it has changed.
    async fn read_client(&self, id: &ClientId) -> Result<Option<KnownClient>, Unavailable>;

    /// The client with this id.
    async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Unavailable> {
        Ok(self.read_client(id).await?.map(|known| known.client))
    }

    /// Whether a public client lives at this origin, as an `Origin` header says it.
    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable>;

    /// The clients that a person may use, by name.
    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable>;
}
