//! What holds for every page, as checks for the tests of the crates that have pages. A page is given
//! as its name and its HTML; a check panics with the page that breaks it.

#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "these are the bodies of tests"
)]

use leptos::prelude::*;

use crate::{
    components::moment::{Moment, Past},
    person::Person,
    shell::{Assets, Brand, Document, Party},
};

/// Text that ends whatever it stands in, and then runs a script.
pub const HOSTILE: &str =
    "</textarea></title>\"'><script>alert(1)</script><img src=x onerror=alert(1)>";

/// The HTML of a view.
pub fn render<V: IntoView + 'static>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().to_html())
}

/// The names of a build.
pub fn assets() -> Assets {
    let names = [
        ("style.css", "style.0a1b.css"),
        ("favicon-tick.svg", "favicon-tick.4e5f.svg"),
        ("lab", "lab.2c3d"),
    ];
    let names = names.map(|(plain, hashed)| (plain.to_owned(), hashed.to_owned()));
    names.into_iter().collect()
}

/// A page of Harbor ID, or in the look of another party, as a whole document.
pub fn in_document<V: IntoView + 'static>(
    party: Party,
    title: &str,
    page: impl FnOnce() -> V + Send + 'static,
) -> String {
    let title = title.to_owned();
    render(move || {
        let brand = Brand {
            name: "Harbor ID".to_owned(),
            party,
        };
        view! {
            <Document brand title assets=assets()>
                {page()}
            </Document>
        }
    })
}

/// A person of this name.
pub fn person(name: &str) -> Person {
    Person {
        name: name.to_owned(),
        email: "alice@harbor.example".to_owned(),
    }
}

/// A time in these words.
pub fn past(text: &str) -> Past {
    Past {
        at: moment(text),
        ago: text.to_owned(),
    }
}

/// A moment in these words.
pub fn moment(text: &str) -> Moment {
    Moment {
        for_people: text.to_owned(),
        for_programs: text.to_owned(),
    }
}

/// What a reader sees: the document without its tags and comments.
pub fn text_of(html: &str) -> String {
    html.split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(_, text)| text)
        .collect()
}

/// Holds pages that were given [`HOSTILE`] to this: none of it is markup.
pub fn no_text_becomes_markup(pages: &[(String, String)]) {
    for (name, html) in pages {
        assert!(!html.contains("<script"), "{name}: {html}");
        assert!(!html.contains("<img"), "{name}: {html}");
    }
}

/// Rows 10 and 65: no inline style, no script, and nothing that another site serves.
pub fn nothing_inline_and_nothing_from_elsewhere(pages: &[(String, String)]) {
    for (name, html) in pages {
        // A link to read on fetches nothing until somebody follows it.
        let html = html.replace(r#"<a href="https://"#, "");
        for forbidden in [
            "style=",
            "<style",
            "<script",
            "javascript:",
            " onclick",
            "http",
        ] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}: {html}");
        }
    }
}

/// Each page is one whole document, titled "plain" at Harbor ID.
pub fn one_document_one_heading_one_focus(pages: &[(String, String)]) {
    for (name, html) in pages {
        assert!(
            html.starts_with("<!DOCTYPE html><html lang=\"en\" data-party="),
            "{name}: {html}"
        );
        assert_eq!(html.matches("<h1").count(), 1, "{name}: {html}");
        assert_eq!(html.matches("<main").count(), 1, "{name}: {html}");
        assert!(html.matches(" autofocus").count() <= 1, "{name}: {html}");
        assert!(
            html.contains("<title>plain · Harbor ID</title>"),
            "{name}: {html}"
        );
        assert!(!text_of(html).contains('!'), "{name} shouts: {html}");
    }
}

/// Rows 26 and 27: the token "plain" stands in every form that posts, and in no other.
pub fn every_form_that_posts_carries_the_csrf_token(pages: &[(String, String)]) {
    for (name, html) in pages {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap();
            let token = r#"<input type="hidden" name="csrf" value="plain">"#;
            // The choice of a look belongs to no session, and there is nothing else in its forms.
            let is_about_looks = form.contains(r#"action="/appearance""#);
            // A text that is given back changes nothing either.
            let gives_back = form.contains(r#"name="kept""#);
            let posts = form.contains(r#"method="post""#);
            assert_eq!(
                form.contains(token),
                posts && !is_about_looks && !gives_back,
                "{name}: {form}"
            );
            for field in fields_of(form).filter(|_| is_about_looks) {
                assert!(
                    ["back", "theme", "scale"].contains(&field),
                    "{name}: {form}"
                );
            }
        }
    }
}

/// Each explained term has one word that opens it and one card.
pub fn every_explanation_stands_once(pages: &[(String, String)]) {
    let mut explained = 0;
    for (name, html) in pages {
        for rest in html.split(r#"popovertarget=""#).skip(1) {
            let id = rest.split('"').next().unwrap();
            let card = format!(r#"id="{id}" popover="auto""#);
            assert_eq!(html.matches(&card).count(), 1, "{name}: {id}: {html}");
            assert_eq!(
                html.matches(&format!(r#"popovertarget="{id}""#)).count(),
                1,
                "{name}"
            );
            explained += 1;
        }
    }
    assert!(explained > 0);
}

/// The names of a form's fields and buttons.
fn fields_of(form: &str) -> impl Iterator<Item = &str> {
    form.split(r#" name=""#)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}
