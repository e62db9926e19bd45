//! The parts of a live page, as finished HTML.
//!
//! A part is one element with an id. The server sends the page with all parts; the stream sends the parts
//! that changed, and the browser updates the elements with their ids ([`crate::islands`]). All text in a
//! part is escaped where it is drawn.

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
            // Server-sent events end a line at each of these.
            html: html.replace('\r', "&#13;").replace('\n', "&#10;"),
        }
    }
}

/// The HTML of all parts.
#[must_use]
pub fn whole(parts: &[Part]) -> String {
    parts.iter().map(|part| part.html.as_str()).collect()
}

/// The HTML of the parts that are not in `before`.
#[must_use]
pub fn since(before: &[Part], now: &[Part]) -> String {
    let fresh = now.iter().filter(|part| !before.contains(part));
    fresh.map(|part| part.html.as_str()).collect()
}
