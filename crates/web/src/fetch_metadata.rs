//! What the browser says about where a request comes from (rows 26 to 30).
//!
//! An attacker's link carries the same headers as a genuine redirect from another site, so these
//! checks only keep out what is *not* a navigation, and posts from elsewhere. What ties a handoff
//! to a browser is the pre-session.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use handoff::refusal_reason::RefusalReason;
use http::{HeaderMap, Method, StatusCode, header};

use crate::{context::Context, error_page::ErrorPage, refused::Refused};

/// A header's value. One that stands there twice is as good as unreadable: no browser sends that, and
/// whoever stands in front of us may have looked at the other.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    match (first.to_str(), values.next()) {
        (Ok(text), None) => Some(text),
        _ => Some("unreadable"),
    }
}

/// Lets only top-level navigations through: no frame, image, fetch, prefetch or prerender. It goes
/// around H2, H3 and H4, which change something although they are GETs.
pub async fn navigation_only(request: Request, next: Next) -> Response {
    // A router answers HEAD by what GET does; whoever only looks must use nothing up.
    if request.method() == Method::HEAD {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, RefusalReason::WrongMethod);
    }
    let policy = Context::policy_of(request.extensions());
    let headers = request.headers();
    // A browser may throw a prefetched answer away, and with it a token that can be used once.
    let prefetched =
        headers.contains_key("sec-purpose") || text(headers, "purpose") == Some("prefetch");
    if prefetched && policy.prefetch_guard() {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, RefusalReason::Prefetched);
    }
    let expected = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let foreign = expected
        .iter()
        .any(|(name, wanted)| text(headers, name).is_some_and(|found| found != *wanted));
    if foreign && policy.navigation_only() {
        return refuse(StatusCode::FORBIDDEN, RefusalReason::NotANavigation);
    }
    next.run(request).await
}

fn refuse(status: StatusCode, why: RefusalReason) -> Response {
    Refused::from(why).on(status.into_response())
}

/// Lets a request that changes something through only from our own pages. Where the browser says
/// nothing at all, the form's CSRF token alone decides.
pub async fn same_origin_posts(request: Request, next: Next) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    let Some(context) = request.extensions().get::<Context>() else {
        return ErrorPage::internal("the request did not pass the host routing").into_response();
    };
    if is_same_origin(request.headers(), context.origin.as_str())
        || !context.policy.same_origin_posts()
    {
        next.run(request).await
    } else {
        ErrorPage::cross_site().into_response()
    }
}

fn is_same_origin(headers: &HeaderMap, own: &str) -> bool {
    let origin = text(headers, header::ORIGIN.as_str());
    match text(headers, "sec-fetch-site") {
        // `null` is what a same-origin form sends under `no-referrer`: fine here, and only here.
        Some("same-origin") => matches!(origin, None | Some("null")) || origin == Some(own),
        Some(_) => false,
        None => origin.is_none_or(|origin| origin == own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_28_table_of_origins_and_sites() {
        let own = "http://auth.localhost:4000";
        for (site, origin, allowed) in [
            (None, None, true),
            (None, Some(own), true),
            (None, Some("null"), false),
            (None, Some("http://evil.localhost:4000"), false),
            (Some("same-origin"), None, true),
            (Some("same-origin"), Some(own), true),
            (Some("same-origin"), Some("null"), true),
            (
                Some("same-origin"),
                Some("http://evil.localhost:4000"),
                false,
            ),
            (Some("same-site"), Some(own), false),
            (Some("cross-site"), Some(own), false),
            (Some("cross-site"), Some("null"), false),
            (Some("none"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            assert_eq!(
                is_same_origin(&headers, own),
                allowed,
                "{site:?} {origin:?}"
            );
        }
    }
}
