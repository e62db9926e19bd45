//! The picture in words: for those who do not see it, and for copying.

use leptos::prelude::*;

use crate::diagram::{
    Arrow, Chip, CookieTab, Decision, Diagram, Entry, Kind, Outcome, duration, explain,
};

/// What came of the handoff, in one sentence.
#[must_use]
pub fn outcome(diagram: &Diagram) -> String {
    let (app, decisive) = (diagram.app(), diagram.decisive());
    let at = decisive.map_or_else(String::new, |entry| format!(" at message {}", entry.number));
    match (&diagram.outcome, decisive) {
        (Outcome::SignedIn, Some(entry)) => {
            let mut began = entry.decisions.iter();
            let began = began.find(|decision| decision.step == handoff::step::Step::SessionCreated);
            let when = duration(began.map_or_else(|| entry.at(), |decision| decision.at));
            let number = entry.number;
            format!("{app} began a session after message {number}, {when} after the first one.")
        }
        (Outcome::SignedIn, None) => format!("{app} began a session."),
        (Outcome::Refused(why), _) => {
            format!(
                "Stopped{at}: {}. Nobody was signed in by it.",
                explain::reason(why)
            )
        }
        (Outcome::RefusedAfterwards(why), _) => {
            format!(
                "{app} began a session. What came later was stopped{at}: {}.",
                explain::reason(why)
            )
        }
        (Outcome::Told, _) => {
            format!("{app} was told who the person is{at}. What it did then is not recorded here.")
        }
        (Outcome::ToldThenRefused(why), _) => {
            format!(
                "{app} was told who the person is. What came later was stopped{at}: {}.",
                explain::reason(why)
            )
        }
        (Outcome::Declined(why), _) => {
            format!(
                "Declined{at}: {}. Nobody was signed in by it.",
                explain::reason(why)
            )
        }
        (Outcome::Stray(why), _) => {
            format!(
                "Refused{at}: {}. It belongs to no handoff that began here.",
                explain::reason(why)
            )
        }
        (Outcome::UnderWay, _) => {
            format!("Not finished: {app} has begun no session, and nothing was refused.")
        }
    }
}

/// An entry in a line, without its number.
#[must_use]
pub fn entry(diagram: &Diagram, entry: &Entry) -> String {
    let mut sentences: Vec<String> = entry
        .message
        .iter()
        .map(|message| arrow(diagram, message))
        .collect();
    for decision in &entry.decisions {
        sentences.push(decided(diagram, decision));
    }
    sentences.join(" ")
}

/// Who sends what to whom.
#[must_use]
pub fn arrow(diagram: &Diagram, arrow: &Arrow) -> String {
    let (from, to) = (diagram.name(arrow.from), diagram.name(arrow.to));
    let way = if arrow.kind.is_back_channel() {
        ", on the back channel"
    } else {
        ""
    };
    let mut parts = vec![arrow.label.replace('→', "to")];
    parts.extend(arrow.chips.iter().map(Chip::words));
    parts.extend(arrow.cookies.iter().map(CookieTab::words));
    format!("{from} to {to}{way}: {}.", parts.join(", "))
}

fn decided(diagram: &Diagram, decision: &Decision) -> String {
    let name = diagram.name(decision.lane);
    let rules = match &*decision.rows {
        [] => String::new(),
        [row] => format!(" (rule {row})"),
        rows => {
            let rows: Vec<String> = rows.iter().map(u8::to_string).collect();
            format!(" (rules {})", rows.join(", "))
        }
    };
    format!("{name}: {}{rules}.", decision.label)
}

/// The same as the drawing, as a list.
pub fn list(diagram: &Diagram) -> AnyView {
    let entries = diagram
        .entries
        .iter()
        .map(|one| {
            let (when, says) = (duration(one.at()), entry(diagram, one));
            view! { <li>{format!("{when}. {says}")}</li> }
        })
        .collect_view();
    view! { <ol class="flow-text" id="flow-text">{entries}</ol> }.into_any()
}

/// The picture in the language of Mermaid, which many editors and wikis draw, with these sentences at
/// its end.
#[must_use]
pub fn mermaid(diagram: &Diagram, notes: &[String]) -> String {
    let mut lines = vec!["sequenceDiagram".to_owned()];
    for (index, lane) in diagram.lanes.iter().enumerate() {
        lines.push(format!(
            "    participant P{index} as {}",
            escaped(&lane.name)
        ));
    }
    for one in &diagram.entries {
        if let Some(message) = &one.message {
            let arrow = match message.kind {
                Kind::Request | Kind::Call => "->>",
                Kind::Redirect | Kind::Page | Kind::Reply => "-->>",
            };
            let mut parts = vec![message.label.clone()];
            parts.extend(message.chips.iter().map(Chip::words));
            parts.extend(message.cookies.iter().map(CookieTab::words));
            lines.push(format!(
                "    P{}{arrow}P{}: {}. {}",
                message.from,
                message.to,
                one.number,
                escaped(&parts.join(", "))
            ));
            if message.kind == Kind::Call {
                lines.push(format!(
                    "    Note over P{},P{}: back channel",
                    message.to.min(message.from),
                    message.to.max(message.from)
                ));
            }
        }
        for decision in &one.decisions {
            let says = decided(diagram, decision);
            lines.push(format!(
                "    Note over P{}: {}",
                decision.lane,
                escaped(&says)
            ));
        }
    }
    if diagram.left_out > 0 {
        lines.push(format!(
            "    Note over P0: and {} more steps",
            diagram.left_out
        ));
    }
    for note in notes {
        lines.push(format!("    Note over P0: {}", escaped(note)));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A text that Mermaid shows as it is: whatever has a meaning in its language, or in the HTML that
/// it draws with, is written as a number.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(' ') {
        // A word of the language, which would end the diagram.
        let is_end = word.trim().eq_ignore_ascii_case("end");
        for (index, letter) in word.chars().enumerate() {
            let harmless = letter.is_alphanumeric() || " -_./,():=→…⟨⟩+".contains(letter);
            if harmless && !(is_end && index == 0) {
                shown.push(letter);
            } else {
                shown.push_str(&format!("#{};", u32::from(letter)));
            }
        }
    }
    shown
}
