//! Signing out of Harbor ID.

use crate::authority::{NAME, login::ends};
use leptos::prelude::*;
use ui::words::{Explained, Term};
use ui::{
    components::{
        field::{CsrfToken, FormKey},
        identity::Card,
    },
    person::Person,
};

/// What the sign-out page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOut {
    /// Who is signed in; nobody, when the session is gone already.
    pub person: Option<Person>,
    /// The applications that end with the sign-in, by name.
    pub apps: Vec<String>,
    /// How long they may take to notice, in seconds.
    pub within_seconds: i64,
    /// What ties a form to this session.
    pub csrf: FormKey,
}

/// "Sign out of Harbor ID?"
#[component]
pub fn SignOutPage(
    /// What to show.
    model: SignOut,
) -> impl IntoView {
    let SignOut {
        person,
        apps,
        within_seconds,
        csrf,
    } = model;
    let ends = ends(&apps, 0, within_seconds);
    match person {
        Some(person) => view! {
            <div class="sheet">
                <h1>{format!("Sign out of {NAME}?")}</h1>
                <Card name=person.name detail=person.email />
                {ends.map(|ends| view! { <p>{ends}</p> })}
                <p>"To open an app from here again, you sign in again."</p>
                <form method="post" action="/logout">
                    <CsrfToken key=csrf />
                    <div class="actions">
                        <button class="button button--main" type="submit">
                            "Sign out"
                        </button>
                        <a class="button" href="/">
                            "Stay signed in"
                        </a>
                    </div>
                </form>
            </div>
        }
        .into_any(),
        None => view! {
            <div class="sheet">
                <h1>{format!("You are not signed in to {NAME}")}</h1>
                <p>"There is no " <Explained term=Term::Session /> " to end in this browser."</p>
                <div class="actions">
                    <a class="button button--main" href="/login">
                        "Sign in"
                    </a>
                </div>
            </div>
        }
        .into_any(),
    }
}
