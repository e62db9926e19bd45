//! Handoffs: launch tickets (H1), handoff tokens (H3), and what becomes of them (H5).

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    handoff::{Launch, Request},
    ids::{SessionId, SignInId},
    policy::Policy,
    refusal_reason::RefusalReason,
    token::{AccessToken, Digest, HandoffToken, LaunchTicket},
    verify::Presented,
    wire::{SessionInfo, UserInfo},
};
use time::OffsetDateTime;

use super::{RequestFingerprint, Revision};

/// H3: a handoff token that is about to be stored.
#[derive(Clone, Debug)]
pub struct NewHandoff {
    /// The request that it answers.
    pub request: Request,
    /// The client's record that the request was held against.
    pub client_revision: Revision,
    /// The token, hashed.
    pub token: Digest<HandoffToken>,
    /// The sign-in of the browser that asks.
    pub sign_in: SignInId,
    /// What shows that the person wants this.
    pub consent: Consent,
}

/// What shows that the person wants to go to the client.
#[derive(Clone, Debug)]
pub enum Consent {
    /// Nothing visible to the handler: a launch ticket, if one came, or a sign-in that was made
    /// for this very request. The store finds out, and uses up what it finds.
    Silent {
        /// The ticket that came with the request.
        launch: Option<Digest<LaunchTicket>>,
        /// The request.
        request: RequestFingerprint,
    },
    /// The person pressed the button on the confirmation page.
    Confirmed,
}

/// What came of H3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuance {
    /// The token is stored.
    Issued,
    /// Nothing shows that the person wants this: ask. Nothing was stored.
    MustAsk,
    /// The person may not use the client. No token was stored.
    NotAssigned,
    /// The client's record is not the one that the request was held against: hold it against the new one.
    /// Nothing was stored.
    ClientChanged,
    /// The sign-in is not alive, or the person is gone. Nothing was stored.
    SignedOut,
}

/// H5: what the client gets if the token is accepted.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// What the client presents.
    pub presented: Presented,
    /// The client's record that its credential was held against.
    pub client_revision: Revision,
    /// The access token, hashed.
    pub access_token: Digest<AccessToken>,
    /// The id of the session.
    pub session: SessionId,
}

/// H5: what the client got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// The session.
    pub session: SessionInfo,
    /// The person.
    pub user: UserInfo,
    /// When the person signed in.
    pub auth_time: OffsetDateTime,
    /// How.
    pub amr: Vec<String>,
}

/// H5: why the client got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRedeemed {
    /// The rule refuses it.
    Refused(RefusalReason),
    /// The client's record is not the one that its credential was held against: hold it against the new
    /// one. Nothing was used up.
    ClientChanged,
}

/// Launch tickets (H1) and handoff tokens (H3, H5).
#[async_trait]
pub trait HandoffStore: Send + Sync {
    /// H1: stores a launch ticket.
    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable>;

    /// H3: stores the token if the sign-in is alive, the person may use the client, and something shows
    /// that they want to ([`Consent`]). The same transaction uses up what showed it, and adds the
    /// handoff to the person's recent ones.
    ///
    /// If the person may not use the client, no token is stored, and the attempt is added to their
    /// recent handoffs.
    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable>;

    /// H5: uses the token up, decides, and makes the client's session, in one. A refusal uses the
    /// token up too, when it was this client's to use by [`handoff::verify::claim`]; a replay with every
    /// binding right ends the session that the first use made.
    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, NotRedeemed>, Unavailable>;
}
