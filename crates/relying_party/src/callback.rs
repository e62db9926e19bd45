//! H4 to H6: the browser is back.
//!
//! Token and state stand in this address, so no document is ever shown at it: whatever happens, the
//! answer is a redirect to an address without them.

use axum::response::Response;
use handoff::{
    handoff::{Returned, SWITCH_LIFETIME, Started},
    token::{PreSession, Secret, State, Unverified},
    uri::LocalPath,
    wire::{CallbackQuery, ErrorCode, NOT_ASSIGNED},
};
use web::{
    context::{At, TraceId},
    cookies::{self, Cookies},
    params::Params,
    problem::Problem,
    redirect,
};

use crate::{
    RelyingParty,
    authority_client::Verification,
    identity::SignedIn,
    problem::{Reason, refuse},
    session::{self, Arrival},
    start::{self, PRE_COOKIE},
    store::{Kept, Waiting},
    switch,
};

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    trace: TraceId,
    cookies: Cookies,
    query: Result<Params<CallbackQuery>, Problem>,
) -> Response {
    let outcome = match query {
        Ok(Params(query)) => come_back(&site, query, &cookies, &trace).await,
        // A parameter stands there twice, or cannot be read. Nothing was looked up.
        Err(_) => Err(Refusal::new(Reason::Refused, "unreadable_parameters")),
    };
    outcome.unwrap_or_else(|Refusal { reason, cause }| refuse(&trace, reason, &cause))
}

/// Why a handoff ended without a session: what the person reads, and a fact for the log.
struct Refusal {
    reason: Reason,
    cause: String,
}

impl Refusal {
    fn new(reason: Reason, cause: impl Into<String>) -> Self {
        Self {
            reason,
            cause: cause.into(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::new(Reason::Unavailable, problem.cause())
    }
}

async fn come_back(
    site: &RelyingParty,
    query: CallbackQuery,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<Response, Refusal> {
    let pre = start::pre_session(cookies)
        .ok_or_else(|| Refusal::new(Reason::NotThisBrowser, "no_pre_session"))?;
    let returned = take(site, query, &pre).await?;
    let current = SignedIn::current(site, cookies, trace).await?;
    let accepted = match site.authority.verify(&returned, trace).await {
        Verification::Accepted(accepted) => *accepted,
        Verification::Refused(ErrorCode::InvalidClient) => {
            let cause = "the authorization server does not accept our client id and secret";
            return Err(Refusal::new(Reason::Unavailable, cause));
        }
        Verification::Refused(_) => {
            return Err(Refusal::new(Reason::Refused, "verify_refused"));
        }
        Verification::Unreachable => {
            let reason = Reason::AuthorityUnreachable;
            return Err(Refusal::new(reason, "authority_unreachable"));
        }
    };
    let arrival = Arrival::of(accepted, &site.settings.issuer, site.context.now());
    let target = returned.started.target;
    let answer = match current {
        Some(other) if other.owner() != arrival.owner() => {
            ask(site, arrival, &other, target, cookies, trace).await?
        }
        same => {
            let current = same.as_ref().map(SignedIn::current_session);
            session::begin(site, arrival, current, &target, cookies, trace).await?
        }
    };
    Ok(drop_pre_session(site, &pre, answer, trace).await)
}

/// H4: what the browser brought belongs to a handoff that this browser started.
async fn take(
    site: &RelyingParty,
    query: CallbackQuery,
    pre: &PreSession,
) -> Result<Returned, Refusal> {
    let not_this_browser = || Refusal::new(Reason::NotThisBrowser, "state_unknown_here");
    let refused = |cause| Refusal::new(Reason::Refused, cause);

    let state = query.state.and_then(|state| State::parse(&state).ok());
    let state = state.ok_or_else(not_this_browser)?;
    let now = site.context.now();
    let taken = site
        .store
        .take_started(pre.digest(), state.digest(), now)
        .await;
    let taken = taken
        .map_err(Problem::unavailable)?
        .ok_or_else(not_this_browser)?;
    // An answer without its sender could come from any server (RFC 9207).
    if query.iss.as_deref() != Some(site.settings.issuer.as_str()) {
        return Err(refused("iss_differs"));
    }
    match query.error.as_deref() {
        None => {}
        Some("access_denied") => {
            return Err(match query.error_description.as_deref() {
                Some(NOT_ASSIGNED) => Refusal::new(Reason::NotAssigned, NOT_ASSIGNED),
                _ => Refusal::new(Reason::Cancelled, "access_denied"),
            });
        }
        Some(_) => return Err(refused("error_from_authority")),
    }
    let token = query
        .handoff_token
        .and_then(|token| Unverified::new(token).ok())
        .ok_or_else(|| refused("token_missing"))?;
    let verifier = start::open_verifier(&taken.verifier, pre)
        .ok_or_else(|| refused("verifier_does_not_open"))?;
    let started = Started {
        state,
        verifier,
        target: taken.target,
        expires_at: taken.expires_at,
    };
    Ok(started.returned(token))
}

/// H6: somebody else is signed in here. The new session waits for a click (row 24).
async fn ask(
    site: &RelyingParty,
    arrival: Arrival,
    current: &SignedIn,
    target: LocalPath,
    cookies: &Cookies,
    trace: &TraceId,
) -> Result<Response, Refusal> {
    let waiting = Waiting {
        session: arrival.waiting(site),
        target: target.clone(),
        wait_until: site.context.now() + SWITCH_LIFETIME,
    };
    match site.store.keep_waiting(current.session().id, waiting).await {
        Ok(Kept::Waits { displaced }) => {
            session::revoke(site, &displaced, current.cookie(), trace).await;
            let client = &site.settings.client_id;
            let session = arrival.id();
            tracing::info!(trace = %trace, outcome = "waits_for_switch", client = %client, session = %session, "handoff");
            Ok(redirect::see_other(switch::PATH))
        }
        Ok(Kept::NobodyIsSignedIn) => {
            Ok(session::begin(site, arrival, None, &target, cookies, trace).await?)
        }
        Err(error) => {
            site.authority.logout_or_log(&arrival.token, trace).await;
            Err(Problem::unavailable(error).into())
        }
    }
}

/// H6: drops the pre-session, with its cookie, unless another tab has a handoff under way under it.
async fn drop_pre_session(
    site: &RelyingParty,
    pre: &PreSession,
    answer: Response,
    trace: &TraceId,
) -> Response {
    let now = site.context.now();
    match site.store.end_pre_session(pre.digest(), now).await {
        Ok(true) => redirect::with_cookie(answer, cookies::expire(PRE_COOKIE)),
        Ok(false) => answer,
        Err(error) => {
            // The handoff is done. The cookie and its rows expire by themselves.
            tracing::warn!(trace = %trace, cause = %error, "pre-session left");
            answer
        }
    }
}
