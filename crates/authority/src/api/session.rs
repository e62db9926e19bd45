//! Is this access token's session still alive? Relying parties ask while they are in use.

use axum::{
    Json,
    middleware::from_fn_with_state,
    routing::{MethodRouter, get},
};
use handoff::wire::{ErrorCode, SessionResponse};
use http::{HeaderMap, Method};
use web::{at::At, trace_id::TraceId};

use super::{
    ErrorResponse, bearer,
    cors::{self, Audience},
    wrong_method,
};
use crate::{Authority, store::NoSession};

pub(crate) fn route() -> MethodRouter {
    get(handle)
        .fallback(wrong_method)
        .layer(from_fn_with_state(Method::GET, cors::layer))
}

async fn handle(
    At(authority): At<Authority>,
    trace: TraceId,
    audience: Audience,
    headers: HeaderMap,
) -> Result<Json<SessionResponse>, ErrorResponse> {
    let token = bearer(&headers)?;
    let now = authority.context.now();
    let found = authority
        .store
        .find_client_session(token.digest(), now, authority.settings.idle)
        .await
        .map_err(|cause| ErrorResponse::unavailable(&trace, cause))?;
    match found {
        Ok(found) => {
            audience.concerns(found.client.as_str());
            Ok(Json(SessionResponse {
                session: found.session,
                user: found.user,
            }))
        }
        Err(why) => Err(ErrorResponse::no_session(match why {
            NoSession::Unknown => ErrorCode::NoSession,
            NoSession::Expired => ErrorCode::SessionExpired,
            NoSession::UserGone => ErrorCode::UserNotFound,
        })),
    }
}
