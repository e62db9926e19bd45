//! The last handoffs of each person in memory.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    flow::FlowId,
    ids::{ClientId, UserId},
    token::{Digest, HandoffToken},
};
use time::OffsetDateTime;

use super::{
    super::{
        Outcome, RECENT_FOR, RECENT_PER_PERSON, RecentHandoff, RecentHandoffStore, Remembered,
    },
    Memory, State,
};

#[derive(Debug)]
pub(super) struct KeptRecent {
    pub(super) client: ClientId,
    pub(super) token: Option<Digest<HandoffToken>>,
    pub(super) began: OffsetDateTime,
    pub(super) outcome: Outcome,
    pub(super) waits_until: OffsetDateTime,
    pub(super) flow: FlowId,
}

impl KeptRecent {
    pub(super) fn without_token(
        attempt: Remembered<'_>,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            client: attempt.client.clone(),
            token: None,
            began: now,
            outcome,
            waits_until: now,
            flow: attempt.flow,
        }
    }
}

impl State {
    /// Remembers a handoff for the person whom it is about, and forgets the oldest of too many.
    pub(super) fn remember(&mut self, user: UserId, new: KeptRecent) {
        let recent = self.recent.entry(user).or_default();
        if new.outcome == Outcome::NotAssigned {
            // Any page can send a browser here for it, to one client after the other: the last will
            // do, and pushes out nothing else.
            recent.retain(|kept| kept.outcome != new.outcome);
        }
        recent.push(new);
        let surplus = recent.len().saturating_sub(RECENT_PER_PERSON);
        recent.drain(..surplus);
    }

    /// What came of a handoff that is remembered. An end stays: only that a token was used twice can
    /// follow the session that it gave.
    pub(super) fn conclude(&mut self, user: UserId, token: Digest<HandoffToken>, outcome: Outcome) {
        let before = match outcome {
            Outcome::UsedTwice => Outcome::Opened,
            _ => Outcome::UnderWay,
        };
        let recent = self.recent.get_mut(&user).into_iter().flatten();
        for kept in recent.filter(|kept| kept.token == Some(token) && kept.outcome == before) {
            kept.outcome = outcome;
        }
    }
}

#[async_trait]
impl RecentHandoffStore for Memory {
    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable> {
        let declined = KeptRecent::without_token(attempt, Outcome::Declined, now);
        self.state().remember(user, declined);
        Ok(())
    }

    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable> {
        let state = self.state();
        let recent = state.recent.get(&user).into_iter().flatten().rev();
        Ok(recent
            .filter(|kept| kept.began + RECENT_FOR > now)
            .filter_map(|kept| {
                let client = state.clients.get(&kept.client)?;
                Some(RecentHandoff {
                    client_name: client.name.clone(),
                    icon: client.icon,
                    began: kept.began,
                    outcome: kept.outcome.by(now, kept.waits_until),
                    flow: Some(kept.flow),
                })
            })
            .collect())
    }
}
