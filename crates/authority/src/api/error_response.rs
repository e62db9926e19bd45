//! Refusals for machines.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use handoff::{
    refusal_reason::RefusalReason,
    wire::{ErrorBody, ErrorCode},
};
use http::{HeaderValue, StatusCode, header};
use time::Duration;
use web::{error_page, refused::Refused, trace_id::TraceId};

/// A refusal for machines.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    status: StatusCode,
    error: ErrorCode,
    description: &'static str,
    challenge: Option<&'static str>,
    /// When to come back, in seconds.
    retry_after: Option<i64>,
    /// For what is recorded; the answer does not say it.
    why: Refused,
}

impl ErrorResponse {
    pub(crate) fn new(
        status: StatusCode,
        error: ErrorCode,
        description: &'static str,
        why: impl Into<Refused>,
    ) -> Self {
        Self {
            status,
            error,
            description,
            challenge: None,
            retry_after: None,
            why: why.into(),
        }
    }

    pub(crate) fn invalid_request() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::InvalidRequest,
            "The body is not the JSON that is asked for: a member is missing, empty, too long or \
             there twice.",
            RefusalReason::NotJson,
        )
    }

    /// One answer for an unknown client and a wrong secret: it does not disclose which clients are registered.
    pub(crate) fn invalid_client() -> Self {
        Self {
            challenge: Some("Basic realm=\"handoff\""),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                ErrorCode::InvalidClient,
                "The client did not prove who it is.",
                RefusalReason::InvalidClient,
            )
        }
    }

    pub(crate) fn no_session(error: ErrorCode) -> Self {
        Self {
            challenge: Some("Bearer"),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                error,
                "The access token opens no session here.",
                RefusalReason::Other,
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
                RefusalReason::Unavailable,
            )
        }
    }

    /// The caller did not show who it is, too often.
    pub(crate) fn slow_down(retry_after: Duration) -> Self {
        Self {
            retry_after: Some(error_page::whole_seconds(retry_after)),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::SlowDown,
                "Too many requests that did not prove which client they come from.",
                RefusalReason::TooMany,
            )
        }
    }

    /// Whether the fault is ours.
    pub(crate) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
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
        self.why.on(response)
    }
}

/// For a machine's path asked with the wrong method.
pub(crate) async fn wrong_method() -> ErrorResponse {
    ErrorResponse::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::InvalidRequest,
        "This address answers to another method.",
        RefusalReason::WrongMethod,
    )
}
