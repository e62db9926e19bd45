//! What the lab keeps: the handoffs that were recorded, and no secret. Each method is a verb of the
//! business, atomic in itself.
//!
//! Which handoff an event belongs to is decided here, by `Place`, for every store alike.
//!
//! Adding a verb: write it here with what it decides, then in `sqlite.rs`, then in `memory.rs`, then
//! a test in `tests/conformance.rs`, which runs against both.

mod memory;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use database::Unavailable;
pub use handoff::outcome::Outcome;
use handoff::{
    flow::{Event, Site},
    ids::{ClientId, SessionId},
    outcome::Course,
};
pub use memory::Memory;
use serde::Serialize;
pub use sqlite::Sqlite;
use time::{Duration, OffsetDateTime};

/// How long a flow is kept after its last step.
pub const KEPT_FOR: Duration = Duration::days(30);

/// How many flows are kept: the newest, with a share for strangers. [`Store::sweep`] takes the others away.
pub const FLOWS: usize = 10_000;

/// How many bytes their events may have, all together. Ten thousand usual ones have a fifth of it;
/// who sends long requests on purpose makes others' flows go sooner, and the disk no fuller.
pub const BYTES: usize = 1 << 30;

/// Which part of the flows, and of their bytes, is for those that strangers made: a tenth.
const STRANGERS: usize = 10;

/// How many events of one flow are kept. A handoff has about twenty; more means that somebody repeats
/// a request. A flow that has so many is full: it gets no more names either, or a state that is sent
/// again and again would fill the disk with its requests' ids, which nothing counts. So the error page
/// of a later request leads nowhere.
pub const EVENTS: usize = 200;

/// The longest event that is kept as it is, in bytes. From a longer one, what was sent is left out.
pub const LONGEST: usize = 32 * 1024;

/// How many bytes the events of one flow may have before no message is kept any more: further steps
/// are kept without what was sent. Two hundred steps of a browser have less; who sends long requests
/// on purpose makes no page that would fill the memory.
pub const FLOW_BYTES: usize = 512 * 1024;

/// The most flows that are listed at once.
pub const LISTED: usize = 200;

/// By what a flow is asked for: the id of the handoff, of its launch, of the session that it gave, or
/// of one of its requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

/// What can be no [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no id of a flow")]
pub struct NoKey;

impl Key {
    /// Reads what an address has: 32 digits of `0-9a-f` for a handoff or a launch, 16 for a request.
    ///
    /// # Errors
    /// [`NoKey`] for anything else.
    pub fn parse(text: &str) -> Result<Self, NoKey> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 16 | 32) && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoKey)
        }
    }

    /// The same for the id of a request alone.
    ///
    /// # Errors
    /// [`NoKey`] for anything else.
    pub fn of_trace(text: &str) -> Result<Self, NoKey> {
        Self::parse(text).and_then(|key| {
            if key.0.len() == 16 {
                Ok(key)
            } else {
                Err(NoKey)
            }
        })
    }

    /// The id of the session that a handoff gave.
    #[must_use]
    pub fn of_session(session: SessionId) -> Self {
        Self(session.to_string())
    }

    /// As it stands in an address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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

/// What the lab asks of a database.
///
/// A flow that cannot be read, as another version wrote it or the file is damaged, is as if it were
/// not there, for every verb: one is not worth the list of all others. It is logged.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Keeps these events, in their order. Events that are known to belong together become one flow,
    /// also when that is found out later: then all of them get new numbers, so that whoever follows
    /// either flow gets the whole. Were it those that move alone, whoever followed them would never
    /// get what the other flow had by then. Of a flow with [`EVENTS`] no more are kept, nor what it could be
    /// found by through them, but what they say of its outcome is. Flows that would have more
    /// together stay apart.
    ///
    /// Tells which flows have changed, or are gone into others.
    async fn keep(&self, events: &[Event], now: OffsetDateTime)
    -> Result<Vec<Number>, Unavailable>;

    /// The newest flows, [`LISTED`] at most; those that came before this one, if it is given.
    async fn recent_flows(
        &self,
        limit: usize,
        before: Option<Number>,
    ) -> Result<Vec<Flow>, Unavailable>;

    /// The flow that is known by this.
    async fn find(&self, key: &Key) -> Result<Option<Flow>, Unavailable>;

    /// The same with all its events, as [`Store::events_after`] gives them, both of one moment: flows
    /// may be joined between two questions.
    async fn find_whole(&self, key: &Key) -> Result<Option<(Flow, Vec<Kept>)>, Unavailable>;

    /// Its events after this one, in the order in which they came; zero is before the first. One that
    /// cannot be read is left out and logged: the rest is still worth a picture. [`Flow::steps`]
    /// counts it.
    async fn events_after(&self, flow: Number, after: u64) -> Result<Vec<Kept>, Unavailable>;

    /// Deletes what was kept for the last time before this, and of the rest the oldest until there
    /// are no more than these: flows in which nobody who had signed in took part go first, until a
    /// tenth is left to them. Tells how many flows.
    async fn sweep(
        &self,
        before: OffsetDateTime,
        flows: usize,
        bytes: usize,
    ) -> Result<u64, Unavailable>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Unavailable>;
}

/// The events in the order in which they happened, as far as the sites' clocks agree; those of one
/// moment as they came.
#[must_use]
pub fn in_order(kept: Vec<Kept>) -> Vec<Event> {
    let mut events: Vec<_> = kept.into_iter().map(|kept| kept.event).collect();
    events.sort_by_key(|event| event.at);
    events
}

/// How much an id says of which handoff something belongs to.
const OF_REQUEST: i64 = 0;
const OF_LAUNCH: i64 = 1;
const OF_HANDOFF: i64 = 2;

/// What an event is known by.
struct Names {
    /// What a page's address would have, and how much that says.
    id: (String, i64),
    /// All, what says most first.
    all: Vec<String>,
    /// A token that was presented. Whoever presents it can write any state beside it, so where it is
    /// known, it says more than the state.
    presented: Option<String>,
}

impl Names {
    /// None for an event that says nothing that it could be found by.
    fn of(event: &Event) -> Option<Self> {
        let flow = event.belongs.flow.map(|flow| flow.to_string());
        let launch = event.belongs.launch.map(|launch| launch.to_string());
        let session = event.session.map(|session| session.to_string());
        let trace = Key::of_trace(&event.trace).ok().map(|Key(trace)| trace);
        let id = match (&flow, &launch, &trace) {
            (Some(flow), ..) => (flow.clone(), OF_HANDOFF),
            (None, Some(launch), _) => (launch.clone(), OF_LAUNCH),
            (None, None, trace) => (trace.clone()?, OF_REQUEST),
        };
        let token = event.belongs.token.map(|token| token.to_string());
        let (issued, presented) = match event.site {
            Site::Authority => (token, None),
            Site::RelyingParty => (None, token),
        };
        let all = [flow, launch, issued, session, trace];
        Some(Self {
            id,
            all: all.into_iter().flatten().collect(),
            presented,
        })
    }

    /// The token that was presented is known to be this handoff's: it is no other, whatever state
    /// came with it.
    fn are_of(&mut self, handoff: &Found) {
        let (claimed, rank) = std::mem::replace(&mut self.id, (handoff.id.clone(), handoff.rank));
        self.all
            .retain(|name| rank != OF_HANDOFF || *name != claimed);
        self.all.insert(0, handoff.id.clone());
    }
}

/// A flow that has one of an event's names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    number: Number,
    id: String,
    rank: i64,
    steps: usize,
}

impl Found {
    const fn is_full(&self) -> bool {
        self.steps >= EVENTS
    }
}

/// Where an event goes.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// The flow that it belongs to; none: a new one.
    into: Option<Number>,
    /// Flows that turn out to be the same one.
    same: Vec<Number>,
    /// It will also be known by the event's names.
    takes_names: bool,
}

impl Place {
    /// Chooses among the flows that have the event's names, in the names' order. Two handoffs that
    /// are known as such never become one, whatever else they share. A handoff is never lost in a
    /// full flow that has its launch alone: it could not take its name.
    fn choose(names: &Names, found: &[Found]) -> Self {
        let (id, rank) = &names.id;
        let is_other = |it: &Found| *rank == OF_HANDOFF && it.rank == OF_HANDOFF && it.id != *id;
        let is_closed = |it: &Found| it.is_full() && it.rank < *rank;
        let mut own: Vec<&Found> = Vec::new();
        for it in found.iter().filter(|it| !is_other(it) && !is_closed(it)) {
            if !own.iter().any(|known| known.number == it.number) {
                own.push(it);
            }
        }
        let Some((into, rest)) = own.split_first() else {
            return Self {
                into: None,
                same: Vec::new(),
                takes_names: true,
            };
        };
        let mut steps = into.steps;
        let mut same = Vec::new();
        for it in rest.iter().filter(|it| it.rank < OF_HANDOFF) {
            // With room for the event that shows it.
            if steps + it.steps < EVENTS {
                steps += it.steps;
                same.push(it.number);
            }
        }
        Self {
            into: Some(into.number),
            same,
            takes_names: !into.is_full(),
        }
    }
}

/// What is kept of a flow in short, and how it follows from its events.
#[derive(Clone, Debug)]
struct Summary {
    client: Option<ClientId>,
    began: i64,
    last: i64,
    course: Course,
    steps: usize,
    bytes: usize,
    /// Somebody who had signed in took part.
    person: bool,
}

impl Summary {
    /// Of a flow without events.
    fn new() -> Self {
        Self {
            client: None,
            began: i64::MAX,
            last: i64::MIN,
            course: Course::default(),
            steps: 0,
            bytes: 0,
            person: false,
        }
    }

    /// Adds what an event says.
    fn see(&mut self, event: &Event) {
        self.client = self.client.take().or_else(|| event.client.clone());
        self.began = self.began.min(event.at);
        self.last = self.last.max(event.at);
        self.person |= event.step.needs_a_person();
        self.course.see(event);
    }

    /// Adds a flow that turned out to be the same one.
    fn join(&mut self, other: Self) {
        self.client = self.client.take().or(other.client);
        self.began = self.began.min(other.began);
        self.last = self.last.max(other.last);
        self.steps += other.steps;
        self.bytes += other.bytes;
        self.person |= other.person;
        self.course.join(other.course);
    }
}

/// How a bound on all flows is shared. A request costs a stranger nothing, and each can make a flow:
/// were only age asked, a few minutes of junk would push out what people did in a month. So flows
/// that strangers made use what room there is, but have no more than a tenth for their own; and no
/// people's flows push them out of that, as they are where one looks for what goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shares {
    strangers: usize,
    people: usize,
}

impl Shares {
    /// Of a bound, where there is so much.
    fn of(bound: usize, there: Self) -> Self {
        let own = (bound / STRANGERS).max(bound.saturating_sub(there.people));
        let strangers = there.strangers.min(own);
        Self {
            strangers,
            people: bound - strangers,
        }
    }

    const fn of_kind(self, person: bool) -> usize {
        if person { self.people } else { self.strangers }
    }
}

/// What is kept of an event, as text, in a flow whose events have so many bytes.
fn body(event: &Event, there: usize) -> Result<String, Unavailable> {
    let text = |event: &Event| serde_json::to_string(event).map_err(Unavailable::unreadable);
    let whole = text(event)?;
    if whole.len() <= LONGEST && there + whole.len() <= FLOW_BYTES {
        return Ok(whole);
    }
    text(&Event {
        message: None,
        ..event.clone()
    })
}

/// A time as sites record it.
fn from_micros(micros: i64) -> Result<OffsetDateTime, Unavailable> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(Unavailable::unreadable)
}
