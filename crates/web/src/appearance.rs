//! The look that a reader has chosen, kept in a cookie, and the two routes that every site has for its
//! readers: the choice, and the glossary.

use axum::{
    Router,
    body::Bytes,
    extract::{Request, rejection::BytesRejection},
    middleware::Next,
    response::Response,
    routing::{self, get},
};
use handoff::uri::LocalPath;
use http::{HeaderMap, Method};
use serde::Deserialize;
use time::Duration;
use ui::{
    appearance::{Appearance, FOOT, PATH, Scale, Surroundings, Theme},
    words,
};

use crate::{
    at::At,
    context::Context,
    cookies::{self, Cookies},
    error_page::ErrorPage,
    form::{has_media_type, unreadable},
    glossary, params, redirect,
};

/// Says nothing about anybody: one of a dozen values, such as `dark.120`.
const COOKIE: &str = "__Host-appearance";

/// How long the choice is kept after it was made.
const KEPT: Duration = Duration::days(180);

/// The query parameter with which a page is opened in a size: a presenter's bookmark.
const SCALE: &str = "scale";

/// The routes, the same on every site.
pub(crate) fn routes() -> Router {
    Router::new()
        .route(PATH, routing::post(post))
        .route(words::PATH, get(glossary::get))
}

/// Puts [`Surroundings`] to the request, for the page that may come of it, and keeps a size that the
/// address asks for.
pub async fn read(mut request: Request, next: Next) -> Response {
    let kept = kept(request.headers());
    let asked = match is_visit(&request) {
        true => asked(request.uri().query().unwrap_or_default()),
        false => None,
    };
    let appearance = Appearance {
        scale: asked.unwrap_or(kept.scale),
        ..kept
    };
    let back = match *request.method() {
        Method::GET | Method::HEAD => request.uri().path(),
        _ => "/",
    };
    let back = back.to_owned();
    request
        .extensions_mut()
        .insert(Surroundings { appearance, back });
    let response = next.run(request).await;
    if appearance == kept {
        response
    } else {
        redirect::with_cookie(response, cookie(appearance))
    }
}

/// Whether somebody comes to see a page: no form of another site, no picture and no prefetch changes
/// what a reader has chosen.
fn is_visit(request: &Request) -> bool {
    let headers = request.headers();
    let says = |name, value: &str| headers.get(name).is_none_or(|found| found == value);
    request.method() == Method::GET
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
        && !headers.contains_key("sec-purpose")
}

/// Nothing for a size that is no number. One that stands twice counts as absent.
fn asked(query: &str) -> Option<Scale> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter_map(|(name, value)| (name == SCALE).then_some(value));
    match (values.next(), values.next()) {
        (Some(value), None) => Scale::parse(&value),
        _ => None,
    }
}

fn kept(headers: &HeaderMap) -> Appearance {
    let cookies = Cookies::of(headers);
    let value = cookies.get(COOKIE).unwrap_or_default();
    let (theme, scale) = value.split_once('.').unwrap_or_default();
    Appearance {
        theme: Theme::parse(theme).unwrap_or_default(),
        scale: Scale::parse(scale).unwrap_or_default(),
    }
}

fn cookie(Appearance { theme, scale }: Appearance) -> http::HeaderValue {
    let value = format!("{}.{}", theme.slug(), scale.percent());
    cookies::set(COOKIE, &value, Some(KEPT))
}

#[derive(Deserialize)]
struct Choice {
    theme: Option<String>,
    scale: Option<String>,
    back: Option<String>,
}

/// Keeps the choice. The form carries no CSRF token: it belongs to no session, and the worst that
/// a forged one does is a dark page. That it comes from this site is checked around all posts.
async fn post(
    At(context): At<Context>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ErrorPage> {
    if !has_media_type(&headers, "application/x-www-form-urlencoded") {
        return Err(ErrorPage::unsupported_media());
    }
    let body = body.map_err(unreadable)?;
    let Choice { theme, scale, back } = params::read(&body)?;
    if theme.is_none() && scale.is_none() {
        return Err(ErrorPage::bad_request());
    }
    let kept = kept(&headers);
    let theme = read_as(theme, Theme::parse)?.unwrap_or(kept.theme);
    let scale = read_as(scale, Scale::parse)?.unwrap_or(kept.scale);
    let back = read_as(back, |back| LocalPath::reduce(back, &context.origin))?;
    let back = back.unwrap_or_else(LocalPath::root);
    let chosen = cookie(Appearance { theme, scale });
    // Where the pressed button was: a long page would jump to its beginning.
    let back = format!("{}#{FOOT}", back.as_str());
    Ok(redirect::with_cookie(redirect::see_other(&back), chosen))
}

/// A field that may be missing or empty, but not nonsense.
fn read_as<T>(
    field: Option<String>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ErrorPage> {
    match field.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => read(text).map(Some).ok_or_else(ErrorPage::bad_request),
    }
}
