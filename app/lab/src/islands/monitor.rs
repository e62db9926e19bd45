//! The island of the monitor.

use leptos::prelude::*;

use super::{
    place,
    stream::{Line, listen},
};

/// Keeps the monitor up to date. Without a script it says how things stood when it was loaded.
#[island]
pub fn LiveMonitor(
    /// Where the page's content comes from while it changes.
    stream: String,
) -> impl IntoView {
    let line = RwSignal::new(Line::Open);
    let live = RwSignal::new(false);
    // Effects run in the browser only.
    Effect::new(move || {
        live.set(true);
        listen(&stream, line, |html| place_sections(&html));
    });
    let status = move || match (live.get(), line.get()) {
        (false, _) => "As it was when this page was loaded.",
        (true, line) => line.sentence("Live: the page changes by itself."),
    };
    view! {
        <p class="flow-status" role="status">
            {status}
        </p>
    }
    .into_any()
}

/// Updates the sections in place: what has the focus keeps it.
fn place_sections(html: &str) {
    let new = place::read(html).and_then(|new| place::elements(&new).into_iter().next());
    if let (Some(old), Some(new)) = (document().get_element_by_id("monitor"), new) {
        place::update(&old, &new);
    }
}
