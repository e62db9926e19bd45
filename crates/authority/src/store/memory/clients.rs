//! Clients in memory.

use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    client::{AssignedTo, Client, Kind},
    ids::{ClientId, UserId},
    token::{ClientSecret, Digest},
};
use time::OffsetDateTime;

use super::{
    super::{ClientAdded, ClientStore, KnownClient, Revision, SecretSet},
    Memory, State,
};

impl State {
    pub(super) fn is_assigned(&self, user: UserId, client: &ClientId) -> bool {
        self.clients
            .get(client)
            .is_some_and(|client| client.assigned_to.includes(user))
    }

    /// The clients, about to be changed.
    fn clients_to_change(&mut self) -> &mut HashMap<ClientId, Client> {
        self.client_changes += 1;
        &mut self.clients
    }

    /// One number for all: a change of one client makes a new version of each.
    const fn revision(&self) -> Revision {
        Revision(self.client_changes)
    }

    pub(super) fn is_as_it_was(&self, client: &ClientId, revision: Revision) -> bool {
        self.clients.contains_key(client) && self.revision() == revision
    }
}

#[async_trait]
impl ClientStore for Memory {
    async fn put_client(&self, client: &Client) -> Result<(), Unavailable> {
        self.state()
            .clients_to_change()
            .insert(client.id.clone(), client.clone());
        Ok(())
    }

    async fn install_client(&self, client: &Client) -> Result<(), Unavailable> {
        let mut state = self.state();
        let clients = state.clients_to_change();
        let mut client = client.clone();
        if let Some(there) = clients.get(&client.id) {
            client.assigned_to = there.assigned_to.clone();
        }
        clients.insert(client.id.clone(), client);
        Ok(())
    }

    async fn add_client(&self, client: &Client) -> Result<ClientAdded, Unavailable> {
        Ok(
            match self.state().clients_to_change().entry(client.id.clone()) {
                Entry::Occupied(_) => ClientAdded::IdTaken,
                Entry::Vacant(free) => {
                    free.insert(client.clone());
                    ClientAdded::New
                }
            },
        )
    }

    async fn list_clients(&self) -> Result<Vec<Client>, Unavailable> {
        let mut clients: Vec<_> = self.state().clients.values().cloned().collect();
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(clients)
    }

    async fn set_client_secret(
        &self,
        id: &ClientId,
        new: Digest<ClientSecret>,
    ) -> Result<SecretSet, Unavailable> {
        Ok(match self.state().clients_to_change().get_mut(id) {
            None => SecretSet::Unknown,
            Some(client) => match &mut client.kind {
                Kind::Confidential { secret } => {
                    *secret = new;
                    SecretSet::Done
                }
                Kind::Public { .. } => SecretSet::Public,
            },
        })
    }

    async fn assign_client(
        &self,
        id: &ClientId,
        assigned_to: &AssignedTo,
        _: OffsetDateTime,
    ) -> Result<bool, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(client) = state.clients_to_change().get_mut(id) else {
            return Ok(false);
        };
        client.assigned_to = assigned_to.clone();
        for session in state.sessions.values_mut() {
            if session.client == *id && !assigned_to.includes(session.info.user_id) {
                session.ended = true;
            }
        }
        Ok(true)
    }

    async fn read_client(&self, id: &ClientId) -> Result<Option<KnownClient>, Unavailable> {
        let state = self.state();
        Ok(state.clients.get(id).map(|client| KnownClient {
            client: client.clone(),
            revision: state.revision(),
        }))
    }

    async fn is_public_origin(&self, origin: &str) -> Result<bool, Unavailable> {
        let state = self.state();
        Ok(state
            .clients
            .values()
            .any(|client| client.is_public_at(origin)))
    }

    async fn clients_of(&self, user: UserId) -> Result<Vec<Client>, Unavailable> {
        let state = self.state();
        let mut clients: Vec<_> = state
            .clients
            .values()
            .filter(|client| client.assigned_to.includes(user))
            .cloned()
            .collect();
        clients.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(clients)
    }
}
