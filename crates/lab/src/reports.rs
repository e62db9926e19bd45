//! Steps from sites that run in other processes. They show a key of their own; nobody else's report
//! changes anything.

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequestParts, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use handoff::{
    flow::Event,
    token::{ReportKey, Unverified},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use recording::recorder::Recorder as _;
use web::{at::At, authorization::credentials};

use crate::{
    Lab,
    store::{EVENTS, Key},
};

/// Where they are sent.
pub(crate) const PATH: &str = "/reports";

/// The most bytes of one report.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// The most events of one report.
pub(crate) const MAX_EVENTS: usize = EVENTS;

/// The last moment that an event may name: the end of the year 2199, in microseconds. Pages can
/// write what lies before it.
const LATEST: i64 = 7_258_118_399_999_999;

/// The longest name of a reason.
const MAX_REASON: usize = 64;

pub(crate) fn route() -> MethodRouter {
    post(handle).layer(DefaultBodyLimit::max(MAX_BYTES))
}

/// Why a report is not taken. What it says is for whoever set the other process up.
pub(crate) enum ErrorResponse {
    /// The key is not there, or another.
    Stranger,
    /// It is no list of events, or too long.
    Unreadable,
    /// There is no room now.
    Full,
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let json = (header::CONTENT_TYPE, "application/json");
        match self {
            Self::Stranger => (
                StatusCode::UNAUTHORIZED,
                [json, (header::WWW_AUTHENTICATE, "Bearer")],
                r#"{"error":"invalid_token"}"#,
            )
                .into_response(),
            Self::Unreadable => (
                StatusCode::BAD_REQUEST,
                [json],
                r#"{"error":"invalid_request"}"#,
            )
                .into_response(),
            Self::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                [json, (header::RETRY_AFTER, "1")],
                r#"{"error":"temporarily_unavailable"}"#,
            )
                .into_response(),
        }
    }
}

/// Somebody who has the key. It is looked at before anything of the report is read.
pub(crate) struct Known;

impl<S: Send + Sync> FromRequestParts<S> for Known {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorResponse> {
        let lab = At::<Lab>::from_request_parts(parts, state).await;
        let At(lab) = lab.map_err(|_| ErrorResponse::Stranger)?;
        let shown = bearer(&parts.headers).ok_or(ErrorResponse::Stranger)?;
        // Digests are compared in constant time.
        if shown.digest() == lab.recorded().report_key {
            Ok(Self)
        } else {
            Err(ErrorResponse::Stranger)
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<Unverified<ReportKey>> {
    Unverified::new(credentials(headers, "Bearer")?).ok()
}

async fn handle(
    _: Known,
    At(lab): At<Lab>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ErrorResponse> {
    let body = body.map_err(|_| ErrorResponse::Unreadable)?;
    let events = read(&body).ok_or(ErrorResponse::Unreadable)?;
    let taken = lab.recorded().collector.take(events.clone());
    taken.map_err(|_| ErrorResponse::Full)?;
    if let Some(monitor) = lab.monitor() {
        events.iter().for_each(|event| monitor.record(event));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The events of a report; none when one of them is not as a site records it.
fn read(body: &[u8]) -> Option<Vec<Event>> {
    let events: Vec<Event> = serde_json::from_slice(body).ok()?;
    let fits = events.len() <= MAX_EVENTS && events.iter().all(is_plausible);
    fits.then_some(events)
}

fn is_plausible(event: &Event) -> bool {
    let reason = event.refusal.as_ref().map(|refusal| &refusal.reason);
    let is_name = |text: &String| {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        (1..=MAX_REASON).contains(&text.len()) && text.bytes().all(plain)
    };
    Key::of_trace(&event.trace).is_ok()
        && (0..=LATEST).contains(&event.at)
        && reason.is_none_or(is_name)
}
