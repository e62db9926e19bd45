//! The small line that lets somebody with the log find what happened.

use crate::words::{Explained, Term};
use leptos::prelude::*;

/// The trace id, at the foot of a page that explains a failure.
#[component]
pub fn TraceLine(
    /// The trace id.
    trace: String,
) -> impl IntoView {
    view! {
        <p class="trace">
            <Explained term=Term::TraceId shown="Trace id" />
            " "
            <code>{trace}</code>
        </p>
    }
}
