//! What a request gets that no site answers: a page that names the sites, or a line for a program.

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Extensions, HeaderValue, StatusCode, header};
pub(super) use ui::site_list::Offered;
use ui::{
    shell::Assets,
    site_list::{self, SiteList},
};
use web::page::Page;

/// The most sites that are named.
pub(super) const MAX_OFFERED: usize = 40;

/// The most of a host that is logged, in bytes: a name has 253 at most.
const MAX_LOGGED: usize = 260;

/// Why no site answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The address is this machine's, and nothing was asked for yet: no error.
    ThisMachine,
    /// No site has the name.
    NoSite,
    /// The site's address begins with `https`.
    NotHttps,
}

/// The answer to a request that is no site's. The host that it named is logged, and not shown.
pub(super) fn answer(
    request: &Request<Body>,
    reason: Reason,
    sites: Vec<Offered>,
    assets: Assets,
) -> Response {
    let (status, title, text) = match reason {
        Reason::ThisMachine => (
            StatusCode::OK,
            "Sites of this server",
            "Each site has a name of its own. The lab says what this is.",
        ),
        Reason::NoSite => (
            StatusCode::MISDIRECTED_REQUEST,
            "No site of this server has that name",
            "The address names none of the sites that run here. Open one of these.",
        ),
        Reason::NotHttps => (
            StatusCode::MISDIRECTED_REQUEST,
            "This site is reached by https only",
            "Its address begins with https.",
        ),
    };
    if status != StatusCode::OK {
        let host = host_to_log(request);
        tracing::info!(status = 421, why = title, host, "misdirected request");
    }
    let response = if wants_a_page(request) {
        let model = SiteList {
            title: title.to_owned(),
            text: text.to_owned(),
            sites,
        };
        let page = Page::of(&Extensions::new()).status(status);
        page.show(move || site_list::document(model, "Handoff Lab", assets))
    } else {
        let mut lines = format!("{title}.\n");
        for Offered { address, text, .. } in sites {
            lines.push_str(&format!("  {address:<30} {text}\n"));
        }
        (status, lines).into_response()
    };
    guarded(response)
}

/// The headers of what stands at no site: nothing runs, and nobody frames it.
pub(super) fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

fn wants_a_page(request: &Request<Body>) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The host or hosts that came, as one field of one line.
fn host_to_log(request: &Request<Body>) -> String {
    let named = request.headers().get_all(header::HOST).iter();
    let named: Vec<_> = named
        .map(|host| host.to_str().unwrap_or("(unreadable)"))
        .collect();
    let mut host = named.join(" ");
    if host.is_empty() {
        let authority = request.uri().authority();
        host = authority.map_or_else(|| "(none)".to_owned(), ToString::to_string);
    }
    // It is ASCII, but for an authority that is no host.
    let end = host.char_indices().map(|(at, _)| at).nth(MAX_LOGGED);
    host.truncate(end.unwrap_or(host.len()));
    host
}
