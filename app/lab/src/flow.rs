//! One handoff: its picture, its messages, and how to keep or share it.

use std::sync::Arc;

use leptos::prelude::*;

use crate::{diagram::Missing, drawn::Drawn, islands::flow::FlowControls};
use ui::{
    components::moment::{Past, When},
    words::{Explained, Term},
};

/// What the page of one handoff shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The last part of the address of its page.
    pub id: String,
    /// The handoff, drawn.
    pub drawn: Arc<Drawn>,
    /// What was recorded and is not in the picture.
    pub missing: Missing,
    /// When it began.
    pub began: Past,
    /// Where more may come from: the path of a stream of server-sent events. Each has
    /// [`Drawn::since`] the one before; one named `done` says that no more will come. None when it is
    /// over.
    pub stream: Option<String>,
    /// The page's whole address, for passing on.
    pub address: String,
}

/// The picture of a handoff, and beside it whatever was sent.
#[component]
pub fn FlowPage(
    /// What to show.
    model: Flow,
) -> impl IntoView {
    let Flow {
        id,
        drawn,
        missing,
        began,
        stream,
        address,
    } = model;
    let app = drawn.app.clone();
    let app = app.unwrap_or_else(|| "an unknown app".to_owned());
    view! {
        <div class="page flow">
            <div class="stack flow-head">
                <p>
                    <a href="/flows">"All flows"</a>
                </p>
                <h1>"A handoff to " {app}</h1>
                <p class="muted">{began.ago} ", " <When moment=began.at /></p>
            </div>
            {missing.sentences().into_iter().map(|says| view! { <p>{says}</p> }).collect_view()}
            <div class="flow-live">
                <div role="status" inner_html=drawn.outcome()></div>
                <FlowControls stream />
                {drawn.columns()}
            </div>
            {keep(&id, address)}
        </div>
    }
    .into_any()
}

fn keep(id: &str, address: String) -> AnyView {
    let export = |kind: &str| format!("/flows/{id}/export.{kind}");
    view! {
        <section class="stack flow-keep" aria-labelledby="keep-heading">
            <h2 id="keep-heading">"Keep it, share it"</h2>
            <p>
                "Nothing here is a secret: each was replaced by its kind and six characters of its \
                 hash when it was recorded, and values that are not part of a handoff are not shown. \
                 Whoever reaches this lab can open the address of this \
                 page; a file needs no lab at all. The lab keeps only its newest flows."
            </p>
            <p>
                <code>{address}</code>
            </p>
            <ul class="flow-files" role="list">
                <li>
                    <a class="button" href=export("svg") download>
                        "Save the picture (SVG)"
                    </a>
                </li>
                <li>
                    <a class="button" href=export("mermaid") download>
                        "Save as Mermaid"
                    </a>
                </li>
                <li>
                    <a class="button" href=export("json") download>
                        "Save the steps (JSON)"
                    </a>
                </li>
            </ul>
            <p class="muted">
                "A " <Explained term=Term::TraceId />
                " beside a message finds it in the log of its site."
            </p>
        </section>
    }
    .into_any()
}
