//! What holds for every page of the lab, and what must hold for the text that is recorded.

use crate::{
    diagram::{AppName, Missing, Names, Outcome as FlowOutcome},
    drawn::Drawn,
    flow::{Flow, FlowPage},
    flows::{DrawnRows, FlowRow, Flows, FlowsPage},
    next::{Next, NextPage},
    start::{Start, StartPage},
};
use handoff::flow::Event;
use leptos::prelude::*;
use ui::{
    components::icon::AppIcon,
    rules::{self, HOSTILE, in_document, past, render},
    shell::Party,
};

fn flows(text: &str, kept: usize) -> Flows {
    let reason = text.to_owned();
    Flows {
        rows: DrawnRows::of(
            [
                FlowOutcome::UnderWay,
                FlowOutcome::SignedIn,
                FlowOutcome::Refused(reason.clone()),
                FlowOutcome::RefusedAfterwards(reason.clone()),
                FlowOutcome::Told,
                FlowOutcome::ToldThenRefused(reason.clone()),
                FlowOutcome::Declined(reason.clone()),
                FlowOutcome::Stray(reason),
            ]
            .map(|outcome| FlowRow {
                number: 1,
                href: text.to_owned(),
                app_name: (outcome != FlowOutcome::UnderWay).then(|| text.to_owned()),
                icon: AppIcon::Page,
                began: past(text),
                outcome,
                steps: 12,
            })
            .into_iter()
            .take(kept)
            .collect(),
        ),
        earlier: Some(text.to_owned()),
        stream: Some(text.to_owned()),
        authority_origin: text.to_owned(),
        authority_name: text.to_owned(),
    }
}

/// A recorded handoff, with this text wherever a site or a browser chose one.
#[expect(
    clippy::unwrap_used,
    reason = "clippy does not see that this is for tests alone"
)]
fn flow(text: &str) -> Flow {
    let recorded = include_str!("diagram/samples/stolen_callback.json");
    let json = serde_json::to_string(text).unwrap();
    let json = &json[1..json.len() - 1];
    let recorded = recorded
        .replace("http://notes.localhost:4000/callback", json)
        .replace("http://notes.localhost:4000", json)
        .replace("http://auth.localhost:4000", json)
        .replace("no_pre_session", json)
        .replace("Mozilla/5.0", json);
    Flow {
        id: text.to_owned(),
        drawn: Drawn::of(
            &serde_json::from_str::<Vec<Event>>(&recorded).unwrap(),
            &Names {
                authority: text.to_owned(),
                apps: vec![AppName {
                    client: handoff::ids::ClientId::parse("notes").unwrap(),
                    name: text.to_owned(),
                    icon: AppIcon::Page,
                }],
            },
        )
        .into(),
        began: past(text),
        stream: Some(text.to_owned()),
        missing: Missing {
            unreadable: 2,
            after: Some((200, FlowOutcome::Refused(text.to_owned()))),
        },
        address: text.to_owned(),
    }
}

/// Every page, with `text` wherever a page shows text that it is given.
fn every_page(text: &'static str) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
    let model = Start {
        authority_origin: text.to_owned(),
        notes_origin: text.to_owned(),
        tasks_origin: text.to_owned(),
    };
    add(
        "start",
        in_document(Party::Lab, text, || view! { <StartPage model /> }),
    );
    for (name, kept) in [("flows", 4), ("flows, none", 0)] {
        let model = flows(text, kept);
        add(
            name,
            in_document(Party::Lab, text, || view! { <FlowsPage model /> }),
        );
    }
    let model = Next {
        after: 1,
        stream: text.to_owned(),
        authority_origin: text.to_owned(),
        authority_name: text.to_owned(),
    };
    add(
        "next flow",
        in_document(Party::Lab, text, || view! { <NextPage model /> }),
    );
    let model = flow(text);
    add(
        "flow",
        in_document(Party::Lab, text, || view! { <FlowPage model /> }),
    );
    pages
}

#[test]
fn no_page_lets_text_become_markup() {
    rules::no_text_becomes_markup(&every_page(HOSTILE));
}

#[test]
fn rows_10_and_65_no_page_has_an_inline_style_or_a_script_or_anything_from_elsewhere() {
    rules::nothing_inline_and_nothing_from_elsewhere(&every_page("plain"));
}

#[test]
fn every_page_is_one_document_with_one_heading_and_one_focus() {
    rules::one_document_one_heading_one_focus(&every_page("plain"));
}

#[test]
fn rows_26_and_27_every_form_that_posts_carries_the_csrf_token() {
    rules::every_form_that_posts_carries_the_csrf_token(&every_page("plain"));
}

#[test]
fn every_explanation_is_opened_by_one_word_and_stands_on_the_page_once() {
    rules::every_explanation_stands_once(&every_page("plain"));
}

#[test]
fn the_lab_shows_the_example_of_the_standard_without_a_script() {
    let model = Start {
        authority_origin: "a".to_owned(),
        notes_origin: "b".to_owned(),
        tasks_origin: "c".to_owned(),
    };
    let html = render(|| view! { <StartPage model /> });
    assert!(
        html.contains("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "{html}"
    );
    assert!(
        html.contains("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        "{html}"
    );
    assert!(html.contains("<leptos-island"), "{html}");
}
