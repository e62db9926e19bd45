//! H5: the relying party redeems the token: its server on the back channel, or, where the relying
//! party is a browser application, the application itself.

use axum::{
    Json,
    extract::DefaultBodyLimit,
    middleware::from_fn_with_state,
    routing::{MethodRouter, post},
};
use database::Unavailable;
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
use time::OffsetDateTime;
use web::{at::At, peer::Peer};

use crate::{
    Authority,
    api::{
        self, ErrorResponse,
        client_request::{ClientRequest, FromClient},
        cors,
    },
    known_clients::From,
    store::{NotRedeemed, Redeemed, Redemption},
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
    audience: cors::Audience,
    ClientRequest {
        client: known,
        proof,
        shown,
        body: request,
    }: ClientRequest<VerifyRequest>,
) -> Result<Json<VerifyResponse>, ErrorResponse> {
    let trace = flow.trace();
    let client = &known.client.id;
    let access_token = AccessToken::mint(authority.context.random.bytes());
    let mut redemption = Redemption {
        presented: Presented {
            client: client.clone(),
            proof,
            token: request.handoff_token,
            state: request.state,
            redirect_uri: request.redirect_uri,
            verifier: request.code_verifier,
        },
        client_revision: known.revision,
        access_token: access_token.digest(),
        session: SessionId::mint(authority.context.random.bytes()),
    };
    let now = authority.context.now();
    let unavailable = |cause| ErrorResponse::unavailable(trace, cause);
    let mut decided = redeem(&authority, redemption.clone(), now)
        .await
        .map_err(unavailable)?;
    if let Err(NotRedeemed::ClientChanged) = decided {
        // What was shown is held against the record as it is now.
        let (store, from) = (&*authority.store, From::Store);
        let newer = authority.clients.find(store, client, from).await;
        let newer = newer.map_err(unavailable)?;
        audience.found(newer.as_ref().map(|newer| &newer.client));
        let proven = newer.and_then(|newer| Some((shown.proof_of(&newer.client)?, newer)));
        let Some((proof, newer)) = proven else {
            let refusal = ErrorResponse::invalid_client();
            return Err(authority.unproven(trace, peer, Some(client.as_str()), refusal));
        };
        redemption.presented.proof = proof;
        redemption.client_revision = newer.revision;
        decided = redeem(&authority, redemption, now)
            .await
            .map_err(unavailable)?;
    }
    let redeemed = match decided {
        Ok(redeemed) => redeemed,
        Err(NotRedeemed::ClientChanged) => {
            return Err(ErrorResponse::unavailable(
                trace,
                "the client's record changed meanwhile",
            ));
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

async fn redeem(
    authority: &Authority,
    redemption: Redemption,
    now: OffsetDateTime,
) -> Result<Result<Redeemed, NotRedeemed>, Unavailable> {
    let policy = &authority.context.policy;
    authority
        .store
        .redeem_handoff(redemption, now, policy)
        .await
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
