//! How much is kept.

use time::Duration;

/// How long a flow is kept after its last step.
pub const KEPT_FOR: Duration = Duration::days(30);

/// How many flows are kept: the newest, with a share for strangers.
/// [`FlowStore::sweep`](super::FlowStore::sweep) takes the others away.
pub const FLOWS: usize = 10_000;

/// How many bytes their events may have, all together. Ten thousand usual ones have a fifth of it;
/// who sends long requests on purpose makes others' flows go sooner, and the disk no fuller.
pub const BYTES: usize = 1 << 30;

/// Which part of the flows, and of their bytes, is for those that strangers made: a tenth.
const STRANGERS: usize = 10;

/// How many events of one flow are kept. A handoff has about twenty; more means that a client repeats
/// a request. A flow that has so many is full: it gets no more names either, or a state that is sent
/// again and again would fill the disk with its requests' ids, which nothing counts. So the error page
/// of a later request leads nowhere.
pub const EVENTS: usize = 200;

/// The longest event that is kept as it is, in bytes. From a longer one, what was sent is left out.
pub const MAX_EVENT_BYTES: usize = 32 * 1024;

/// How many bytes the events of one flow may have before no message is kept any more: further steps
/// are kept without what was sent. Two hundred steps of a browser have less; who sends long requests
/// on purpose makes no page that would fill the memory.
pub const FLOW_BYTES: usize = 512 * 1024;

/// The most flows that are listed at once.
pub const LISTED: usize = 200;

/// How a bound on all flows is shared. A request costs a stranger nothing, and each can make a flow:
/// were only age asked, a few minutes of junk would push out what people did in a month. So flows
/// that strangers made use what room there is, but have no more than a tenth for their own; and no
/// people's flows push them out of that, as they are where one looks for what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) strangers: usize,
    pub(super) people: usize,
}

impl Shares {
    /// Of a bound, where there is so much.
    pub(super) fn of(bound: usize, there: Self) -> Self {
        let own = (bound / STRANGERS).max(bound.saturating_sub(there.people));
        let strangers = there.strangers.min(own);
        Self {
            strangers,
            people: bound - strangers,
        }
    }

    pub(super) const fn of_kind(self, person: bool) -> usize {
        if person { self.people } else { self.strangers }
    }
}
