//! Why a handoff stopped, where it was not a handoff token's fault: see [`Rejection`] for that.
//!
//! Every cause is here once, with the rows of the security checklist behind it, so that the log, the
//! diagram and the metrics speak of the same thing.

use crate::{flow::Refusal, rejection::Rejection};

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident => $reason:literal, $rows:expr;)*) => {
        /// Why a site did not go on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cause {
            $($(#[$doc])* $variant,)*
        }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// A short name for logs, metrics and tests. Where a [`Rejection`] has the same name, it is
            /// the same fact, found elsewhere.
            #[must_use]
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$variant => $reason,)*
                }
            }

            /// The rows of the security checklist behind it; none where none is.
            #[must_use]
            pub const fn rows(self) -> &'static [u8] {
                match self {
                    $(Self::$variant => &$rows,)*
                }
            }
        }
    };
}

causes! {
    /// Whoever should ask is not signed in.
    NotSignedIn => "not_signed_in", [];
    /// The person may not use the client.
    NotAssigned => "not_assigned", [79];
    /// The person said no at the authorization server.
    Cancelled => "cancelled", [25];
    /// No such client is registered.
    UnknownClient => "unknown_client", [33];
    /// The client has not registered this redirect URI.
    RedirectUriUnregistered => "redirect_uri_unregistered", [31, 33];
    /// The request has no state, or one that cannot be read.
    StateMissing => "state_missing", [6];
    /// The request has no challenge by S256.
    ChallengeMissing => "challenge_missing", [38];
    /// The request would not survive a sign-in.
    RequestTooLong => "request_too_long", [];
    /// The form's CSRF token does not belong to this browser's session.
    StaleForm => "stale_form", [26];
    /// The form came from another site.
    CrossSite => "cross_site", [26, 28];
    /// It was no navigation of a whole page.
    NotANavigation => "not_a_navigation", [29];
    /// The browser only wanted to be early.
    Prefetched => "prefetched", [30];
    /// Not the method that is asked for.
    WrongMethod => "wrong_method", [];
    /// A parameter stands there twice, or cannot be read.
    UnreadableParameters => "unreadable_parameters", [36];
    /// The body is of another type than is asked for.
    WrongMediaType => "wrong_media_type", [];
    /// The body is longer than anything that is asked for.
    TooLarge => "too_large", [];
    /// There is no such page.
    NotFound => "not_found", [];
    /// The caller asks too often.
    TooMany => "too_many", [17];
    /// At verify: the body is not the JSON that is asked for.
    NotJson => "not_json", [12];
    /// At verify: the client did not show who it is.
    InvalidClient => "invalid_client", [13];
    /// The sender of the start or of the callback is not the one authorization server.
    IssDiffers => "iss_differs", [41];
    /// At the callback: this browser has started nothing.
    NoPreSession => "no_pre_session", [20, 21];
    /// At the callback: this browser has not started this, or not lately, or it was here before.
    StateUnknownHere => "state_unknown_here", [20, 21];
    /// At the callback: too many of those from one address.
    TooManyStrayCallbacks => "too_many_stray_callbacks", [17];
    /// At the callback: they cannot be counted any more.
    StrayCallbacksUncounted => "stray_callbacks_cannot_be_counted", [17];
    /// The authorization server said that the person said no.
    AccessDenied => "access_denied", [];
    /// The authorization server reported an error.
    ErrorFromAuthority => "error_from_authority", [];
    /// At the callback: there is no token, or one that cannot be read.
    TokenMissing => "token_missing", [];
    /// At the callback: what is sealed does not open with this browser's cookie.
    VerifierDoesNotOpen => "verifier_does_not_open", [20];
    /// The authorization server refused the token and, as it should, does not say why.
    VerifyRefused => "verify_refused", [15];
    /// The authorization server gave no answer.
    AuthorityUnreachable => "authority_unreachable", [82];
    /// The browser signed out while this was under way.
    SignedOutMeanwhile => "signed_out_meanwhile", [81];
    /// Whoever was to be asked whether to switch has no session any more.
    SessionEndedMeanwhile => "session_ended_meanwhile", [24];
    /// The person chose to stay who they were.
    Stayed => "stayed", [24];
    /// The question whether to switch was answered too late, or before.
    SwitchTooLate => "switch_too_late", [24];
    /// A store or another server cannot be reached right now.
    Unavailable => "unavailable", [];
    /// Ours to mend.
    Internal => "internal", [];
    /// Refused without a reason.
    Other => "other", [];
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self {
            reason: cause.reason().to_owned(),
            rows: cause.rows().to_vec(),
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self {
            reason: rejection.reason().to_owned(),
            rows: rejection.rows().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_causes_share_a_reason_and_every_row_stands_in_the_checklist() {
        let reasons: BTreeSet<_> = Cause::ALL.iter().map(|cause| cause.reason()).collect();
        assert_eq!(reasons.len(), Cause::ALL.len());
        let checklist = include_str!("../../../docs/SECURITY.md");
        let rows = Cause::ALL.iter().flat_map(|cause| cause.rows());
        let of_tokens = Rejection::ALL.iter().flat_map(|it| it.rows());
        for row in rows.chain(of_tokens) {
            assert!(checklist.contains(&format!("\n| {row} | ")), "{row}");
        }
    }

    #[test]
    fn every_rejection_has_a_row() {
        for rejection in Rejection::ALL {
            assert!(!rejection.rows().is_empty(), "{rejection:?}");
        }
    }
}
