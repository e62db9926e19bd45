//! The page that waits for the next handoff.

use leptos::prelude::*;

use crate::{
    place,
    stream::{Line, listen},
};
use ui::words::{Explained, Term};

/// What the page that waits is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The place of the newest handoff when the waiting began; see [`crate::flows::FlowRow::number`].
    pub after: i64,
    /// Where the list of handoffs comes from while it changes: see [`crate::flows::Flows`].
    pub stream: String,
    /// Where a handoff can be started: the origin of Harbor ID, without a slash at the end.
    pub authority_origin: String,
    /// What people call it.
    pub authority_name: String,
}

/// Says how to begin a handoff elsewhere, and waits for it.
#[component]
pub fn NextPage(
    /// What to show.
    model: Next,
) -> impl IntoView {
    let Next {
        after,
        stream,
        authority_origin,
        authority_name,
    } = model;
    let again = format!("/flows/next?after={after}");
    view! {
        <div class="page page--text">
            <div class="stack">
                <p>
                    <a href="/flows">"All flows"</a>
                </p>
                <h1>"The next handoff"</h1>
                <p class="lede">
                    "Keep this page in sight, and begin a " <Explained term=Term::Handoff />
                    " in another window: sign in at " {authority_name.clone()}
                    " and open an app. It is drawn here while it happens."
                </p>
                <p>
                    <a class="button" href=authority_origin target="_blank" rel="noopener">
                        {authority_name} " in a new tab"
                    </a>
                </p>
            </div>
            <Wait after stream again />
        </div>
    }
    .into_any()
}

/// Waits with a script; without one there is a link that looks.
#[island]
fn Wait(
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
        (_, Line::Open) => "Waiting.",
        (_, Line::Broken) => "The connection broke. The browser is trying again.",
        (_, Line::Lost | Line::Over) => "The connection is gone. Load the page again to go on.",
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
