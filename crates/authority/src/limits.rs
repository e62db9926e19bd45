//! What this site counts in memory, and by what. Failed sign-ins are counted in the store instead:
//! see [`crate::throttle`].

use std::sync::Arc;

use handoff::{
    ids::{ClientId, SignInId, UserId},
    policy::Policy,
};
use time::Duration;
use web::{
    clock::Clock,
    error_page::ErrorPage,
    limits::{Alarm, LimitReached, Limiter, Volume},
    peer::{Network, Peer},
    trace_id::TraceId,
};

use crate::{Authority, api::ErrorResponse, identity::SignedIn};

/// So many refused tokens of one client within a minute are worth a word to the operator: a client
/// that works has none, and a person who goes *Back* makes one.
const OFTEN_REFUSED: u32 = 10;

/// So many wrong passwords for one account within a quarter of an hour, from wherever they come: more
/// than its owner makes.
const OFTEN_WRONG: u32 = 20;

/// The limits of one authorization server.
#[derive(Debug)]
pub(crate) struct Limits {
    sessions: Limiter<SignInId>,
    addresses: Limiter<Network>,
    unproven: Limiter<(Network, Option<ClientId>)>,
    refused_tokens: Alarm<ClientId>,
    wrong_passwords: Alarm<UserId>,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>, max_keys: usize, policy: &Policy) -> Self {
        Self {
            sessions: Limiter::bounded(Volume::SESSION, max_keys, Arc::clone(clock)).under(policy),
            addresses: Limiter::bounded(Volume::ADDRESS, max_keys, Arc::clone(clock)).under(policy),
            unproven: Limiter::bounded(Volume::UNPROVEN, max_keys, Arc::clone(clock)).under(policy),
            refused_tokens: Alarm::bounded(
                OFTEN_REFUSED,
                Duration::MINUTE,
                max_keys,
                Arc::clone(clock),
            ),
            wrong_passwords: Alarm::bounded(
                OFTEN_WRONG,
                Duration::minutes(15),
                max_keys,
                Arc::clone(clock),
            ),
        }
    }

    /// How many requests each limit has refused since the start.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 3] {
        [
            ("session", self.sessions.refused()),
            ("address", self.addresses.refused()),
            ("unproven_client", self.unproven.refused()),
        ]
    }
}

impl Authority {
    /// H1 and H3: counts by the sign-in, or by address when nobody is signed in.
    ///
    /// # Errors
    /// [`ErrorPage::too_many`], or [`ErrorPage::unavailable`] when it cannot be counted.
    pub(crate) fn admit(&self, signed_in: Option<&SignedIn>, peer: Peer) -> Result<(), ErrorPage> {
        Ok(match signed_in {
            Some(signed_in) => self.limits.sessions.admit(&signed_in.sign_in.id),
            None => self.limits.addresses.admit(&peer.network()),
        }?)
    }

    /// H5: counts a call whose sender did not show which client it is, and says what it is answered.
    /// A call that does show it never comes here, so a stranger keeps nobody but himself out.
    pub(crate) fn unproven(
        &self,
        trace: &TraceId,
        peer: Peer,
        claimed: Option<&str>,
        refusal: ErrorResponse,
    ) -> ErrorResponse {
        let claimed = claimed.and_then(|claimed| ClientId::parse(claimed).ok());
        match self.limits.unproven.admit(&(peer.network(), claimed)) {
            Ok(()) => refusal,
            Err(LimitReached::TooMany { retry_after }) => ErrorResponse::slow_down(retry_after),
            Err(LimitReached::CannotCount) => {
                ErrorResponse::unavailable(trace, "a limiter has more keys than it can count")
            }
        }
    }

    /// H5: an authenticated client presented a token that was refused. Often means that it is broken,
    /// or that somebody has its secret; either way it goes on.
    pub(crate) fn token_refused(&self, trace: &TraceId, client: &ClientId) {
        if self.limits.refused_tokens.count(client.clone()) {
            let event = "handoff.failures";
            tracing::warn!(trace = %trace, event, client = %client, within_a_minute = OFTEN_REFUSED, "alarm");
        }
    }

    /// A wrong password for an account that there is. Only the operator hears of it: a lock could be
    /// triggered by anybody.
    pub(crate) fn wrong_password(&self, trace: &TraceId, user: UserId) {
        if self.limits.wrong_passwords.count(user) {
            let event = "sign_in.failures";
            tracing::warn!(trace = %trace, event, user = %user, within_minutes = 15, failures = OFTEN_WRONG, "alarm");
        }
    }
}
