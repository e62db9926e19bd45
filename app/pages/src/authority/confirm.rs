//! The question that Harbor ID asks when an app wants to sign somebody in and they did not just
//! choose to open it.

use crate::authority::NAME;
use leptos::prelude::*;
use ui::{
    components::{
        field::{CsrfToken, FormKey},
        identity::Card,
    },
    person::Person,
};

/// What the confirmation page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// Who is signed in.
    pub person: Person,
    /// The app that asks, by name.
    pub client_name: String,
    /// Where it lives, host and port, so that a look-alike name does not pass.
    pub client_host: String,
    /// What ties a form to this session.
    pub csrf: FormKey,
    /// The pending request, as names and values; goes round through the form unseen.
    pub request: Vec<(String, String)>,
}

/// "Continue to Notes as Alice Moreau?"
#[component]
pub fn ConfirmPage(
    /// What to show.
    model: Confirm,
) -> impl IntoView {
    let Confirm {
        person,
        client_name,
        client_host,
        csrf,
        request,
    } = model;
    let hidden = request
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();

    view! {
        <div class="sheet">
            <h1>{format!("Continue to {client_name} as {}?", person.name)}</h1>
            <dl class="pair">
                <dt>"You"</dt>
                <dd>
                    <Card name=person.name detail=person.email />
                </dd>
                <dt>"App"</dt>
                <dd>
                    <Card name=client_name.clone() detail=client_host />
                </dd>
            </dl>
            <p>
                {format!(
                    "{client_name} learns your name and your email address. It does not learn your \
                     {NAME} password.",
                )}
            </p>
            <p>{format!("If you did not just choose to open {client_name}, cancel.")}</p>
            <form method="post" action="/handoff/authorize">
                <CsrfToken key=csrf />
                {hidden}
                <div class="actions">
                    <button
                        class="button button--main"
                        type="submit"
                        name="decision"
                        value="continue"
                    >
                        {format!("Continue to {client_name}")}
                    </button>
                    <button class="button" type="submit" name="decision" value="cancel">
                        "Cancel"
                    </button>
                </div>
            </form>
        </div>
    }
}
