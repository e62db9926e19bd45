//! From a request's `Host` to a platform's site: the one place that knows host names. [`mod@table`] has
//! which sites there are.
//!
//! There is one router for each row of the table, whatever the number of platforms. The directory puts
//! the site that was meant, and its context, into the request's extensions.

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
    response::{IntoResponse, Response},
};
use http::{Extensions, StatusCode, Uri, header};
use lab::stepping;
use table::SITES;
use tower::ServiceExt;
use web::site::{Site, SiteId};

use crate::{assets::Assets, forwarded::RemoteAddr};

/// A site that requests reach.
struct Entry {
    router: Router,
    is_https: bool,
    /// What each request to it carries: the site, its context, and what the platform's other sites
    /// put there.
    extensions: Extensions,
}

/// All sites of all platforms of this process, by host.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    sites: RwLock<HashMap<String, Arc<Entry>>>,
    routers: HashMap<SiteId, Router>,
    assets: Router,
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
                router: self.0.routers.get(&site.id()).cloned().unwrap_or_default(),
                is_https: context.origin.is_https(),
                extensions,
            };
            let host = context.origin.authority().to_owned();
            all.insert(host.clone(), Arc::new(entry));
            hosts.push(host);
        }
        Mounted {
            directory: self.clone(),
            hosts,
        }
    }

    /// Lets no more requests reach the site at this host.
    pub fn remove(&self, host: &str) {
        self.0
            .sites
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(host);
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
        let Some(entry) = self.find(&request) else {
            return misdirected("No site of this server has that name.\n");
        };
        // Whoever got here some other way may have been listened in on, and browsers were told
        // never to come like this.
        let remote = request.extensions().get::<RemoteAddr>();
        if entry.is_https && !remote.is_some_and(|remote| remote.encrypted) {
            return misdirected("This site is reached by https only.\n");
        }
        request.extensions_mut().extend(entry.extensions.clone());
        let router = if request.uri().path().starts_with("/assets/") {
            &self.0.assets
        } else {
            &entry.router
        };
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn find(&self, request: &Request<Body>) -> Option<Arc<Entry>> {
        let host = host(request)?;
        let sites = self.0.sites.read().unwrap_or_else(PoisonError::into_inner);
        sites.get(&host).cloned()
    }
}

/// For a request that is not ours to answer; nothing of it is repeated.
fn misdirected(text: &'static str) -> Response {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    tracing::info!(status = 421, why = text.trim(), "misdirected request");
    (StatusCode::MISDIRECTED_REQUEST, headers, text).into_response()
}

/// Sites that requests reach. Dropping it takes them away, and with them the last hold on their
/// stores.
#[derive(Debug)]
pub struct Mounted {
    directory: Directory,
    hosts: Vec<String>,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        for host in &self.hosts {
            self.directory.remove(host);
        }
    }
}

/// The host that the request names, port included. Two names are no name: a proxy and we might
/// choose different ones.
fn host(request: &Request<Body>) -> Option<String> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let from_header = match (named.next(), named.next()) {
        (Some(host), None) => Some(host.to_str().ok()?.to_ascii_lowercase()),
        (None, _) => None,
        (Some(_), Some(_)) => return None,
    };
    let authority = Uri::authority(request.uri());
    let from_uri = authority.map(|authority| authority.as_str().to_ascii_lowercase());
    match (from_header, from_uri) {
        (Some(header), Some(uri)) if header != uri => None,
        (Some(host), _) | (None, Some(host)) => Some(host),
        (None, None) => None,
    }
}
