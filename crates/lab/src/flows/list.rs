//! The handoffs that were recorded, the newest first.

use axum::response::Response;
use leptos::prelude::*;
use relying_party::Application;
use serde::Deserialize;
use web::{context::At, moment, page::Page, params::Params, problem::Problem};

use super::find;
use crate::{
    Lab,
    store::{Flow, Key, LISTED, Outcome},
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
) -> Result<Response, Problem> {
    let before = match part.before {
        Some(before) => {
            let key = Key::parse(&before).map_err(|_| Problem::bad_request())?;
            Some(find(&lab, &key).await?.number)
        }
        None => None,
    };
    let flows = lab.recorded().store.recent_flows(LISTED, before).await;
    let flows = flows.map_err(Problem::unavailable)?;
    let now = lab.context().now();
    let earlier = flows
        .last()
        .filter(|_| flows.len() == LISTED)
        .map(|last| format!("/flows?before={}", last.id));
    let frame = lab.context().frame.clone();
    Ok(page.show(move || {
        let rows = flows.into_iter().map(|flow| {
            let href = format!("/flows/{}", flow.id);
            let ago = moment::ago(flow.began, now);
            view! {
                <tr>
                    <td>
                        <a href=href>{app_name(&flow)}</a>
                    </td>
                    <td>{ago}</td>
                    <td>{outcome(&flow.outcome)}</td>
                    <td>{flow.steps}</td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        let content = view! {
            <div class="page">
                <h1>"Flows"</h1>
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"App"</th>
                            <th scope="col">"When"</th>
                            <th scope="col">"Outcome"</th>
                            <th scope="col">"Steps"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
                {earlier.map(|href| view! { <a href=href>"Earlier"</a> })}
            </div>
        };
        frame.page("Flows", false, content)
    }))
}

fn app_name(flow: &Flow) -> String {
    let Some(client) = &flow.client else {
        return "An application".to_owned();
    };
    let own = Application::ALL
        .into_iter()
        .find(|application| application.id() == client.as_str());
    own.map_or_else(|| client.to_string(), |own| own.name().to_owned())
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::UnderWay => "under way".to_owned(),
        Outcome::Opened => "opened".to_owned(),
        Outcome::Refused(reason) => format!("refused: {reason}"),
    }
}
