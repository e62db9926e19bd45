//! The table of sites: what a platform can hold, in the order in which the sites are opened. What the
//! process needs of a site beyond [`web::site::Site`] is said in its row.
//!
//! # Adding a site
//!
//! 1. Its crate: a value that implements [`web::site::Site`], its routes, its store.
//! 2. A kind in `server/src/platform/`, a file of its own: [`Kind::router`] and [`Kind::open`].
//! 3. A row here.
//!
//! The row gives it a place in host routing, in `serve --only`, in the demonstration, in readiness,
//! sweeping and metrics, and the settings of its origin.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::Router;
use relying_party::Application;
use web::site::{Site, SiteId};

use crate::{
    config::SiteName,
    platform::{CannotStart, Opening, authority::AuthorityServer, lab::LabSite},
};

/// What the process knows of a site before any platform has it.
#[derive(Debug)]
pub struct Row {
    /// Its id: the stem of its settings and of its files in the data folder.
    pub id: SiteId,
    /// Its name in the settings.
    pub setting: SiteName,
    /// Its name on pages.
    pub name: &'static str,
    /// What the program says about it when it has started.
    pub announced: &'static str,
    /// How such a site is opened, and what it answers.
    pub kind: &'static dyn Kind,
}

/// Sites of one kind: the same routes over other settings.
#[async_trait]
pub trait Kind: fmt::Debug + Send + Sync {
    /// Everything that such a site answers, on whatever platform. Made once for a process.
    fn router(&self) -> Router;

    /// The application that it is a client of Harbor ID as, if it is one.
    fn application(&self) -> Option<Application> {
        None
    }

    /// Opens its store and makes the site of this row.
    ///
    /// # Errors
    /// [`CannotStart`], which names the file at fault.
    async fn open(
        &self,
        row: &'static Row,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<dyn Site>, CannotStart>;
}

/// The name on pages of the site with this id; its id, if no row has it.
#[must_use]
pub fn name(site: SiteId) -> &'static str {
    let row = SITES.iter().find(|row| row.id == site);
    row.map_or(site.as_str(), |row| row.name)
}

/// All sites, in the order in which they are opened.
pub static SITES: [Row; 4] = [
    Row {
        id: authority::ID,
        setting: SiteName::Authority,
        name: "Harbor ID",
        announced: "Harbor ID: sign in, then open an application",
        kind: &AuthorityServer,
    },
    Row {
        id: Application::Notes.site_id(),
        setting: SiteName::Notes,
        name: Application::Notes.name(),
        announced: "Notes: an application that signs people in by Harbor ID",
        kind: &Application::Notes,
    },
    Row {
        id: Application::Tasks.site_id(),
        setting: SiteName::Tasks,
        name: Application::Tasks.name(),
        announced: "Tasks: another one, which needs no second sign-in",
        kind: &Application::Tasks,
    },
    Row {
        id: lab::ID,
        setting: SiteName::Lab,
        name: "Handoff Lab",
        announced: "the lab: what this is, and a first handoff",
        kind: &LabSite,
    },
];
