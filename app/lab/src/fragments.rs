//! What the server draws of a live page: finished HTML, part by part.
//!
//! A part is one element with an id. A page stands with all parts in it; whoever follows it is sent
//! those that changed, and the browser puts each in the place of the one with its id
//! ([`crate::place`]). All text in a part was escaped when it was drawn.

use leptos::prelude::*;

/// One element, under the id by which it is found in the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The element's id.
    pub id: String,
    /// The whole element as HTML, without a line break.
    pub html: String,
}

impl Part {
    pub(crate) fn new(id: impl Into<String>, view: impl FnOnce() -> AnyView) -> Self {
        let html = Owner::new().with(|| view().to_html());
        Self {
            id: id.into(),
            // A stream of server-sent events parts its lines at these.
            html: html.replace('\r', "&#13;").replace('\n', "&#10;"),
        }
    }
}

/// All parts one after the other.
#[must_use]
pub fn whole(parts: &[Part]) -> String {
    parts.iter().map(|part| part.html.as_str()).collect()
}

/// The parts that a page which has `before` still lacks, one after the other.
#[must_use]
pub fn since(before: &[Part], now: &[Part]) -> String {
    let fresh = now.iter().filter(|part| !before.contains(part));
    fresh.map(|part| part.html.as_str()).collect()
}
