//! The secrets that a reader follows through a picture. Each kind has one colour and one shape, the same
//! in every handoff.

use leptos::prelude::*;

/// A kind of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// What the person is signed in by at the application.
    HandoffToken,
    /// What binds the callback to the browser.
    State,
    /// The hint that a person chose the application.
    LaunchTicket,
    /// What only the application's server knows.
    Verifier,
    /// What verify gives to the application.
    AccessToken,
    /// The hash of the verifier.
    Challenge,
}

impl Secret {
    /// All of them. What matters most to a reader comes first.
    pub const ALL: [Self; 6] = [
        Self::HandoffToken,
        Self::State,
        Self::LaunchTicket,
        Self::Verifier,
        Self::AccessToken,
        Self::Challenge,
    ];

    /// All of them, in the order in which a handoff brings them.
    const IN_ORDER: [Self; 6] = [
        Self::LaunchTicket,
        Self::State,
        Self::Challenge,
        Self::HandoffToken,
        Self::Verifier,
        Self::AccessToken,
    ];

    /// Its name.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::HandoffToken => "handoff token",
            Self::State => "state",
            Self::LaunchTicket => "launch ticket",
            Self::Verifier => "verifier",
            Self::AccessToken => "access token",
            Self::Challenge => "challenge",
        }
    }

    /// The secret of this name.
    #[must_use]
    pub fn of(words: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|secret| secret.words() == words)
    }

    /// Its name in as few letters as a drawing has room for.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::HandoffToken => "token",
            Self::LaunchTicket => "launch",
            other => other.words(),
        }
    }

    /// Its name in style sheets.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::HandoffToken => "handoff-token",
            Self::State => "state",
            Self::LaunchTicket => "launch-ticket",
            Self::Verifier => "verifier",
            Self::AccessToken => "access-token",
            Self::Challenge => "challenge",
        }
    }

    /// Its shape, ten units wide and high.
    #[must_use]
    pub const fn shape(self) -> &'static str {
        match self {
            // A diamond.
            Self::HandoffToken => "M5 0L10 5L5 10L0 5z",
            // A disc.
            Self::State => "M0 5a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z",
            // A triangle.
            Self::LaunchTicket => "M0 0.5L10 5L0 9.5z",
            // A square, and its outline for the hash of it.
            Self::Verifier => "M0.5 0.5h9v9h-9z",
            Self::Challenge => "M0.5 0.5h9v9h-9zM3 3v4h4v-4z",
            // A cross.
            Self::AccessToken => "M3.3 0h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3v-3.4h3.3z",
        }
    }
}

/// The shape of a kind of secret, in the colour of the text around it.
#[component]
pub(crate) fn SecretShape(secret: Secret) -> impl IntoView {
    view! {
        <svg class="secret-shape" viewBox="0 0 10 10" aria-hidden="true" focusable="false">
            <path d=secret.shape() fill-rule="evenodd" fill="currentColor" />
        </svg>
    }
}

/// What the colours and shapes of a picture mean.
#[component]
pub(crate) fn Legend() -> impl IntoView {
    let secrets = Secret::IN_ORDER
        .map(|secret| {
            view! {
                <li class="secret" data-secret=secret.slug()>
                    <SecretShape secret />
                    {secret.words()}
                </li>
            }
        })
        .collect_view();
    view! {
        <ul class="flow-legend" role="list" aria-label="Secrets in the picture">
            {secrets}
        </ul>
    }
    .into_any()
}
