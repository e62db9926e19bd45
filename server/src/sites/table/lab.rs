//! The lab: how it is opened, over what the platform's recording has made for it.

use std::sync::Arc;

use ::lab::{Lab, Settings, neighbour::Neighbour};
use async_trait::async_trait;
use axum::Router;
use web::site::Site;

use super::{Kind, Row, SITES};
use crate::platform::{opening::Opening, setup::CannotStart};

/// The lab.
#[derive(Debug)]
pub(crate) struct LabSite;

#[async_trait]
impl Kind for LabSite {
    fn router(&self) -> Router {
        ::lab::router()
    }

    async fn open(
        &self,
        row: &'static Row,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<dyn Site>, CannotStart> {
        let setup = opening.setup;
        let recorded = opening.recording.recorded.take();
        let recorded = recorded.ok_or_else(|| {
            CannotStart::Other("the lab has nothing to show flows from".to_owned())
        })?;
        let others = SITES.iter().filter(|other| other.id != row.id);
        let neighbours = others.map(|other| Neighbour {
            id: other.id,
            name: other.name,
            origin: setup.origins.of(other.id).clone(),
            is_here: setup.sites.contains(&other.id),
        });
        Ok(Arc::new(Lab::new(
            Settings {
                origin: setup.origins.of(row.id).clone(),
                name: row.name.to_owned(),
                assets: opening.assets(),
                authority: ::authority::ID,
                neighbours: neighbours.collect(),
                bounds: setup.bounds.lab,
            },
            recorded,
            Arc::clone(&setup.clock),
            Arc::clone(&setup.random),
        )))
    }
}
