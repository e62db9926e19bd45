//! The parts of a form.

use leptos::prelude::*;

/// The field that carries the CSRF token. Every form that posts has one.
#[component]
pub fn CsrfToken(
    /// The token, masked anew for this page.
    token: String,
) -> impl IntoView {
    view! { <input type="hidden" name="csrf" value=token /> }
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
