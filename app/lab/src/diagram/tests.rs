#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that this is for tests alone"
)]

use std::collections::BTreeSet;

use handoff::{
    flow::{Event, Message, Named, Piece, Refusal, Site},
    ids::ClientId,
    refusal_reason::RefusalReason,
    step::{Party, Step},
};
use leptos::prelude::*;

use super::{
    CHANGED, Chip, Diagram, Entry, FIRST_APP, Kind, MAX_ENTRIES, Missing, Names, Outcome, duration,
    explain,
    picture::{Ink, Mark, Picture, Shape, Width},
    readable, rules,
    secrets::{Legend, Secret},
    svg, text, visible,
};
use crate::{diagram::AppName, message};
use ui::components::{icon::AppIcon, notice::Tone};

const HOSTILE: &str = "</text></svg><script>alert(1)</script>\u{0}\u{202e}end";

fn events(json: &str) -> Vec<Event> {
    serde_json::from_str(json).unwrap()
}

fn signed_in() -> Vec<Event> {
    events(include_str!("samples/signed_in.json"))
}

fn replayed() -> Vec<Event> {
    events(include_str!("samples/replayed.json"))
}

fn stolen_callback() -> Vec<Event> {
    events(include_str!("samples/stolen_callback.json"))
}

fn names() -> Names {
    Names {
        authority: "Harbor ID".to_owned(),
        apps: vec![AppName {
            client: ClientId::parse("notes").unwrap(),
            name: "Notes".to_owned(),
            icon: AppIcon::Page,
        }],
    }
}

fn drawn(events: &[Event]) -> Diagram {
    Diagram::of(events, &names())
}

/// What opens beside the picture: every message.
fn sent(diagram: &Diagram, open: Option<usize>) -> AnyView {
    let messages = diagram.entries.iter();
    let messages = messages.map(|entry| message::one(diagram, entry, open == Some(entry.number)));
    messages.collect_view().into_any()
}

/// Number, way and label of each message.
fn messages(diagram: &Diagram) -> Vec<String> {
    let line = |entry: &Entry| {
        let message = entry.message.as_ref().unwrap();
        let arrow = match message.kind {
            Kind::Request => "->",
            Kind::Redirect => "~>",
            Kind::Page => "|>",
            Kind::Call | Kind::Reply => "=>",
        };
        let (from, to) = (diagram.name(message.from), diagram.name(message.to));
        format!("{} {from} {arrow} {to}: {}", entry.number, message.label)
    };
    diagram.entries.iter().map(line).collect()
}

fn decisions(entry: &Entry) -> Vec<Step> {
    let decisions = entry.decisions.iter();
    decisions.map(|decision| decision.step).collect()
}

fn html(view: impl FnOnce() -> AnyView) -> String {
    Owner::new().with(|| view().to_html())
}

#[test]
fn a_handoff_reads_from_top_to_bottom_in_the_order_of_time() {
    let mut shuffled = signed_in();
    shuffled.reverse();
    for events in [signed_in(), shuffled] {
        let diagram = drawn(&events);
        let lanes: Vec<_> = diagram
            .lanes
            .iter()
            .map(|lane| lane.name.as_str())
            .collect();
        assert_eq!(lanes, ["Browser", "Harbor ID", "Notes"]);
        assert_eq!(
            messages(&diagram),
            [
                "1 Browser -> Harbor ID: POST /apps/notes/open",
                "2 Harbor ID ~> Browser: 303 → /handoff/start",
                "3 Browser -> Notes: GET /handoff/start",
                "4 Notes ~> Browser: 303 → /handoff/authorize",
                "5 Browser -> Harbor ID: GET /handoff/authorize",
                "6 Harbor ID ~> Browser: 303 → /callback",
                "7 Browser -> Notes: GET /callback",
                "8 Notes => Harbor ID: POST /auth/external/handoff/verify",
                "9 Harbor ID => Notes: 200",
                "10 Notes ~> Browser: 303 → /",
            ]
        );
        for width in [Width::Wide, Width::Narrow] {
            let picture = Picture::of(&diagram, width);
            let areas: Vec<_> = picture.marks.iter().map(|mark| mark.area).collect();
            for pair in areas.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "{width:?}: {areas:?}");
            }
            assert!(areas.last().unwrap().1 <= picture.height);
        }
    }
}

#[test]
fn no_message_lies_under_another_when_requests_overlap() {
    let mut events = signed_in();
    let moment = |step| {
        let found = events.iter().find(|event| event.step == step);
        found.unwrap().at
    };
    let (late, later) = (moment(Step::CallbackReceived), moment(Step::VerifySent));
    for event in &mut events {
        match event.step {
            Step::LaunchTicketIssued => event.at = late + 1,
            Step::StateMade => event.at = later + 1,
            _ => {}
        }
    }
    for width in [Width::Wide, Width::Narrow] {
        let picture = Picture::of(&drawn(&events), width);
        let mut areas = Vec::new();
        for mark in &picture.marks {
            let own = std::iter::once((mark.area, &mark.shapes));
            let apart = mark.apart.iter().map(|part| (part.area, &part.shapes));
            for ((top, bottom), shapes) in own.chain(apart) {
                areas.push((top, bottom));
                for shape in shapes {
                    if let Shape::Text { y, text, .. } = shape {
                        assert!((top..=bottom).contains(y), "{width:?}: {text} at {y}");
                    }
                }
            }
        }
        assert!(areas.len() > picture.marks.len(), "{areas:?}");
        areas.sort_by(|one, other| one.0.total_cmp(&other.0));
        for pair in areas.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "{width:?}: {areas:?}");
        }
    }
}

#[test]
fn what_a_party_decides_belongs_to_the_message_that_made_it_decide() {
    let diagram = drawn(&signed_in());
    let decided: Vec<_> = diagram.entries.iter().map(decisions).collect();
    assert_eq!(decided[0], [Step::LaunchTicketIssued]);
    assert_eq!(decided[2], [Step::StateMade]);
    assert_eq!(decided[4], [Step::TokenIssued]);
    assert_eq!(decided[6], [Step::StateMatched]);
    assert_eq!(decided[7], [Step::VerifyReceived, Step::Redeemed]);
    assert_eq!(decided[8], [Step::SessionCreated]);
    assert_eq!(diagram.outcome, Outcome::SignedIn);
    assert_eq!(diagram.decisive().unwrap().number, 9);
    assert_eq!(
        text::outcome(&diagram),
        "Notes began a session after message 9, 27 ms after the first one."
    );
}

#[test]
fn a_refusal_that_ended_nothing_does_not_decide() {
    for reason in [RefusalReason::Prefetched, RefusalReason::StateTooLate] {
        let mut events = signed_in();
        let arrived = |event: &&Event| event.step == Step::CallbackReceived;
        let mut refused = events.iter().find(arrived).unwrap().clone();
        refused.step = Step::Refused;
        refused.at += 1;
        refused.message = None;
        refused.refusal = Some(Refusal {
            reason: reason.as_str().to_owned(),
            rows: Vec::new(),
        });
        events.push(refused);
        let diagram = drawn(&events);
        assert!(diagram.entries[6].refused());
        assert_eq!(diagram.outcome, Outcome::SignedIn);
        assert_eq!(diagram.decisive().unwrap().number, 9);
        let says = text::outcome(&diagram);
        assert!(
            says.starts_with("Notes began a session after message 9"),
            "{says}"
        );
    }
}

#[test]
fn the_same_secret_is_the_same_chip_wherever_it_appears() {
    let diagram = drawn(&signed_in());
    let chips = |number: usize| -> Vec<String> {
        let message = diagram.entries[number - 1].message.as_ref().unwrap();
        message.chips.iter().map(Chip::words).collect()
    };
    assert!(chips(2)[0].starts_with("launch ticket "), "{:?}", chips(2));
    let state = chips(4)[0].clone();
    assert!(state.starts_with("state "), "{state}");
    assert_eq!(chips(5)[0], state);
    assert_eq!(chips(6)[1], state);
    assert_eq!(chips(8)[1], state);
    // No more than matter, and never what belongs to the browser alone.
    assert_eq!(chips(8).len(), 3);
    assert_eq!(chips(1), [""; 0], "a CSRF token is not followed");
}

#[test]
fn each_kind_of_secret_has_one_colour_and_one_shape_in_every_picture() {
    let legend = html(|| view! { <Legend /> }.into_any());
    let mut looks = BTreeSet::new();
    for secret in Secret::ALL {
        let token = Ink::Secret(secret).token().unwrap();
        assert_eq!(token, format!("secret-{}", secret.slug()));
        assert!(looks.insert(token) && looks.insert(secret.shape().to_owned()));
        assert_eq!(Secret::of(secret.words()), Some(secret));
        let says = format!("data-secret=\"{}\"", secret.slug());
        assert!(legend.contains(&says), "{legend}");
        assert!(legend.contains(secret.words()) && legend.contains(secret.shape()));
    }
    let mut seen = BTreeSet::new();
    for events in [signed_in(), replayed(), stolen_callback()] {
        let diagram = drawn(&events);
        let page = svg::drawing(&diagram, None);
        let panel = html(|| sent(&diagram, None));
        for entry in &diagram.entries {
            let message = entry.message.as_ref().unwrap();
            for chip in &message.chips {
                let secret = chip.secret.unwrap();
                assert_eq!(secret.words(), chip.kind);
                let shape = format!(
                    "d=\"{}\" fill=\"var(--secret-{})\"",
                    secret.shape(),
                    secret.slug()
                );
                assert!(page.contains(&shape), "{shape}: {page}");
                let listed = format!("data-secret=\"{}\"", secret.slug());
                assert!(panel.contains(&listed), "{listed}: {panel}");
                seen.insert(secret);
            }
        }
    }
    assert_eq!(seen.len(), Secret::ALL.len());
}

/// Gives a parameter another value in the first message of this step.
fn change(events: &mut [Event], step: Step, name: &str, value: Piece) {
    let event = events.iter_mut().find(|event| event.step == step).unwrap();
    let Some(Message::Request { query, body, .. }) = &mut event.message else {
        panic!("{event:?}");
    };
    let mut named = query.iter_mut().chain(body);
    named.find(|named| named.name == name).unwrap().value = vec![value];
}

#[test]
fn a_value_that_was_changed_on_the_way_is_marked_everywhere_and_no_other_is() {
    for events in [signed_in(), replayed(), stolen_callback()] {
        let diagram = drawn(&events);
        let words = text::mermaid(&diagram, &[]) + &html(|| sent(&diagram, None));
        assert!(!words.contains(CHANGED), "{words}");
    }
    let hidden = |kind: &str| Piece::Hidden {
        kind: kind.to_owned(),
        fingerprint: "abcdef".to_owned(),
    };
    let another = Piece::Text("http://elsewhere.localhost/callback".to_owned());
    for (step, name, value, number, chip) in [
        (
            Step::CallbackReceived,
            "state",
            hidden("State"),
            7,
            "state abcdef (changed on the way)",
        ),
        // As typed: no state that this site would make.
        (
            Step::CallbackReceived,
            "state",
            hidden("value"),
            7,
            "state abcdef (changed on the way)",
        ),
        (
            Step::CallbackReceived,
            "handoff_token",
            hidden("HandoffToken"),
            7,
            "handoff token abcdef (changed on the way)",
        ),
        (
            Step::CallbackReceived,
            "iss",
            another.clone(),
            7,
            "iss changed on the way",
        ),
        (
            Step::AuthorizeReceived,
            "code_challenge",
            hidden("Challenge"),
            5,
            "challenge abcdef (changed on the way)",
        ),
        (
            Step::AuthorizeReceived,
            "redirect_uri",
            another,
            5,
            "redirect_uri changed on the way",
        ),
        (
            Step::VerifySent,
            "state",
            hidden("State"),
            8,
            "state abcdef (changed on the way)",
        ),
    ] {
        let mut events = signed_in();
        change(&mut events, step, name, value);
        let diagram = drawn(&events);
        for entry in &diagram.entries {
            let message = entry.message.as_ref().unwrap();
            let expected = entry.number == number;
            let marked: Vec<_> = message.chips.iter().filter(|it| it.is_changed).collect();
            assert_eq!(marked.len(), usize::from(expected), "{name}: {entry:?}");
            let panel = html(|| message::one(&diagram, entry, true));
            let says = format!("<code>{name}</code> has another value");
            assert_eq!(
                panel.replace("<!>", "").contains(&says),
                expected,
                "{panel}"
            );
            assert_eq!(
                panel.contains("class=\"changed-mark\""),
                expected,
                "{panel}"
            );
        }
        for words in [
            text::mermaid(&diagram, &[]),
            html(|| text::list(&diagram)),
            svg::drawing(&diagram, None),
        ] {
            assert!(words.contains(chip), "{chip}: {words}");
        }
    }
}

#[test]
fn cookies_stand_on_the_answers_that_bring_them() {
    let diagram = drawn(&signed_in());
    let last = diagram.entries[9].message.as_ref().unwrap();
    let tabs: Vec<_> = last
        .cookies
        .iter()
        .map(|tab| (&*tab.name, tab.ends))
        .collect();
    assert_eq!(tabs, [("rp_session", false), ("rp_pre", true)]);
    let says = text::entry(&diagram, &diagram.entries[9]);
    assert!(says.contains("sets rp_session, ends rp_pre"), "{says}");
}

#[test]
fn a_refusal_stands_at_the_step_that_refused_with_its_rows() {
    let diagram = drawn(&stolen_callback());
    assert_eq!(
        diagram.outcome,
        Outcome::Refused("no_pre_session".to_owned())
    );
    let refused = diagram.decisive().unwrap();
    assert_eq!(refused.number, 7);
    let decision = &refused.decisions[0];
    assert_eq!(
        (decision.tone, &*decision.rows),
        (Tone::Refused, &[20, 21][..])
    );
    assert_eq!(diagram.lanes[decision.lane].name, "Notes");
    // The answer is drawn once, and after the decision.
    assert_eq!(diagram.entries.len(), 8);
    assert_eq!(
        text::outcome(&diagram),
        "Stopped at message 7: no sign-in under way here. Nobody was signed in by it."
    );
    let page = html(|| sent(&diagram, Some(7)));
    for words in [
        "Refused here",
        "no_pre_session",
        "Rule 20: ",
        "Rule 21: Unsolicited callback never creates a session",
        "Can a link sign me in to an account that is not mine?",
        "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/0x19-V10-OAuth-and-OIDC.md",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(page.matches("name=\"message\" open").count(), 1, "{page}");
    let texts = texts(&Picture::of(&diagram, Width::Narrow).marks);
    assert!(texts.contains("rules 20, 21"), "{texts}");
}

#[test]
fn a_call_of_somebody_who_records_nothing_is_drawn_from_its_receiver() {
    let diagram = drawn(&replayed());
    let lines = messages(&diagram);
    assert_eq!(
        lines[10..],
        [
            "11 Notes => Harbor ID: POST /auth/external/handoff/verify",
            "12 Harbor ID => Notes: 400",
        ]
    );
    assert_eq!(
        diagram.outcome,
        Outcome::RefusedAfterwards("replayed".to_owned())
    );
    assert_eq!(diagram.decisive().unwrap().number, 11);
    assert_eq!(diagram.entries[10].decisions[0].rows, [3, 4]);
}

#[test]
fn time_runs_down_in_proportion_and_a_long_wait_is_cut() {
    let at = |events: &[Event], number: usize| {
        Picture::of(&drawn(events), Width::Wide).marks[number - 1]
            .area
            .0
    };
    let shift = |ms: i64| {
        let mut events = signed_in();
        for event in events
            .iter_mut()
            .filter(|event| event.trace == "5c01d98a1172be60")
        {
            event.at += ms * 1_000;
        }
        for event in &mut events {
            if event.at > 1_795_640_000_012_000 && event.trace != "5c01d98a1172be60" {
                event.at += ms * 1_000;
            }
        }
        events
    };
    let plain = at(&shift(0), 3);
    assert!((at(&shift(10), 3) - plain - 15.0).abs() < 0.01);
    let cut = at(&shift(60_000), 3);
    assert!(cut - plain < 60.0, "{cut} {plain}");
    let picture = Picture::of(&drawn(&shift(60_000)), Width::Wide);
    let dotted = |shape: &&Shape| matches!(shape, Shape::Path { dotted: true, .. });
    assert_eq!(
        picture.ground.iter().filter(dotted).count(),
        3,
        "one a lane"
    );
    let texts = texts(&picture.marks);
    for time in ["0 ms", "2 ms", "1 min"] {
        assert!(texts.contains(time), "{time}: {texts}");
    }
    for (us, says) in [
        (0, "0 ms"),
        (740, "0.7 ms"),
        (4_900, "4 ms"),
        (1_230_000, "1.2 s"),
        (119_000_000, "1 min"),
    ] {
        assert_eq!(duration(us), says);
    }
}

#[test]
fn nothing_is_drawn_outside_of_the_picture() {
    let mut long = signed_in();
    for event in &mut long {
        if let Some(Message::Request { url, .. }) = &mut event.message {
            url.push_str(&"/very-long".repeat(30));
        }
    }
    for events in [signed_in(), replayed(), stolen_callback(), long] {
        for width in [Width::Wide, Width::Narrow] {
            let picture = Picture::of(&drawn(&events), width);
            for shape in picture.marks.iter().flat_map(|mark| &mark.shapes) {
                let Shape::Text {
                    x,
                    anchor,
                    size,
                    mono,
                    bold,
                    text,
                    ..
                } = shape
                else {
                    continue;
                };
                let each = if *mono {
                    0.605
                } else if *bold {
                    0.63
                } else {
                    0.56
                };
                #[expect(clippy::cast_precision_loss, reason = "the length of a label")]
                let wide = text.chars().count() as f32 * size * each;
                let left = match anchor.as_str() {
                    "start" => *x,
                    "middle" => x - wide / 2.0,
                    _ => x - wide,
                };
                assert!(left >= -1.0, "{width:?}: {text} at {left}");
                let right = left + wide;
                assert!(
                    right <= picture.width + 1.0,
                    "{width:?}: {text} ends {right}"
                );
            }
        }
    }
}

fn texts(marks: &[Mark]) -> String {
    let shapes = marks.iter().flat_map(|mark| &mark.shapes);
    let texts = shapes.filter_map(|shape| match shape {
        Shape::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_text_says_what_the_drawing_shows() {
    for events in [signed_in(), replayed(), stolen_callback()] {
        let diagram = drawn(&events);
        let list = html(|| text::list(&diagram).into_any());
        let mermaid = text::mermaid(&diagram, &[]);
        assert_eq!(list.matches("<li>").count(), diagram.entries.len());
        for entry in &diagram.entries {
            let message = entry.message.as_ref().unwrap();
            let label = message.label.replace('→', "to");
            assert!(list.contains(&label), "{label}: {list}");
            assert!(
                mermaid.contains(&format!(": {}. ", entry.number)),
                "{mermaid}"
            );
            for chip in &message.chips {
                assert!(list.contains(&chip.words()), "{list}");
                assert!(mermaid.contains(&chip.words()), "{mermaid}");
            }
            for decision in &entry.decisions {
                assert!(list.contains(&decision.label), "{list}");
                assert!(
                    mermaid.contains(&decision.label.replace("'", "#39;")),
                    "{}: {mermaid}",
                    decision.label
                );
            }
        }
    }
}

#[test]
fn the_drawing_leads_to_each_message_and_says_what_it_is() {
    let diagram = drawn(&signed_in());
    let html = svg::drawing(&diagram, Some(3));
    for entry in &diagram.entries {
        let link = format!("href=\"#m{}\"", entry.number);
        assert_eq!(html.matches(&link).count(), 2, "one in each width: {html}");
    }
    assert_eq!(html.matches("aria-current=\"true\"").count(), 2, "{html}");
    assert!(
        html.contains("aria-label=\"3. Browser to Notes: GET /handoff/start, launch ticket "),
        "{html}"
    );
    assert!(!html.contains("style="), "{html}");
}

/// Every text that a site or a browser chose, replaced.
fn hostile() -> Vec<Event> {
    let mut events = stolen_callback();
    let spoil = |values: &mut Vec<Named>| {
        values.push(Named {
            name: HOSTILE.to_owned(),
            value: vec![
                Piece::Text(HOSTILE.to_owned()),
                Piece::Hidden {
                    kind: HOSTILE.to_owned(),
                    fingerprint: HOSTILE.to_owned(),
                },
            ],
        });
        values.push(Named {
            name: "state".to_owned(),
            value: vec![Piece::Hidden {
                kind: "State".to_owned(),
                fingerprint: HOSTILE.to_owned(),
            }],
        });
    };
    for event in &mut events {
        HOSTILE.clone_into(&mut event.trace);
        match &mut event.message {
            Some(Message::Request {
                method,
                url,
                query,
                headers,
                cookies,
                body,
            }) => {
                HOSTILE.clone_into(method);
                *url = format!("http://x/{HOSTILE}");
                for values in [query, headers, cookies, body] {
                    spoil(values);
                }
            }
            Some(Message::Response {
                location,
                query,
                headers,
                cookies,
                body,
                ..
            }) => {
                *location = Some(format!("http://x/{HOSTILE}"));
                for values in [query, headers, cookies, body] {
                    spoil(values);
                }
            }
            None => {}
        }
        if event.refusal.is_some() {
            event.refusal = Some(Refusal {
                reason: HOSTILE.to_owned(),
                rows: vec![0, 255],
            });
        }
    }
    events
}

#[test]
fn markup_and_control_characters_are_shown_as_text_everywhere() {
    let mut names = names();
    HOSTILE.clone_into(&mut names.authority);
    HOSTILE.clone_into(&mut names.apps[0].name);
    let diagram = Diagram::of(&hostile(), &names);
    let page = html(|| {
        let list = text::list(&diagram);
        let messages = sent(&diagram, Some(1));
        view! { {list} {messages} }.into_any()
    }) + &svg::drawing(&diagram, None);
    let file = svg::document(&diagram, &[]);
    let mermaid = text::mermaid(&diagram, &[]);
    for shown in [&page, &file, &mermaid] {
        for forbidden in ["<script", "</script>", "\u{0}", "\u{202e}"] {
            assert!(!shown.contains(forbidden), "{forbidden:?}: {shown}");
        }
        assert!(shown.contains("script"), "it is shown: {shown}");
    }
    assert!(
        page.contains('\u{2400}') && page.contains("⟨U+202E⟩"),
        "{page}"
    );
    // In Mermaid's own language: one statement a line, none of which ends anything.
    for line in mermaid.lines().skip(1) {
        assert!(
            ["    participant P", "    P", "    Note over P"]
                .iter()
                .any(|start| line.starts_with(start)),
            "{line}"
        );
        let ends = line
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word == "end");
        assert!(!ends || !line.ends_with(" end"), "{line}");
        for (index, _) in line.match_indices(['<', ';', '%']) {
            // Only as the end of a number that stands for a letter, or of an arrow's own.
            let before = &line[..index];
            let number = before.rsplit('#').next().unwrap();
            assert!(number.bytes().all(|b| b.is_ascii_digit()), "{line}");
        }
    }
    let events: Vec<Event> = hostile().into_iter().map(readable).collect();
    let json = serde_json::to_string(&events).unwrap();
    assert!(json.contains("⟨U+202E⟩"), "{json}");
    assert!(!json.contains(['\u{202e}', '\u{0}']), "{json}");
    assert!(!json.contains("\\u0000"), "{json}");
    assert_eq!(
        visible("a\u{7}b\u{7f}c\u{9b}d\u{feff}é"),
        "a␇b␡c⟨U+009B⟩d⟨U+FEFF⟩é"
    );
}

#[test]
fn a_saved_picture_is_whole_xml_with_colours_of_its_own() {
    let notes = ["Less than <all> of it.".to_owned()];
    let file = svg::document(&drawn(&replayed()), &notes);
    assert!(
        file.contains(">Less than &lt;all&gt; of it.</text>"),
        "{file}"
    );
    for needs_more in ["var(", "currentColor", "class=", "style", "href", "<script"] {
        assert!(!file.contains(needs_more), "{needs_more}: {file}");
    }
    assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    for tag in ["svg", "g", "text", "title", "desc"] {
        let opened =
            file.matches(&format!("<{tag} ")).count() + file.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, file.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn every_step_has_its_words_and_every_row_that_steps_cite_its_rule() {
    let mut seen = BTreeSet::new();
    for step in Step::ALL {
        let words = explain::step(*step);
        let says = words.sentences("Harbor ID", "Notes");
        assert!(!says.contains(['{', '}', '!']), "{says}");
        assert!(
            says.matches(". ").count() == 1 && says.ends_with('.'),
            "two: {says}"
        );
        assert!(seen.insert(words.what), "{says}");
        for row in step.rows() {
            assert!(rules::rule(*row).is_some(), "{step:?}: {row}");
        }
        let label = explain::decision(*step, None);
        assert!(
            label.chars().count() <= 24,
            "{label} is too long for a lane"
        );
    }
    assert_eq!(
        explain::step(Step::CallbackReceived).headed("{app}", "{authority}"),
        "The browser returns to {authority}"
    );
}

#[test]
fn every_reason_has_words_and_rules_and_an_unknown_one_is_shown() {
    for reason in RefusalReason::ALL.iter().map(|it| it.as_str()) {
        let known = explain::reason_sentence(reason);
        assert!(known.is_some_and(|words| words.ends_with('.')), "{reason}");
        let short = explain::reason(reason);
        assert!(short.chars().count() <= 26, "{short}");
    }
    for row in RefusalReason::ALL.iter().flat_map(|it| it.rows()) {
        assert!(rules::rule(*row).is_some(), "{row}");
    }
    assert_eq!(explain::reason("moon_is_full"), "moon is full");
    assert_eq!(explain::reason("<b>\u{0}"), "<b>␀");
}

#[test]
fn a_refusal_says_its_reason_whole_in_both_widths() {
    for reason in RefusalReason::ALL.iter().map(|it| it.as_str()) {
        let mut events = stolen_callback();
        for refusal in events.iter_mut().filter_map(|it| it.refusal.as_mut()) {
            refusal.reason = reason.to_owned();
        }
        let diagram = drawn(&events);
        for width in [Width::Wide, Width::Narrow] {
            let says = texts(&Picture::of(&diagram, width).marks).replace('\n', " ");
            let whole = format!("Refused: {}", explain::reason(reason));
            assert!(says.contains(&whole), "{whole}: {says}");
        }
    }
}

#[test]
fn a_rule_is_what_the_checklist_says_with_links_to_its_sources() {
    let checklist = include_str!("../../../../docs/SECURITY.md");
    let rows = checklist.lines().filter_map(|line| {
        let (number, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        Some((number.parse::<u8>().ok()?, rest))
    });
    let mut count = 0;
    for (row, rest) in rows {
        let rule = rules::rule(row).unwrap();
        let text = rest.split(" | ").next().unwrap();
        assert_eq!(rule.text, text);
        for source in &rule.sources {
            assert!(source.href.starts_with("https://"), "{row}: {source:?}");
        }
        let names_one = rest.contains("| A") || rest.contains("RFC") || rest.contains("9700");
        assert!(!names_one || !rule.sources.is_empty(), "{row}: {rest}");
        count += 1;
    }
    assert!(count >= 84, "{count}");
    for row in [0, 255] {
        assert_eq!(rules::rule(row), None);
    }
    let hrefs = |row| -> Vec<String> {
        let sources = rules::rule(row).unwrap().sources;
        sources.into_iter().map(|source| source.href).collect()
    };
    let asvs = "https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/";
    assert_eq!(
        hrefs(26),
        [
            format!("{asvs}0x12-V3-Web-Frontend-Security.md"),
            format!("{asvs}0x12-V3-Web-Frontend-Security.md")
        ]
    );
    assert_eq!(
        hrefs(8),
        ["https://www.rfc-editor.org/rfc/rfc9700#section-4.2"]
    );
    assert_eq!(
        hrefs(36),
        ["https://www.rfc-editor.org/rfc/rfc6749#section-3.1"]
    );
    for (row, question) in rules::questions() {
        assert!(
            rules::rule(*row).is_some() && question.ends_with('?'),
            "{row}"
        );
    }
}

#[test]
fn every_ink_is_a_token_and_every_chip_reads_on_both_surfaces() {
    let tokens = include_str!("../../../../style/tokens.css");
    let pair = |ink: Ink| {
        let token = ink.token().unwrap();
        let (_, rest) = tokens
            .split_once(&format!("--{token}: light-dark("))
            .unwrap_or_else(|| panic!("no token {token}"));
        let (pair, _) = rest.split_once(')').unwrap();
        let (light, dark) = pair.split_once(", ").unwrap();
        [light.to_owned(), dark.to_owned()]
    };
    for ink in [
        Ink::Party(Party::Browser),
        Ink::Party(Party::Authority),
        Ink::Party(Party::RelyingParty),
        Ink::Accepted,
        Ink::Refused,
        Ink::Ink,
        Ink::Muted,
        Ink::OnParty,
    ] {
        pair(ink);
    }
    let surfaces = pair(Ink::Surface);
    for secret in Secret::ALL {
        for (chip, surface) in pair(Ink::Secret(secret)).iter().zip(&surfaces) {
            let ratio = contrast(chip, surface);
            assert!(ratio >= 4.5, "{chip} on {surface}: {ratio}");
        }
    }
}

/// The contrast of two colours, by WCAG 2.2.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn what_is_missing_or_too_much_is_said_and_breaks_nothing() {
    let nothing = drawn(&[]);
    assert_eq!(nothing.lanes.len(), 3);
    assert_eq!(nothing.outcome, Outcome::UnderWay);
    assert!(text::outcome(&nothing).starts_with("Not finished"));
    assert_eq!(Picture::of(&nothing, Width::Narrow).marks, []);

    // The message that a decision belongs to was lost.
    let lost: Vec<Event> = stolen_callback()
        .into_iter()
        .filter(|event| event.step == Step::Refused)
        .collect();
    let diagram = drawn(&lost);
    assert_eq!(diagram.entries.len(), 1);
    assert!(diagram.entries[0].message.is_none());
    assert!(diagram.entries[0].refused());
    assert_eq!(Picture::of(&diagram, Width::Wide).marks.len(), 1);

    let one = signed_in().remove(0);
    let many = vec![one; MAX_ENTRIES + 7];
    let diagram = drawn(&many);
    assert_eq!((diagram.entries.len(), diagram.left_out), (MAX_ENTRIES, 7));
    assert!(text::mermaid(&diagram, &[]).contains("and 7 more steps"));
    let note = ["One; and more".to_owned()];
    let noted = text::mermaid(&diagram, &note);
    assert!(
        noted.ends_with("    Note over P0: One#59; and more\n"),
        "{noted}"
    );
    let page = html(|| message::left_out(&diagram));
    assert!(page.contains("And 7 more steps"), "{page}");
}

#[test]
fn a_message_whose_content_is_not_recorded_says_so_and_no_other() {
    const SAYS: &str = "What was sent is not recorded";
    let page = |events: &[Event]| {
        let diagram = drawn(events);
        html(|| sent(&diagram, None))
    };
    for whole in [signed_in(), replayed(), stolen_callback()] {
        assert!(!page(&whole).contains(SAYS));
    }
    let mut events = signed_in();
    events[0].message = None;
    assert_eq!(page(&events).matches(SAYS).count(), 1);
}

#[test]
fn what_a_picture_does_not_show_it_says() {
    let nothing = Missing::default();
    assert_eq!(nothing.sentences(), [""; 0]);
    let reason = "state_unknown_here".to_owned();
    let missing = Missing {
        unreadable: 1,
        after: Some((200, Outcome::RefusedAfterwards(reason.clone()))),
    };
    let sentences = missing.sentences();
    let outcome = explain::reason(&reason);
    assert_eq!(
        sentences,
        [
            "One step of this handoff cannot be read, and is left out.".to_owned(),
            "The lab keeps the first 200 steps of a handoff: what is shown is of these alone."
                .to_owned(),
            format!("With those that came later, it came to: Signed in, then refused: {outcome}."),
        ]
    );
    let picture = Picture::of(&drawn(&replayed()), Width::Wide);
    let (above, shapes) = (picture.height, picture.ground.len());
    let picture = picture.with_notes(&sentences);
    let lines: Vec<f32> = picture.ground[shapes..]
        .iter()
        .map(|shape| match shape {
            Shape::Text {
                x, y, text, size, ..
            } => {
                let wide = text.chars().count() as f32 * size * 0.56;
                assert!(*x >= 0.0 && x + wide <= picture.width, "{text}");
                *y
            }
            other => panic!("no text: {other:?}"),
        })
        .collect();
    assert!(lines.len() >= sentences.len());
    assert!(lines.is_sorted() && lines[0] > above && lines[lines.len() - 1] < picture.height);
}

#[test]
fn an_app_that_tells_its_steps_alone_is_drawn_with_what_the_authority_recorded() {
    let whole = drawn(&signed_in());
    let mut events = signed_in();
    for event in &mut events {
        if event.client.is_some() {
            event.client = Some(ClientId::parse("probe").unwrap());
        }
        if event.site == Site::RelyingParty {
            event.message = None;
        }
    }
    let told = drawn(&events);
    let calls = |diagram: &Diagram| -> Vec<_> {
        let messages = diagram.entries.iter();
        let messages = messages.filter_map(|entry| entry.message.as_ref());
        let calls = messages.filter(|message| message.kind == Kind::Call);
        calls
            .map(|message| (message.label.clone(), message.chips.len()))
            .collect()
    };
    assert_eq!(calls(&told), calls(&whole));
    assert_eq!(calls(&told)[0].1, 3, "token, state, verifier");
    let rules = |diagram: &Diagram| -> usize {
        let decisions = diagram.entries.iter().flat_map(|entry| &entry.decisions);
        let own =
            decisions.filter(|decision| decision.lane >= FIRST_APP && decision.refusal.is_none());
        own.map(|decision| decision.rows.len()).sum()
    };
    assert!(rules(&whole) > 0);
    assert_eq!(rules(&told), 0, "nobody knows by which rules it went on");
}
