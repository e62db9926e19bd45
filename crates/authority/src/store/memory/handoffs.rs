//! Launch tickets and handoff tokens in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    flow::FlowId,
    handoff::{ACCESS_LIFETIME, Handoff, Launch},
    policy::Policy,
    refusal_reason::RefusalReason,
    verify::{Standing, ages_for_good, claim, decide},
    wire::SessionInfo,
};
use time::OffsetDateTime;

use super::{
    super::{
        Consent, HandoffStore, Issuance, NewHandoff, NotRedeemed, Outcome, Redeemed, Redemption,
        Remembered,
    },
    Memory,
    client_sessions::KeptSession,
    recent::KeptRecent,
};

#[async_trait]
impl HandoffStore for Memory {
    async fn issue_launch(&self, launch: Launch) -> Result<(), Unavailable> {
        self.state().launches.insert(launch.ticket, (launch, false));
        Ok(())
    }

    async fn issue_handoff(
        &self,
        new: NewHandoff,
        now: OffsetDateTime,
    ) -> Result<Issuance, Unavailable> {
        let mut guard = self.state();
        let state = &mut *guard;
        state.end_if_over(new.sign_in, now);
        let sign_in = state
            .sign_ins
            .get(&new.sign_in)
            .filter(|sign_in| sign_in.is_live(now));
        let user = sign_in.map(|sign_in| sign_in.new.user);
        let Some(user) = user.filter(|user| state.active(*user).is_some()) else {
            return Ok(Issuance::SignedOut);
        };
        if !state.is_as_it_was(&new.request.client, new.client_revision) {
            return Ok(Issuance::ClientChanged);
        }
        if !state.is_assigned(user, &new.request.client) {
            let attempt = Remembered {
                client: &new.request.client,
                flow: FlowId::of(&new.request.state),
            };
            state.remember(
                user,
                KeptRecent::without_token(attempt, Outcome::NotAssigned, now),
            );
            return Ok(Issuance::NotAssigned);
        }
        if let Consent::Silent { launch, request } = &new.consent {
            let ticket = launch.and_then(|ticket| state.launches.get_mut(&ticket));
            let own = ticket.filter(|(launch, used)| {
                !used && launch.sign_in == new.sign_in && launch.client == new.request.client
            });
            // Used up also when it is too late: it stays so, whatever the clock does.
            let good = own.is_some_and(|(launch, used)| {
                *used = true;
                launch.expires_at > now
            });
            if !good {
                let asked = state.sign_ins.get_mut(&new.sign_in);
                match asked.filter(|sign_in| sign_in.new.signed_in_for == Some(*request)) {
                    Some(sign_in) => sign_in.new.signed_in_for = None,
                    None => return Ok(Issuance::MustAsk),
                }
            }
        }
        let issued = new.request.issue(new.token, new.sign_in, user, now);
        let recent = KeptRecent {
            client: issued.client.clone(),
            token: Some(issued.token),
            began: now,
            outcome: Outcome::UnderWay,
            waits_until: issued.expires_at,
            flow: FlowId::of(&issued.state),
        };
        state.remember(user, recent);
        state.handoffs.insert(issued.token, Handoff::Issued(issued));
        Ok(Issuance::Issued)
    }

    async fn redeem_handoff(
        &self,
        redemption: Redemption,
        now: OffsetDateTime,
        policy: &Policy,
    ) -> Result<Result<Redeemed, NotRedeemed>, Unavailable> {
        let presented = &redemption.presented;
        let mut guard = self.state();
        let state = &mut *guard;
        if !state.is_as_it_was(&presented.client, redemption.client_revision) {
            return Ok(Err(NotRedeemed::ClientChanged));
        }
        let Some(stored) = state.handoffs.get(&presented.token.digest()).cloned() else {
            return Ok(Err(NotRedeemed::Refused(RefusalReason::Unknown)));
        };
        let issued = stored.issued();
        let claimed = claim(&stored, presented, now, policy).is_ok();
        let standing = Standing {
            sign_in_is_live: state
                .sign_ins
                .get(&issued.sign_in)
                .is_some_and(|sign_in| sign_in.is_live(now)),
            user_is_active: state.active(issued.user).is_some(),
            user_is_assigned: state.is_assigned(issued.user, &issued.client),
        };
        if let Err(rejection) = decide(&stored, standing, presented, now, policy) {
            // A second use, which only a weakened policy lets through to here, does not hide what
            // the first one gave.
            let aged = ages_for_good(&stored, presented, rejection, policy);
            if (claimed || aged) && !stored.is_used() {
                let burned = issued.clone().burn(now);
                state.handoffs.insert(issued.token, burned);
            }
            if let (RefusalReason::Replayed, Handoff::Redeemed { session, .. }) =
                (rejection, &stored)
                && let Some(session) = state.sessions.get_mut(session)
            {
                session.ended = true;
            }
            if claimed || aged || rejection == RefusalReason::Replayed {
                state.conclude(issued.user, issued.token, Outcome::of(rejection));
            }
            state.end_if_over(issued.sign_in, now);
            return Ok(Err(NotRedeemed::Refused(rejection)));
        }
        let (Some(sign_in), Some((_, account))) = (
            state.sign_ins.get(&issued.sign_in),
            state.accounts.get(&issued.user),
        ) else {
            return Err(Unavailable::unreadable(
                "a handoff without its sign-in or person",
            ));
        };
        let info = SessionInfo {
            id: redemption.session,
            user_id: issued.user,
            created_at: now,
            expires_at: (now + ACCESS_LIFETIME).min(sign_in.new.expires_at),
        };
        let redeemed = Redeemed {
            session: info.clone(),
            user: account.user.clone(),
            auth_time: sign_in.new.at,
            amr: sign_in.new.amr.clone(),
        };
        let kept = KeptSession {
            client: presented.client.clone(),
            sign_in: issued.sign_in,
            info,
            token: redemption.access_token,
            ended: false,
        };
        state
            .session_of_token
            .insert(redemption.access_token, redemption.session);
        state.sessions.insert(redemption.session, kept);
        state.conclude(issued.user, issued.token, Outcome::Opened);
        let used = issued.clone().redeem(redemption.session, now);
        state.handoffs.insert(issued.token, used);
        Ok(Ok(redeemed))
    }
}
