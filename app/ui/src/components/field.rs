//! The parts of a form.

use leptos::prelude::*;

/// What ties a form to the browser that it is shown in, and to the person whose page it is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormKey {
    /// The CSRF token, masked anew for each page.
    pub csrf: String,
    /// Who the form belongs to: a short hash, the same on each page of the same person.
    pub person: String,
}

/// The hidden fields that carry a [`FormKey`]. Every form that posts has them, in front of all others.
///
/// Chromium gives unsent text back when somebody goes back to a page, and tells forms apart by their
/// action and by the names of their first two controls. A name of the person's own keeps the text of one
/// person out of the form of the next; `autocomplete="off"` would keep it from its author too.
#[component]
pub fn CsrfToken(
    /// Whose form it is.
    key: FormKey,
) -> impl IntoView {
    view! {
        <input type="hidden" name=format!("of-{}", key.person) />
        <input type="hidden" name="csrf" value=key.csrf />
    }
}

/// A labelled line of input.
#[component]
pub fn Field(
    /// What to enter.
    label: &'static str,
    /// The field's name in the form, and its id on the page.
    name: &'static str,
    /// The kind of input, as HTML names it.
    kind: &'static str,
    /// What a password manager may put here, as HTML names it.
    autocomplete: &'static str,
    /// What it holds when the page opens.
    value: String,
    /// The id of the message that says what is wrong with it, where something is.
    #[prop(default = None)]
    problem: Option<&'static str>,
    /// Whether it has the focus when the page opens.
    #[prop(default = false)]
    autofocus: bool,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type=kind
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                required
                value=value
                autofocus=autofocus
                aria-invalid=problem.map(|_| "true")
                aria-describedby=problem
            />
        </div>
    }
}

/// A labelled line of a person's own words.
#[component]
pub fn TextLine(
    /// What to enter.
    label: &'static str,
    /// The field's name in the form, and its id on the page.
    name: &'static str,
    /// What it holds when the page opens.
    value: String,
    /// The id of the message that says what is wrong with it, where something is.
    #[prop(default = None)]
    problem: Option<&'static str>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type="text"
                autocomplete="off"
                required
                value=value
                aria-invalid=problem.map(|_| "true")
                aria-describedby=problem
            />
        </div>
    }
}

/// A labelled block of text.
#[component]
pub fn TextArea(
    /// What to enter.
    label: &'static str,
    /// The field's name in the form, and its id on the page.
    name: &'static str,
    /// What it holds when the page opens.
    value: String,
    /// The id of the message that says what is wrong with it, where something is.
    #[prop(default = None)]
    problem: Option<&'static str>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <textarea
                id=name
                name=name
                rows="3"
                required
                aria-invalid=problem.map(|_| "true")
                aria-describedby=problem
            >
                {textarea_content(&value)}
            </textarea>
        </div>
    }
}

/// The markup that makes a browser show exactly `text` inside a `<textarea>`.
///
/// Leptos writes the children of that element unescaped, as it does for scripts, although HTML
/// decodes character references in it; text from people would end the element and go on as
/// markup. The line feed in front is dropped by the parser, which would otherwise drop the text's
/// own first one.
fn textarea_content(text: &str) -> String {
    format!(
        "\n{}",
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    )
}
