//! The last handoffs of each person, as they see them in the portal.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{
    client::Icon,
    flow::FlowId,
    ids::{ClientId, UserId},
    refusal_reason::RefusalReason,
};
use time::{Duration, OffsetDateTime};

/// So many of a person's handoffs are remembered for them; the oldest goes.
pub const RECENT_PER_PERSON: usize = 10;

/// For so long a person's handoff is remembered for them.
pub const RECENT_FOR: Duration = Duration::days(30);

/// One of a person's last handoffs, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentHandoff {
    /// The client's name.
    pub client_name: String,
    /// Its icon.
    pub icon: Icon,
    /// When the person was to be handed over.
    pub began: OffsetDateTime,
    /// What came of it.
    pub outcome: Outcome,
    /// Under which id it is recorded, if it was remembered with one.
    pub flow: Option<FlowId>,
}

/// A handoff that is to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered<'a> {
    /// The client.
    pub client: &'a ClientId,
    /// Under which id it is recorded.
    pub flow: FlowId,
}

/// What came of a handoff, as far as its owner can make use of it. Which binding was wrong is for the
/// log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The token is on its way, and its time is not over.
    UnderWay,
    /// The client has a session.
    Opened,
    /// What the client presented was not what the token was bound to, or the person might not use it
    /// any more.
    Refused,
    /// The client came after the token's time was over.
    TooLate,
    /// The client never came.
    NotAnswered,
    /// The client had a session, until its token was presented a second time.
    UsedTwice,
    /// The person pressed *Cancel*.
    Declined,
    /// The person may not use the client.
    NotAssigned,
}

impl Outcome {
    /// What is left of a handoff whose token was refused for this, if the refusal was its end.
    pub(super) fn of(rejection: RefusalReason) -> Self {
        match rejection {
            RefusalReason::Expired => Self::TooLate,
            RefusalReason::Replayed => Self::UsedTwice,
            _ => Self::Refused,
        }
    }

    /// What is left of it at `now`, when its token's time was over at `waits_until`.
    pub(super) fn by(self, now: OffsetDateTime, waits_until: OffsetDateTime) -> Self {
        match self {
            Self::UnderWay if waits_until <= now => Self::NotAnswered,
            told => told,
        }
    }
}

/// The last handoffs of each person.
#[async_trait]
pub trait RecentHandoffStore: Send + Sync {
    /// H3: the person does not want to go to the client, which is remembered for them.
    async fn decline_handoff(
        &self,
        user: UserId,
        attempt: Remembered<'_>,
        now: OffsetDateTime,
    ) -> Result<(), Unavailable>;

    /// A person's last handoffs, the newest first: at most [`RECENT_PER_PERSON`], none older than
    /// [`RECENT_FOR`], and of those to a client that they may not use one for each.
    async fn recent_handoffs(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<RecentHandoff>, Unavailable>;
}
