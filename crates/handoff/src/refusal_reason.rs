//! Why a site refused: every reason once, with the rows of the security checklist behind it, so that logs,
//! diagrams, metrics and tests use the same names.

use std::fmt;

use crate::flow::Refusal;

macro_rules! refusal_reasons {
    (
        of_token { $($(#[$token_doc:meta])* $token:ident => $token_reason:literal, $token_rows:expr;)* }
        of_request { $($(#[$doc:meta])* $variant:ident => $reason:literal, $rows:expr;)* }
    ) => {
        /// Why a site refused. The reasons of [`Self::OF_TOKEN`] are those for which a handoff token is not
        /// redeemed: the client never learns which one it was, every one of them but
        /// [`Self::StateAloneDiffers`] is answered by the same bytes (row 15). The log has the reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RefusalReason {
            $($(#[$token_doc])* $token,)*
            $($(#[$doc])* $variant,)*
        }

        impl RefusalReason {
            /// All reasons for which a handoff token is not redeemed.
            pub const OF_TOKEN: &'static [Self] = &[$(Self::$token),*];

            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$token,)* $(Self::$variant),*];

            /// A short name for logs, metrics and tests.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$token => $token_reason,)*
                    $(Self::$variant => $reason,)*
                }
            }

            /// The rows of the security checklist by which it was refused; none where none is.
            #[must_use]
            pub const fn rows(self) -> &'static [u8] {
                match self {
                    $(Self::$token => &$token_rows,)*
                    $(Self::$variant => &$rows,)*
                }
            }
        }
    };
}

refusal_reasons! {
    of_token {
        /// No such token was ever issued, or it was swept long ago.
        Unknown => "unknown", [16];
        /// The token was issued for another client.
        AnotherClient => "another_client", [5, 6];
        /// Used before, and this time every binding is right: its owner, or a thief with everything.
        /// What the first use gave is revoked.
        Replayed => "replayed", [3, 4];
        /// Used before, and a binding is wrong: a leaked token. Nothing is revoked, or a leak would
        /// sign its owner out.
        AlreadyUsed => "already_used", [3, 4];
        /// The lifetime is over.
        Expired => "expired", [2];
        /// The state differs from the one that the token was issued with.
        StateDiffers => "state_differs", [6];
        /// The state differs and nothing else does, at a client of the older SDK, which is told so.
        StateAloneDiffers => "state_alone_differs", [6];
        /// The redirect URI is missing or differs from the one that the token was sent to.
        RedirectUriDiffers => "redirect_uri_differs", [6];
        /// A challenge is stored and no verifier came.
        VerifierMissing => "verifier_missing", [38, 80];
        /// No challenge is stored and a verifier came (RFC 9700, 4.8: downgrade).
        VerifierUnexpected => "verifier_unexpected", [39, 80];
        /// The verifier does not match the challenge.
        VerifierWrong => "verifier_wrong", [6, 80];
        /// The sign-in behind the token has ended.
        SignInEnded => "sign_in_ended", [56];
        /// The person is gone or disabled.
        UserGone => "user_gone", [79];
        /// The person is no longer assigned to the client.
        NotAssigned => "not_assigned", [79];
    }
    of_request {
        /// The browser that asks is not signed in.
        NotSignedIn => "not_signed_in", [];
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
        /// The browser began this handoff and came back too late, or signed out meanwhile.
        StateTooLate => "state_too_late", [20];
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
        /// The session that the question "Switch?" was about has ended.
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
}

impl RefusalReason {
    /// What a relying party refuses for: what a client may report of itself.
    pub const OF_CLIENT: &'static [Self] = &[
        Self::IssDiffers,
        Self::NoPreSession,
        Self::StateUnknownHere,
        Self::StateTooLate,
        Self::UnreadableParameters,
        Self::AccessDenied,
        Self::NotAssigned,
        Self::ErrorFromAuthority,
        Self::TokenMissing,
        Self::VerifierDoesNotOpen,
        Self::VerifyRefused,
        Self::AuthorityUnreachable,
        Self::SignedOutMeanwhile,
        Self::SessionEndedMeanwhile,
        Self::Stayed,
        Self::SwitchTooLate,
        Self::TooMany,
        Self::Unavailable,
        Self::Internal,
        Self::Other,
    ];
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        Self {
            reason: reason.as_str().to_owned(),
            rows: reason.rows().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_reasons_share_a_name_and_every_row_stands_in_the_checklist() {
        let all = RefusalReason::ALL;
        let names: BTreeSet<_> = all.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(names.len(), all.len());
        let checklist = include_str!("../../../docs/SECURITY.md");
        for row in all.iter().flat_map(|reason| reason.rows()) {
            assert!(checklist.contains(&format!("\n| {row} | ")), "{row}");
        }
    }
}
