//! What machines ask: JSON in, JSON out, and refusals that never say more than the table in the
//! protocol does.

pub(crate) mod client_request;
pub(crate) mod cors;
pub(crate) mod error_response;
pub(crate) mod logout;
pub(crate) mod session;

use handoff::{
    token::{AccessToken, Unverified},
    wire::ErrorCode,
};
use http::HeaderMap;
use web::authorization;

pub(crate) use error_response::{ErrorResponse, wrong_method};

/// The bearer token of a request (RFC 6750, 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Unverified<AccessToken>, ErrorResponse> {
    authorization::credentials(headers, "Bearer")
        .and_then(|token| Unverified::new(token.trim()).ok())
        .ok_or_else(|| ErrorResponse::no_session(ErrorCode::NoSession))
}
