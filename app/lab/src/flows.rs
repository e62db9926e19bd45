//! Every handoff that was recorded.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use leptos::prelude::*;

use crate::{
    diagram::{Outcome, visible},
    fragments::{Part, since, whole},
    islands::list::LiveFlows,
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
    /// The handoffs.
    pub rows: DrawnRows,
    /// Where there are older ones, if there are.
    pub earlier: Option<String>,
    /// Where the list comes from while it changes: the path of a stream of server-sent events, each
    /// with [`DrawnRows::since`] the one before. None for a part that does not change.
    pub stream: Option<String>,
    /// Where a handoff can be started: the origin of Harbor ID, without a slash at the end.
    pub authority_origin: String,
    /// What people call it.
    pub authority_name: String,
}

/// One handoff of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// Its place in the order in which they came.
    pub number: i64,
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

/// The rows of the list, drawn: a part for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnRows {
    rows: Vec<FlowRow>,
    parts: Vec<Part>,
    name: String,
}

impl DrawnRows {
    /// Draws these, the newest first.
    #[must_use]
    pub fn of(rows: Vec<FlowRow>) -> Self {
        let parts = rows
            .iter()
            .map(|one| Part::new(row_id(one.number), || row(one)));
        let parts: Vec<Part> = parts.collect();
        let mut hasher = DefaultHasher::new();
        parts.iter().for_each(|part| part.html.hash(&mut hasher));
        Self {
            rows,
            parts,
            name: format!("{:016x}", hasher.finish()),
        }
    }

    /// Whether these are the rows.
    #[must_use]
    pub fn shows(&self, rows: &[FlowRow]) -> bool {
        self.rows == rows
    }

    /// A name that another list does not have: 16 hexadecimal digits.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The difference from `before`, as rows of a table: each row that is new or has changed, and an empty
    /// row for each that is gone. Without `before` it is all rows, marked as the whole list.
    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> String {
        let Some(before) = before else {
            return format!("<tr data-whole hidden></tr>{}", whole(&self.parts));
        };
        let is_here = |id: &str| self.parts.iter().any(|part| part.id == id);
        let gone = before.parts.iter().filter(|part| !is_here(&part.id));
        let gone: String = gone
            .map(|part| format!("<tr id=\"{}\" data-gone hidden></tr>", part.id))
            .collect();
        gone + &since(&before.parts, &self.parts)
    }
}

/// The id of a row.
fn row_id(number: i64) -> String {
    format!("f{number}")
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
            <div class="stack">
                {stream.map(|stream| view! { <LiveFlows stream /> })}
                {nothing(rows.parts.is_empty(), authority_origin, authority_name)}
                {table(&rows.parts)}
            </div>
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

/// What stands in the place of a table without rows.
fn nothing(is_shown: bool, authority_origin: String, authority_name: String) -> AnyView {
    view! {
        <div class="empty stack flows-none" hidden=!is_shown>
            <p>
                "No handoff has been recorded yet. Each one that happens on these sites is listed here."
            </p>
            <p>
                <a class="button" href=authority_origin>
                    "Go to " {authority_name}
                </a>
            </p>
            <p class="muted">"There, sign in and open an app. Then come back to this page."</p>
        </div>
    }
    .into_any()
}

/// The handoffs, as a table that becomes cards on a phone.
fn table(rows: &[Part]) -> AnyView {
    // The roles say again what a table is: as cards, its elements would lose them.
    view! {
        <table
            class="flows"
            role="table"
            aria-label="Handoffs, the newest first"
            hidden=rows.is_empty()
        >
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
            <tbody role="rowgroup" inner_html=whole(rows)></tbody>
        </table>
    }
    .into_any()
}

/// One handoff.
fn row(row: &FlowRow) -> AnyView {
    let app = row.app_name.as_deref().map(visible);
    let app = app.unwrap_or_else(|| "Unknown app".to_owned());
    let tone = row.outcome.tone();
    let outcome_icon = match row.outcome {
        Outcome::UnderWay => Icon::Clock,
        _ => tone.icon(),
    };
    let unit = if row.steps == 1 { " step" } else { " steps" };
    let began = row.began.clone();
    view! {
        <tr role="row" id=row_id(row.number) data-number=row.number>
            <td role="cell" class="flows-app">
                <a href=row.href.clone()>
                    <Glyph icon=row.icon />
                    <span>
                        {app} <span class="unseen">{format!(", {}", began.at.for_people)}</span>
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
                <Glyph icon=outcome_icon />
                <span>{row.outcome.words()}</span>
            </td>
            <td role="cell" class="flows-steps">
                {row.steps}
                <span class="flows-unit">{unit}</span>
            </td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use ui::components::moment::Moment;

    use super::*;

    fn handoff(number: i64, steps: usize, app: &str) -> FlowRow {
        FlowRow {
            number,
            href: format!("/flows/{number}"),
            app_name: Some(app.to_owned()),
            icon: AppIcon::Page,
            began: Past {
                at: Moment {
                    for_people: "25 November 2026, 21:10 UTC".to_owned(),
                    for_programs: "2026-11-25T21:10:00Z".to_owned(),
                },
                ago: "just now".to_owned(),
            },
            outcome: Outcome::UnderWay,
            steps,
        }
    }

    #[test]
    fn only_rows_that_changed_are_sent_and_those_that_are_gone_are_named() {
        let before = DrawnRows::of(vec![handoff(2, 1, "Notes"), handoff(1, 9, "Tasks")]);
        assert_eq!(before.since(Some(&before)), "");
        let now = DrawnRows::of(vec![handoff(3, 1, "Tasks"), handoff(2, 5, "Notes")]);
        assert_ne!(before.name(), now.name());
        let sent = now.since(Some(&before));
        let ids = |html: &str| {
            let ids = html.split(" id=\"").skip(1);
            ids.filter_map(|rest| rest.split('"').next().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&sent), ["f1", "f3", "f2"]);
        assert!(sent.starts_with("<tr id=\"f1\" data-gone hidden></tr>"));
        let all = now.since(None);
        assert!(all.starts_with("<tr data-whole hidden></tr>"), "{all}");
        assert_eq!(ids(&all), ["f3", "f2"]);
        // The page has the same rows as the stream.
        let page = Owner::new().with(|| table(&now.parts).to_html());
        assert!(page.contains(&whole(&now.parts)), "{page}");
    }

    #[test]
    fn an_app_named_in_markup_is_shown_as_text() {
        let hostile = "</td><img src=x onerror=alert(1)>\r\n<script>";
        let sent = DrawnRows::of(vec![handoff(1, 1, hostile)]).since(None);
        for forbidden in ["<img", "<script", "\r", "\n"] {
            assert!(!sent.contains(forbidden), "{forbidden:?}: {sent}");
        }
        assert!(sent.contains("&lt;img src=x"), "{sent}");
    }
}
