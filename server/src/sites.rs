//! From a request's `Host` to a platform's site: the one place that knows host names.
//!
//! There is one router per kind of site, and one per application, whatever the number of platforms. The directory puts the
//! site that was meant, and its context, into the request's extensions.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use authority::Authority;
use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware,
    response::{IntoResponse, Response},
};
use database::Unavailable;
use handoff::ids::ClientId;
use http::{StatusCode, Uri, header};
use lab::{
    Lab,
    stepping::{self, Stepping},
};
use relying_party::{Application, RelyingParty};
use tower::ServiceExt;

use crate::{assets, caller::Caller, config::SiteName};

/// A site of a platform.
#[derive(Clone, Debug)]
pub enum Site {
    /// The authorization server.
    Authority(Authority),
    /// A relying party.
    RelyingParty(RelyingParty),
    /// The lab.
    Lab(Lab),
}

impl Site {
    pub(crate) fn context(&self) -> &web::context::Context {
        match self {
            Self::Authority(site) => site.context(),
            Self::RelyingParty(site) => site.context(),
            Self::Lab(site) => site.context(),
        }
    }

    /// Which of a platform's sites it is.
    pub(crate) fn name(&self) -> SiteName {
        match self {
            Self::Authority(_) => SiteName::Authority,
            Self::RelyingParty(site) => site.application().into(),
            Self::Lab(_) => SiteName::Lab,
        }
    }

    /// The clients that it knows of.
    pub(crate) async fn clients(&self) -> Result<Vec<ClientId>, Unavailable> {
        match self {
            Self::Authority(site) => site.client_ids().await,
            Self::RelyingParty(site) => Ok(vec![site.client_id().clone()]),
            Self::Lab(_) => Ok(Vec::new()),
        }
    }

    /// How many requests each of its limits has refused.
    pub(crate) fn refused_by_limits(&self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Authority(site) => site.refused_by_limits().into(),
            Self::RelyingParty(site) => site.refused_by_limits().into(),
            Self::Lab(site) => site.refused_by_limits().into(),
        }
    }

    /// How often passwords were entered, by what came of it, where people sign in.
    pub(crate) fn sign_ins(&self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Authority(site) => site.sign_ins().into(),
            Self::RelyingParty(_) | Self::Lab(_) => Vec::new(),
        }
    }

    /// How many sessions are alive, where there are any.
    pub(crate) async fn count_sessions(&self) -> Result<Option<u64>, Unavailable> {
        match self {
            Self::Authority(site) => site.count_sign_ins().await.map(Some),
            Self::RelyingParty(site) => site.count_sessions().await.map(Some),
            Self::Lab(_) => Ok(None),
        }
    }

    /// Whether its store answers.
    pub(crate) async fn ping(&self) -> Result<(), Unavailable> {
        match self {
            Self::Authority(site) => site.ping().await,
            Self::RelyingParty(site) => site.ping().await,
            Self::Lab(site) => site.ping().await,
        }
    }

    /// How many alarms of each kind its monitor has raised, where it has one.
    pub(crate) fn alarms(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::Authority(_) | Self::RelyingParty(_) => Vec::new(),
            Self::Lab(site) => site.monitor().alarms().into(),
        }
    }

    /// What must be done now and then: deletes what has expired and tells how many rows; looks for
    /// alarms.
    pub(crate) async fn sweep(&self) -> Result<u64, Unavailable> {
        match self {
            Self::Authority(site) => site.sweep().await,
            Self::RelyingParty(site) => site.sweep().await,
            Self::Lab(site) => {
                site.monitor().watch();
                site.sweep().await
            }
        }
    }
}

/// A site, and the step mode in front of it where its platform has a lab.
#[derive(Clone)]
struct Entry {
    site: Site,
    stepping: Option<Stepping>,
}

/// All sites of all platforms of this process, by host.
#[derive(Clone)]
pub struct Directory(Arc<Inner>);

struct Inner {
    sites: RwLock<HashMap<String, Entry>>,
    authority: Router,
    notes: Router,
    tasks: Router,
    lab: Router,
    assets: Router,
}

impl Default for Directory {
    fn default() -> Self {
        Self(Arc::new(Inner {
            sites: RwLock::default(),
            authority: authority::router().layer(middleware::from_fn(stepping::around)),
            notes: relying_party::router(Application::Notes)
                .layer(middleware::from_fn(stepping::around)),
            tasks: relying_party::router(Application::Tasks)
                .layer(middleware::from_fn(stepping::around)),
            lab: lab::router(),
            assets: assets::router().layer(middleware::from_fn(web::headers::set)),
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
    /// Lets requests reach these sites, each at its origin's host, until the guard is dropped.
    #[must_use = "the sites are gone when the guard is dropped"]
    pub fn mount(&self, sites: impl IntoIterator<Item = Site>) -> Mounted {
        let mut all = self.0.sites.write().unwrap_or_else(PoisonError::into_inner);
        let mut hosts = Vec::new();
        let sites: Vec<_> = sites.into_iter().collect();
        let stepping = sites.iter().find_map(|site| match site {
            Site::Lab(lab) => Some(lab.stepping().clone()),
            _ => None,
        });
        for site in sites {
            let host = site.context().origin.authority().to_owned();
            let stepping = stepping.clone();
            all.insert(host.clone(), Entry { site, stepping });
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
        let Some(Entry { site, stepping }) = self.find(&request) else {
            return misdirected("No site of this server has that name.\n");
        };
        // Whoever got here some other way may have been listened in on, and browsers were told
        // never to come like this.
        let caller = request.extensions().get::<Caller>();
        if site.context().origin.is_https() && !caller.is_some_and(|caller| caller.encrypted) {
            return misdirected("This site is reached by https only.\n");
        }
        let extensions = request.extensions_mut();
        extensions.insert(site.context().clone());
        if let Some(stepping) = stepping {
            extensions.insert(stepping);
        }
        let router = match site {
            _ if request.uri().path().starts_with("/assets/") => &self.0.assets,
            Site::Authority(site) => {
                request.extensions_mut().insert(site);
                &self.0.authority
            }
            Site::RelyingParty(site) => {
                let router = match site.application() {
                    Application::Notes => &self.0.notes,
                    Application::Tasks => &self.0.tasks,
                };
                request.extensions_mut().insert(site);
                router
            }
            Site::Lab(site) => {
                request.extensions_mut().insert(site);
                &self.0.lab
            }
        };
        match router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    fn find(&self, request: &Request<Body>) -> Option<Entry> {
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
