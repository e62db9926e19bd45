//! The island of the list of handoffs.

use leptos::prelude::*;
use web_sys::Element;

use super::{
    place,
    stream::{Line, listen},
};

/// Keeps the list up to date. Without a script it is complete as it is; with one, handoffs appear and
/// change as they happen.
#[island]
pub fn LiveFlows(
    /// Where the list comes from while it changes.
    stream: String,
) -> impl IntoView {
    let line = RwSignal::new(Line::Open);
    let live = RwSignal::new(false);
    // Effects run in the browser only.
    Effect::new(move || {
        live.set(true);
        listen(&stream, line, |html| place_rows(&html));
    });
    let status = move || match (live.get(), line.get()) {
        (false, _) => "",
        (true, line) => line.sentence("Live: handoffs appear as they happen."),
    };
    view! {
        <p class="flow-status" role="status">
            {status}
        </p>
    }
    .into_any()
}

/// Puts rows that came into the table.
fn place_rows(html: &str) {
    let table = document().query_selector("table.flows").ok().flatten();
    let body = table.and_then(|table| table.query_selector("tbody").ok().flatten());
    let (Some(body), Some(new)) = (body, place::read(html)) else {
        return;
    };
    let new = place::elements(&new);
    if new.iter().any(|row| row.has_attribute("data-whole")) {
        let is_gone = |row: &Element| !new.iter().any(|new| new.id() == row.id());
        place::children(&body)
            .iter()
            .filter(|row| is_gone(row))
            .for_each(Element::remove);
    }
    for row in new {
        let id = row.id();
        match document().get_element_by_id(&id) {
            _ if id.is_empty() => {}
            Some(old) if row.has_attribute("data-gone") => old.remove(),
            Some(old) => place::update(&old, &row),
            None if row.has_attribute("data-gone") => {}
            None => {
                let number = place::number(&row, "data-number");
                let mut rows = place::children(&body).into_iter();
                let older = rows.find(|there| place::number(there, "data-number") < number);
                // It is a row of this table, or none: then it comes last.
                let _ = body.insert_before(&row, older.as_deref());
            }
        }
    }
    let is_empty = body.first_element_child().is_none();
    for (selector, is_hidden) in [("table.flows", is_empty), (".flows-none", !is_empty)] {
        if let Ok(Some(element)) = document().query_selector(selector) {
            let _ = element.toggle_attribute_with_force("hidden", is_hidden);
        }
    }
}
