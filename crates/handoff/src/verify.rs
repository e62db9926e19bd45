//! The rule at the heart of the protocol: may this token be redeemed, by this client, now?

use time::OffsetDateTime;

use crate::{
    handoff::{Handoff, Issued},
    ids::ClientId,
    policy::Policy,
    refusal_reason::RefusalReason,
    token::{HandoffToken, State, Unverified, Verifier},
};

/// How the client showed who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By something that it alone has. What it gets wrong afterwards uses the token up.
    Credential,
    /// By the `Origin` header alone, which every program can write. So a mismatch proves nothing
    /// against the client, and must use nothing up: a stranger could spoil its handoffs (row 5).
    Origin,
}

/// What an authenticated client presents at verify.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The client, as it authenticated itself; never as it merely says.
    pub client: ClientId,
    /// How it did.
    pub proof: Proof,
    /// The handoff token.
    pub token: Unverified<HandoffToken>,
    /// The state that came with it.
    pub state: Unverified<State>,
    /// Where it came to. Clients of the older SDK do not say.
    pub redirect_uri: Option<String>,
    /// The secret behind the challenge.
    pub verifier: Option<Unverified<Verifier>>,
}

/// What must still be true at the moment of redemption, not just when the token was issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The sign-in has not ended.
    pub sign_in_is_live: bool,
    /// The person exists and is not disabled.
    pub user_is_active: bool,
    /// The person may use the client.
    pub user_is_assigned: bool,
}

/// Whether the client may use the token up, whatever else turns out to be wrong with it: the part
/// of the rule that a store repeats as the condition of one statement. For a client that has shown
/// its origin and no more, that takes every binding.
///
/// # Errors
/// The first [`RefusalReason`] that applies. A used token is [`RefusalReason::AlreadyUsed`] here.
pub fn claim(
    stored: &Handoff,
    presented: &Presented,
    now: OffsetDateTime,
    policy: &Policy,
) -> Result<(), RefusalReason> {
    let issued = stored.issued();
    if policy.client_binding() && issued.client != presented.client {
        return Err(RefusalReason::AnotherClient);
    }
    if policy.one_time() && stored.is_used() {
        return Err(RefusalReason::AlreadyUsed);
    }
    if policy.lifetime() && issued.expires_at <= now {
        return Err(RefusalReason::Expired);
    }
    match presented.proof {
        Proof::Credential => Ok(()),
        Proof::Origin => bindings(issued, presented, policy),
    }
}

/// Whether a refusal makes it final that the token is too old: a clock that is put back must not bring
/// it to life. Whoever could not have claimed it in time changes nothing.
#[must_use]
pub fn ages_for_good(
    stored: &Handoff,
    presented: &Presented,
    rejection: RefusalReason,
    policy: &Policy,
) -> bool {
    let in_time = || match presented.proof {
        Proof::Credential => true,
        Proof::Origin => bindings(stored.issued(), presented, policy).is_ok(),
    };
    rejection == RefusalReason::Expired && !stored.is_used() && in_time()
}

/// Whether everything that the token was bound to is there again.
///
/// # Errors
/// The first [`RefusalReason`] that applies.
pub fn bindings(
    issued: &Issued,
    presented: &Presented,
    policy: &Policy,
) -> Result<(), RefusalReason> {
    if policy.state_binding() && issued.state != presented.state.digest() {
        return Err(RefusalReason::StateDiffers);
    }
    if policy.redirect_uri_binding() {
        // Only a row without a challenge, which clients of the older SDK get, may go without.
        let same = match &presented.redirect_uri {
            Some(uri) => *uri == issued.redirect_uri,
            None => issued.challenge.is_none(),
        };
        if !same {
            return Err(RefusalReason::RedirectUriDiffers);
        }
    }
    if policy.verifier_binding() {
        match (&issued.challenge, &presented.verifier) {
            (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
            (Some(_), Some(_)) => return Err(RefusalReason::VerifierWrong),
            (Some(_), None) => return Err(RefusalReason::VerifierMissing),
            (None, Some(_)) => return Err(RefusalReason::VerifierUnexpected),
            (None, None) => {}
        }
    }
    Ok(())
}

/// The whole rule. The stored row decides, never the request.
///
/// ```
/// # use handoff::{handoff::*, ids::*, policy::Policy, refusal_reason::RefusalReason, token::*, verify::*};
/// # use handoff::client::HandoffLifetime;
/// # use time::{Duration, OffsetDateTime};
/// let now = OffsetDateTime::UNIX_EPOCH;
/// let (token, state) = (HandoffToken::mint([1; 32]), State::mint([2; 32]));
/// let verifier = Verifier::mint([3; 32]);
/// let request = Request {
///     client: ClientId::parse("notes").unwrap(),
///     redirect_uri: "http://notes.localhost:4000/callback".to_owned(),
///     state: state.digest(),
///     challenge: Some(verifier.challenge()),
///     lifetime: HandoffLifetime::default(),
/// };
/// let issued =
///     request.issue(token.digest(), SignInId::mint([4; 16]), UserId::mint([5; 16]), now);
/// let presented = Presented {
///     client: ClientId::parse("notes").unwrap(),
///     proof: Proof::Credential,
///     token: (&token).into(),
///     state: (&state).into(),
///     redirect_uri: Some("http://notes.localhost:4000/callback".to_owned()),
///     verifier: Some((&verifier).into()),
/// };
/// let standing =
///     Standing { sign_in_is_live: true, user_is_active: true, user_is_assigned: true };
/// let stored = Handoff::Issued(issued);
/// assert!(decide(&stored, standing, &presented, now, &Policy::STRICT).is_ok());
/// let late = now + Duration::seconds(60);
/// assert_eq!(
///     decide(&stored, standing, &presented, late, &Policy::STRICT),
///     Err(RefusalReason::Expired)
/// );
/// ```
///
/// # Errors
/// The first [`RefusalReason`] that applies. A used token whose bindings are all right is
/// [`RefusalReason::Replayed`]: what its first use gave must be revoked.
pub fn decide<'a>(
    stored: &'a Handoff,
    standing: Standing,
    presented: &Presented,
    now: OffsetDateTime,
    policy: &Policy,
) -> Result<&'a Issued, RefusalReason> {
    let issued = stored.issued();
    // The one check that no policy takes away: without it a wrong look-up would redeem the token.
    if issued.token != presented.token.digest() {
        return Err(RefusalReason::Unknown);
    }
    match claim(stored, presented, now, policy) {
        Err(RefusalReason::AlreadyUsed) => {
            // Always with every defence: a weakened policy must not revoke a bystander's session.
            let owner = issued.client == presented.client;
            return Err(match bindings(issued, presented, &Policy::STRICT) {
                Ok(()) if owner => RefusalReason::Replayed,
                _ => RefusalReason::AlreadyUsed,
            });
        }
        Err(RefusalReason::StateDiffers)
            if state_alone_differs(issued, standing, presented, now, policy) =>
        {
            return Err(RefusalReason::StateAloneDiffers);
        }
        other => other?,
    }
    bindings(issued, presented, policy)?;
    if policy.live_sign_in() && !standing.sign_in_is_live {
        return Err(RefusalReason::SignInEnded);
    }
    if policy.assignment() && !standing.user_is_active {
        return Err(RefusalReason::UserGone);
    }
    if policy.assignment() && !standing.user_is_assigned {
        return Err(RefusalReason::NotAssigned);
    }
    Ok(issued)
}

/// Whether the token would be accepted if only its state were the one presented, at a client of the
/// older SDK: the one refusal that has a name of its own there. Such clients' rows, and no others,
/// are without a challenge.
fn state_alone_differs(
    issued: &Issued,
    standing: Standing,
    presented: &Presented,
    now: OffsetDateTime,
    policy: &Policy,
) -> bool {
    let with_its_state = Handoff::Issued(Issued {
        state: presented.state.digest(),
        ..issued.clone()
    });
    issued.challenge.is_none() && decide(&with_its_state, standing, presented, now, policy).is_ok()
}
