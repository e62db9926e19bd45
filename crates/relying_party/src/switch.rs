//! H6, when somebody else is signed in here: "Switch from Alice to Bob?" (row 24).

use app::relying_party::switch::{Switch, SwitchPage};
use axum::response::Response;
use handoff::step::Step;
use leptos::prelude::*;
use serde::Deserialize;
use web::{
    context::{At, TraceId},
    cookies::Cookies,
    form::Protected,
    page::Page,
    problem::Problem,
    redirect,
};

use crate::{
    RelyingParty,
    identity::{SignedIn, SignedInForms},
    problem::{Reason, refuse},
    session::{self, Arrival},
};

pub(crate) const PATH: &str = "/switch";

pub(crate) async fn get(
    At(site): At<RelyingParty>,
    signed_in: SignedIn,
    page: Page,
) -> Result<Response, Problem> {
    let (id, now) = (signed_in.session().id, site.context.now());
    let found = site.store.find_waiting(id, now).await;
    let Some(waiting) = found.map_err(Problem::unavailable)? else {
        return Ok(redirect::see_other("/"));
    };
    let model = Switch {
        app_name: site.settings.name().to_owned(),
        current: signed_in.person(),
        next: session::person(&waiting.session),
        csrf: signed_in.csrf(&site),
    };
    let frame = site.frame.clone();
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
}

pub(crate) async fn post(
    At(site): At<RelyingParty>,
    trace: TraceId,
    signed_in: SignedIn,
    cookies: Cookies,
    Protected { fields, .. }: Protected<Answer, SignedInForms>,
) -> Result<Response, Problem> {
    let taken = site.store.take_waiting(signed_in.session().id).await;
    let taken = taken.map_err(Problem::unavailable)?;
    let is_live = taken
        .as_ref()
        .is_some_and(|waiting| waiting.is_live(site.context.now()));
    let arrival = taken.and_then(|waiting| {
        let arrival = Arrival::waited(&site, waiting.session)?;
        Some((arrival, waiting.target))
    });
    match (fields.decision, arrival) {
        (Decision::Switch, Some((arrival, target))) if is_live => {
            let current = Some(signed_in.current_session());
            session::begin(&site, arrival, current, &target, &cookies, &trace).await
        }
        (decision, declined) => {
            if let Some((arrival, _)) = declined {
                site.authority.logout_or_log(&arrival.token, &trace).await;
            }
            Ok(match decision {
                Decision::Switch => refuse(&trace, Reason::Refused, "switch_too_late"),
                Decision::Stay => {
                    let step = Step::Refused.as_str();
                    tracing::info!(trace = %trace, step, reason = "stayed", "handoff");
                    redirect::see_other("/")
                }
            })
        }
    }
}
