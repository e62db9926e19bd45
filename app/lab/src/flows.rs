//! Every handoff that was recorded.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    diagram::{Outcome, icon_by_name, visible},
    stream::{Line, listen},
};
use ui::{
    components::{
        icon::{AppIcon, Glyph, Icon},
        moment::{Past, When},
    },
    words::{Explained, Term},
};

/// What the list of handoffs shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows {
    /// The handoffs, the newest first.
    pub rows: Vec<FlowRow>,
    /// Where there are older ones, if there are.
    pub earlier: Option<String>,
    /// Where the list comes from while it changes: the path of a stream of server-sent events, each
    /// all rows as JSON. None for a part that does not change.
    pub stream: Option<String>,
    /// Where a handoff can be started: the origin of Harbor ID, without a slash at the end.
    pub authority_origin: String,
    /// What people call it.
    pub authority_name: String,
}

/// One handoff of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRow {
    /// Its place in the order in which they came.
    pub number: i64,
    /// The address of its page.
    pub href: String,
    /// The app that it is for, where that is known.
    pub app_name: Option<String>,
    /// What stands beside the name.
    #[serde(with = "icon_by_name")]
    pub icon: AppIcon,
    /// When it began.
    pub began: Past,
    /// What came of it.
    pub outcome: Outcome,
    /// How many steps were recorded.
    pub steps: usize,
}

/// The handoffs, and a way to watch the next one.
#[component]
pub fn FlowsPage(
    /// What to show.
    model: Flows,
) -> impl IntoView {
    let Flows {
        rows,
        earlier,
        stream,
        authority_origin,
        authority_name,
    } = model;
    view! {
        <div class="page">
            <div class="stack">
                <h1>"Flows"</h1>
                <p class="lede">
                    "Every " <Explained term=Term::Handoff />
                    " as it really happened: who sent what to whom, and which rule let it pass or \
                     stopped it. Secrets are shown by a fingerprint, never whole."
                </p>
                <p>
                    <a href="/flows/next">"Watch the next one"</a>
                    " while it happens."
                </p>
            </div>
            <LiveFlows rows stream authority_origin authority_name />
            {earlier
                .map(|earlier| {
                    view! {
                        <p>
                            <a class="button" href=earlier>
                                "Show earlier ones"
                            </a>
                        </p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// The list. It is complete without a script; with one, handoffs appear and change as they happen.
#[island]
fn LiveFlows(
    /// The handoffs so far.
    rows: Vec<FlowRow>,
    /// Where the list comes from while it changes.
    stream: Option<String>,
    /// Where a handoff can be started.
    authority_origin: String,
    /// What people call it.
    authority_name: String,
) -> impl IntoView {
    let rows = RwSignal::new(rows);
    let line = RwSignal::new(Line::Open);
    let live = RwSignal::new(false);
    // Effects run in the browser only.
    Effect::new(move || {
        if let Some(stream) = &stream {
            live.set(true);
            listen(stream, line, move |newest: Vec<FlowRow>| rows.set(newest));
        }
    });
    let status = move || match (live.get(), line.get()) {
        (false, _) => "",
        (_, Line::Open) => "Live: handoffs appear as they happen.",
        (_, Line::Broken) => "The connection broke. The browser is trying again.",
        (_, Line::Lost | Line::Over) => "The connection is gone. Load the page again to go on.",
    };
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let content = move || {
        if is_empty.get() {
            nothing(&authority_origin, &authority_name)
        } else {
            table(rows)
        }
    };
    view! {
        <div class="stack">
            <p class="flow-status" role="status">
                {status}
            </p>
            {content}
        </div>
    }
    .into_any()
}

fn nothing(authority_origin: &str, authority_name: &str) -> AnyView {
    view! {
        <div class="empty stack">
            <p>
                "No handoff has been recorded yet. Each one that happens on these sites is listed here."
            </p>
            <p>
                <a class="button" href=authority_origin.to_owned()>
                    "Go to " {authority_name.to_owned()}
                </a>
            </p>
            <p class="muted">"There, sign in and open an app. Then come back to this page."</p>
        </div>
    }
    .into_any()
}

/// The handoffs, as a table that becomes cards on a phone.
fn table(rows: RwSignal<Vec<FlowRow>>) -> AnyView {
    // The roles say again what a table is: as cards, its elements would lose them.
    view! {
        <table class="flows" role="table" aria-label="Handoffs, the newest first">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">
                        "App"
                    </th>
                    <th role="columnheader" scope="col">
                        "When"
                    </th>
                    <th role="columnheader" scope="col">
                        "Outcome"
                    </th>
                    <th role="columnheader" scope="col" class="flows-steps">
                        "Steps"
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For
                    each=move || rows.get()
                    key=|row| row.number
                    children=move |first| row(first, rows)
                />
            </tbody>
        </table>
    }
    .into_any()
}

/// One handoff. It stays the same row while its cells change, and keeps the focus.
fn row(first: FlowRow, rows: RwSignal<Vec<FlowRow>>) -> AnyView {
    let number = first.number;
    let row = Memo::new(move |last: Option<&FlowRow>| {
        let now = rows.with(|rows| rows.iter().find(|row| row.number == number).cloned());
        // Without its row for a moment, while it is taken away.
        now.or_else(|| last.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let app = move || {
        let name = row.with(|row| row.app_name.as_deref().map(visible));
        name.unwrap_or_else(|| "Unknown app".to_owned())
    };
    let icon = move || {
        let icon = row.with(|row| row.icon);
        view! { <Glyph icon /> }
    };
    let when = move || {
        let began = row.with(|row| row.began.clone());
        view! {
            {began.ago}
            <span class="muted">
                <When moment=began.at />
            </span>
        }
    };
    let tone = Memo::new(move |_| row.with(|row| row.outcome.tone()));
    let outcome = move || {
        let outcome = row.with(|row| row.outcome.clone());
        let icon = match outcome {
            Outcome::UnderWay => Icon::Clock,
            _ => outcome.tone().icon(),
        };
        view! {
            <Glyph icon />
            <span>{outcome.words()}</span>
        }
    };
    let steps = Memo::new(move |_| row.with(|row| row.steps));
    view! {
        <tr role="row">
            <td role="cell" class="flows-app">
                <a href=move || row.with(|row| row.href.clone())>
                    {icon}
                    <span>
                        {app}
                        <span class="unseen">
                            {move || row.with(|row| format!(", {}", row.began.at.for_people))}
                        </span>
                    </span>
                </a>
            </td>
            <td role="cell" class="flows-when">
                {when}
            </td>
            <td role="cell" class="flows-outcome" data-tone=move || tone.get().slug()>
                {outcome}
            </td>
            <td role="cell" class="flows-steps">
                {steps}
                <span class="flows-unit">
                    {move || if steps.get() == 1 { " step" } else { " steps" }}
                </span>
            </td>
        </tr>
    }
    .into_any()
}
