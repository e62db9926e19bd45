//! The page for a request that no other page answers, the same on every site.

use crate::components::trace::TraceLine;
use leptos::prelude::*;

/// What went wrong, in words for the person who sees it. Internals go to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    /// What happened, a few words: "This page does not exist".
    pub title: String,
    /// What it means and what to do now, a sentence or two.
    pub text: String,
    /// The way on: where it leads, and a verb that says so.
    pub action: Option<(String, String)>,
    /// The id under which the log tells the rest.
    pub trace: String,
    /// Where what was recorded of it can be looked at.
    pub recorded: Option<String>,
}

/// What happened, what to do now, and the trace id. Never a dead end.
#[component]
pub fn ErrorPage(
    /// What to say.
    model: ErrorText,
    /// What the request brought, where that is kept.
    #[prop(default = None)]
    kept: Option<AnyView>,
) -> impl IntoView {
    let ErrorText {
        title,
        text,
        action,
        trace,
        recorded,
    } = model;
    // What is kept has a button of its own.
    let class = match kept {
        Some(_) => "button",
        None => "button button--main",
    };
    view! {
        <div class="sheet">
            <h1>{title}</h1>
            <p>{text}</p>
            {kept}
            {action
                .map(|(href, label)| {
                    view! {
                        <div class="actions">
                            <a class=class href=href>
                                {label}
                            </a>
                        </div>
                    }
                })}
            <TraceLine trace recorded />
        </div>
    }
}
