//! What opens beside the picture: one message, what it means, and what was really sent.

use handoff::{
    flow::{Message, Named, Piece},
    step::Party,
};
use leptos::prelude::*;

use crate::diagram::{
    Arrow, CHANGED, Decision, Diagram, Entry, Kind, duration, explain, kind_words,
    rules::{Rule, rule},
    secrets::{Secret, SecretShape},
    visible,
};
use ui::components::{icon::Glyph, notice::Tone};

/// How many steps are not drawn, if there are too many. Its place is there in any case, for those
/// that are still to come.
pub(crate) fn left_out(diagram: &Diagram) -> AnyView {
    let count = diagram.left_out;
    let is_none = count == 0;
    let says = (!is_none).then(|| format!("And {count} more steps, which are not drawn."));
    view! {
        <p class="muted" id="flow-left-out" hidden=is_none>
            {says}
        </p>
    }
    .into_any()
}

/// One message. It opens without a script, and by its address: the element that a link leads to is
/// inside, and browsers open what it is in.
pub(crate) fn one(diagram: &Diagram, entry: &Entry, open: bool) -> AnyView {
    let Entry {
        number,
        message,
        decisions,
    } = entry;
    let party = message.as_ref().map(|message| message.from);
    let lane = party.or_else(|| decisions.first().map(|decision| decision.lane));
    let party = diagram.lanes.get(lane.unwrap_or_default());
    let party = party.map_or("browser", |lane| slug(lane.party));
    let (heading, line) = match message {
        Some(message) => (heading(diagram, message), way(diagram, message)),
        None => ("The message was not recorded".to_owned(), String::new()),
    };
    let label = message.as_ref().map(|message| message.label.clone());
    let refused = entry.refused().then(|| {
        view! {
            <span class="flow-refused" data-tone=Tone::Refused.slug()>
                <Glyph icon=Tone::Refused.icon() />
                "Refused here"
            </span>
        }
    });
    let said = message.as_ref().map(|message| {
        let words = explain::step(message.step);
        let (authority, app) = parties(diagram, message.from.max(message.to));
        view! { <p>{words.sentences(authority, app)}</p> }
    });
    let changed = message.as_ref().and_then(changed);
    let recorded = message.as_ref().map(|message| {
        let sent = message
            .sent
            .as_ref()
            .map(|sent| wire(sent, &message.changed));
        let sent = sent.unwrap_or_else(|| {
            view! { <p>"What was sent is not recorded: the site told the step alone, or it was too long."</p> }.into_any()
        });
        view! {
            {sent}
            <p class="flow-trace">"Trace id " <code>{message.trace.clone()}</code></p>
        }
    });
    let decisions = decisions
        .iter()
        .map(|decision| decided(diagram, decision))
        .collect_view();
    view! {
        <details class="flow-message" id=format!("o{number}") name="message" open=open>
            <summary>
                <span class="flow-number" data-lane=party>
                    {*number}
                </span>
                <span class="flow-summary">
                    <strong>{heading}</strong>
                    {label.map(|label| view! { <code>{label}</code> })}
                    <span class="muted">{line}</span>
                    {refused}
                </span>
            </summary>
            <div class="flow-body" id=format!("m{number}")>
                {said}
                {changed}
                {decisions}
                {recorded}
            </div>
        </details>
    }
    .into_any()
}

/// What somebody changed before this message, in words.
fn changed(message: &Arrow) -> Option<AnyView> {
    let names: Vec<String> = message.changed.iter().map(|name| visible(name)).collect();
    let values = match names.len() {
        0 => return None,
        1 => "has another value",
        _ => "have other values",
    };
    let names = names.join(", ");
    Some(
        view! {
            <p class="flow-changed">
                <strong>"Changed on the way: "</strong>
                <code>{names}</code>
                {format!(" {values} than in the message that led here.")}
            </p>
        }
        .into_any(),
    )
}

fn heading(diagram: &Diagram, message: &Arrow) -> String {
    let (authority, app) = parties(diagram, message.from.max(message.to));
    explain::step(message.step).headed(authority, app)
}

/// The names for the sentences about what is in this lane.
fn parties(diagram: &Diagram, lane: usize) -> (&str, &str) {
    let is_app = diagram
        .lanes
        .get(lane)
        .is_some_and(|lane| lane.party == Party::RelyingParty);
    let app = if is_app {
        diagram.name(lane)
    } else {
        diagram.app()
    };
    (diagram.authority(), app)
}

/// "Browser to Notes, 4 ms".
fn way(diagram: &Diagram, message: &Arrow) -> String {
    let (from, to) = (diagram.name(message.from), diagram.name(message.to));
    let channel = if message.kind.is_back_channel() {
        ", back channel"
    } else {
        ""
    };
    let took = match message.kind {
        // A reply on the back channel has the time since the site was asked that called.
        Kind::Redirect | Kind::Page if message.after > 0 => {
            format!(", {} after the request", duration(message.after))
        }
        _ => String::new(),
    };
    format!("{from} to {to}{channel} · {}{took}", duration(message.at))
}

const fn slug(party: Party) -> &'static str {
    match party {
        Party::Browser => "browser",
        Party::Authority => "authority",
        Party::RelyingParty => "relying_party",
    }
}

fn decided(diagram: &Diagram, decision: &Decision) -> AnyView {
    let words = explain::step(decision.step);
    let (authority, app) = parties(diagram, decision.lane);
    let who = diagram.name(decision.lane);
    let (heading, says) = match &decision.refusal {
        Some(refusal) => {
            let why = explain::reason_sentence(&refusal.reason);
            let why = why.map(|why| format!("{why} "));
            (
                format!("Refused by {who}: {}", explain::reason(&refusal.reason)),
                format!(
                    "{}{}",
                    why.unwrap_or_default(),
                    explain::after_refusal(&refusal.reason)
                ),
            )
        }
        None => (
            format!("{who}: {}", words.headed(authority, app)),
            words.sentences(authority, app),
        ),
    };
    let code = decision.refusal.as_ref().map(|refusal| {
        let reason = visible(&refusal.reason);
        view! { <p class="flow-trace">"In the log: " <code>{reason}</code></p> }
    });
    let rules = rules(&decision.rows);
    view! {
        <section class="flow-decision" data-tone=decision.tone.slug()>
            <h3>
                <Glyph icon=decision.tone.icon() />
                <span>{heading}</span>
            </h3>
            <p>{says}</p>
            {code}
            {rules}
        </section>
    }
    .into_any()
}

fn rules(rows: &[u8]) -> Option<AnyView> {
    let rules: Vec<Rule> = rows.iter().filter_map(|row| rule(*row)).collect();
    let shown = |rule: Rule| {
        let sources = rule
            .sources
            .into_iter()
            .map(|source| {
                view! {
                    <li>
                        <a class="source" href=source.href>
                            {source.name}
                        </a>
                    </li>
                }
            })
            .collect_view();
        view! {
            <li class="flow-rule">
                {rule.question.map(|question| view! { <em>{question}</em> })}
                <span>{format!("Rule {}: {}", rule.row, plain(rule.text))}</span>
                <ul class="sources" role="list">
                    {sources}
                </ul>
            </li>
        }
    };
    (!rules.is_empty()).then(|| {
        view! {
            <ul class="flow-rules" role="list">
                {rules.into_iter().map(shown).collect_view()}
            </ul>
        }
        .into_any()
    })
}

/// A rule's text without the marks of the document that it stands in.
fn plain(text: &str) -> String {
    text.replace("**", "").replace('`', "")
}

fn wire(message: &Message, changed: &[String]) -> AnyView {
    let (title, first, groups, headers): (_, _, [(&str, &[Named]); 3], &[Named]) = match message {
        Message::Request {
            method,
            url,
            query,
            headers,
            cookies,
            body,
        } => (
            "The request",
            format!("{method} {url}"),
            [
                ("Parameters", query),
                ("Fields of the body", body),
                ("Cookies that came with it", cookies),
            ],
            headers,
        ),
        Message::Response {
            status,
            location,
            query,
            headers,
            cookies,
            body,
        } => (
            "The answer",
            match location {
                Some(location) => format!("{status}, to {location}"),
                None => status.to_string(),
            },
            [
                ("Parameters of that address", query),
                ("Fields of the body", body),
                ("Cookies that it sets", cookies),
            ],
            headers,
        ),
    };
    let groups = groups
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(title, values)| {
            view! {
                <h4>{title}</h4>
                {list(values, changed)}
            }
        })
        .collect_view();
    let headers = (!headers.is_empty()).then(|| {
        view! {
            <details class="wire-headers">
                <summary>{format!("Headers ({})", headers.len())}</summary>
                {list(headers, &[])}
            </details>
        }
    });
    view! {
        <section class="wire">
            <h3>{title}</h3>
            <p>
                <code>{visible(&first)}</code>
            </p>
            {groups}
            {headers}
        </section>
    }
    .into_any()
}

fn list(values: &[Named], changed: &[String]) -> AnyView {
    let values = values
        .iter()
        .map(|named| {
            let is_changed = changed.contains(&named.name);
            let mark =
                is_changed.then(|| view! { " " <strong class="changed-mark">{CHANGED}</strong> });
            view! {
                <div>
                    <dt>{visible(&named.name)}</dt>
                    <dd>{pieces(named)} {mark}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl>{values}</dl> }.into_any()
}

fn pieces(named: &Named) -> impl IntoView + use<> {
    named
        .value
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => view! { <span>{visible(text)}</span> }.into_any(),
            Piece::Hidden { kind, fingerprint } => {
                let secret = Secret::of(&kind_words(kind, &named.name));
                let says = format!("{} {}", kind_words(kind, "value"), visible(fingerprint));
                view! {
                    <span class="secret" data-secret=secret.map(Secret::slug)>
                        {secret.map(|secret| view! { <SecretShape secret /> })}
                        {says}
                    </span>
                }
                .into_any()
            }
        })
        .collect_view()
}
