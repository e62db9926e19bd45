//! Clients that were read before, so that a request need not read its client again.
//!
//! A record found here may have changed since, also by another process. So it is good for what ends in a
//! verb that compares its [`Revision`](crate::store::Revision) in the transaction, and for nothing else.
//! What does not fit the record found here is held against the store before it is refused.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use database::Unavailable;
use handoff::ids::ClientId;

use crate::store::{KnownClient, Store};

/// The most that are kept. Only what the store has comes here.
const MOST: usize = 1_024;

/// Where a client's record comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// From an earlier request, if one read it.
    Earlier,
    /// From the store.
    Store,
}

/// The clients that were read.
#[derive(Debug, Default)]
pub(crate) struct KnownClients(RwLock<HashMap<ClientId, Arc<KnownClient>>>);

impl KnownClients {
    /// The client of this id.
    pub(crate) async fn find(
        &self,
        store: &dyn Store,
        id: &ClientId,
        from: From,
    ) -> Result<Option<Arc<KnownClient>>, Unavailable> {
        if from == From::Earlier
            && let Some(known) = self.get(id)
        {
            return Ok(Some(known));
        }
        let read = store.read_client(id).await?.map(Arc::new);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &read {
            Some(read) => {
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(id.clone(), Arc::clone(read));
            }
            None => drop(known.remove(id)),
        }
        Ok(read)
    }

    fn get(&self, id: &ClientId) -> Option<Arc<KnownClient>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(id).cloned()
    }
}
