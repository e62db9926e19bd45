//! The lab site, which every platform has. It may know both parties; neither knows it.
//!
//! [`router`] is everything that it answers. [`collector`] takes what the sites record, [`store`]
//! keeps it, and `flows` shows it; sites of other processes have a [`reporter`] instead. [`mod@monitor`]
//! looks at how handoffs go. [`stepping`] stands in front of the platform's other sites.

mod bounds;
pub mod collector;
mod flows;
mod limits;
pub mod monitor;
pub mod neighbour;
pub mod reporter;
mod reports;
pub mod shown;
pub mod stepping;
pub mod store;

use std::sync::Arc;

use crate::stepping::{Key, Stepping};
use async_trait::async_trait;
use axum::{Router, body::Bytes, middleware::from_fn, response::Response, routing::get};
pub use bounds::Bounds;
use collector::Collector;
use flows::{drawings::Drawings, streams::Streams};
use handoff::{
    token::{Digest, ReportKey},
    uri::Origin,
};
use http::{Extensions, HeaderMap};
use lab_pages::{
    start::{Start, StartPage},
    stepping::{StepMode, StepModePage},
};
use leptos::prelude::*;
use limits::Limits;
use monitor::Monitor;
use neighbour::Neighbour;
use relying_party::Application;
use serde::Deserialize;
use store::Store;
use tokio_util::sync::CancellationToken;
use ui::shell::{Assets, Brand, Frame, Party};
use web::{
    at::At,
    clock::Clock,
    context::Context,
    cookies::Cookies,
    error_page::ErrorPage,
    fetch_metadata, layers,
    page::Page,
    params::Params,
    peer::Peer,
    redirect,
    rng::Randomness,
    site::{Failure, Site, SiteId},
};

/// Its name in a platform's table of sites.
pub const ID: SiteId = SiteId::new("lab");

/// What people call the authorization server.
const AUTHORITY: &str = "Harbor ID";

/// What a lab is set up with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it lives.
    pub origin: Origin,
    /// Its name on pages.
    pub name: String,
    /// The build's files.
    pub assets: Assets,
    /// Which of the neighbours is the authorization server.
    pub authority: SiteId,
    /// The platform's other sites.
    pub neighbours: Vec<Neighbour>,
    /// How much it keeps.
    pub bounds: Bounds,
}

impl Settings {
    /// Where the platform's site with this id lives; nowhere, if there is none.
    pub(crate) fn origin_of(&self, id: SiteId) -> String {
        let mut neighbours = self.neighbours.iter();
        let site = neighbours.find(|site| site.id == id);
        site.map(|site| site.origin.to_string()).unwrap_or_default()
    }
}

/// What the lab has of the handoffs that happen.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Where what happens comes in.
    pub collector: Collector,
    /// What looks at how handoffs go, in a lab with a monitor.
    pub monitor: Option<Arc<Monitor>>,
    /// Who may report to it from another process.
    pub report_key: Digest<ReportKey>,
}

/// The lab of one platform. Clones are the same lab.
#[derive(Clone)]
pub struct Lab(Arc<Parts>);

struct Parts {
    settings: Settings,
    recorded: Recorded,
    streams: Streams,
    drawings: Drawings,
    closing: CancellationToken,
    context: Context,
    stepping: Stepping,
    limits: Limits,
}

impl Lab {
    /// A lab.
    #[must_use]
    pub fn new(
        settings: Settings,
        recorded: Recorded,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
    ) -> Self {
        let mut places = vec![("/flows", "Flows")];
        places.extend(recorded.monitor.as_ref().map(|_| ("/monitor", "Monitor")));
        places.push(("/step", "Step mode"));
        let bounds = settings.bounds;
        let frame = Frame {
            places,
            brand: Brand {
                name: settings.name.clone(),
                party: Party::Lab,
            },
            assets: settings.assets.clone(),
        };
        let stepping = Stepping::new(
            frame.clone(),
            settings.origin.clone(),
            settings.neighbours.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
            bounds.step_chains,
        );
        let limits = Limits::new(&clock, bounds.limiter_keys);
        let context = Context::new(settings.origin.clone(), clock, random, frame);
        Self(Arc::new(Parts {
            settings,
            recorded,
            streams: Streams::new(bounds.streams, bounds.streams_of_network),
            drawings: Drawings::default(),
            closing: CancellationToken::new(),
            context,
            stepping,
            limits,
        }))
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.context
    }

    pub(crate) fn recorded(&self) -> &Recorded {
        &self.0.recorded
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(crate) fn drawings(&self) -> &Drawings {
        &self.0.drawings
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// The monitor, if it has one.
    #[must_use]
    pub fn monitor(&self) -> Option<&Monitor> {
        self.0.recorded.monitor.as_deref()
    }
}

#[async_trait]
impl Site for Lab {
    fn id(&self) -> SiteId {
        ID
    }

    fn context(&self) -> &Context {
        &self.0.context
    }

    fn extend(&self, request: &mut Extensions) {
        request.insert(self.clone());
    }

    /// Step mode, for the layer in front of their routes.
    fn extend_others(&self, request: &mut Extensions) {
        request.insert(self.0.stepping.clone());
    }

    async fn ping(&self) -> Result<(), Failure> {
        Ok(self.0.recorded.store.ping().await?)
    }

    /// Looks for alarms too.
    async fn sweep(&self) -> Result<u64, Failure> {
        if let Some(monitor) = self.monitor() {
            monitor.watch();
        }
        let before = self.context().now() - store::KEPT_FOR;
        let store = &self.0.recorded.store;
        let Bounds { flows, bytes, .. } = self.0.settings.bounds;
        Ok(store.sweep(before, flows, bytes).await?)
    }

    fn refused_by_limits(&self) -> Vec<(&'static str, u64)> {
        self.limits().refused().into()
    }

    fn alarms(&self) -> Vec<(&'static str, usize)> {
        let monitor = self.monitor();
        monitor.map_or_else(Vec::new, |monitor| monitor.alarms().into())
    }

    async fn flush(&self) {
        self.0.recorded.collector.flush().await;
    }

    fn end_streams(&self) {
        self.0.closing.cancel();
    }
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lab({})", self.0.settings.origin)
    }
}

/// Everything that the site answers.
pub fn router() -> Router {
    let flows = Router::new()
        .route("/flows", get(flows::list::get))
        .route("/flows/events", get(flows::live::get))
        .route("/flows/next", get(flows::next::get))
        .route("/flows/{id}", get(flows::page::get))
        .route("/flows/{id}/events", get(flows::events::get))
        .route("/flows/{id}/export.json", get(flows::export::json))
        .route("/flows/{id}/export.svg", get(flows::export::picture))
        .route("/flows/{id}/export.mermaid", get(flows::export::mermaid))
        .route("/flows/by-trace/{trace}", get(flows::by_trace::get))
        .route("/flows/by-session/{session}", get(flows::by_session::get));

    let pages = Router::new()
        .route("/", get(start))
        .route("/monitor", get(monitor::now::get))
        .route(monitor::live::PATH, get(monitor::live::get))
        .route(stepping::LAB_PATH, get(step).post(switch))
        .merge(
            Router::new()
                .route(stepping::BACK, get(stepped_back))
                .layer(from_fn(fetch_metadata::navigation_only)),
        )
        .merge(flows);

    let machines = Router::new().route(reports::PATH, reports::route());
    layers::protect(layers::pages(pages).merge(layers::api(machines)))
}

async fn start(At(lab): At<Lab>, page: Page) -> Response {
    let Parts {
        settings, context, ..
    } = &*lab.0;
    let model = Start {
        authority_origin: settings.origin_of(settings.authority),
        notes_origin: settings.origin_of(Application::Notes.site_id()),
        tasks_origin: settings.origin_of(Application::Tasks.site_id()),
    };
    let frame = context.frame.clone();
    page.show_with_islands(move || {
        let model = model.clone();
        frame
            .clone()
            .page("Start", true, view! { <StartPage model /> })
    })
    .await
}

async fn step(At(lab): At<Lab>, cookies: Cookies, page: Page) -> Response {
    let Parts {
        settings,
        context,
        stepping,
        ..
    } = &*lab.0;
    let model = StepMode {
        sites: stepping.switches(&cookies),
        elsewhere: stepping.elsewhere(),
        authority: settings.origin_of(settings.authority),
    };
    let frame = context.frame.clone();
    // A browser applies the rule for forms to each redirect that follows, too.
    let sites = stepping.origins();
    page.forms_end_at(sites)
        .show(move || frame.page("Step mode", false, view! { <StepModePage model /> }))
}

#[derive(Deserialize)]
struct Pressed {
    off: Option<String>,
}

/// Switches step mode on or off, at all sites of this browser. The form carries no CSRF token: it
/// belongs to no session. That it comes from this site is checked around all posts.
async fn switch(
    At(lab): At<Lab>,
    peer: Peer,
    headers: HeaderMap,
    cookies: Cookies,
    body: Bytes,
) -> Result<Response, ErrorPage> {
    if !web::form::has_media_type(&headers, "application/x-www-form-urlencoded") {
        return Err(ErrorPage::unsupported_media());
    }
    let Pressed { off } = web::params::read(&body)?;
    let stepping = &lab.0.stepping;
    if off.is_some() {
        stepping.switch_off(&cookies);
    } else if !stepping.origins().is_empty() {
        lab.admit_step_chains(peer)?;
        return Ok(stepping.switch_on(&cookies));
    }
    Ok(redirect::see_other(stepping::LAB_PATH))
}

/// Where the chain of redirects ends that switches step mode on.
async fn stepped_back(
    At(lab): At<Lab>,
    cookies: Cookies,
    Params(Key { key }): Params<Key>,
) -> Response {
    lab.0.stepping.finish(&key, &cookies);
    redirect::see_other(stepping::LAB_PATH)
}
