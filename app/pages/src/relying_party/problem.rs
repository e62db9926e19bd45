//! The page that explains why a sign-in did not happen.

use leptos::prelude::*;
use ui::components::{icon::Glyph, notice::Tone, trace::TraceLine};

/// What the problem page shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The application's name.
    pub app_name: String,
    /// The authorization server's name.
    pub authority_name: String,
    /// Why.
    pub reason: Reason,
    /// The id under which the log tells the rest.
    pub trace: String,
    /// Where what was recorded of it can be looked at.
    pub recorded: Option<String>,
    /// Who is signed in at the application all the same, by name.
    pub signed_in_as: Option<String>,
    /// Where the person wanted to go: the way on for somebody who is signed in.
    pub target: String,
    /// Where a new sign-in begins that leads to the same place.
    pub again: String,
}

/// Why a sign-in did not happen, as far as the person may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The browser does not hold the other half of the sign-in that the address belongs to.
    NotThisBrowser,
    /// The authorization server refused the token, for any of its reasons.
    Refused,
    /// The authorization server did not answer.
    AuthorityUnreachable,
    /// The person chose to cancel at the authorization server.
    Cancelled,
    /// The application is not assigned to this person.
    NotAssigned,
    /// The person who was to be asked "Switch?" is not signed in any more.
    NobodyToSwitchFrom,
    /// The sign-in, or the answer to "Switch?", took longer than the application waits.
    TookTooLong,
    /// Too many sign-ins that were not started there came from this network.
    TooMany,
    /// The application itself cannot work at the moment.
    Unavailable,
}

/// Heading, explanation and tone for one reason.
struct Words {
    tone: Tone,
    heading: String,
    text: Vec<String>,
}

impl Problem {
    fn words(&self) -> Words {
        let Self {
            app_name,
            authority_name,
            ..
        } = self;
        if let (Reason::NotThisBrowser, Some(name)) = (self.reason, &self.signed_in_as) {
            return Words {
                tone: Tone::Neutral,
                heading: format!("You are signed in to {app_name}"),
                text: vec![
                    format!("You are signed in as {name}, and nothing has changed."),
                    "The link that you opened finishes a sign-in. It was used before, or it belongs to \
                     another browser, so it did nothing here."
                        .to_owned(),
                ],
            };
        }
        match self.reason {
            Reason::NotThisBrowser => Words {
                tone: Tone::Refused,
                heading: "This browser is not waiting for this sign-in".to_owned(),
                text: vec![
                    format!(
                        "{app_name} finishes a sign-in only in the browser that started it. \
                         So nobody can send you a link that signs you in as somebody else. \
                         You are not signed in by it."
                    ),
                    "You also see this page when you open such a link a second time, after it has \
                     signed you in; when you open it in another browser; or when its address was \
                     changed on the way."
                        .to_owned(),
                ],
            },
            Reason::Refused => Words {
                tone: Tone::Refused,
                heading: "This sign-in link is no longer valid".to_owned(),
                text: vec![
                    "A sign-in link works once, and for a short time.".to_owned(),
                    "Open the app again.".to_owned(),
                ],
            },
            Reason::AuthorityUnreachable => Words {
                tone: Tone::Neutral,
                heading: format!("{authority_name} does not answer"),
                text: vec![format!(
                    "{app_name} asks {authority_name} who you are, and got no answer. \
                     Wait a moment, then start again."
                )],
            },
            Reason::Cancelled => Words {
                tone: Tone::Neutral,
                heading: "You cancelled the sign-in".to_owned(),
                text: vec![format!(
                    "{authority_name} told {app_name} nothing about you. \
                     You are not signed in to {app_name}."
                )],
            },
            Reason::NotAssigned => Words {
                tone: Tone::Refused,
                heading: format!("Your account has no access to {app_name}"),
                text: vec![format!(
                    "You are signed in to {authority_name}, and {app_name} is not among your \
                     apps there. Ask whoever runs {authority_name} for access, or sign in with \
                     another account."
                )],
            },
            Reason::NobodyToSwitchFrom => Words {
                tone: Tone::Neutral,
                heading: format!("Nobody is signed in to {app_name} any more"),
                text: vec![
                    "The session that was here has ended, so there is nobody to switch from. The \
                     sign-in that waited for an answer is over too."
                        .to_owned(),
                    "If it was yours, start again.".to_owned(),
                ],
            },
            Reason::TookTooLong => Words {
                tone: Tone::Neutral,
                heading: "That took too long".to_owned(),
                text: vec![format!(
                    "{app_name} waits only a few minutes for a sign-in, so that nobody finishes \
                     one that was left open. Nothing is lost: start again, and you arrive where \
                     you wanted to go."
                )],
            },
            Reason::TooMany => Words {
                tone: Tone::Neutral,
                heading: "Too many links came from your network".to_owned(),
                text: vec![
                    format!(
                        "{app_name} did not start the sign-in that this link belongs to, and has \
                         lately seen many such links from your network. You are not signed in by it."
                    ),
                    "Wait a minute, then start again.".to_owned(),
                ],
            },
            Reason::Unavailable => Words {
                tone: Tone::Neutral,
                heading: format!("{app_name} cannot sign you in at the moment"),
                text: vec!["The fault is on our side. Wait a moment, then start again.".to_owned()],
            },
        }
    }
}

/// What happened, what to do now, and the trace id.
#[component]
pub fn ProblemPage(
    /// What to show.
    model: Problem,
) -> impl IntoView {
    let Words {
        tone,
        heading,
        text,
    } = model.words();
    let Problem {
        app_name,
        reason,
        signed_in_as,
        target,
        trace,
        recorded,
        again,
        ..
    } = model;
    let still = signed_in_as
        .as_ref()
        .filter(|_| reason != Reason::NotThisBrowser)
        .map(|name| view! { <p>{format!("You are still signed in to {app_name} as {name}.")}</p> });
    let ways = match signed_in_as {
        Some(_) => view! {
            <a class="button button--main" href=target>
                {format!("Go on in {app_name}")}
            </a>
            <a class="button" href=again>
                "Sign in again"
            </a>
        }
        .into_any(),
        None => view! {
            <a class="button button--main" href=again>
                "Start again"
            </a>
            <a class="button" href="/">
                {format!("Back to {app_name}")}
            </a>
        }
        .into_any(),
    };
    view! {
        <div class="sheet">
            <span class="emblem" data-tone=tone.slug()>
                <Glyph icon=tone.icon() />
            </span>
            <h1>{heading}</h1>
            {text.into_iter().map(|text| view! { <p>{text}</p> }).collect_view()}
            {still}
            <div class="actions">{ways}</div>
            <TraceLine trace recorded />
        </div>
    }
}
