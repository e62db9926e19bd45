//! Which browser applications may read what machines are answered (row 69).
//!
//! A preflight says nothing of the client that will ask, so it passes for every public client's
//! origin. The request itself names its client in the body, or by its token, and only a handler
//! reads those: it says so to the request's [`Audience`], and [`layer`] makes a header of that.
//! That is why tower-http's layer does not do here: it decides before the handler runs.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use database::Unavailable;
use handoff::{client::Client, ids::ClientId};
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts,
};
use web::{at::At, trace_id::TraceId};

use super::ErrorResponse;
use crate::Authority;

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// Who may read an answer: an extension of the request, which the handler or its extractor fills. Clones
/// are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audience {
    /// None where no browser asks.
    origin: Option<Arc<str>>,
    concerns: Arc<Mutex<Concerns>>,
}

/// What is known of the client that a request concerns.
#[derive(Clone, Debug, Default)]
enum Concerns {
    /// The request named none: if the answer is a refusal, every public client may read it.
    #[default]
    All,
    /// The request named this client, which was not read from the store yet.
    Named(ClientId),
    /// It is known whether the client that the request named is this origin's.
    Decided(bool),
}

impl Audience {
    /// The one of the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// The request names this client.
    pub(crate) fn concerns(&self, client: &str) {
        self.set(ClientId::parse(client).map_or(Concerns::Decided(false), Concerns::Named));
    }

    /// The store has this client under the name that the request gave; none if it has none.
    pub(crate) fn found(&self, client: Option<&Client>) {
        let both = client.zip(self.origin.as_deref());
        let readable = both.is_some_and(|(client, origin)| client.is_public_at(origin));
        self.set(Concerns::Decided(readable));
    }

    fn set(&self, concerns: Concerns) {
        *self.concerns.lock().unwrap_or_else(PoisonError::into_inner) = concerns;
    }

    fn get(&self) -> Concerns {
        self.concerns
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Audience {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
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
    mut request: Request,
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
            Err(cause) => ErrorResponse::unavailable(&trace, cause).into_response(),
        },
        Some(origin) => {
            let audience = Audience {
                origin: Some(Arc::from(origin.as_str())),
                ..Audience::default()
            };
            request.extensions_mut().insert(audience.clone());
            let mut response = next.run(request).await;
            // A store that cannot be asked allows nothing.
            let is_refusal = !response.status().is_success();
            let readable = may_read(&authority, origin, audience.get(), is_refusal).await;
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
    concerns: Concerns,
    is_refusal: bool,
) -> Result<bool, Unavailable> {
    match concerns {
        Concerns::Decided(readable) => Ok(readable),
        Concerns::Named(client) => {
            let client = authority.store.find_client(&client).await?;
            Ok(client.is_some_and(|client| client.is_public_at(origin)))
        }
        Concerns::All if !is_refusal => Ok(false),
        Concerns::All => authority.store.is_public_origin(origin).await,
    }
}

fn allow(response: &mut Response, origin: &str) {
    if let Ok(origin) = HeaderValue::from_str(origin) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

#[cfg(test)]
mod tests {
    use handoff::client::{AssignedTo, HandoffLifetime, Icon, Kind, Registration};

    use super::*;

    fn client(kind: Kind) -> Client {
        let registration = Registration {
            id: ClientId::parse("board").unwrap(),
            name: "Board",
            description: "",
            icon: Icon::default(),
            kind,
            origin: "http://board.localhost:4000",
            redirect_uris: &["http://board.localhost:4000/callback"],
            initiate_login_uri: "http://board.localhost:4000/start",
            handoff_lifetime: HandoffLifetime::default(),
            assigned_to: AssignedTo::Everyone,
        };
        Client::register(registration).unwrap()
    }

    /// The store needs not be asked again after that.
    #[test]
    fn row_69_a_client_that_was_read_decides_who_reads_the_answer() {
        let public = client(Kind::Public { sdk_compat: false });
        for (origin, found, readable) in [
            ("http://board.localhost:4000", Some(&public), true),
            ("http://evil.localhost:4000", Some(&public), false),
            ("http://board.localhost:4000", None, false),
        ] {
            let audience = Audience {
                origin: Some(origin.into()),
                ..Audience::default()
            };
            audience.concerns("board");
            audience.found(found);
            let decided = audience.get();
            assert!(
                matches!(decided, Concerns::Decided(decided) if decided == readable),
                "{origin}: {decided:?}"
            );
        }
    }
}
