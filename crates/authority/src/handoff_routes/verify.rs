//! H5: the relying party redeems the token: its server on the back channel, or, where the relying
//! party is a browser application, the application itself.

use axum::{
    Json,
    body::Bytes,
    extract::DefaultBodyLimit,
    extract::rejection::BytesRejection,
    middleware::from_fn_with_state,
    response::Response,
    routing::{MethodRouter, post},
};
use handoff::{
    client::Client,
    ids::SessionId,
    policy::Policy,
    rejection::Rejection,
    step::Step,
    token::{AccessToken, Secret},
    verify::{Presented, Proof},
    wire::{ErrorCode, TokenType, VerifyRequest, VerifyResponse},
};
use http::{HeaderMap, Method, StatusCode};
use recording::{flow_recorder::FlowRecorder, redact};
use web::{at::At, peer::Peer, trace_id::TraceId};

use crate::{
    Authority,
    direct::{self, Refusal, cors, cors::concerning},
    store::Redemption,
};

/// The most that a body may hold, in bytes.
const MAX_BODY: usize = 8 * 1024;

pub(crate) fn route() -> MethodRouter {
    post(handle)
        .fallback(direct::wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(Method::POST, cors::layer))
}

async fn handle(
    At(authority): At<Authority>,
    trace: TraceId,
    flow: FlowRecorder,
    peer: Peer,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let request: VerifyRequest = match direct::read_json(&headers, body) {
        Ok(request) => request,
        Err(refusal) => {
            // Who shows which client it is may send what it likes.
            let claimed = direct::claimed_by_header(&headers);
            let client = claimed.as_deref().unwrap_or_default();
            let shown = direct::authenticate(&authority, &trace, &headers, client).await;
            return Err(match shown {
                Ok(_) => refusal,
                Err(_) => authority.unproven(&trace, peer, claimed.as_deref(), refusal),
            });
        }
    };
    flow.state(request.state.digest());
    flow.body(|| redact::verify_request(&request));
    let client = request.client_id.clone();
    let answer = match direct::authenticate(&authority, &trace, &headers, &client).await {
        Ok((client, proof)) => redeem(&authority, &flow, client, proof, request).await,
        Err(refusal) if refusal.is_ours() => Err(refusal),
        Err(refusal) => Err(authority.unproven(&trace, peer, Some(&client), refusal)),
    };
    Ok(concerning(&client, answer.map(Json)))
}

async fn redeem(
    authority: &Authority,
    flow: &FlowRecorder,
    client: Client,
    proof: Proof,
    request: VerifyRequest,
) -> Result<VerifyResponse, Refusal> {
    flow.client(&client.id);
    let trace = flow.trace();
    let access_token = AccessToken::mint(authority.context.random.bytes());
    let redemption = Redemption {
        presented: Presented {
            client: client.id.clone(),
            proof,
            token: request.handoff_token,
            state: request.state,
            redirect_uri: request.redirect_uri,
            verifier: request.code_verifier,
        },
        access_token: access_token.digest(),
        session: SessionId::mint(authority.context.random.bytes()),
    };
    let now = authority.context.now();
    let decided = authority
        .store
        .redeem_handoff(redemption, now, &authority.context.policy)
        .await
        .map_err(|cause| Refusal::unavailable(trace, cause))?;
    let redeemed = match decided {
        Ok(redeemed) => redeemed,
        Err(rejection) => {
            if rejection == Rejection::Replayed {
                tracing::warn!(trace = %trace, event = "handoff.replay", client = %client.id, "handoff");
            }
            authority.token_refused(trace, &client.id);
            return Err(refusal(rejection, &authority.context.policy));
        }
    };
    flow.session(redeemed.session.id);
    flow.step(Step::Redeemed);
    Ok(VerifyResponse {
        token_type: TokenType::Bearer,
        access_token: (&access_token).into(),
        expires_in: (redeemed.session.expires_at - now).whole_seconds(),
        session: redeemed.session,
        user: redeemed.user,
        auth_time: redeemed.auth_time.unix_timestamp(),
        amr: redeemed.amr,
    })
}

/// One answer for every cause that concerns the token (row 15), but for the one that clients of the
/// older SDK know by name.
fn refusal(rejection: Rejection, policy: &Policy) -> Refusal {
    let error = match rejection {
        Rejection::StateAloneDiffers => ErrorCode::HandoffStateMismatch,
        _ => ErrorCode::HandoffVerificationFailed,
    };
    let description = if policy.uniform_refusals() {
        "The handoff token was not accepted."
    } else {
        rejection.reason()
    };
    Refusal::new(StatusCode::BAD_REQUEST, error, description).because(rejection)
}
