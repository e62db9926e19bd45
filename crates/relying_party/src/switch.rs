//! H6, when somebody else is signed in here: "Switch from Alice to Bob?" (row 24).

use axum::response::Response;
use handoff::{
    ids::SessionId,
    refusal_reason::RefusalReason,
    uri::{self, LocalPath},
};
use leptos::prelude::*;
use pages::relying_party::switch::{Switch, SwitchPage};
use recording::flow_recorder::FlowRecorder;
use serde::Deserialize;
use web::{
    at::At, cookies::Cookies, error_page::ErrorPage, form::Protected, page::Page, params::Params,
    redirect, refused::Refused, trace_id::TraceId,
};

use crate::{
    RelyingParty,
    failure::{Reason, refuse},
    identity::{MaybeSignedIn, SignedInForms},
    session::{self, Arrival, Outcome},
    store::{Source, Waiting},
};

pub(crate) const PATH: &str = "/switch";

/// The question's address. It names the target, for the case that nobody is left to be asked; the one that
/// counts is kept with the session that waits.
pub(crate) fn address(target: &LocalPath) -> String {
    match target.as_str() {
        "/" => PATH.to_owned(),
        target => uri::with_query(PATH, &[("target_link_uri", target)]),
    }
}

/// Whoever was to be asked has no session any more, and what waited for the answer went with it. The
/// person who has just signed in is told so, and can start again. To sign them in here and now would
/// be to answer a question that was put to somebody else.
fn nobody_to_ask(site: &RelyingParty, trace: &TraceId, target: Option<&str>) -> Response {
    refuse(
        trace,
        Reason::NobodyToSwitchFrom,
        RefusalReason::SessionEndedMeanwhile,
        site.target(target).ok().as_ref(),
    )
}

#[derive(Debug, Deserialize)]
pub(crate) struct SwitchQuery {
    target_link_uri: Option<String>,
}

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    flow: FlowRecorder,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    Params(query): Params<SwitchQuery>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let wanted = query.target_link_uri.as_deref();
    let Some(signed_in) = signed_in else {
        return Ok(nobody_to_ask(&site, flow.trace(), wanted));
    };
    let (id, now) = (signed_in.session().id, site.context.now());
    let found = site.store.find_waiting(id, now).await;
    let Some(waiting) = found.map_err(ErrorPage::unavailable)? else {
        // Answered in another tab: whoever is signed in now goes on.
        let target = site.target(wanted).unwrap_or_else(|_| LocalPath::root());
        return Ok(redirect::to(&target));
    };
    flow.session(waiting.session.id);
    let model = Switch {
        app_name: site.settings.name().to_owned(),
        current: signed_in.person(),
        next: session::person(&waiting.session),
        csrf: signed_in.csrf(&site),
        target: waiting.target.to_string(),
    };
    let frame = site.context.frame.clone();
    Ok(page.show(move || frame.page("Switch accounts", false, view! { <SwitchPage model /> })))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Switch,
    Stay,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    decision: Decision,
    target_link_uri: Option<String>,
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    flow: FlowRecorder,
    MaybeSignedIn(signed_in): MaybeSignedIn,
    cookies: Cookies,
    form: Result<Protected<Answer, SignedInForms>, ErrorPage>,
) -> Result<Response, ErrorPage> {
    let Protected { fields, .. } = form.map_err(|problem| {
        // Another tab has answered, or signed out: the question is asked anew if there is still one.
        problem.leading_to(PATH, format!("Go on to {}", site.settings.name()))
    })?;
    let Some(signed_in) = signed_in else {
        let wanted = fields.target_link_uri.as_deref();
        return Ok(nobody_to_ask(&site, flow.trace(), wanted));
    };
    let current = signed_in.session().id;
    match fields.decision {
        Decision::Switch => switch(&site, current, &cookies, &flow).await,
        Decision::Stay => {
            revoke_waiting(&site, current, &flow).await?;
            Ok(Refused::from(RefusalReason::Stayed).on(redirect::see_other("/")))
        }
    }
}

async fn switch(
    site: &RelyingParty,
    current: SessionId,
    cookies: &Cookies,
    flow: &FlowRecorder,
) -> Result<Response, ErrorPage> {
    let found = site.store.find_waiting(current, site.context.now()).await;
    let found = found.map_err(ErrorPage::unavailable)?;
    let waited = found.and_then(
        |Waiting {
             session, target, ..
         }| { Some((Arrival::waited(site, session)?, target)) },
    );
    let Some((arrival, target)) = waited else {
        let target = revoke_waiting(site, current, flow).await?;
        return Ok(too_late(flow, target.as_ref()));
    };
    let source = Source::Waiting { current };
    let outcome = session::begin(site, &arrival, source, &target, cookies, flow).await;
    if outcome.is_err() {
        // Its access token is revoked: a second answer must not begin it either.
        revoke_waiting(site, current, flow).await.ok();
    }
    match outcome? {
        Outcome::Begun(answer) => Ok(answer),
        // Answered otherwise, or signed out, a moment ago: that has revoked it.
        Outcome::TooLate | Outcome::SomebodyElse(_) => Ok(too_late(flow, Some(&target))),
    }
}

fn too_late(flow: &FlowRecorder, target: Option<&LocalPath>) -> Response {
    let why = RefusalReason::SwitchTooLate;
    refuse(flow.trace(), Reason::TookTooLong, why, target)
}

/// Ends what waits for the answer of this session, also when it has waited too long, and tells where it
/// would have led.
async fn revoke_waiting(
    site: &RelyingParty,
    current: SessionId,
    flow: &FlowRecorder,
) -> Result<Option<LocalPath>, ErrorPage> {
    let taken = site.store.take_waiting(current).await;
    let taken = taken.map_err(ErrorPage::unavailable)?;
    if let Some(waiting) = &taken {
        flow.session(waiting.session.id);
    }
    let target = taken.as_ref().map(|waiting| waiting.target.clone());
    let token =
        taken.and_then(|waiting| session::open_waiting(site, &waiting.session.access_token));
    if let Some(token) = token {
        site.authority.logout_or_log(&token, flow.trace()).await;
    }
    Ok(target)
}
