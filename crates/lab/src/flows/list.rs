//! The handoffs that were recorded, the newest first.

use axum::response::Response;
use lab_pages::{
    diagram::{AppName, Names},
    flows::{DrawnRows, FlowRow, Flows, FlowsPage},
};
use leptos::prelude::*;
use serde::Deserialize;
use time::OffsetDateTime;
use web::{at::At, error_page::ErrorPage, moment, page::Page, params::Params};

use super::{find, names};
use crate::{
    AUTHORITY, Lab,
    store::{Flow, Key, LISTED, Number},
};

/// Which part of the list.
#[derive(Deserialize)]
pub(crate) struct Part {
    /// What came before this flow.
    before: Option<String>,
}

pub(crate) async fn get(
    At(lab): At<Lab>,
    Params(part): Params<Part>,
    page: Page,
) -> Result<Response, ErrorPage> {
    let before = match part.before {
        Some(before) => {
            let key = Key::parse(&before).map_err(|_| ErrorPage::bad_request())?;
            Some(find(&lab, &key).await?.number)
        }
        None => None,
    };
    let flows = newest(&lab, before).await?;
    let earlier = earlier(&lab, flows.last()).await?;
    let rows = lab.drawings().list(rows(&lab, flows));
    let model = Flows {
        // What came earlier does not change any more.
        stream: before.is_none().then(|| stream(&rows)),
        rows: DrawnRows::clone(&rows),
        earlier,
        authority_origin: lab.0.settings.origin_of(lab.0.settings.authority),
        authority_name: AUTHORITY.to_owned(),
    };
    let frame = lab.context().frame.clone();
    let show = move || {
        let model = model.clone();
        let frame = frame.clone();
        frame.page("Flows", true, view! { <FlowsPage model /> })
    };
    Ok(page.show_with_islands(show).await)
}

/// Where the list comes from while it changes, for a page that has these rows.
pub(crate) fn stream(rows: &DrawnRows) -> String {
    format!("/flows/events?after={}", rows.name())
}

/// The newest of all, or of those that came before this one.
pub(crate) async fn newest(lab: &Lab, before: Option<Number>) -> Result<Vec<Flow>, ErrorPage> {
    let flows = lab.recorded().store.recent_flows(LISTED, before).await;
    flows.map_err(ErrorPage::unavailable)
}

/// Where those are that came before this one, if there are any.
async fn earlier(lab: &Lab, last: Option<&Flow>) -> Result<Option<String>, ErrorPage> {
    let Some(last) = last else { return Ok(None) };
    let store = &lab.recorded().store;
    let before = store.recent_flows(1, Some(last.number)).await;
    let before = before.map_err(ErrorPage::unavailable)?;
    Ok((!before.is_empty()).then(|| format!("/flows?before={}", last.id)))
}

/// The same as the list shows them.
pub(crate) fn rows(lab: &Lab, flows: Vec<Flow>) -> Vec<FlowRow> {
    let (now, names) = (lab.context().now(), names());
    let rows = flows.into_iter().map(|flow| row(flow, &names, now));
    rows.collect()
}

fn row(flow: Flow, names: &Names, now: OffsetDateTime) -> FlowRow {
    let known = |app: &&AppName| flow.client.as_ref() == Some(&app.client);
    let known = names.apps.iter().find(known);
    let client = flow.client.as_ref().map(ToString::to_string);
    FlowRow {
        number: flow.number.0,
        href: format!("/flows/{}", flow.id),
        app_name: known.map(|app| app.name.clone()).or(client),
        icon: known.map(|app| app.icon).unwrap_or_default(),
        began: moment::past(flow.began, now),
        outcome: flow.outcome.into(),
        steps: flow.steps,
    }
}
