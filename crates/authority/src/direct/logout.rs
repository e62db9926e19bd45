//! A relying party ends the session behind its own access token, and nothing else.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, rejection::BytesRejection},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use handoff::{
    ids::ClientId,
    wire::{DirectLogoutRequest, DirectLogoutResponse, ErrorCode},
};
use http::HeaderMap;
use web::context::{At, TraceId};

use super::{Refusal, bearer, read_json, wrong_method};
use crate::Authority;

const MAX_BODY: usize = 8 * 1024;

pub(crate) fn route() -> MethodRouter {
    post(handle)
        .fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn handle(
    At(authority): At<Authority>,
    trace: TraceId,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let token = bearer(&headers)?;
    let request: DirectLogoutRequest = read_json(&headers, body)?;
    let no_session = || Refusal::no_session(ErrorCode::NoSession);
    let client = ClientId::parse(&request.client_id).map_err(|_| no_session())?;
    let now = authority.context.now();
    let ended = authority
        .store
        .end_client_session(token.digest(), &client, now)
        .await
        .map_err(|cause| Refusal::unavailable(&trace, cause))?;
    if !ended {
        return Err(no_session());
    }
    tracing::info!(trace = %trace, client = %client, outcome = "success", "client sign-out");
    Ok(Json(DirectLogoutResponse { success: true }).into_response())
}
