//! The applications: how one of them is opened, as a client of Harbor ID.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use relying_party::{
    Application, RelyingParty, Settings,
    store::{Memory, Sqlite, Store},
};
use web::site::Site;

use super::{AUTHORITY_NAME, Kind, Row};
use crate::platform::{clients, opening::Opening, setup::CannotStart};

#[async_trait]
impl Kind for Application {
    fn router(&self) -> Router {
        relying_party::router(*self)
    }

    fn application(&self) -> Option<Application> {
        Some(*self)
    }

    async fn open(
        &self,
        row: &'static Row,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<dyn Site>, CannotStart> {
        let store: Arc<dyn Store> = match opening.database(row.id) {
            Some(file) => {
                let store = Sqlite::open(&file).await?;
                let closed = store.clone();
                opening.on_close(move || {
                    let store = closed.clone();
                    async move { store.close().await }
                });
                Arc::new(store)
            }
            None => Arc::new(Memory::default()),
        };
        let setup = opening.setup;
        let secret = opening.secrets.iter().find(|(of, _)| of == self);
        let (_, secret) = secret
            .ok_or_else(|| CannotStart::Other(format!("the client {} has no secret", self.id())))?;
        Ok(Arc::new(RelyingParty::new(
            Settings {
                application: *self,
                client_id: clients::client_id(*self)?,
                client_secret: secret.clone(),
                origin: setup.origins.of(row.id).clone(),
                issuer: setup.origins.of(::authority::ID).clone(),
                authority_name: AUTHORITY_NAME.to_owned(),
                authority_ca: setup.authority_ca.clone(),
                recheck: setup.recheck,
                assets: opening.assets(),
                policy: setup.policy,
                cookie_prefix: setup.cookie_prefix,
                recorder: opening.recorder(),
                flow_links: opening.flow_links(),
                max_keys: setup.bounds.limiter_keys,
            },
            store,
            Arc::clone(&setup.clock),
            Arc::clone(&setup.random),
        )))
    }
}
