//! A relying party ends the session behind its own access token, and nothing else.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, rejection::BytesRejection},
    middleware::from_fn_with_state,
    routing::{MethodRouter, post},
};
use handoff::{
    ids::ClientId,
    token::{AccessToken, Unverified},
    wire::{DirectLogoutRequest, DirectLogoutResponse, ErrorCode},
};
use http::{HeaderMap, Method};
use web::{at::At, trace_id::TraceId};

use super::{
    ErrorResponse, bearer,
    client_request::read_json,
    cors::{self, Audience},
    wrong_method,
};
use crate::Authority;

const MAX_BODY: usize = 8 * 1024;

pub(crate) fn route() -> MethodRouter {
    post(handle)
        .fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Method::POST, cors::layer))
}

async fn handle(
    At(authority): At<Authority>,
    trace: TraceId,
    audience: Audience,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<DirectLogoutResponse>, ErrorResponse> {
    let token = bearer(&headers)?;
    let request: DirectLogoutRequest = read_json(&headers, body)?;
    audience.concerns(&request.client_id);
    end(&authority, &trace, &token, &request.client_id)
        .await
        .map(Json)
}

async fn end(
    authority: &Authority,
    trace: &TraceId,
    token: &Unverified<AccessToken>,
    client: &str,
) -> Result<DirectLogoutResponse, ErrorResponse> {
    let no_session = || ErrorResponse::no_session(ErrorCode::NoSession);
    let client = ClientId::parse(client).map_err(|_| no_session())?;
    let now = authority.context.now();
    let ended = authority
        .store
        .end_client_session(token.digest(), &client, now)
        .await
        .map_err(|cause| ErrorResponse::unavailable(trace, cause))?;
    if !ended {
        return Err(no_session());
    }
    tracing::info!(trace = %trace, client = %client, outcome = "success", "client sign-out");
    Ok(DirectLogoutResponse { success: true })
}
