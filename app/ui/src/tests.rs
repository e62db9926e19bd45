//! What holds for the document around every page.

use std::collections::BTreeSet;

use crate::{
    appearance::{Appearance, Scale, Surroundings, Theme},
    components::icon::AppIcon,
    error::{ErrorPage, ErrorText},
    rules::{self, HOSTILE, assets, in_document, render, text_of},
    shell::{Brand, Document, Frame, Party},
    site_list::{self, Offered, SiteList},
    words::{GlossaryPage, Term},
};
use leptos::{nonce::Nonce, prelude::*};

/// Every page, with `text` wherever a page shows text that it is given.
fn every_page(text: &'static str) -> Vec<(String, String)> {
    let mut pages: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, html: String| pages.push((name.to_owned(), html));
    let model = ErrorText {
        title: text.to_owned(),
        text: text.to_owned(),
        action: Some((text.to_owned(), text.to_owned())),
        trace: text.to_owned(),
        recorded: Some(text.to_owned()),
    };
    add(
        "error",
        in_document(Party::Lab, text, || view! { <ErrorPage model /> }),
    );
    add(
        "glossary",
        in_document(Party::Lab, text, || view! { <GlossaryPage /> }),
    );
    let model = SiteList {
        title: text.to_owned(),
        text: text.to_owned(),
        sites: vec![Offered {
            address: text.to_owned(),
            name: text.to_owned(),
            text: text.to_owned(),
        }],
    };
    add(
        "site list",
        render(move || site_list::document(model, "Harbor ID", assets()).into_any()),
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

fn with_surroundings(surroundings: Surroundings, page: impl FnOnce() -> AnyView) -> String {
    render(move || {
        provide_context(surroundings);
        let brand = Brand {
            name: "Notes".to_owned(),
            party: Party::RelyingParty(AppIcon::Page),
        };
        Frame {
            places: Vec::new(),
            brand,
            assets: assets(),
        }
        .page("plain", false, page())
    })
}

#[test]
fn the_document_wears_what_the_reader_has_chosen_and_leads_back() {
    for theme in Theme::ALL {
        for scale in Scale::ALL {
            let html = with_surroundings(
                Surroundings {
                    appearance: Appearance { theme, scale },
                    back: "/here?a=1".to_owned(),
                },
                || view! { <GlossaryPage /> }.into_any(),
            );
            let (slug, percent) = (theme.slug(), scale.percent());
            let head = html.split('>').nth(1).unwrap();
            assert!(head.contains(&format!(r#"data-theme="{slug}""#)), "{head}");
            assert!(
                head.contains(&format!(r#"data-scale="{percent}""#)),
                "{head}"
            );
            let pressed: Vec<_> = html.split(r#"aria-pressed="true""#).collect();
            assert_eq!(pressed.len(), 2, "one theme is pressed: {html}");
            assert!(pressed[0].ends_with(&format!(r#"name="theme" value="{slug}" "#)));
            assert!(text_of(&html).contains(&format!("{percent} %")), "{html}");
            let dead = html.matches(r#"aria-disabled="true""#).count();
            let ends = usize::from(percent == 100) + usize::from(percent == 160);
            assert_eq!(dead, ends, "{html}");
            assert_eq!(html.matches(r#"name="back" value="/here?a=1""#).count(), 2);
        }
    }
}

#[test]
fn a_size_is_the_nearest_that_there_is() {
    for (asked, percent) in [
        ("100", 100),
        ("0", 100),
        ("119", 120),
        ("150", 140),
        ("151", 160),
        ("65535", 160),
    ] {
        assert_eq!(Scale::parse(asked).unwrap().percent(), percent, "{asked}");
    }
    for no in ["", "large", "-1", "65536", "1e2"] {
        assert_eq!(Scale::parse(no), None, "{no}");
    }
}

#[test]
fn the_glossary_has_every_term_once_in_the_order_of_the_alphabet() {
    let words: Vec<_> = Term::ALL
        .iter()
        .map(|term| term.word().to_lowercase())
        .collect();
    let mut sorted = words.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(words, sorted);
    let html = render(|| view! { <GlossaryPage /> });
    for term in Term::ALL {
        let id = format!(r#"id="{}""#, term.slug());
        assert_eq!(html.matches(&id).count(), 1, "{id}: {html}");
    }
}

#[test]
fn each_application_has_an_icon_of_its_own_and_one_colour() {
    let favicons = [
        (AppIcon::Page, "/assets/favicon-page.svg"),
        (AppIcon::Tick, "/assets/favicon-tick.4e5f.svg"),
    ];
    let pages = favicons.map(|(icon, favicon)| {
        let party = Party::RelyingParty(icon);
        let html = in_document(party, "x", || view! { <p>"x"</p> });
        assert!(html.contains("data-party=\"relying_party\""), "{html}");
        assert!(html.contains(favicon), "{html}");
        html
    });
    assert_ne!(pages[0], pages[1]);
}

#[test]
fn a_problem_leads_to_the_front_page_of_the_site_that_has_it() {
    let html = render(|| {
        let frame = Frame {
            places: Vec::new(),
            brand: Brand {
                name: "Notes".to_owned(),
                party: Party::RelyingParty(AppIcon::Page),
            },
            assets: assets(),
        };
        let (title, trace) = ("This page does not exist", "0123456789abcdef");
        let model = ErrorText {
            title: title.to_owned(),
            text: "Check it.".to_owned(),
            action: None,
            trace: trace.to_owned(),
            recorded: None,
        };
        frame.problem(model, None)
    });
    assert!(
        html.contains("<title>This page does not exist · Notes</title>"),
        "{html}"
    );
    let text = text_of(&html);
    for words in ["Check it.", "Go to Notes", "0123456789abcdef"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!html.contains("<script"), "{html}");
}

#[test]
fn a_page_with_islands_loads_the_bundle_under_the_nonce() {
    let html = render(|| {
        provide_context(Nonce::from_value("bm9uY2U"));
        let brand = Brand {
            name: "Handoff Lab".to_owned(),
            party: Party::Lab,
        };
        view! {
            <Document brand title="Start" assets=assets() hydrate=true>
                <p>"x"</p>
            </Document>
        }
    });
    assert_eq!(html.matches("<script").count(), 1, "{html}");
    assert!(
        html.contains(r#"<script type="module" nonce="bm9uY2U">"#),
        "{html}"
    );
    assert!(html.contains("/assets/lab.2c3d.js"), "{html}");
    assert!(html.contains("/assets/lab.2c3d_bg.wasm"), "{html}");
}

#[test]
fn each_app_has_a_drawing_of_its_own() {
    let drawings: BTreeSet<_> = AppIcon::ALL
        .iter()
        .map(|icon| {
            let icon = *icon;
            render(move || view! { <crate::components::icon::Glyph icon /> })
        })
        .collect();
    assert_eq!(drawings.len(), AppIcon::ALL.len(), "{drawings:?}");
}
