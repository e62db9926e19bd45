//! H5: the relying party redeems the token: its server on the back channel, or, where the relying
//! party is a browser application, the application itself.

use axum::{
    Json,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{MethodRouter, post},
};
use handoff::{
    ids::SessionId,
    policy::Policy,
    refusal_reason::RefusalReason,
    step::Step,
    token::{AccessToken, Secret},
    verify::Presented,
    wire::{ErrorCode, TokenType, VerifyRequest, VerifyResponse, path},
};
use http::{Method, StatusCode};
use recording::{flow_recorder::FlowRecorder, redact};
use web::{at::At, peer::Peer};

use crate::{
    Authority,
    api::{
        self, ErrorResponse,
        client_request::{ClientRequest, FromClient},
        cors,
    },
    store::{NotRedeemed, Redemption},
};

/// The most that a body may hold, in bytes.
const MAX_BODY: usize = 8 * 1024;

pub(crate) fn route() -> MethodRouter {
    post(handle)
        .fallback(api::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Method::POST, cors::layer))
}

/// The step that a request is, as it arrives. A browser asks before it calls.
pub(super) fn arriving(method: &Method, path: &str) -> Option<Step> {
    let is_verify = matches!(path, path::VERIFY | path::VERIFY_ALIAS);
    (is_verify && *method != Method::OPTIONS).then_some(Step::VerifyReceived)
}

impl FromClient for VerifyRequest {
    fn client_id(&self) -> &str {
        &self.client_id
    }

    fn record(&self, flow: &FlowRecorder) {
        flow.state(self.state.digest());
        flow.body(|| redact::verify_request(self));
    }
}

async fn handle(
    At(authority): At<Authority>,
    flow: FlowRecorder,
    peer: Peer,
    ClientRequest {
        client,
        proof,
        body: request,
    }: ClientRequest<VerifyRequest>,
) -> Result<Json<VerifyResponse>, ErrorResponse> {
    let trace = flow.trace();
    let revision = client.revision;
    let client = &client.client.id;
    let access_token = AccessToken::mint(authority.context.random.bytes());
    let redemption = Redemption {
        presented: Presented {
            client: client.clone(),
            proof,
            token: request.handoff_token,
            state: request.state,
            redirect_uri: request.redirect_uri,
            verifier: request.code_verifier,
        },
        client_revision: revision,
        access_token: access_token.digest(),
        session: SessionId::mint(authority.context.random.bytes()),
    };
    let now = authority.context.now();
    let decided = authority
        .store
        .redeem_handoff(redemption, now, &authority.context.policy)
        .await
        .map_err(|cause| ErrorResponse::unavailable(trace, cause))?;
    let redeemed = match decided {
        Ok(redeemed) => redeemed,
        // What the client showed was right for a record that is there no more.
        Err(NotRedeemed::ClientChanged) => {
            let refusal = ErrorResponse::invalid_client();
            return Err(authority.unproven(trace, peer, Some(client.as_str()), refusal));
        }
        Err(NotRedeemed::Refused(reason)) => {
            if reason == RefusalReason::Replayed {
                tracing::warn!(trace = %trace, event = "handoff.replay", client = %client, "handoff");
            }
            authority.token_refused(trace, client);
            return Err(refusal(reason, &authority.context.policy));
        }
    };
    flow.session(redeemed.session.id);
    flow.step(Step::Redeemed);
    Ok(Json(VerifyResponse {
        token_type: TokenType::Bearer,
        access_token: (&access_token).into(),
        expires_in: (redeemed.session.expires_at - now).whole_seconds(),
        session: redeemed.session,
        user: redeemed.user,
        auth_time: redeemed.auth_time.unix_timestamp(),
        amr: redeemed.amr,
    }))
}

/// One answer for every cause that concerns the token (row 15), but for the one that clients of the
/// older SDK know by name.
fn refusal(reason: RefusalReason, policy: &Policy) -> ErrorResponse {
    let error = match reason {
        RefusalReason::StateAloneDiffers => ErrorCode::HandoffStateMismatch,
        _ => ErrorCode::HandoffVerificationFailed,
    };
    let description = if policy.uniform_refusals() {
        "The handoff token was not accepted."
    } else {
        reason.as_str()
    };
    ErrorResponse::new(StatusCode::BAD_REQUEST, error, description, reason)
}
