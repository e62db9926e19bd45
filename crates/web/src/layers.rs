//! The defences around a site's routes, in their order, once.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::{
    Router,
    extract::Request,
    middleware,
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};

use crate::{
    appearance,
    context::Context,
    cookies,
    error_page::{self, ErrorPage, LookUp},
    fetch_metadata, headers,
    page::Page,
    trace,
    trace_id::TraceId,
};

/// The most that a body may hold, in bytes: our longest form is a note.
pub const MAX_BODY: usize = 64 * 1024;

/// How long a body may take to arrive, from one piece to the next.
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// The routes of pages and forms, with those that every site has: posts must come from this site, a
/// refusal is a page, and each answer has the headers of a page.
pub fn pages(routes: Router) -> Router {
    let routes = routes
        .merge(appearance::routes())
        .fallback(error_page::not_found)
        .method_not_allowed_fallback(error_page::method_not_allowed)
        .layer(middleware::from_fn(fetch_metadata::same_origin_posts));
    // The last one added is the first to see the request.
    bounded(routes)
        .layer(middleware::from_fn(explain))
        .layer(middleware::from_fn(appearance::read))
        .layer(middleware::from_fn(headers::set))
}

/// The routes that machines call. Their answers are JSON: there is no nonce, no look and no page, and
/// the content security policy allows nothing.
pub fn api(routes: Router) -> Router {
    bounded(routes)
        .layer(middleware::from_fn(explain_to_machines))
        .layer(middleware::from_fn(headers::set_for_machines))
}

/// The bounds of a request, and what becomes of one whose handler panics or whose caller hangs up.
fn bounded(routes: Router) -> Router {
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(RequestBodyTimeoutLayer::new(BODY_WITHIN))
        .layer(CatchPanicLayer::custom(|_| {
            ErrorPage::internal("a handler panicked").into_response()
        }))
        .layer(middleware::from_fn(finish))
}

/// What goes around everything that a site answers: the routes of [`pages`] and of [`api`].
pub fn protect(routes: Router) -> Router {
    numbered(defended(routes))
}

/// The outermost layer of [`protect`]: each request gets its [`TraceId`] and its line in the log. What
/// another crate does with all requests goes between this and [`defended`].
pub fn numbered(routes: Router) -> Router {
    routes.layer(middleware::from_fn(trace::record))
}

/// All layers of [`protect`] but the outermost.
pub fn defended(routes: Router) -> Router {
    routes.layer(middleware::from_fn(cookies::rename))
}

/// Lets a request that has begun run to its end, also when the browser hangs up: a server drops the
/// handler of a connection that is gone, and half a callback is a session that nobody holds (row 82).
async fn finish(request: Request, next: Next) -> Response {
    let context = request.extensions().get::<Context>().cloned();
    let Some(context) = context else {
        return next.run(request).await;
    };
    match context.running.spawn(next.run(request)).await {
        Ok(response) => response,
        Err(_) => ErrorPage::internal("a request was not finished").into_response(),
    }
}

async fn explain(request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(context), Some(trace)) = (
        extensions.get::<Context>().cloned(),
        extensions.get::<TraceId>().cloned(),
    ) else {
        return next.run(request).await;
    };
    let look_up = extensions.get::<LookUp>().cloned();
    let page = Page::of(extensions);
    error_page::explain(context, trace, look_up, page, request, next).await
}

async fn explain_to_machines(request: Request, next: Next) -> Response {
    let trace = request.extensions().get::<TraceId>().cloned();
    let response = next.run(request).await;
    match trace {
        Some(trace) => error_page::explain_to_machines(&trace, response),
        None => response,
    }
}
