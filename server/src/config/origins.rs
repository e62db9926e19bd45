//! The sites by their names in the settings, and where each lives.

use std::fmt;

use clap::ValueEnum;
use handoff::uri::{InvalidUri, Origin};
use relying_party::Application;

/// A site, by its name in the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum SiteName {
    /// Harbor ID.
    Authority,
    /// Notes.
    Notes,
    /// Tasks.
    Tasks,
    /// The lab.
    Lab,
}

impl SiteName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Authority, Self::Notes, Self::Tasks, Self::Lab];

    /// Its name in the settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Notes => "notes",
            Self::Tasks => "tasks",
            Self::Lab => "lab",
        }
    }

    /// The setting of its origin.
    #[must_use]
    pub const fn origin_key(self) -> &'static str {
        match self {
            Self::Authority => "authority-origin",
            Self::Notes => "notes-origin",
            Self::Tasks => "tasks-origin",
            Self::Lab => "lab-origin",
        }
    }
}

impl From<Application> for SiteName {
    fn from(application: Application) -> Self {
        match application {
            Application::Notes => Self::Notes,
            Application::Tasks => Self::Tasks,
        }
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the sites of a platform live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins {
    /// Harbor ID.
    pub authority: Origin,
    /// Notes.
    pub notes: Origin,
    /// Tasks.
    pub tasks: Origin,
    /// The lab.
    pub lab: Origin,
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
        let site = |name: &str| match (scheme, port) {
            ("http", 80) | ("https", 443) => {
                Origin::parse(&format!("{scheme}://{name}{suffix}.localhost"))
            }
            _ => Origin::parse(&format!("{scheme}://{name}{suffix}.localhost:{port}")),
        };
        Ok(Self {
            authority: site("auth")?,
            notes: site(Application::Notes.id())?,
            tasks: site(Application::Tasks.id())?,
            lab: site("lab")?,
        })
    }

    /// Where this site lives.
    #[must_use]
    pub const fn of(&self, site: SiteName) -> &Origin {
        match site {
            SiteName::Authority => &self.authority,
            SiteName::Notes => &self.notes,
            SiteName::Tasks => &self.tasks,
            SiteName::Lab => &self.lab,
        }
    }

    /// The host of this site, without the port.
    #[must_use]
    pub fn host(&self, site: SiteName) -> &str {
        let authority = self.of(site).authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    pub(super) const fn of_mut(&mut self, site: SiteName) -> &mut Origin {
        match site {
            SiteName::Authority => &mut self.authority,
            SiteName::Notes => &mut self.notes,
            SiteName::Tasks => &mut self.tasks,
            SiteName::Lab => &mut self.lab,
        }
    }
}
