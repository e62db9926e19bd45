//! The front page for a visitor who is not signed in.

use leptos::prelude::*;
use ui::components::notice::{Notice, Tone};

/// What the signed-out page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// The application's name.
    pub app_name: String,
    /// What it is for, one line.
    pub tagline: String,
    /// The authorization server's name.
    pub authority_name: String,
    /// Whether the visitor signed out a moment ago.
    pub just_signed_out: bool,
    /// Where the sign-in begins that leads to what the visitor asked for.
    pub sign_in: String,
    /// Whether that is another page than this one.
    pub leads_on: bool,
    /// The address of the authorization server's sign-out page.
    pub authority_sign_out: String,
}

/// What the application is, and the way in.
#[component]
pub fn SignedOutPage(
    /// What to show.
    model: SignedOut,
) -> impl IntoView {
    let SignedOut {
        app_name,
        tagline,
        authority_name,
        just_signed_out,
        sign_in,
        leads_on,
        authority_sign_out,
    } = model;
    let leads_on = leads_on.then(|| {
        view! { <p>"Sign in to open the page that you asked for."</p> }
    });
    let signed_out = format!(
        "You are signed out of {app_name}. You may still be signed in to {authority_name}."
    );
    let also = format!("Also sign out of {authority_name}");
    let notice = just_signed_out.then(|| {
        view! {
            <Notice tone=Tone::Accepted>
                <p>{signed_out}</p>
                <p>
                    <a href=authority_sign_out>{also}</a>
                </p>
            </Notice>
        }
    });

    view! {
        <div class="sheet">
            {notice}
            <h1>{app_name.clone()}</h1>
            <p class="lede">{tagline}</p>
            {leads_on}
            <div class="actions">
                <a class="button button--main" href=sign_in>
                    {format!("Sign in with {authority_name}")}
                </a>
            </div>
            <p class="muted">
                {format!(
                    "{app_name} has no password of its own. \
                     {authority_name} tells it who you are and sends you back here.",
                )}
            </p>
        </div>
    }
}
