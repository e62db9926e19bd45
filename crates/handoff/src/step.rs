//! The steps of a handoff, named once: logs, tests and later every picture use these names.

use serde::Serialize;

macro_rules! steps {
    ($($(#[$doc:meta])* $name:ident => $text:literal;)*) => {
        /// One thing that happens on the way from *Open App* to a session at the relying party.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(into = "&'static str")]
        pub enum Step {
            $($(#[$doc])* $name,)*
        }

        impl Step {
            /// All steps, in the order of an undisturbed handoff, the refusal last.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name in logs and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }

        impl From<Step> for &'static str {
            fn from(step: Step) -> Self {
                step.as_str()
            }
        }
    };
}

steps! {
    /// H1: the person chose *Open App*, and the launch ticket is stored.
    LaunchTicketIssued => "launch_ticket_issued";
    /// H2: the relying party made state and verifier.
    StateMade => "state_made";
    /// H3: the authorization server asks the person whether to go on.
    ConfirmationAsked => "confirmation_asked";
    /// H3: the handoff token is stored and on its way.
    TokenIssued => "token_issued";
    /// H4: the state belongs to this browser.
    StateMatched => "state_matched";
    /// H5: the token is redeemed.
    Redeemed => "redeemed";
    /// H6: the browser has a session at the relying party.
    SessionCreated => "session_created";
    /// Any step: stopped, with the reason.
    Refused => "refused";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_steps_share_a_name() {
        let names: std::collections::BTreeSet<_> = Step::ALL.iter().map(|s| s.as_str()).collect();
        assert_eq!(names.len(), Step::ALL.len());
    }
}
