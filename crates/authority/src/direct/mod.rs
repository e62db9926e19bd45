//! What machines ask: JSON in, JSON out, and refusals that never say more than the table in the
//! protocol does.

pub(crate) mod cors;
pub(crate) mod logout;
pub(crate) mod session;

use axum::{
    Json,
    body::Bytes,
    extract::rejection::BytesRejection,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use handoff::{
    cause::Cause,
    client::{Client, Kind},
    ids::ClientId,
    rejection::Rejection,
    token::{AccessToken, ClientSecret, Unverified},
    verify::Proof,
    wire::{ErrorBody, ErrorCode},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use time::Duration;
use web::{problem, refused::Refused, trace_id::TraceId};

use crate::Authority;

/// A refusal for machines.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: ErrorCode,
    description: &'static str,
    challenge: Option<&'static str>,
    /// When to come back, in seconds.
    retry_after: Option<i64>,
    /// Why a handoff token was not redeemed; the answer does not say it.
    rejection: Option<Rejection>,
}

impl Refusal {
    pub(crate) const fn new(
        status: StatusCode,
        error: ErrorCode,
        description: &'static str,
    ) -> Self {
        Self {
            status,
            error,
            description,
            challenge: None,
            retry_after: None,
            rejection: None,
        }
    }

    pub(crate) const fn invalid_request() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest,
            "The body is not the JSON that is asked for: a member is missing, empty, too long or \
             there twice.",
        )
    }

    /// One answer for an unknown client and a wrong secret: it tells nobody who is registered.
    pub(crate) const fn invalid_client() -> Self {
        Self {
            challenge: Some("Basic realm=\"handoff\""),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                ErrorCode::InvalidClient,
                "The client did not prove who it is.",
            )
        }
    }

    pub(crate) const fn no_session(error: ErrorCode) -> Self {
        Self {
            challenge: Some("Bearer"),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                error,
                "The access token opens no session here.",
            )
        }
    }

    pub(crate) fn unavailable(trace: &TraceId, cause: impl std::fmt::Display) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        tracing::error!(trace = %trace, status = status.as_u16(), %cause, "request failed");
        Self {
            retry_after: Some(5),
            ..Self::new(
                status,
                ErrorCode::TemporarilyUnavailable,
                "The service is not available right now.",
            )
        }
    }

    /// The caller did not show who it is, too often.
    pub(crate) fn slow_down(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(problem::whole_seconds(retry_after)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::SlowDown,
                "Too many requests that did not prove which client they come from.",
            )
        }
    }

    /// The same answer, for whoever records why.
    pub(crate) const fn because(mut self, rejection: Rejection) -> Self {
        self.rejection = Some(rejection);
        self
    }

    fn why(&self) -> Refused {
        if let Some(rejection) = self.rejection {
            return rejection.into();
        }
        let cause = match (self.status, self.error) {
            (StatusCode::METHOD_NOT_ALLOWED, _) => Cause::WrongMethod,
            (StatusCode::UNSUPPORTED_MEDIA_TYPE | StatusCode::PAYLOAD_TOO_LARGE, _)
            | (_, ErrorCode::InvalidRequest) => Cause::NotJson,
            (_, ErrorCode::InvalidClient) => Cause::InvalidClient,
            (_, ErrorCode::SlowDown) => Cause::TooMany,
            (_, ErrorCode::TemporarilyUnavailable) => Cause::Unavailable,
            _ => Cause::Other,
        };
        cause.into()
    }

    /// Whether the fault is ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let why = self.why();
        let body = ErrorBody {
            error: self.error,
            error_description: self.description.to_owned(),
        };
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        why.on(response)
    }
}

/// For a machine's path asked with the wrong method.
pub(crate) async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidRequest,
        "This address answers to another method.",
    )
}

/// Reads a JSON body.
pub(crate) fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Refusal> {
    if !web::form::has_media_type(headers, "application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::InvalidRequest,
            "The body must be application/json.",
        ));
    }
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::InvalidRequest,
                "The body is too large.",
            )
        } else {
            Refusal::invalid_request()
        }
    })?;
    // Our parser would also read a structure from an array of its members.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::invalid_request());
    }
    serde_json::from_slice(&body).map_err(|_| Refusal::invalid_request())
}

/// The client that this request comes from, and how it showed that: a confidential one by HTTP
/// Basic (RFC 6749, 2.3.1), a public one, which has no secret, by the origin that its browser sends.
pub(crate) async fn authenticate(
    authority: &Authority,
    trace: &TraceId,
    headers: &HeaderMap,
    claimed: &str,
) -> Result<(Client, Proof), Refusal> {
    let shown = Shown::by(headers).ok_or_else(Refusal::invalid_client)?;
    let id = ClientId::parse(claimed).map_err(|_| Refusal::invalid_client())?;
    let client = authority
        .store
        .find_client(&id)
        .await
        .map_err(|cause| Refusal::unavailable(trace, cause))?;
    client
        .and_then(|client| shown.proof_of(&client).map(|proof| (client, proof)))
        .ok_or_else(Refusal::invalid_client)
}

/// The client that a request claims to come from by its credentials, right or wrong.
pub(crate) fn claimed_by_header(headers: &HeaderMap) -> Option<String> {
    basic(headers).map(|(id, _)| id)
}

/// What a request shows of its client.
enum Shown<'a> {
    Secret {
        of: String,
        secret: Unverified<ClientSecret>,
    },
    Origin(&'a str),
}

impl<'a> Shown<'a> {
    /// An `Authorization` header that proves nothing is no reason to look further.
    fn by(headers: &'a HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::AUTHORIZATION) {
            return cors::origin(headers).map(Self::Origin);
        }
        let (of, secret) = basic(headers)?;
        let secret = Unverified::new(secret).ok()?;
        Some(Self::Secret { of, secret })
    }

    fn proof_of(&self, client: &Client) -> Option<Proof> {
        match (self, &client.kind) {
            (Self::Secret { of, secret }, Kind::Confidential { secret: own })
                if *of == client.id.as_str() && *own == secret.digest() =>
            {
                Some(Proof::Credential)
            }
            (Self::Origin(origin), Kind::Public { .. }) if client.is_public_at(origin) => {
                Some(Proof::Origin)
            }
            _ => None,
        }
    }
}

fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    // Two of them would leave it to chance which one counts.
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (found, credentials) = value.to_str().ok()?.split_once(' ')?;
    found
        .eq_ignore_ascii_case(scheme)
        .then(|| credentials.trim())
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let decoded = STANDARD.decode(credentials(headers, "Basic")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The bearer token of a request (RFC 6750, 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Unverified<AccessToken>, Refusal> {
    credentials(headers, "Bearer")
        .and_then(|token| Unverified::new(token).ok())
        .ok_or_else(|| Refusal::no_session(ErrorCode::NoSession))
}
