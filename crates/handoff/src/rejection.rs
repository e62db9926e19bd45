//! Why a handoff token was not redeemed.

/// A fact about a refused verify. The client never learns which one it was: every one of them but
/// [`Self::StateAloneDiffers`] is answered by the same bytes (row 15). The log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Rejection {
    /// No such token was ever issued, or it was swept long ago.
    #[error("handoff token unknown")]
    Unknown,
    /// The token was issued for another client.
    #[error("handoff token issued for another client")]
    AnotherClient,
    /// Used before, and this time every binding is right: its owner, or a thief with everything.
    /// What the first use gave is revoked.
    #[error("handoff token replayed with every binding right")]
    Replayed,
    /// Used before, and a binding is wrong: a leaked token. Nothing is revoked, or a leak would
    /// sign its owner out.
    #[error("handoff token used before")]
    AlreadyUsed,
    /// The lifetime is over.
    #[error("handoff token expired")]
    Expired,
    /// The state differs from the one that the token was issued with.
    #[error("state differs")]
    StateDiffers,
    /// The state differs and nothing else does, at a client of the older SDK, which is told so.
    #[error("state alone differs")]
    StateAloneDiffers,
    /// The redirect URI is missing or differs from the one that the token was sent to.
    #[error("redirect URI differs")]
    RedirectUriDiffers,
    /// A challenge is stored and no verifier came.
    #[error("verifier missing")]
    VerifierMissing,
    /// No challenge is stored and a verifier came (RFC 9700, 4.8: downgrade).
    #[error("verifier unexpected")]
    VerifierUnexpected,
    /// The verifier does not match the challenge.
    #[error("verifier wrong")]
    VerifierWrong,
    /// The sign-in behind the token has ended.
    #[error("sign-in ended")]
    SignInEnded,
    /// The person is gone or disabled.
    #[error("user gone")]
    UserGone,
    /// The person is no longer assigned to the client.
    #[error("user not assigned")]
    NotAssigned,
}

impl Rejection {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Unknown,
        Self::AnotherClient,
        Self::Replayed,
        Self::AlreadyUsed,
        Self::Expired,
        Self::StateDiffers,
        Self::StateAloneDiffers,
        Self::RedirectUriDiffers,
        Self::VerifierMissing,
        Self::VerifierUnexpected,
        Self::VerifierWrong,
        Self::SignInEnded,
        Self::UserGone,
        Self::NotAssigned,
    ];

    /// A short name for logs, metrics and tests.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::AnotherClient => "another_client",
            Self::Replayed => "replayed",
            Self::AlreadyUsed => "already_used",
            Self::Expired => "expired",
            Self::StateDiffers => "state_differs",
            Self::StateAloneDiffers => "state_alone_differs",
            Self::RedirectUriDiffers => "redirect_uri_differs",
            Self::VerifierMissing => "verifier_missing",
            Self::VerifierUnexpected => "verifier_unexpected",
            Self::VerifierWrong => "verifier_wrong",
            Self::SignInEnded => "sign_in_ended",
            Self::UserGone => "user_gone",
            Self::NotAssigned => "not_assigned",
        }
    }

    /// The rows of the security checklist by which it was refused.
    #[must_use]
    pub const fn rows(self) -> &'static [u8] {
        match self {
            Self::Unknown => &[16],
            Self::AnotherClient => &[5, 6],
            Self::Replayed | Self::AlreadyUsed => &[3, 4],
            Self::Expired => &[2],
            Self::StateDiffers | Self::StateAloneDiffers | Self::RedirectUriDiffers => &[6],
            Self::VerifierMissing => &[38, 80],
            Self::VerifierUnexpected => &[39, 80],
            Self::VerifierWrong => &[6, 80],
            Self::SignInEnded => &[56],
            Self::UserGone | Self::NotAssigned => &[79],
        }
    }
}
