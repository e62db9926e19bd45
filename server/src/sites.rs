//! From a request's `Host` to a platform's site: the one place that knows host names. [`mod@table`] has
//! which sites there are.
//!
//! There is one router for each row of the table, whatever the number of platforms. The directory puts
//! the site that was meant, and its context, into the request's extensions.

pub mod host;
mod no_site;
pub mod table;

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware,
    response::{IntoResponse, Redirect, Response},
};
use handoff::uri::Origin;
use host::Host;
use http::{Extensions, Method, Uri, header};
use lab::stepping;
use no_site::{Offered, Reason};
use table::SITES;
use tower::ServiceExt;
use web::site::{Site, SiteId};

use crate::{assets::Assets, forwarded::RemoteAddr};

/// A site that requests reach.
struct Entry {
    id: SiteId,
    router: Router,
    origin: Origin,
    /// What each request to it carries: the site, its context, and what the platform's other sites
    /// put there.
    extensions: Extensions,
}

/// All sites of all platforms of this process, by host.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    sites: RwLock<HashMap<Host, Arc<Entry>>>,
    routers: HashMap<SiteId, Router>,
    assets: Router,
    /// The same files for pages that stand at no site.
    plain_assets: Router,
    names: ui::shell::Assets,
}

impl Default for Directory {
    /// One without assets.
    fn default() -> Self {
        Self::serving(Assets::default())
    }
}

impl Directory {
    /// A directory of no sites yet, each of which will serve these assets.
    #[must_use]
    pub fn serving(assets: Assets) -> Self {
        let routers = SITES.iter().map(|row| {
            let router = row.kind.router();
            (row.id, router.layer(middleware::from_fn(stepping::around)))
        });
        Self(Arc::new(Inner {
            sites: RwLock::default(),
            routers: routers.collect(),
            names: assets.names().unwrap_or_default(),
            plain_assets: assets.clone().router(),
            assets: assets
                .router()
                .layer(middleware::from_fn(web::headers::set)),
        }))
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sites = self.0.sites.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_set().entries(sites.keys()).finish()
    }
}

impl Directory {
    /// Lets requests reach these sites of one platform, each at its origin's host, until the guard is
    /// dropped.
    #[must_use = "the sites are gone when the guard is dropped"]
    pub fn mount(&self, sites: &[Arc<dyn Site>]) -> Mounted {
        let mut all = self.0.sites.write().unwrap_or_else(PoisonError::into_inner);
        let mut hosts = Vec::new();
        for site in sites {
            let context = site.context();
            let mut extensions = Extensions::new();
            extensions.insert(context.clone());
            site.extend(&mut extensions);
            for other in sites.iter().filter(|other| other.id() != site.id()) {
                other.extend_others(&mut extensions);
            }
            let entry = Entry {
                id: site.id(),
                router: self.0.routers.get(&site.id()).cloned().unwrap_or_default(),
                origin: context.origin.clone(),
                extensions,
            };
            let host = Host::of(&context.origin);
            all.insert(host.clone(), Arc::new(entry));
            hosts.push(host);
        }
        Mounted {
            directory: self.clone(),
            hosts,
        }
    }

    /// Lets no more requests reach the site at this origin.
    pub fn remove(&self, origin: &Origin) {
        self.forget(&Host::of(origin));
    }

    fn forget(&self, host: &Host) {
        let mut sites = self.0.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.remove(host);
    }

    /// The router in front of everything.
    pub fn router(&self) -> Router {
        let directory = self.clone();
        Router::new().fallback(move |request| {
            let directory = directory.clone();
            async move { directory.answer(request).await }
        })
    }

    async fn answer(&self, mut request: Request<Body>) -> Response {
        let is_asset = request.uri().path().starts_with("/assets/");
        let Some(entry) = self.find(&request) else {
            if is_asset && names_one_host(&request) {
                return self.plain_asset(request).await;
            }
            let this_machine = host(&request).is_some_and(|host| host.is_this_machine());
            let reason = match request.uri().path() {
                "/" if this_machine => Reason::ThisMachine,
                _ => Reason::NoSite,
            };
            return no_site::answer(&request, reason, self.offered(), self.0.names.clone());
        };
        // Whoever got here some other way may have been listened in on, and browsers were told
        // never to come like this.
        let remote = request.extensions().get::<RemoteAddr>();
        if entry.origin.is_https() && !remote.is_some_and(|remote| remote.encrypted) {
            if is_asset {
                return self.plain_asset(request).await;
            }
            let offered = entry.offered().into_iter().collect();
            return no_site::answer(&request, Reason::NotHttps, offered, self.0.names.clone());
        }
        if let Some(address) = normal_address(&request, &entry.origin) {
            return no_site::guarded(Redirect::permanent(&address).into_response());
        }
        request.extensions_mut().extend(entry.extensions.clone());
        let router = match is_asset {
            true => &self.0.assets,
            false => &entry.router,
        };
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    async fn plain_asset(&self, request: Request<Body>) -> Response {
        match self.0.plain_assets.clone().oneshot(request).await {
            Ok(response) => no_site::guarded(response),
            Err(never) => match never {},
        }
    }

    /// The site that the request names. Two names are no name: a proxy and we might choose different
    /// ones.
    fn find(&self, request: &Request<Body>) -> Option<Arc<Entry>> {
        let authority = Uri::authority(request.uri());
        let in_uri = authority.map(|authority| Host::parse(authority.as_str()));
        let mut named = request.headers().get_all(header::HOST).iter();
        let in_header = match (named.next(), named.next()) {
            (Some(host), None) => Some(host.to_str().ok().and_then(Host::parse)),
            (None, _) => None,
            (Some(_), Some(_)) => return None,
        };
        let sites = self.0.sites.read().unwrap_or_else(PoisonError::into_inner);
        let find = |host: Option<Host>| -> Option<Arc<Entry>> {
            let host = host?;
            let mut found = [true, false].into_iter().filter_map(|is_https| {
                let entry = sites.get(&host.at(is_https));
                entry.filter(|entry| host.port().is_some() || entry.origin.is_https() == is_https)
            });
            found.next().cloned()
        };
        match (in_header, in_uri) {
            (Some(header), Some(uri)) => {
                let (header, uri) = (find(header)?, find(uri)?);
                Arc::ptr_eq(&header, &uri).then_some(header)
            }
            (Some(host), None) | (None, Some(host)) => find(host),
            (None, None) => None,
        }
    }

    /// The sites that a person can open: the lab first, where newcomers begin.
    fn offered(&self) -> Vec<Offered> {
        let sites = self.0.sites.read().unwrap_or_else(PoisonError::into_inner);
        let mut entries: Vec<_> = sites.values().collect();
        let place = |id| SITES.iter().position(|row| row.id == id);
        entries.sort_by_key(|entry| (entry.id != lab::ID, place(entry.id), &entry.origin));
        let offered = entries.into_iter().filter_map(|entry| entry.offered());
        offered.take(no_site::MAX_OFFERED).collect()
    }
}

impl Entry {
    fn offered(&self) -> Option<Offered> {
        let row = SITES.iter().find(|row| row.id == self.id)?;
        Some(Offered {
            address: self.origin.to_string(),
            name: row.name.to_owned(),
            text: row.announced.to_owned(),
        })
    }
}

/// The one address of what is asked for, if the host is written in another way that a browser takes for
/// another host: its cookies are not sent there, and its forms come from a foreign origin.
fn normal_address(request: &Request<Body>, origin: &Origin) -> Option<String> {
    let written = request.headers().get(header::HOST)?.to_str().ok()?;
    let has_dot = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name.ends_with('.')
    };
    let elsewhere = has_dot(written) && !has_dot(origin.authority());
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path_and_query()?.as_str();
    (elsewhere && asks && path.starts_with('/')).then(|| format!("{origin}{path}"))
}

/// Whether this is a request of a browser that shows a page of ours: it names one host, whichever.
fn names_one_host(request: &Request<Body>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.uri().authority().is_some(),
        named => named == 1,
    }
}

/// The one host that the request names.
fn host(request: &Request<Body>) -> Option<Host> {
    let mut named = request.headers().get_all(header::HOST).iter();
    match (named.next(), named.next()) {
        (Some(host), None) => Host::parse(host.to_str().ok()?),
        _ => None,
    }
}

/// Sites that requests reach. Dropping it takes them away, and with them the last hold on their
/// stores.
#[derive(Debug)]
pub struct Mounted {
    directory: Directory,
    hosts: Vec<Host>,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for host in &self.hosts {
            self.directory.forget(host);
        }
    }
}
