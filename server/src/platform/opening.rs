//! What a kind of site is given to open a site with.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use handoff::token::ClientSecret;
use recording::{recorder::Recorder, site::FlowLinks};
use relying_party::Application;
use ui::shell::Assets;
use web::site::SiteId;

use super::{recording::Recording, setup::Setup, stores::Files};

/// A platform that is being opened, site by site.
#[derive(Debug)]
pub struct Opening<'a> {
    /// What the platform is made of.
    pub setup: &'a Setup,
    pub(crate) files: &'a mut Files,
    /// The applications that this platform registers or serves, each with its secret.
    pub(crate) secrets: &'a [(Application, ClientSecret)],
    pub(crate) recording: &'a mut Recording,
}

impl Opening<'_> {
    /// The data folder; none where the platform keeps everything in memory.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.files.folder()
    }

    /// The file of this site's database; none where the platform keeps everything in memory.
    #[must_use]
    pub fn database(&self, site: SiteId) -> Option<PathBuf> {
        self.files.database(site)
    }

    /// `close` is run when the platform closes its databases.
    pub fn on_close<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        close: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.files.on_close(close);
    }

    /// The build's files, for the site's pages.
    #[must_use]
    pub fn assets(&self) -> Assets {
        self.setup.assets.clone()
    }

    /// What takes the steps that the site records.
    #[must_use]
    pub fn recorder(&self) -> Arc<dyn Recorder> {
        Arc::clone(&self.recording.recorder)
    }

    /// Where recorded steps can be looked at; none where nothing shows them.
    #[must_use]
    pub fn flow_links(&self) -> Option<Arc<dyn FlowLinks>> {
        self.recording.flow_links.clone()
    }
}
