//! Flows: handoffs as far as they were recorded.

use async_trait::async_trait;
use database::Unavailable;
use handoff::{flow::Event, ids::ClientId, outcome::Outcome};
use serde::Serialize;
use time::OffsetDateTime;

use super::Key;

/// A flow by its place in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Number(pub(crate) i64);

/// A handoff in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Its place in the list.
    pub number: Number,
    /// What its page's address has.
    pub id: Key,
    /// The relying party, once it is known.
    pub client: Option<ClientId>,
    /// Its first step, by the clock of the site that recorded it.
    pub began: OffsetDateTime,
    /// Its last.
    pub last: OffsetDateTime,
    /// What came of it.
    pub outcome: Outcome,
    /// How many steps are kept.
    pub steps: usize,
    /// When the last one was kept, by the lab's clock.
    pub kept_at: OffsetDateTime,
}

/// An event as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Counts up over all flows.
    pub seq: u64,
    /// The event.
    pub event: Event,
}

/// Flows: handoffs as far as they were recorded.
///
/// A flow that cannot be read, as another version wrote it or the file is damaged, is as if it were
/// not there, for every verb: one is not worth the list of all others. It is logged.
#[async_trait]
pub trait FlowStore: Send + Sync {
    /// Keeps these events, in their order. Events that are known to belong together become one flow,
    /// also when that is found out later. On such a merge all events get new numbers; otherwise a
    /// client that resumes by `Last-Event-ID` would miss the merged-in events. Of a flow with
    /// [`EVENTS`](super::EVENTS) no more are kept, nor what it could be found by through them, but what
    /// they say of its outcome is. Flows that would have more together stay apart.
    ///
    /// Tells which flows have changed, or are gone into others.
    async fn keep(&self, events: &[Event], now: OffsetDateTime)
    -> Result<Vec<Number>, Unavailable>;

    /// The newest flows, [`LISTED`](super::LISTED) at most; those that came before this one, if it is
    /// given.
    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable>;

    /// The flow that is known by this.
    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable>;

    /// The same with all its events, as [`FlowStore::events_after`] gives them, both of one moment:
    /// flows may be joined between two questions.
    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable>;

    /// Its events after this one, in the order in which they came; zero is before the first. One that
    /// cannot be read is left out and logged: the rest is still worth a picture. [`Flow::steps`]
    /// counts it.
    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable>;

    /// Deletes what was kept for the last time before this, and of the rest the oldest until there
    /// are no more than these: flows of anonymous browsers go first, until a
    /// tenth is left to them. Tells how many flows.
    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable>;
}

/// The events in the order in which they happened, as far as the sites' clocks agree; those of one
/// moment as they came.
#[must_use]
pub fn in_order(kept: Vec<Kept>) -> Vec<Event> {
    let mut events: Vec<_> = kept.into_iter().map(|kept| kept.event).collect();
    events.sort_by_key(|event| event.at);
    events
}
