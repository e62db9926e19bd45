//! One flow.

use std::sync::Arc;

use axum::response::Response;
use lab_pages::flow::{Flow as Model, FlowPage};
use leptos::prelude::*;
use web::{at::At, error_page::ErrorPage, moment, page::Page, redirect};

use super::drawings::Drawing;
use super::{Asked, find_whole, is_over, missing, names};
use crate::Lab;

pub(crate) async fn get(
    At(lab): At<Lab>,
    Asked(key): Asked,
    page: Page,
) -> Result<Response, ErrorPage> {
    let (flow, kept) = find_whole(&lab, &key).await?;
    if flow.id != key {
        // Also known by its launch, or by one of its requests; its page has one address.
        return Ok(redirect::see_other(&format!("/flows/{}", flow.id)));
    }
    let now = lab.context().now();
    let missing = missing(&flow, &kept);
    let drawing = Drawing::of(&flow, kept);
    let stream = format!("/flows/{}/events?after={}", flow.id, drawing.last);
    let model = Model {
        id: flow.id.to_string(),
        missing,
        drawn: Arc::clone(&drawing.drawn),
        began: moment::past(flow.began, now),
        stream: (!is_over(&flow, now)).then_some(stream),
        address: format!("{}/flows/{}", lab.0.settings.origin, flow.id),
    };
    let names = names();
    let mut apps = names.apps.into_iter();
    let app = apps.find(|app| flow.client.as_ref() == Some(&app.client));
    let title = app.map_or_else(
        || "A handoff".to_owned(),
        |app| format!("A handoff to {}", app.name),
    );
    let frame = lab.context().frame.clone();
    let show = move || {
        let model = model.clone();
        let frame = frame.clone();
        frame.page(title.clone(), true, view! { <FlowPage model /> })
    };
    Ok(page.show_with_islands(show).await)
}
