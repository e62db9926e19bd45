//! The question that an application asks when a sign-in is for another person than the one who
//! is signed in already.

use leptos::prelude::*;
use ui::{
    components::{
        field::{CsrfToken, FormKey},
        identity::Card,
    },
    person::Person,
};

/// What the switch page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The application's name.
    pub app_name: String,
    /// Who is signed in.
    pub current: Person,
    /// Whom the new sign-in is for.
    pub next: Person,
    /// The CSRF token of the current session.
    pub csrf: FormKey,
    /// Where the sign-in that waits leads.
    pub target: String,
}

/// "Switch from Alice Moreau to Bob Okafor?"
#[component]
pub fn SwitchPage(
    /// What to show.
    model: Switch,
) -> impl IntoView {
    let Switch {
        app_name,
        current,
        next,
        csrf,
        target,
    } = model;
    let switch = format!("Switch to {}", next.name);
    let stay = format!("Stay as {}", current.name);
    view! {
        <div class="sheet">
            <h1>{format!("Switch from {} to {}?", current.name, next.name)}</h1>
            <p>
                {format!(
                    "You are signed in to {app_name} as {}, and a new sign-in for {} has just \
                     arrived. If you did not start it, stay.",
                    current.name,
                    next.name,
                )}
            </p>
            <dl class="pair">
                <dt>"Now"</dt>
                <dd>
                    <Card name=current.name detail=current.email />
                </dd>
                <dt>"New"</dt>
                <dd>
                    <Card name=next.name detail=next.email />
                </dd>
            </dl>
            <form method="post" action="/switch">
                <CsrfToken key=csrf />
                <input type="hidden" name="target_link_uri" value=target />
                <div class="actions">
                    <button class="button button--main" type="submit" name="decision" value="switch">
                        {switch}
                    </button>
                    <button class="button" type="submit" name="decision" value="stay">
                        {stay}
                    </button>
                </div>
            </form>
        </div>
    }
}
