//! Step mode: before a redirect is followed, a page shows the request that comes next, and lets the
//! visitor change it.
//!
//! It stands in front of the sites' own routes, and none of their handlers knows of it. It is on for
//! one browser at one site, after a link from the lab that works once; a platform without a lab has
//! none of it. Its page is the one document of ours that holds a handoff token and a state: the
//! visitor asked to see them.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use axum::{
    Extension, Router,
    body::Body,
    extract::Request,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use handoff::{
    uri::{LocalPath, Origin},
    wire::path,
};
use http::{HeaderMap, StatusCode, Uri, header};
use lab_pages::stepping::{Held, HeldPage, Parameter, Switch, SwitchPage};
use leptos::prelude::*;
use relying_party::PROBLEM;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tower::ServiceExt;
use ui::shell::Frame;
use web::{
    appearance,
    at::At,
    clock::Clock,
    context::Context,
    cookies::{self, Cookies},
    error_page::ErrorPage,
    headers, layers,
    page::Page,
    params::Params,
    redirect,
    rng::Randomness,
};

use crate::neighbour::Neighbour;

/// Where a site's step mode is switched on and off.
pub const PATH: &str = "/lab/step";

const COOKIE: &str = "__Host-lab_step";

/// How long a link from the lab can be used.
const KEY_FOR: Duration = Duration::minutes(10);

/// How long step mode stays on: forgotten, it would puzzle somebody tomorrow.
const ON_FOR: Duration = Duration::hours(1);

/// How many links, and how many browsers, are remembered, unless the lab's bounds say otherwise. The one
/// that ends first makes room.
pub(crate) const MAX_LINKS: usize = 10_000;

/// What all labs of a process answer alike: switching step mode on and off, and a held redirect.
static ROUTERS: LazyLock<(Router, Router)> = LazyLock::new(|| {
    let switch = Router::new().route(PATH, routing::get(get).post(post));
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
    links: Mutex<Remembered>,
    browsers: Mutex<Remembered>,
    max_links: usize,
}

/// Random texts, each good at one site until it ends.
type Remembered = HashMap<(String, Origin), OffsetDateTime>;

impl Stepping {
    /// A step mode that nobody has switched on.
    pub(crate) fn new(
        frame: Frame,
        lab: Origin,
        sites: Vec<Neighbour>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Randomness>,
        max_links: usize,
    ) -> Self {
        Self(Arc::new(Inner {
            frame,
            lab,
            sites,
            clock,
            random,
            links: Mutex::default(),
            browsers: Mutex::default(),
            max_links,
        }))
    }

    /// The names of the sites that this process does not serve: it cannot hold their redirects.
    pub(crate) fn elsewhere(&self) -> Vec<&'static str> {
        let sites = self.0.sites.iter();
        let sites = sites.filter(|site| !site.is_here);
        sites.map(|site| site.name).collect()
    }

    /// A link for each site that can be stepped through, which switches that on, once, in the browser
    /// that follows it.
    pub(crate) fn links(&self) -> Vec<(&'static str, String)> {
        let sites = self.0.sites.iter();
        sites
            .filter(|site| site.is_here)
            .map(|site| {
                let origin = &site.origin;
                let key = self.remember(&self.0.links, origin, KEY_FOR);
                (site.name, format!("{origin}{PATH}?key={key}"))
            })
            .collect()
    }

    fn remember(&self, among: &Mutex<Remembered>, origin: &Origin, lasts: Duration) -> String {
        let text = URL_SAFE_NO_PAD.encode(self.0.random.bytes::<32>());
        let now = self.0.clock.now();
        let mut among = among.lock().unwrap_or_else(PoisonError::into_inner);
        among.retain(|_, until| *until > now);
        if among.len() >= self.0.max_links {
            let first = among.iter().min_by_key(|(_, until)| **until);
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                among.remove(&first);
            }
        }
        among.insert((text.clone(), origin.clone()), now + lasts);
        text
    }

    fn knows(&self, among: &Mutex<Remembered>, text: &str, origin: &Origin) -> bool {
        let among = among.lock().unwrap_or_else(PoisonError::into_inner);
        let until = among.get(&(text.to_owned(), origin.clone()));
        until.is_some_and(|until| *until > self.0.clock.now())
    }

    /// Uses a text up; tells whether it was good.
    fn take(&self, among: &Mutex<Remembered>, text: &str, origin: &Origin) -> bool {
        let mut among = among.lock().unwrap_or_else(PoisonError::into_inner);
        let until = among.remove(&(text.to_owned(), origin.clone()));
        until.is_some_and(|until| until > self.0.clock.now())
    }

    fn is_on(&self, headers: &HeaderMap, context: &Context) -> bool {
        // Outside the layer that renames cookies.
        let name = context.cookie_prefix.on_the_wire(COOKIE);
        let cookies = Cookies::of(headers);
        cookies
            .get(&name)
            .is_some_and(|value| self.knows(&self.0.browsers, value, &context.origin))
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
            switch: PATH.to_owned(),
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
    if request.uri().path() == PATH {
        return run(&ROUTERS.0, request).await;
    }
    if !stepping.is_on(request.headers(), &context) {
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

#[derive(Deserialize)]
struct Asked {
    key: Option<String>,
}

#[derive(Deserialize)]
struct Pressed {
    key: Option<String>,
    off: Option<String>,
}

/// What can be done here: with a link from the lab, switch it on.
async fn get(
    At(stepping): At<Stepping>,
    At(context): At<Context>,
    cookies: Cookies,
    Params(Asked { key }): Params<Asked>,
    page: Page,
) -> Response {
    let is_on = cookies
        .get(COOKIE)
        .is_some_and(|value| stepping.knows(&stepping.0.browsers, value, &context.origin));
    let key = key.filter(|key| stepping.knows(&stepping.0.links, key, &context.origin));
    let mut sites = stepping.0.sites.iter();
    let site = sites.find(|site| site.origin == context.origin);
    let model = Switch {
        site: site.map_or_else(String::new, |site| site.name.to_owned()),
        is_on,
        key: key.filter(|_| !is_on),
        lab: stepping.0.lab.to_string(),
        path: PATH.to_owned(),
    };
    let frame = stepping.0.frame.clone();
    page.show(move || frame.page("Step mode", false, view! { <SwitchPage model /> }))
}

/// Switches it on, with the key of a link that was not used before, or off.
///
/// The form carries no CSRF token: it belongs to no session. A key is one, and to switch off harms
/// nobody. That the form comes from this site is checked around all posts.
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
    let Pressed { key, off } = web::params::read(&body)?;
    if key.is_some() == off.is_some() {
        return Err(ErrorPage::bad_request());
    }
    let here = LocalPath::reduce(PATH, &context.origin).unwrap_or_else(LocalPath::root);
    let answer = redirect::to(&here);
    let Some(key) = key else {
        if let Some(value) = cookies.get(COOKIE) {
            stepping.take(&stepping.0.browsers, value, &context.origin);
        }
        return Ok(redirect::with_cookie(answer, cookies::expire(COOKIE)));
    };
    if !stepping.take(&stepping.0.links, &key, &context.origin) {
        return Err(ErrorPage::stale_form());
    }
    let value = stepping.remember(&stepping.0.browsers, &context.origin, ON_FOR);
    let cookie = cookies::set(COOKIE, &value, Some(ON_FOR));
    Ok(redirect::with_cookie(answer, cookie).into_response())
}
