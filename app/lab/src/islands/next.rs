//! The island of the page that waits for the next handoff.

use leptos::prelude::*;

use super::{
    place,
    stream::{Line, listen},
};

/// Waits with a script; without one there is a link that looks.
#[island]
pub fn Wait(
    /// The newest handoff that is not waited for.
    after: i64,
    /// Where the list comes from.
    stream: String,
    /// Where this page is.
    again: String,
) -> impl IntoView {
    let line = RwSignal::new(Line::Open);
    let live = RwSignal::new(false);
    // Effects run in the browser only.
    Effect::new(move || {
        live.set(true);
        listen(&stream, line, move |html| {
            if let Some(href) = place::read(&html).and_then(|rows| begun(&rows, after)) {
                // Going back from the picture would come here, and forward again at once.
                let _ = window().location().replace(&href);
            }
        });
    });
    let status = move || match (live.get(), line.get()) {
        (false, _) => "Has it begun?",
        (true, line) => line.sentence("Waiting."),
    };
    view! {
        <p class="flow-status" role="status">
            {status}
        </p>
        <p hidden=move || live.get()>
            <a href=again>"Look for it"</a>
        </p>
    }
    .into_any()
}

/// The address of the handoff that began after this one, if it is among these rows.
fn begun(rows: &web_sys::DocumentFragment, after: i64) -> Option<String> {
    let after = usize::try_from(after).ok()?;
    let mut rows = place::elements(rows).into_iter();
    let row = rows.find(|row| place::number(row, "data-number").is_some_and(|it| it > after))?;
    row.query_selector("a").ok()??.get_attribute("href")
}
