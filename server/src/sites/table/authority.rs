//! Harbor ID: how it is opened, with its accounts and its registered clients.

use std::sync::Arc;

use ::authority::{
    Authority, Settings,
    password::{Cost, Passwords},
    store::{Memory, Sqlite, Store},
};
use async_trait::async_trait;
use axum::Router;
use relying_party::identity::MAX_RECHECK;
use time::Duration;
use web::site::Site;

use super::{Kind, Row};
use crate::{
    data,
    platform::{
        accounts, clients,
        opening::Opening,
        setup::{CannotStart, Setup},
    },
};

/// The authorization server.
#[derive(Debug)]
pub(crate) struct AuthorityServer;

#[async_trait]
impl Kind for AuthorityServer {
    fn router(&self) -> Router {
        ::authority::router()
    }

    async fn open(
        &self,
        row: &'static Row,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<dyn Site>, CannotStart> {
        let store: Arc<dyn Store> = match opening.database(row.id) {
            Some(file) => {
                let store = Sqlite::open_with(&file, opening.setup.authority_database).await?;
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
        if let Some(folder) = opening.folder() {
            let issuer = setup.origins.of(row.id);
            data::keep_issuer(folder, issuer.as_str()).map_err(|error| {
                CannotStart::Other(format!("the file issuer cannot be written: {error}"))
            })?;
        }
        let turns = setup.shared.hashing.clone();
        let passwords = Passwords::in_turns(Cost::DEFAULT, turns, Arc::clone(&setup.random))
            .map_err(|error| CannotStart::Other(error.to_string()))?;
        store.renew_addresses().await?;
        accounts::add(setup, &*store, &passwords).await?;
        for (application, secret) in opening.secrets {
            let record = clients::record(setup, *application, secret)?;
            store.install_client(&record).await?;
        }
        Ok(Arc::new(Authority::new(
            Settings {
                origin: setup.origins.of(row.id).clone(),
                name: row.name.to_owned(),
                assets: opening.assets(),
                cookie_prefix: setup.cookie_prefix,
                recorder: opening.recorder(),
                flow_links: opening.flow_links(),
                max_keys: setup.bounds.limiter_keys,
                idle: setup.idle,
                absolute: setup.absolute,
                recheck: applications_notice_within(setup),
                policy: setup.policy,
                demo_accounts: setup.demo_accounts.clone(),
            },
            store,
            passwords,
            Arc::clone(&setup.clock),
            Arc::clone(&setup.random),
        )))
    }
}

/// How long an application may take to notice a sign-out. One in another process has a setting of its own, which is no
/// longer than the longest.
fn applications_notice_within(setup: &Setup) -> Duration {
    let mut applications = super::applications();
    if applications.all(|row| setup.sites.contains(&row.id)) {
        setup.recheck
    } else {
        MAX_RECHECK
    }
}
