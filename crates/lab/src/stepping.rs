//! Step mode: before a redirect is followed, a page shows the request that comes next, and lets the
//! visitor change it.
//!
//! It stands in front of the sites' own routes, and none of their handlers knows of it. It is on for
//! one browser at each site that a chain of redirects has visited, from a click at the lab and back to
//! the lab (`stepping/chain.rs`); a platform without a lab has none of it. Its page is the one document of ours
//! that holds a handoff token and a state: the visitor asked to see them.

mod chain;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
    routing,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chain::{Memory, ON_FOR, Onward};
use handoff::{uri::Origin, wire::path};
use http::{HeaderMap, StatusCode, Uri, header};
use lab_pages::stepping::{Held, HeldPage, Parameter, SiteSwitch, Switch, SwitchPage};
use leptos::prelude::*;
use relying_party::PROBLEM;
use serde::Deserialize;
use tower::ServiceExt;
use ui::shell::Frame;
use web::{
    appearance,
    at::At,
    clock::Clock,
    context::Context,
    cookies::{self, Cookies},
    error_page::ErrorPage,
    fetch_metadata, headers, layers,
    page::Page,
    params::Params,
    redirect,
    rng::Randomness,
    trace_id::TraceId,
};

use crate::neighbour::Neighbour;

/// Where a site says whether step mode is on there, and switches it off.
pub const PATH: &str = "/lab/step";

/// Where a chain comes to a site.
const VISIT: &str = "/lab/step/on";

/// The lab's page about step mode.
pub(crate) const LAB_PATH: &str = "/step";

/// Where a chain comes back to the lab.
pub(crate) const BACK: &str = "/step/on";

/// A browser at a site.
const COOKIE: &str = "__Host-lab_step";

/// A browser at the lab.
const LAB_COOKIE: &str = "__Host-lab_stepper";

/// How many chains, and how many browsers, are remembered, unless the lab's bounds say otherwise. The one
/// that ends first makes room.
pub(crate) const MAX_CHAINS: usize = 10_000;

/// What all labs of a process answer alike: step mode of one site, and a held redirect.
static ROUTERS: LazyLock<(Router, Router)> = LazyLock::new(|| {
    let visits = Router::new()
        .route(VISIT, routing::get(visit))
        .layer(from_fn(fetch_metadata::navigation_only));
    let switch = Router::new()
        .route(PATH, routing::get(get).post(post))
        .merge(visits);
    let hold = Router::new()
        .fallback(hold)
        .layer(from_fn(appearance::read))
        .layer(from_fn(headers::set));
    (layers::protect(layers::pages(switch)), hold)
});

/// The step mode of one platform. Clones are the same.
#[derive(Clone)]
pub struct Stepping(Arc<Inner>);

struct Inner {
    frame: Frame,
    lab: Origin,
    /// The platform's sites. Only of those that this process serves can redirects be held.
    sites: Vec<Neighbour>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Randomness>,
    memory: Mutex<Memory>,
}

impl Stepping {
    /// A step mode that nobody has switched on.
    pub(crate) fn new(
        frame: Frame,
        lab: Origin,
        sites: Vec<Neighbour>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        most: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            frame,
            lab,
            sites,
            clock,
            random,
            memory: Mutex::new(Memory::new(most)),
        }))
    }

    /// The names of the sites that this process does not serve: it cannot hold their redirects.
    pub(crate) fn elsewhere(&self) -> Vec<&'static str> {
        let sites = self.0.sites.iter();
        let sites = sites.filter(|site| !site.is_here);
        sites.map(|site| site.name).collect()
    }

    /// The sites that can be stepped through, and whether that is on in the browser with these cookies at
    /// the lab.
    pub(crate) fn switches(&self, cookies: &Cookies) -> Vec<SiteSwitch> {
        let on = cookies
            .get(LAB_COOKIE)
            .map(|browser| self.memory().sites_of(browser, self.0.clock.now()));
        let on = on.unwrap_or_default();
        self.here()
            .map(|site| SiteSwitch {
                name: site.name.to_owned(),
                page: format!("{}{PATH}", site.origin),
                is_on: on.contains(&site.origin),
            })
            .collect()
    }

    /// The origins of the sites that can be stepped through.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.here().map(|site| site.origin.clone()).collect()
    }

    /// Sends the browser on its way through all sites, which switches step mode on in this browser once it
    /// is back.
    pub(crate) fn switch_on(&self, cookies: &Cookies) -> Response {
        let (fresh, secret, now) = (self.fresh(), self.fresh(), self.0.clock.now());
        let has = cookies.get(LAB_COOKIE);
        let sites = self.origins();
        let begun = self.memory().begin(has, fresh, sites, secret.clone(), now);
        let (browser, next) = begun;
        let cookie = cookies::set(LAB_COOKIE, &browser, Some(ON_FOR));
        redirect::with_cookie(self.onward(&next, &secret), cookie)
    }

    /// Takes a browser that is back from all sites.
    pub(crate) fn finish(&self, secret: &str, cookies: &Cookies) {
        let now = self.0.clock.now();
        let browser = cookies.get(LAB_COOKIE);
        self.memory().finish(secret, browser, now);
    }

    /// Switches step mode off at all sites, in the browser with these cookies at the lab.
    pub(crate) fn switch_off(&self, cookies: &Cookies) {
        if let Some(browser) = cookies.get(LAB_COOKIE) {
            self.memory().switch_off_everywhere(browser);
        }
    }

    fn here(&self) -> impl Iterator<Item = &Neighbour> {
        self.0.sites.iter().filter(|site| site.is_here)
    }

    fn fresh(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.random.bytes::<32>())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        let memory = self.0.memory.lock();
        memory.unwrap_or_else(PoisonError::into_inner)
    }

    fn onward(&self, next: &Onward, secret: &str) -> Response {
        let address = match next {
            Onward::Site(site) => format!("{site}{VISIT}?key={secret}"),
            Onward::Lab => format!("{}{BACK}?key={secret}", self.0.lab),
        };
        redirect::see_other(&address)
    }

    fn is_on(&self, cookies: &Cookies, context: &Context) -> bool {
        let now = self.0.clock.now();
        cookies
            .get(COOKIE)
            .is_some_and(|value| self.memory().is_on(&context.origin, value, now))
    }

    /// The redirect in this answer, where it is a step of a handoff.
    fn held(&self, asked: &Uri, context: &Context, answer: &Response) -> Option<Held> {
        if answer.status() != StatusCode::SEE_OTHER {
            return None;
        }
        let location = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let own = &context.origin;
        let whole = if location.starts_with('/') {
            // A refusal is explained at once: there is nothing to change in its address.
            let answers = asked.path() == path::CALLBACK && !location.starts_with(PROBLEM);
            let continues = answers || location.starts_with(path::AUTHORIZE);
            continues.then(|| format!("{own}{location}"))?
        } else {
            location.to_owned()
        };
        let (address, query) = match whole.split_once('?') {
            Some((address, query)) => (address, query),
            None => (whole.as_str(), ""),
        };
        let mut sites = self.0.sites.iter();
        let target = sites.find(|site| {
            let path = address.strip_prefix(site.origin.as_str());
            path.is_some_and(|path| path.is_empty() || path.starts_with('/'))
        })?;
        let came: HashSet<_> = form_urlencoded::parse(asked.query().unwrap_or_default().as_bytes())
            .map(|(_, value)| value.into_owned())
            .collect();
        let parameters = form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| Parameter {
                is_new: !came.contains(value.as_ref()),
                name: name.into_owned(),
                value: value.into_owned(),
            })
            .collect();
        let from = self.0.sites.iter().find(|site| site.origin == *own)?.name;
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies = cookies
            .filter_map(|cookie| cookie.to_str().ok()?.split_once('='))
            .map(|(name, _)| name.to_owned());
        Some(Held {
            from: from.to_owned(),
            to: target.name.to_owned(),
            is_elsewhere: target.origin != *own,
            address: address.to_owned(),
            parameters,
            cookies: cookies.collect(),
            lab: self.0.lab.to_string(),
            flow: answer.extensions().get::<TraceId>().map(|trace| {
                let lab = &self.0.lab;
                format!("{lab}/flows/by-trace/{trace}")
            }),
        })
    }
}

impl fmt::Debug for Stepping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stepping({})", self.0.lab)
    }
}

/// Stands in front of a site's routes. Without a [`Stepping`] among the request's extensions it lets
/// everything through.
pub async fn around(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(stepping), Some(context)) = (
        extensions.get::<Stepping>().cloned(),
        extensions.get::<Context>().cloned(),
    ) else {
        return next.run(request).await;
    };
    if matches!(request.uri().path(), PATH | VISIT) {
        return run(&ROUTERS.0, request).await;
    }
    // Outside the layer that renames cookies.
    let cookies = Cookies::on_the_wire(request.headers(), &context);
    if !stepping.is_on(&cookies, &context) {
        return next.run(request).await;
    }
    let mut shown = Request::new(Body::empty());
    *shown.headers_mut() = request.headers().clone();
    shown.headers_mut().remove(header::CONTENT_LENGTH);
    *shown.extensions_mut() = request.extensions().clone();
    let asked = request.uri().clone();
    let answer = next.run(request).await;
    let Some(held) = stepping.held(&asked, &context, &answer) else {
        return answer;
    };
    shown.extensions_mut().insert(held);
    let mut page = run(&ROUTERS.1, shown).await;
    for cookie in answer.headers().get_all(header::SET_COOKIE) {
        page.headers_mut()
            .append(header::SET_COOKIE, cookie.clone());
    }
    page
}

async fn run(router: &Router, request: Request) -> Response {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn hold(
    At(stepping): At<Stepping>,
    Extension(held): Extension<Held>,
    page: Page,
) -> Response {
    let frame = stepping.0.frame.clone();
    let title = format!("{} sends your browser on", held.from);
    // A browser applies the rule for forms to each redirect that follows, too.
    let sites = stepping.0.sites.iter().map(|site| site.origin.clone());
    page.back_to(PATH)
        .forms_end_at(sites)
        .show(move || frame.page(title, false, view! { <HeldPage model=held /> }))
}

/// The one parameter of a chain's addresses.
#[derive(Deserialize)]
pub(crate) struct Key {
    pub(crate) key: String,
}

#[derive(Deserialize)]
struct Pressed {
    off: Option<String>,
}

/// Whether it is on here.
async fn get(
    At(stepping): At<Stepping>,
    At(context): At<Context>,
    cookies: Cookies,
    page: Page,
) -> Response {
    let mut sites = stepping.0.sites.iter();
    let site = sites.find(|site| site.origin == context.origin);
    let model = Switch {
        site: site.map_or_else(String::new, |site| site.name.to_owned()),
        is_on: stepping.is_on(&cookies, &context),
        lab: format!("{}{LAB_PATH}", stepping.0.lab),
        path: PATH.to_owned(),
    };
    let frame = stepping.0.frame.clone();
    page.show(move || frame.page("Step mode", false, view! { <SwitchPage model /> }))
}

/// Gives the browser of a chain its cookie, and sends it on.
async fn visit(
    At(stepping): At<Stepping>,
    At(context): At<Context>,
    cookies: Cookies,
    Params(Key { key }): Params<Key>,
) -> Response {
    let (fresh, secret, now) = (stepping.fresh(), stepping.fresh(), stepping.0.clock.now());
    let visited = stepping.memory().visit(
        &key,
        &context.origin,
        cookies.get(COOKIE),
        fresh,
        secret.clone(),
        now,
    );
    let Some((value, next)) = visited else {
        return redirect::see_other(PATH);
    };
    let cookie = cookies::set(COOKIE, &value, Some(ON_FOR));
    redirect::with_cookie(stepping.onward(&next, &secret), cookie)
}

/// Switches it off here.
///
/// The form carries no CSRF token: it belongs to no session, and to switch off harms nobody. That it
/// comes from this site is checked around all posts.
async fn post(
    At(stepping): At<Stepping>,
    At(context): At<Context>,
    headers: HeaderMap,
    cookies: Cookies,
    body: axum::body::Bytes,
) -> Result<Response, ErrorPage> {
    if !web::form::has_media_type(&headers, "application/x-www-form-urlencoded") {
        return Err(ErrorPage::unsupported_media());
    }
    let Pressed { off } = web::params::read(&body)?;
    if off.is_none() {
        return Err(ErrorPage::bad_request());
    }
    if let Some(value) = cookies.get(COOKIE) {
        stepping.memory().switch_off(&context.origin, value);
    }
    let answer = redirect::see_other(PATH);
    Ok(redirect::with_cookie(answer, cookies::expire(COOKIE)))
}
