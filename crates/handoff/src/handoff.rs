//! The states of a handoff. Each carries its own data, and a transition consumes the state before.
//!
//! ```text
//! authorization server   Launch --(H3)--> Issued --(H5)--> Redeemed
//!                                            \--(H5, a binding is wrong)--> Burned
//! relying party          Started --(H4)--> Returned --(H5, H6)--> a session
//! ```

use time::{Duration, OffsetDateTime};

use crate::{
    client::HandoffLifetime,
    ids::{ClientId, SessionId, SignInId, UserId},
    token::{Challenge, Digest, HandoffToken, LaunchTicket, Secret, State, Unverified, Verifier},
    uri::LocalPath,
};

/// How long a launch ticket lives.
pub const LAUNCH_LIFETIME: Duration = Duration::seconds(60);
/// How long the relying party waits for the browser to come back.
pub const STARTED_LIFETIME: Duration = Duration::seconds(300);
/// How long after that it remembers where the person wanted to go: a sign-in page may lie open for so long,
/// and a sign-in that succeeds there still leads to its target, by a new start.
pub const TARGET_LIFETIME: Duration = Duration::hours(12);
/// How many such targets a relying party remembers; the oldest go. Starts without a cookie come from as many browsers as
/// somebody likes, and each leaves a row of some hundred bytes.
pub const TARGETS_REMEMBERED: u32 = 100_000;
/// How many handoffs one browser may have under way at one relying party, or remembered; the oldest goes.
/// People open more tabs than five.
pub const STARTED_PER_BROWSER: usize = 16;
/// How long an access token lives at most (row 19).
pub const ACCESS_LIFETIME: Duration = Duration::hours(1);
/// How long a finished handoff waits for "Switch from Alice to Bob?".
pub const SWITCH_LIFETIME: Duration = Duration::seconds(120);

/// H1: somebody who is signed in chose *Open App*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// What the ticket hashes to.
    pub ticket: Digest<LaunchTicket>,
    /// The sign-in that the click was made in.
    pub sign_in: SignInId,
    /// The application that was opened.
    pub client: ClientId,
    /// When the ticket dies.
    pub expires_at: OffsetDateTime,
}

impl Launch {
    /// A launch that starts now.
    #[must_use]
    pub fn new(
        ticket: &LaunchTicket,
        sign_in: SignInId,
        client: ClientId,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            ticket: ticket.digest(),
            sign_in,
            client,
            expires_at: now + LAUNCH_LIFETIME,
        }
    }
}

/// H3: the token is on its way through the browser, bound to everything that it must meet again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What the token hashes to.
    pub token: Digest<HandoffToken>,
    /// Who may redeem it.
    pub client: ClientId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What the relying party's state hashes to.
    pub state: Digest<State>,
    /// The code challenge; only clients of the older SDK have none.
    pub challenge: Option<Challenge>,
    /// The sign-in that stands behind it.
    pub sign_in: SignInId,
    /// Whom it is about.
    pub user: UserId,
    /// When it dies.
    pub expires_at: OffsetDateTime,
}

/// What [`Issued`] is made from, besides the person.
#[derive(Clone, Debug)]
pub struct Request {
    /// The client that asks.
    pub client: ClientId,
    /// The registered redirect URI that it named.
    pub redirect_uri: String,
    /// Its state, hashed.
    pub state: Digest<State>,
    /// Its challenge.
    pub challenge: Option<Challenge>,
    /// How long its tokens live.
    pub lifetime: HandoffLifetime,
}

impl Request {
    /// The token for this request, about this person.
    #[must_use]
    pub fn issue(
        self,
        token: Digest<HandoffToken>,
        sign_in: SignInId,
        user: UserId,
        now: OffsetDateTime,
    ) -> Issued {
        Issued {
            token,
            client: self.client,
            redirect_uri: self.redirect_uri,
            state: self.state,
            challenge: self.challenge,
            sign_in,
            user,
            expires_at: now + self.lifetime.duration(),
        }
    }
}

impl Issued {
    /// The first use, with every binding right.
    #[must_use]
    pub fn redeem(self, session: SessionId, at: OffsetDateTime) -> Handoff {
        Handoff::Redeemed {
            issued: self,
            session,
            at,
        }
    }

    /// The first use, with a binding wrong.
    #[must_use]
    pub fn burn(self, at: OffsetDateTime) -> Handoff {
        Handoff::Burned { issued: self, at }
    }
}

/// A handoff as the authorization server stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handoff {
    /// Waiting to be redeemed.
    Issued(Issued),
    /// Redeemed: it gave this session. Kept, so that a replay is recognised.
    Redeemed {
        /// As it was issued.
        issued: Issued,
        /// What it gave.
        session: SessionId,
        /// When.
        at: OffsetDateTime,
    },
    /// Used with a binding wrong: it gave nothing and never will.
    Burned {
        /// As it was issued.
        issued: Issued,
        /// When.
        at: OffsetDateTime,
    },
}

impl Handoff {
    /// What it was issued with, whatever became of it.
    #[must_use]
    pub const fn issued(&self) -> &Issued {
        match self {
            Self::Issued(issued) | Self::Redeemed { issued, .. } | Self::Burned { issued, .. } => {
                issued
            }
        }
    }

    /// Whether it was presented before.
    #[must_use]
    pub const fn is_used(&self) -> bool {
        !matches!(self, Self::Issued(_))
    }
}

/// H2: the relying party sent the browser away and waits for it.
#[derive(Clone, Debug)]
pub struct Started {
    /// What ties the answer to this browser.
    pub state: State,
    /// What proves at verify that the one who asks is the one who started.
    pub verifier: Verifier,
    /// Where the person wanted to go.
    pub target: LocalPath,
    /// When the relying party gives up waiting.
    pub expires_at: OffsetDateTime,
}

impl Started {
    /// A handoff that starts now.
    #[must_use]
    pub fn new(state: State, verifier: Verifier, target: LocalPath, now: OffsetDateTime) -> Self {
        Self {
            state,
            verifier,
            target,
            expires_at: now + STARTED_LIFETIME,
        }
    }

    /// H4: the browser is back with a token; whether it is worth anything, verify will tell.
    #[must_use]
    pub fn returned(self, token: Unverified<HandoffToken>) -> Returned {
        Returned {
            token,
            started: self,
        }
    }
}

/// H4: the state belonged to this browser.
#[derive(Clone, Debug)]
pub struct Returned {
    /// What the browser brought.
    pub token: Unverified<HandoffToken>,
    /// What it started with.
    pub started: Started,
}
