//! A flow as a file, to be kept or passed on. It holds what the page holds: no secret.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use handoff::flow::Event;
use http::header;
use lab_pages::diagram::{Diagram, Missing, svg, text};
use serde::Serialize;
use web::{at::At, error_page::ErrorPage};

use super::{Asked, find_whole, missing, names};
use crate::{
    Lab,
    store::{Flow, Key, in_order},
};

/// What the JSON file holds.
#[derive(Serialize)]
struct File {
    /// The flow's id.
    flow: String,
    /// What happened, in order.
    events: Vec<Event>,
    /// What of it is not here, in words.
    missing: Vec<String>,
}

/// The steps as JSON.
pub(crate) async fn json(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, ErrorPage> {
    let (flow, events, missing) = recorded(&lab, &key).await?;
    let flow = flow.id.to_string();
    let name = disposition(&flow, "json");
    let file = Json(File {
        flow,
        events,
        missing: missing.sentences(),
    });
    Ok(([(header::CONTENT_DISPOSITION, name)], file).into_response())
}

/// The picture, by itself.
pub(crate) async fn picture(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, ErrorPage> {
    let (flow, diagram, missing) = drawn(&lab, &key).await?;
    let picture = svg::document(&diagram, &missing.sentences());
    Ok(file(&flow, "svg", "image/svg+xml", picture))
}

/// The picture in the language of Mermaid.
pub(crate) async fn mermaid(At(lab): At<Lab>, Asked(key): Asked) -> Result<Response, ErrorPage> {
    let (flow, diagram, missing) = drawn(&lab, &key).await?;
    let picture = text::mermaid(&diagram, &missing.sentences());
    Ok(file(&flow, "mermaid", "text/vnd.mermaid", picture))
}

async fn drawn(lab: &Lab, key: &Key) -> Result<(Flow, Diagram, Missing), ErrorPage> {
    let (flow, events, missing) = recorded(lab, key).await?;
    Ok((flow, Diagram::of(&events, &names()), missing))
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

async fn recorded(lab: &Lab, key: &Key) -> Result<(Flow, Vec<Event>, Missing), ErrorPage> {
    let (flow, kept) = find_whole(lab, key).await?;
    let missing = missing(&flow, &kept);
    Ok((flow, in_order(kept), missing))
}

/// A flow's id is hexadecimal digits: it needs no quoting.
fn disposition(id: &str, kind: &str) -> String {
    format!("attachment; filename=\"handoff-{id}.{kind}\"")
}
