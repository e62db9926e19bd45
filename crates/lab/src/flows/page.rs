//! One flow.

use axum::response::Response;
use leptos::prelude::*;
use web::{context::At, page::Page, problem::Problem, redirect};

use super::{Asked, find};
use crate::{Lab, store::in_order};

pub(crate) async fn get(
    At(lab): At<Lab>,
    Asked(key): Asked,
    page: Page,
) -> Result<Response, Problem> {
    let flow = find(&lab, &key).await?;
    if flow.id != key {
        // Also known by its launch, or by one of its requests; its page has one address.
        return Ok(redirect::see_other(&format!("/flows/{}", flow.id)));
    }
    let kept = lab.recorded().store.events_after(flow.number, 0).await;
    let events = in_order(kept.map_err(Problem::unavailable)?);
    let file = format!("/flows/{}/export.json", flow.id);
    let frame = lab.context().frame.clone();
    Ok(page.show(move || {
        let steps = events.iter().map(|event| {
            let refusal = event.refusal.as_ref();
            let reason = refusal.map(|refusal| format!(": {}", refusal.reason));
            view! { <li>{event.step.as_str()} {reason}</li> }
        });
        let steps = steps.collect_view();
        let content = view! {
            <div class="page">
                <h1>"A handoff"</h1>
                <ol>{steps}</ol>
                <p>
                    <a href=file>"Save the steps (JSON)"</a>
                </p>
            </div>
        };
        frame.page("A handoff", false, content)
    }))
}
