//! H4 to H6: the browser is back.
//!
//! Token and state stand in this address, so no document is ever shown at it: whatever happens, the
//! answer is a redirect to an address without them.

use axum::response::Response;
use handoff::{
    handoff::{Returned, STARTED_LIFETIME, STARTED_PER_BROWSER, SWITCH_LIFETIME, Started},
    ids::SessionId,
    refusal_reason::RefusalReason,
    step::Step,
    token::{PreSession, Secret, State, Unverified},
    uri::LocalPath,
    wire::{CallbackQuery, ErrorCode, NOT_ASSIGNED},
};
use recording::flow_recorder::FlowRecorder;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, limits, params::Params, peer::Peer, redirect,
    refused::Refused,
};

use crate::{
    RelyingParty,
    authority_client::Verification,
    failure::{Reason, refuse},
    identity::SignedIn,
    session::{self, Arrival, Outcome},
    start,
    store::{HandoffKey, Kept, LateHandoff, Source, TakenHandoff, Waiting},
    switch, target,
};

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    flow: FlowRecorder,
    cookies: Cookies,
    peer: Peer,
    query: Result<Params<CallbackQuery>, ErrorPage>,
) -> Response {
    let outcome = match query {
        Ok(Params(query)) => come_back(&site, query, &cookies, &flow).await,
        // A parameter stands there twice, or cannot be read. Nothing was looked up.
        Err(_) => Err(CallbackError::new(
            Reason::Refused,
            RefusalReason::UnreadableParameters,
        )),
    };
    let error = match outcome {
        Ok(answer) => return answer,
        Err(error) => error,
    };
    let trace = flow.trace();
    let CallbackError {
        reason,
        why,
        target,
    } = error;
    if reason != Reason::NotThisBrowser {
        return refuse(trace, reason, why, target.as_ref());
    }
    match site.admit_stray_callback(peer) {
        Ok(()) => refuse(trace, reason, why, None),
        Err(limits::LimitReached::TooMany { .. }) => {
            let why = RefusalReason::TooManyStrayCallbacks;
            refuse(trace, Reason::TooMany, why, None)
        }
        Err(limits::LimitReached::CannotCount) => {
            let why = Refused::from(RefusalReason::StrayCallbacksUncounted);
            let why = why.fault("a limiter has more keys than it can count");
            refuse(trace, Reason::Unavailable, why, None)
        }
    }
}

/// Why a handoff ended without a session: what the person reads, and what is recorded.
struct CallbackError {
    reason: Reason,
    why: Refused,
    /// Where the person wanted to go, where that is known.
    target: Option<LocalPath>,
}

impl CallbackError {
    fn new(reason: Reason, why: impl Into<Refused>) -> Self {
        Self {
            reason,
            why: why.into(),
            target: None,
        }
    }

    fn on_the_way_to(self, target: &LocalPath) -> Self {
        Self {
            target: Some(target.clone()),
            ..self
        }
    }

    fn unavailable(fault: &str) -> Self {
        let why = Refused::from(RefusalReason::Unavailable).fault(fault);
        Self::new(Reason::Unavailable, why)
    }
}

impl From<ErrorPage> for CallbackError {
    fn from(problem: ErrorPage) -> Self {
        Self::unavailable(problem.cause())
    }
}

async fn come_back(
    site: &RelyingParty,
    query: CallbackQuery,
    cookies: &Cookies,
    flow: &FlowRecorder,
) -> Result<Response, CallbackError> {
    let pre = start::pre_session(site, cookies)
        .ok_or_else(|| CallbackError::new(Reason::NotThisBrowser, RefusalReason::NoPreSession))?;
    let returned = match take(site, query, &pre, flow).await? {
        Taken::Returned(returned) => *returned,
        Taken::Late(LateHandoff {
            target,
            again: false,
        }) => {
            let answer = redirect::see_other(&target::again(&target));
            return Ok(Refused::from(RefusalReason::StateTooLate).on(answer));
        }
        Taken::Late(LateHandoff { target, .. }) => {
            let error = CallbackError::new(Reason::TookTooLong, RefusalReason::StateTooLate);
            return Err(error.on_the_way_to(&target));
        }
    };
    let target = returned.started.target.clone();
    let outcome = verify(site, returned, &pre, cookies, flow).await;
    outcome.map_err(|error| error.on_the_way_to(&target))
}

/// H5 and H6: the token is redeemed, and a session begins.
async fn verify(
    site: &RelyingParty,
    returned: Returned,
    pre: &PreSession,
    cookies: &Cookies,
    flow: &FlowRecorder,
) -> Result<Response, CallbackError> {
    let current = SignedIn::current(site, cookies, flow.trace()).await?;
    let accepted = match site.authority.verify(&returned, flow).await {
        Verification::Accepted(accepted) => *accepted,
        Verification::Refused(ErrorCode::InvalidClient) => {
            let cause = "the authorization server does not accept our client id and secret";
            return Err(CallbackError::unavailable(cause));
        }
        Verification::Refused(_) => {
            return Err(CallbackError::new(
                Reason::Refused,
                RefusalReason::VerifyRefused,
            ));
        }
        Verification::Unreachable => {
            let reason = Reason::AuthorityUnreachable;
            return Err(CallbackError::new(
                reason,
                RefusalReason::AuthorityUnreachable,
            ));
        }
    };
    let handoff = HandoffKey {
        browser: pre.digest(),
        state: returned.started.state.digest(),
    };
    let now = site.context.now();
    if accepted.expires_in <= 0 {
        // A session that is over already would look like one that began.
        let token = &accepted.access_token;
        site.authority.logout_or_log(token, flow.trace()).await;
        return Err(CallbackError::new(
            Reason::Refused,
            RefusalReason::VerifyRefused,
        ));
    }
    site.compare_clocks(accepted.session.created_at, now, flow.trace());
    // A pre-session that all browsers share is none that a session could belong to.
    let browser = if site.context.policy.browser_binding() {
        handoff.browser
    } else {
        PreSession::mint(site.context.random.bytes()).digest()
    };
    let arrival = Arrival::of(accepted, &site.settings.issuer, browser, now);
    let target = returned.started.target;
    let finishing = Finishing {
        site,
        arrival,
        handoff,
        target,
        cookies,
        flow,
    };
    finishing.finish(current).await
}

/// What a state that a browser brought leads to.
enum Taken {
    /// The handoff that this browser started with it.
    Returned(Box<Returned>),
    /// One of this browser from which nothing begins any more.
    Late(LateHandoff),
}

/// H4: what the browser brought belongs to a handoff that this browser started.
async fn take(
    site: &RelyingParty,
    query: CallbackQuery,
    pre: &PreSession,
    flow: &FlowRecorder,
) -> Result<Taken, CallbackError> {
    let not_this_browser =
        || CallbackError::new(Reason::NotThisBrowser, RefusalReason::StateUnknownHere);
    let state = query.state.as_deref();
    let state = state.and_then(|state| State::parse(state).ok());
    let state = state.ok_or_else(not_this_browser)?;
    let now = site.context.now();
    let taken = site
        .store
        .take_started(pre.digest(), state.digest(), now)
        .await;
    let Some(taken) = taken.map_err(ErrorPage::unavailable)? else {
        let late = site
            .store
            .take_late(pre.digest(), state.digest(), now)
            .await;
        let late = late.map_err(ErrorPage::unavailable)?;
        let late = late.ok_or_else(not_this_browser)?;
        // Nobody is asked once more what they have just declined.
        return match declined(&query) {
            Some(error) => Err(error.on_the_way_to(&late.target)),
            None => Ok(Taken::Late(late)),
        };
    };
    let target = taken.target.clone();
    let outcome = open(site, query, pre, state, taken, flow);
    outcome.map_err(|error| error.on_the_way_to(&target))
}

/// Why the authorization server sent the browser back without a token, if it did.
fn declined(query: &CallbackQuery) -> Option<CallbackError> {
    let (reason, why) = match (query.error.as_deref()?, query.error_description.as_deref()) {
        ("access_denied", Some(NOT_ASSIGNED)) => (Reason::NotAssigned, RefusalReason::NotAssigned),
        ("access_denied", _) => (Reason::Cancelled, RefusalReason::AccessDenied),
        _ => (Reason::Refused, RefusalReason::ErrorFromAuthority),
    };
    Some(CallbackError::new(reason, why))
}

/// What the answer to this handoff says, and whether it comes from whom it was asked of.
fn open(
    site: &RelyingParty,
    query: CallbackQuery,
    pre: &PreSession,
    state: State,
    taken: TakenHandoff,
    flow: &FlowRecorder,
) -> Result<Taken, CallbackError> {
    let refused = |cause| CallbackError::new(Reason::Refused, cause);
    flow.since(taken.expires_at - STARTED_LIFETIME);
    flow.step(Step::StateMatched);
    // An answer without its sender could come from any server (RFC 9207).
    let from_issuer = query.iss.as_deref() == Some(site.settings.issuer.as_str());
    if !from_issuer && site.context.policy.issuer_check() {
        return Err(refused(RefusalReason::IssDiffers));
    }
    if let Some(error) = declined(&query) {
        return Err(error);
    }
    let token = query
        .handoff_token
        .and_then(|token| Unverified::new(token).ok())
        .ok_or_else(|| refused(RefusalReason::TokenMissing))?;
    let verifier = start::open_verifier(&taken.verifier, pre)
        .ok_or_else(|| refused(RefusalReason::VerifierDoesNotOpen))?;
    let started = Started {
        state,
        verifier,
        target: taken.target,
        expires_at: taken.expires_at,
    };
    Ok(Taken::Returned(Box::new(started.returned(token))))
}

/// H6: what verify gave, on its way to a session.
struct Finishing<'a> {
    site: &'a RelyingParty,
    arrival: Arrival,
    handoff: HandoffKey,
    target: LocalPath,
    cookies: &'a Cookies,
    flow: &'a FlowRecorder,
}

/// How often two handoffs of one browser may get in each other's way. Each time, the other one has
/// finished.
const TURNS: usize = STARTED_PER_BROWSER;

impl Finishing<'_> {
    /// Begins the session, or lets it wait if somebody else is signed in here. Both may change while
    /// we look: another handoff of this browser may be finishing, or the browser signs out.
    async fn finish(self, current: Option<SignedIn>) -> Result<Response, CallbackError> {
        let mut replacing = None;
        let mut ask = None;
        match current {
            Some(other) if other.owner() != self.arrival.owner() => ask = Some(other.session().id),
            same => replacing = same.map(|same| same.session().id),
        }
        for _ in 0..TURNS {
            match ask {
                Some(id) => match self.wait_for(id).await? {
                    Some(answer) => return Ok(answer),
                    // Whoever was to be asked is gone.
                    None => ask = None,
                },
                None => match self.begin(replacing).await? {
                    Outcome::Begun(answer) => return Ok(answer),
                    Outcome::TooLate => return Err(self.too_late().await),
                    Outcome::SomebodyElse(id) => ask = Some(id),
                },
            }
        }
        self.revoke().await;
        Err(CallbackError::unavailable("handoffs in each other's way"))
    }

    async fn begin(&self, replacing: Option<SessionId>) -> Result<Outcome, ErrorPage> {
        let source = Source::Handoff {
            handoff: self.handoff,
            replacing,
        };
        let Self {
            site,
            arrival,
            target,
            cookies,
            flow,
            ..
        } = self;
        session::begin(site, arrival, source, target, cookies, flow).await
    }

    /// Somebody else is signed in here: the new session waits for a click (row 24). None if that
    /// session has ended meanwhile.
    async fn wait_for(&self, current: SessionId) -> Result<Option<Response>, CallbackError> {
        let Self {
            site,
            arrival,
            flow,
            ..
        } = self;
        let now = site.context.now();
        let waiting = Waiting {
            session: arrival.waiting(site),
            target: self.target.clone(),
            wait_until: now + SWITCH_LIFETIME,
        };
        let kept = site
            .store
            .keep_waiting(current, waiting, self.handoff, now)
            .await;
        match kept {
            Ok(Kept::Waits {
                displaced,
                pre_session_over,
            }) => {
                let displaced = displaced.and_then(|token| session::open_waiting(site, &token));
                if let Some(token) = displaced {
                    site.authority.logout_or_log(&token, flow.trace()).await;
                }
                flow.session(arrival.id());
                flow.step(Step::SwitchAsked);
                let answer = redirect::see_other(&switch::address(&self.target));
                Ok(Some(session::without_pre_session(answer, pre_session_over)))
            }
            Ok(Kept::NobodyIsSignedIn) => Ok(None),
            Ok(Kept::TooLate) => Err(self.too_late().await),
            Err(error) => {
                self.revoke().await;
                Err(ErrorPage::unavailable(error).into())
            }
        }
    }

    /// The browser signed out while this was under way: nothing begins (row 81).
    async fn too_late(&self) -> CallbackError {
        self.revoke().await;
        CallbackError::new(Reason::Refused, RefusalReason::SignedOutMeanwhile)
    }

    async fn revoke(&self) {
        let token = &self.arrival.token;
        let trace = self.flow.trace();
        self.site.authority.logout_or_log(token, trace).await;
    }
}
