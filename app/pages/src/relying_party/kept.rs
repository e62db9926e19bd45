//! What a person wrote and the application could not take: the page that keeps it for them.

use leptos::prelude::*;
use ui::{
    components::{
        field::{CsrfToken, FormKey, TextArea, TextLine},
        identity::Card,
    },
    person::Person,
};

use crate::relying_party::item::{FromPage, Kind, PageNumber};

/// The field with which a form says whose it is.
#[component]
pub(crate) fn ShownForm(
    /// Sealed by the application.
    form: String,
) -> impl IntoView {
    view! { <input type="hidden" name="form" value=form /> }
}

/// What is kept of a form that was sent in vain, for the page that says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nobody is signed in: the text is given back to whoever wrote it.
    SignedOut {
        /// What was written, if the request itself brought it: then it is shown.
        text: Option<String>,
        /// The address that the form was sent to.
        action: String,
        /// The text and its author, sealed by the application.
        sealed: String,
        /// Where a sign-in begins.
        sign_in: String,
        /// The authorization server's name.
        authority_name: String,
    },
    /// Somebody else is signed in: the text is not shown.
    SomebodyElse {
        /// The address that the form was sent to.
        action: String,
        /// The text and its author, sealed by the application.
        sealed: String,
    },
    /// The application could not do it: the same form once more.
    Again {
        /// What kind of text it is.
        kind: Kind,
        /// What was written.
        text: String,
        /// The address that the form was sent to.
        action: String,
        /// What ties the form to its session.
        csrf: FormKey,
        /// Whose form it is.
        form: String,
        /// The page of the list that it was written on.
        place: PageNumber,
    },
}

/// A form with what was kept, and the way on.
#[component]
pub fn KeptForm(
    /// What was kept.
    model: Kept,
) -> impl IntoView {
    match model {
        Kept::SignedOut {
            text,
            action,
            sealed,
            sign_in,
            authority_name,
        } => view! {
            {text
                .map(|text| {
                    view! {
                        <h2>"What you wrote"</h2>
                        <p class="note-text">{text}</p>
                    }
                })}
            <ol class="steps-to-do">
                <li>
                    <a href=sign_in target="_blank" rel="noopener">
                        {format!("Sign in with {authority_name} again")}
                    </a>
                    ". It opens in a new tab."
                </li>
                <li>"Come back to this tab and choose Continue. You get your form back, filled in."</li>
            </ol>
            <Continue action sealed />
        }
        .into_any(),
        Kept::SomebodyElse { action, sealed } => view! { <Continue action sealed /> }.into_any(),
        Kept::Again {
            kind,
            text,
            action,
            csrf,
            form,
            place,
        } => {
            let field = match kind {
                Kind::Note => view! { <TextArea label="Note" name="text" value=text /> }.into_any(),
                Kind::Task => view! { <TextLine label="Task" name="text" value=text /> }.into_any(),
            };
            view! {
                <form class="stack" method="post" action=action>
                    <CsrfToken key=csrf />
                    <ShownForm form />
                    <FromPage place />
                    {field}
                    <div class="actions">
                        <button class="button button--main" type="submit">
                            "Try again"
                        </button>
                    </div>
                </form>
            }
            .into_any()
        }
    }
}

/// Gives back what is sealed, to its author alone. It changes nothing, so it needs no CSRF token, and there
/// is no session that it could belong to.
#[component]
fn Continue(action: String, sealed: String) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="kept" value=sealed />
            <div class="actions">
                <button class="button button--main" type="submit">
                    "Continue"
                </button>
            </div>
        </form>
    }
}

/// What the page shows at which a sign-in in another tab ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// The application's name.
    pub app_name: String,
    /// Who is signed in.
    pub person: Person,
}

/// "You are signed in again": the form waits in another tab.
#[component]
pub fn ResumePage(
    /// What to show.
    model: Resume,
) -> impl IntoView {
    let Resume { app_name, person } = model;
    view! {
        <div class="sheet">
            <h1>{format!("You are signed in to {app_name}")}</h1>
            <Card name=person.name detail=person.email />
            <p>
                "If you wrote something in another tab, go back to that tab and choose Continue. \
                You can close this one."
            </p>
            <div class="actions">
                <a class="button" href="/">
                    {format!("Go to {app_name}")}
                </a>
            </div>
        </div>
    }
}
