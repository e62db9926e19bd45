//! The page that waits for the next handoff.

use leptos::prelude::*;

use crate::islands::next::Wait;
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
