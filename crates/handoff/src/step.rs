//! The steps of a handoff, named once: the diagram, the metrics, the logs and the tests all use
//! these names.

use serde::{Deserialize, Serialize};

/// Who takes part in a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The person's browser.
    Browser,
    /// The authorization server.
    Authority,
    /// The relying party.
    RelyingParty,
}

/// The way that a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Through the browser, where the person and whoever stands behind them can see it.
    Front,
    /// From server to server.
    Back,
    /// Nowhere: a decision inside one party.
    Inside,
}

/// What one step is made of.
struct Facts {
    name: &'static str,
    from: Party,
    to: Party,
    channel: Channel,
    rows: &'static [u8],
}

macro_rules! steps {
    ($($(#[$doc:meta])* $variant:ident => $name:literal, $from:ident $channel:ident $to:ident, $rows:expr;)*) => {
        /// One thing that happens on the way from *Open App* to a session at the relying party.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum Step {
            $($(#[$doc])* $variant,)*
        }

        impl Step {
            /// All steps, in the order of an undisturbed handoff; what may end one at any time last.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$variant => Facts {
                        name: $name,
                        from: Party::$from,
                        to: Party::$to,
                        channel: Channel::$channel,
                        rows: &$rows,
                    },)*
                }
            }
        }
    };
}

steps! {
    /// H1: the person chose *Open App*.
    LaunchRequested => "launch_requested", Browser Front Authority, [];
    /// H1: the launch ticket is stored.
    LaunchTicketIssued => "launch_ticket_issued", Authority Inside Authority, [26];
    /// H2: the browser is at the relying party, which is to begin.
    StartReceived => "start_received", Browser Front RelyingParty, [];
    /// H2: the relying party made state and verifier.
    StateMade => "state_made", RelyingParty Inside RelyingParty, [20];
    /// H3: the browser is at the authorization server with the relying party's request.
    AuthorizeReceived => "authorize_received", Browser Front Authority, [];
    /// H3: nobody is signed in; the authorization server asks who the person is.
    SignInAsked => "sign_in_asked", Authority Inside Authority, [];
    /// H3: the authorization server asks the person whether to go on.
    ConfirmationAsked => "confirmation_asked", Authority Inside Authority, [25];
    /// H3: the handoff token is stored and on its way.
    TokenIssued => "token_issued", Authority Inside Authority, [1, 2, 25];
    /// H4: the browser is back at the relying party.
    CallbackReceived => "callback_received", Browser Front RelyingParty, [];
    /// H4: the state belongs to this browser.
    StateMatched => "state_matched", RelyingParty Inside RelyingParty, [20];
    /// H5: the relying party presents the token.
    VerifySent => "verify_sent", RelyingParty Back Authority, [];
    /// H5: the token arrived at the authorization server.
    VerifyReceived => "verify_received", Authority Inside Authority, [];
    /// H5: the token is redeemed.
    Redeemed => "redeemed", Authority Inside Authority, [3, 6, 13, 80];
    /// H5: the answer to verify arrived at the relying party.
    VerifyAnswered => "verify_answered", Authority Back RelyingParty, [];
    /// H6: the new session waits until the person has answered who they want to be here.
    SwitchAsked => "switch_asked", RelyingParty Inside RelyingParty, [24];
    /// H6: the browser is at the page with that question.
    SwitchOpened => "switch_opened", Browser Front RelyingParty, [];
    /// H6: the person has answered it.
    SwitchAnswered => "switch_answered", Browser Front RelyingParty, [];
    /// H6: the browser has a session at the relying party.
    SessionCreated => "session_created", RelyingParty Inside RelyingParty, [23];
    /// The site sends the browser on: the answer to a request that came through it. From whom is
    /// the site that recorded it.
    Redirected => "redirected", RelyingParty Front Browser, [];
    /// The site answers the browser with a page.
    PageShown => "page_shown", RelyingParty Front Browser, [];
    /// Stopped, with the reason.
    Refused => "refused", RelyingParty Inside RelyingParty, [];
}

impl Step {
    /// The name in logs, metrics and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.facts().name
    }

    /// Who sends it. For [`Step::Redirected`], [`Step::PageShown`] and [`Step::Refused`], which
    /// either site can take, the site that recorded the step decides instead.
    #[must_use]
    pub const fn from(self) -> Party {
        self.facts().from
    }

    /// Whom it reaches; the sender itself for what happens inside.
    #[must_use]
    pub const fn to(self) -> Party {
        self.facts().to
    }

    /// The way that it takes.
    #[must_use]
    pub const fn channel(self) -> Channel {
        self.facts().channel
    }

    /// The rows of the security checklist that this step holds to. A refusal brings its own.
    #[must_use]
    pub const fn rows(self) -> &'static [u8] {
        self.facts().rows
    }

    /// Whether it is taken only for somebody who has signed in at the authorization server. No
    /// stranger brings it about, however much they send.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        matches!(
            self,
            Self::LaunchTicketIssued
                | Self::ConfirmationAsked
                | Self::TokenIssued
                | Self::Redeemed
                | Self::SwitchAsked
                | Self::SessionCreated
        )
    }

    /// Reads a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|step| step.as_str() == name)
    }
}

impl From<Step> for &'static str {
    fn from(step: Step) -> Self {
        step.as_str()
    }
}

impl TryFrom<String> for Step {
    type Error = UnknownStep;
    fn try_from(name: String) -> Result<Self, UnknownStep> {
        Self::parse(&name).ok_or(UnknownStep)
    }
}

/// The text names no step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no step has this name")]
pub struct UnknownStep;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_share_a_name_and_each_name_reads_back() {
        let names: std::collections::BTreeSet<_> = Step::ALL.iter().map(|s| s.as_str()).collect();
        assert_eq!(names.len(), Step::ALL.len());
        for step in Step::ALL {
            assert_eq!(Step::parse(step.as_str()), Some(*step));
        }
        assert_eq!(Step::parse("Redeemed"), None);
    }

    #[test]
    fn what_travels_has_two_ends_and_what_happens_inside_has_one() {
        for step in Step::ALL {
            let inside = step.channel() == Channel::Inside;
            assert_eq!(step.from() == step.to(), inside, "{step:?}");
            let through_browser = step.from() == Party::Browser || step.to() == Party::Browser;
            assert_eq!(
                through_browser,
                step.channel() == Channel::Front,
                "{step:?}"
            );
        }
    }
}
