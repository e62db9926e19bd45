//! Where each site lives.

use std::collections::BTreeMap;

use handoff::uri::Origin;
use web::site::SiteId;

/// Where the sites of a platform live: each site of the table has an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(BTreeMap<SiteId, Origin>);

impl Origins {
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

impl FromIterator<(SiteId, Origin)> for Origins {
    fn from_iter<T: IntoIterator<Item = (SiteId, Origin)>>(origins: T) -> Self {
        Self(origins.into_iter().collect())
    }
}
