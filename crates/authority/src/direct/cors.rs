//! Which browser applications may read what machines are answered (row 69).
//!
//! A preflight says nothing of the client that will ask, so it passes for every public client's
//! origin. The request itself names its client in the body, or by its token, and only a handler
//! reads those: it marks the answer with [`concerning`], and [`layer`] makes a header of the mark.
//! That is why tower-http's layer does not do here: it decides before the handler runs.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use database::Unavailable;
use handoff::ids::ClientId;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use web::{at::At, trace_id::TraceId};

use super::Refusal;
use crate::Authority;

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// The client that a request named; none when it named one that cannot be.
#[derive(Clone)]
struct Concerns(Option<ClientId>);

/// Marks an answer with the client that the request named. An answer to a request that named none
/// stays unmarked: if it is a refusal, every public client may read it.
pub(crate) fn concerning(client: &str, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let client = ClientId::parse(client).ok();
    response.extensions_mut().insert(Concerns(client));
    response
}

/// The one `Origin` header of a request. Two of them would leave it to chance which one counts.
pub(crate) fn origin(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::ORIGIN).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Goes around an endpoint that browser applications ask with `method`.
pub(crate) async fn layer(
    State(method): State<Method>,
    At(authority): At<Authority>,
    trace: TraceId,
    request: Request,
    next: Next,
) -> Response {
    let origin = origin(request.headers()).map(str::to_owned);
    let is_preflight = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match &origin {
        Some(origin) if is_preflight => match preflight(&authority, origin, &method).await {
            Ok(Some(passed)) => passed,
            Ok(None) => next.run(request).await,
            Err(cause) => Refusal::unavailable(&trace, cause).into_response(),
        },
        Some(origin) => {
            let mut response = next.run(request).await;
            // A store that cannot be asked allows nothing.
            let concerns = response.extensions_mut().remove();
            let is_refusal = !response.status().is_success();
            let readable = may_read(&authority, origin, concerns, is_refusal).await;
            if matches!(readable, Ok(true)) {
                allow(&mut response, origin);
            }
            response
        }
        None => next.run(request).await,
    };
    let vary = HeaderValue::from_static("origin");
    response.headers_mut().append(header::VARY, vary);
    response
}

async fn preflight(
    authority: &Authority,
    origin: &str,
    method: &Method,
) -> Result<Option<Response>, Unavailable> {
    if !authority.store.is_public_origin(origin).await? {
        return Ok(None);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    allow(&mut response, origin);
    let allowed: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, method.as_str()),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Authorization, DPoP",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    for (name, value) in allowed {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(Some(response))
}

async fn may_read(
    authority: &Authority,
    origin: &str,
    concerns: Option<Concerns>,
    is_refusal: bool,
) -> Result<bool, Unavailable> {
    match concerns {
        Some(Concerns(Some(client))) => {
            let client = authority.store.find_client(&client).await?;
            Ok(client.is_some_and(|client| client.is_public_at(origin)))
        }
        Some(Concerns(None)) => Ok(false),
        None if !is_refusal => Ok(false),
        None => authority.store.is_public_origin(origin).await,
    }
}

fn allow(response: &mut Response, origin: &str) {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}
