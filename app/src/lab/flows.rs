//! Every handoff that was recorded.

use leptos::prelude::*;

use crate::{
    components::{
        icon::{AppIcon, Glyph, Icon},
        moment::{Past, When},
    },
    lab::diagram::{Outcome, visible},
    words::{Explained, Term},
};

/// What the list of handoffs shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows {
    /// The handoffs, the newest first.
    pub rows: Vec<FlowRow>,
    /// Where there are older ones, if there are.
    pub earlier: Option<String>,
    /// Where a handoff can be started: the origin of Harbor ID, without a slash at the end.
    pub authority_origin: String,
    /// What people call it.
    pub authority_name: String,
}

/// One handoff of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// The address of its page.
    pub href: String,
    /// The app that it is for, where that is known.
    pub app_name: Option<String>,
    /// What stands beside the name.
    pub icon: AppIcon,
    /// When it began.
    pub began: Past,
    /// What came of it.
    pub outcome: Outcome,
    /// How many steps were recorded.
    pub steps: usize,
}

/// The handoffs, as a table that becomes cards on a phone.
#[component]
pub fn FlowsPage(
    /// What to show.
    model: Flows,
) -> impl IntoView {
    let Flows {
        rows,
        earlier,
        authority_origin,
        authority_name,
    } = model;
    let content = if rows.is_empty() {
        view! {
            <div class="empty stack">
                <p>
                    "No handoff has been recorded yet. Each one that happens on these sites appears \
                     here by itself."
                </p>
                <p>
                    <a class="button" href=authority_origin>
                        "Go to " {authority_name.clone()}
                    </a>
                </p>
                <p class="muted">"There, sign in and open an app. Then come back to this page."</p>
            </div>
        }
        .into_any()
    } else {
        table(rows, earlier).into_any()
    };
    view! {
        <div class="page">
            <div class="stack">
                <h1>"Flows"</h1>
                <p class="lede">
                    "Every " <Explained term=Term::Handoff />
                    " as it really happened: who sent what to whom, and which rule let it pass or \
                     stopped it. Secrets are shown by a fingerprint, never whole."
                </p>
            </div>
            {content}
        </div>
    }
    .into_any()
}

fn table(rows: Vec<FlowRow>, earlier: Option<String>) -> impl IntoView {
    let rows = rows.into_iter().map(row).collect_view();
    // The roles say again what a table is: as cards, its elements would lose them.
    view! {
        <div class="stack">
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
                <tbody role="rowgroup">{rows}</tbody>
            </table>
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
}

fn row(row: FlowRow) -> AnyView {
    let FlowRow {
        href,
        app_name,
        icon,
        began,
        outcome,
        steps,
    } = row;
    let app = app_name.map_or_else(|| "Unknown app".to_owned(), |name| visible(&name));
    let tone = outcome.tone();
    let icon_of_outcome = match outcome {
        Outcome::UnderWay => Icon::Clock,
        _ => tone.icon(),
    };
    view! {
        <tr role="row">
            <td role="cell" class="flows-app">
                <a href=href>
                    <Glyph icon />
                    <span>
                        {app}
                        <span class="unseen">{format!(", {}", began.at.for_people)}</span>
                    </span>
                </a>
            </td>
            <td role="cell" class="flows-when">
                {began.ago}
                <span class="muted">
                    <When moment=began.at />
                </span>
            </td>
            <td role="cell" class="flows-outcome" data-tone=tone.slug()>
                <Glyph icon=icon_of_outcome />
                <span>{outcome.words()}</span>
            </td>
            <td role="cell" class="flows-steps">
                {steps}
                <span class="flows-unit">{if steps == 1 { " step" } else { " steps" }}</span>
            </td>
        </tr>
    }
    .into_any()
}
