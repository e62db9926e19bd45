//! H2: this site makes its own state and verifier, whoever sent the person.
//!
//! The authorization server's push is only a hint. A state that came from there would match itself
//! in any browser; ours matches in this one alone.

use axum::response::Response;
use handoff::{
    handoff::Started,
    refusal_reason::RefusalReason,
    step::Step,
    token::{LaunchTicket, PreSession, Secret, Unverified, Verifier},
    uri,
    wire::{S256, StartQuery, path},
};
use recording::flow_recorder::FlowRecorder;
use time::Duration;
use web::{
    at::At,
    cookies::{self, Cookies},
    error_page::ErrorPage,
    params::Params,
    peer::Peer,
    redirect, seal,
};

use crate::{
    RelyingParty,
    failure::{Reason, refuse},
    store::{NewHandoff, Sealed},
};

/// The cookie of a browser that has a handoff under way.
pub(crate) const PRE_COOKIE: &str = "__Host-rp_pre";
const PRE_LIFETIME: Duration =
    handoff::handoff::STARTED_LIFETIME.saturating_add(handoff::handoff::TARGET_LIFETIME);

/// Keeps a sealed verifier from being taken for something else.
const PURPOSE: &str = "verifier";

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    flow: FlowRecorder,
    cookies: Cookies,
    peer: Peer,
    Params(query): Params<StartQuery>,
) -> Result<Response, ErrorPage> {
    let issuer = site.settings.issuer.as_str();
    if query.iss.as_deref().is_some_and(|iss| iss != issuer) {
        return Ok(refuse(
            flow.trace(),
            Reason::Refused,
            RefusalReason::IssDiffers,
            None,
        ));
    }
    let pre = pre_session(&site, &cookies);
    site.admit_start(pre.as_ref(), peer).await?;
    let target = site.target(query.target_link_uri.as_deref());
    let target = target.map_err(|bad| bad.explain(&site))?;
    let (random, now) = (&*site.context.random, site.context.now());
    // Several tabs share one pre-session. Whatever else stands in the cookie is not ours.
    let pre = pre.unwrap_or_else(|| PreSession::mint(random.bytes()));
    let started = Started::new(
        site.new_state(),
        Verifier::mint(random.bytes()),
        target,
        now,
    );
    let verifier = seal::seal(
        started.verifier.expose().as_ref(),
        pre.expose().as_ref(),
        PURPOSE,
        random,
    );
    let new = NewHandoff {
        browser: pre.digest(),
        state: started.state.digest(),
        verifier: Sealed(verifier),
        target: started.target,
        again: query.again.is_some(),
        expires_at: started.expires_at,
    };
    let kept = site.store.start_handoff(new, now).await;
    kept.map_err(ErrorPage::unavailable)?;

    let redirect_uri = site.settings.redirect_uri();
    let challenge = started.verifier.challenge().to_string();
    let launch: Option<Unverified<LaunchTicket>> =
        query.launch.and_then(|launch| Unverified::new(launch).ok());
    let mut parameters = vec![
        ("client_id", site.settings.client_id.as_str()),
        ("redirect_uri", &redirect_uri),
        ("state", started.state.expose().as_ref()),
        ("code_challenge", &challenge),
        ("code_challenge_method", S256),
    ];
    parameters.extend(
        launch
            .as_ref()
            .map(|launch| ("launch", launch.expose().as_ref())),
    );
    let authorize = format!("{issuer}{}", path::AUTHORIZE);
    flow.state(started.state.digest());
    flow.step(Step::StateMade);
    Ok(redirect::with_cookie(
        redirect::see_other(&uri::with_query(&authorize, &parameters)),
        cookies::set(PRE_COOKIE, pre.expose().as_ref(), Some(PRE_LIFETIME)),
    ))
}

/// The browser's pre-session, if it has one: what state and verifier belong to (rows 20 and 21). Without
/// that defence all browsers share one.
pub(crate) fn pre_session(site: &RelyingParty, cookies: &Cookies) -> Option<PreSession> {
    if !site.context.policy.browser_binding() {
        return Some(PreSession::mint([0; 32]));
    }
    PreSession::parse(cookies.get(PRE_COOKIE)?).ok()
}

/// Opens the verifier of a handoff that this browser started.
pub(crate) fn open_verifier(sealed: &Sealed, pre: &PreSession) -> Option<Verifier> {
    let text = seal::open(&sealed.0, pre.expose().as_ref(), PURPOSE).ok()?;
    Verifier::parse(&text).ok()
}
