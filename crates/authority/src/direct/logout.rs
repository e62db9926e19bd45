//! A relying party ends the session behind its own access token, and nothing else.

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, rejection::BytesRejection},
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodRouter, post},
};
use handoff::{
    ids::ClientId,
    token::{AccessToken, Unverified},
    wire::{DirectLogoutRequest, DirectLogoutResponse, ErrorCode},
};
use http::{HeaderMap, Method};
use web::{at::At, trace_id::TraceId};

use super::{Refusal, bearer, cors, cors::concerning, read_json, wrong_method};
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
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let token = bearer(&headers)?;
    let request: DirectLogoutRequest = read_json(&headers, body)?;
    let ended = end(&authority, &trace, &token, &request.client_id).await;
    Ok(concerning(&request.client_id, ended.map(Json)))
}

async fn end(
    authority: &Authority,
    trace: &TraceId,
    token: &Unverified<AccessToken>,
    client: &str,
) -> Result<DirectLogoutResponse, Refusal> {
    let no_session = || Refusal::no_session(ErrorCode::NoSession);
    let client = ClientId::parse(client).map_err(|_| no_session())?;
    let now = authority.context.now();
    let ended = authority
        .store
        .end_client_session(token.digest(), &client, now)
        .await
        .map_err(|cause| Refusal::unavailable(trace, cause))?;
    if !ended {
        return Err(no_session());
    }
    tracing::info!(trace = %trace, client = %client, outcome = "success", "client sign-out");
    Ok(DirectLogoutResponse { success: true })
}
