//! A flow as a file, to be kept or passed on. It holds what the page holds: no secret.

use app::lab::diagram::{Diagram, export, text};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use handoff::flow::Event;
use http::header;
use serde::Serialize;
use web::{context::At, problem::Problem};

use super::{Asked, find, names};
use crate::{
    Lab,
    store::{Flow, in_order},
};

/// What the JSON file holds.
#[derive(Serialize)]
struct File {
    /// The flow's id.
    flow: String,
    /// What happened, in order.
    events: Vec<Event>,
}

/// The steps as JSON.
pub(crate) async fn json(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, Problem> {
    let (flow, events) = recorded(&lab, &key).await?;
    let flow = flow.id.to_string();
    let name = disposition(&flow, "json");
    let file = Json(File { flow, events });
    Ok(([(header::CONTENT_DISPOSITION, name)], file).into_response())
}

/// The picture, by itself.
pub(crate) async fn svg(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, Problem> {
    let (flow, diagram) = drawn(&lab, &key).await?;
    let picture = export::document(&diagram);
    Ok(file(&flow, "svg", "image/svg+xml", picture))
}

/// The picture in the language of Mermaid.
pub(crate) async fn mermaid(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, Problem> {
    let (flow, diagram) = drawn(&lab, &key).await?;
    let picture = text::mermaid(&diagram);
    Ok(file(&flow, "mermaid", "text/vnd.mermaid", picture))
}

async fn drawn(lab: &Lab, key: &crate::store::Key) -> Result<(Flow, Diagram), Problem> {
    let (flow, events) = recorded(lab, key).await?;
    Ok((flow, Diagram::of(&events, &names())))
}

fn file(flow: &Flow, kind: &str, media_type: &'static str, content: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            disposition(&flow.id.to_string(), kind),
        ),
    ];
    (headers, content).into_response()
}

async fn recorded(lab: &Lab, key: &crate::store::Key) -> Result<(Flow, Vec<Event>), Problem> {
    let flow = find(lab, key).await?;
    let kept = lab.recorded().store.events_after(flow.number, 0).await;
    let kept = kept.map_err(Problem::unavailable)?;
    Ok((flow, in_order(kept)))
}

/// A flow's id is hexadecimal digits: it needs no quoting.
fn disposition(id: &str, kind: &str) -> String {
    format!("attachment; filename=\"handoff-{id}.{kind}\"")
}
