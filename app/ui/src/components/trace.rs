//! The small line that lets somebody with the log find what happened.

use crate::words::{Explained, Term};
use leptos::prelude::*;

/// The trace id, at the foot of a page that explains a failure, and the way to what was recorded of it.
#[component]
pub fn TraceLine(
    /// The trace id.
    trace: String,
    /// Where what was recorded can be looked at.
    recorded: Option<String>,
) -> impl IntoView {
    view! {
        <p class="trace">
            <Explained term=Term::TraceId shown="Trace id" />
            " "
            <code>{trace}</code>
            {recorded
                .map(|href| {
                    view! {
                        <span class="dot">" · "</span>
                        <a href=href rel="noreferrer">
                            "See what happened, step by step"
                        </a>
                    }
                })}
        </p>
    }
}
