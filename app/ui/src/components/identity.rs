//! Who is signed in.

use crate::{
    components::field::{CsrfToken, FormKey},
    person::Person,
};
use leptos::prelude::*;

/// The strip at the top right of a page that has a session: who it belongs to, and the way out.
#[component]
pub fn IdentityStrip(
    /// Whose session it is.
    person: Person,
    /// What stands after the name: how they came here, or their email address.
    note: String,
    /// The CSRF token for the sign-out form.
    csrf: FormKey,
    /// Where else to go from here: a link within the text, which wraps with it in a narrow window.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <section class="identity" aria-label="Your session">
            <p class="identity-who">
                <strong>{person.name}</strong>
                <span class="dot">" · "</span>
                <span class="muted">{note}</span>
                {children
                    .map(|children| {
                        view! {
                            <span class="dot">" · "</span>
                            {children()}
                        }
                    })}
            </p>
            <form method="post" action="/logout">
                <CsrfToken key=csrf />
                <button class="button button--quiet" type="submit">
                    "Sign out"
                </button>
            </form>
        </section>
    }
}

/// Somebody or something that a page asks about: the name, and below it what tells it from
/// another of that name.
#[component]
pub fn Card(
    /// The name.
    name: String,
    /// An email address, or a host.
    detail: String,
) -> impl IntoView {
    view! {
        <p class="card">
            <strong>{name}</strong>
            <span class="muted">{detail}</span>
        </p>
    }
}
