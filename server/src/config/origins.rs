//! Where each site lives.

use std::collections::BTreeMap;

use handoff::uri::{InvalidUri, Origin};
use web::site::SiteId;

use crate::sites::table::SITES;

/// Where the sites of a platform live: each site of the table has an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(BTreeMap<SiteId, Origin>);

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
        origins.collect::<Result<_, _>>().map(Self)
    }

    /// Where this site lives.
    ///
    /// # Panics
    /// For a site that is not in the table.
    #[must_use]
    pub fn of(&self, site: impl Into<SiteId>) -> &Origin {
        &self.0[&site.into()]
    }

    /// The host of this site, without the port.
    ///
    /// # Panics
    /// For a site that is not in the table.
    #[must_use]
    pub fn host(&self, site: impl Into<SiteId>) -> &str {
        let authority = self.of(site).authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Lets a site live elsewhere.
    pub fn set(&mut self, site: impl Into<SiteId>, origin: Origin) {
        self.0.insert(site.into(), origin);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (SiteId, &Origin)> {
        self.0.iter().map(|(site, origin)| (*site, origin))
    }
}
