//! The table of sites: what a platform can hold, in the order in which the sites are opened. What the
//! process needs of a site beyond [`web::site::Site`] is said in its row.
//!
//! # Adding a site
//!
//! 1. Its crate: a value that implements [`web::site::Site`], its routes, its store.
//! 2. Its kind, in a file of its own beside this one's: [`Kind::router`] and [`Kind::open`].
//! 3. Its row in [`SITES`].
//!
//! The row gives it a place in host routing, in `serve --only`, in what the demonstration prints, in
//! readiness, sweeping and metrics, the setting of its origin, and the names of its files.

mod application;
mod authority;
mod lab;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use axum::Router;
use handoff::uri::{InvalidUri, Origin};
use relying_party::Application;
use web::site::{Site, SiteId};

use self::{authority::AuthorityServer, lab::LabSite};
use crate::{
    config::origins::Origins,
    platform::{opening::Opening, setup::CannotStart},
};

/// What the process knows of a site before any platform has it.
#[derive(Debug)]
pub struct Row {
    /// Its id: the stem of its settings and of its files in the data folder.
    pub id: SiteId,
    /// The first label of its host on `*.localhost`, where it lives unless a setting says otherwise.
    pub host: &'static str,
    /// Its name on pages.
    pub name: &'static str,
    /// What the program says about it when it has started.
    pub announced: &'static str,
    /// How such a site is opened, and what it answers.
    pub kind: &'static dyn Kind,
}

impl Row {
    /// The setting of its origin.
    #[must_use]
    pub fn origin_key(&self) -> String {
        format!("{}-origin", self.id)
    }
}

/// The setting of the file with an application's client secret.
#[must_use]
pub fn secret_key(application: SiteId) -> String {
    format!("{application}-secret-file")
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

impl Origins {
    /// The sites on `*.localhost` at this port. `suffix` tells platforms in one process apart:
    /// `auth-two.localhost` for `-two`.
    ///
    /// # Errors
    /// When the suffix makes no host name.
    pub fn on_localhost(suffix: &str, port: u16) -> Result<Self, InvalidUri> {
        Self::with_scheme("http", suffix, port)
    }

    /// The same over this scheme.
    ///
    /// # Errors
    /// When the suffix makes no host name.
    pub fn with_scheme(scheme: &str, suffix: &str, port: u16) -> Result<Self, InvalidUri> {
        let port = match (scheme, port) {
            ("http", 80) | ("https", 443) => String::new(),
            _ => format!(":{port}"),
        };
        let origins = SITES.iter().map(|row| {
            let host = row.host;
            let origin = Origin::parse(&format!("{scheme}://{host}{suffix}.localhost{port}"))?;
            Ok((row.id, origin))
        });
        origins.collect()
    }
}

/// The ids of all sites.
pub fn ids() -> impl Iterator<Item = SiteId> {
    SITES.iter().map(|row| row.id)
}

/// The rows of the applications, which are clients of Harbor ID.
pub fn applications() -> impl Iterator<Item = &'static Row> {
    let is_one = |row: &&Row| row.kind.application().is_some();
    SITES.iter().filter(is_one)
}

/// Harbor ID's name on pages.
pub const AUTHORITY_NAME: &str = "Harbor ID";

/// All sites, in the order in which they are opened.
pub static SITES: &[Row] = &[
    Row {
        id: ::authority::ID,
        host: "auth",
        name: AUTHORITY_NAME,
        announced: "Harbor ID: sign in, then open an application",
        kind: &AuthorityServer,
    },
    Row {
        id: Application::Notes.site_id(),
        host: "notes",
        name: Application::Notes.name(),
        announced: "Notes: an application that signs people in by Harbor ID",
        kind: &Application::Notes,
    },
    Row {
        id: Application::Tasks.site_id(),
        host: "tasks",
        name: Application::Tasks.name(),
        announced: "Tasks: another one, which needs no second sign-in",
        kind: &Application::Tasks,
    },
    Row {
        id: ::lab::ID,
        host: "lab",
        name: "Handoff Lab",
        announced: "the lab: what this is, and a first handoff",
        kind: &LabSite,
    },
];
