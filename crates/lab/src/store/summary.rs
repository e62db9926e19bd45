//! What is kept of a flow in short, and of each of its events.

use database::Unavailable;
use handoff::{
    flow::{Event, Site},
    ids::ClientId,
    outcome::Course,
};
use time::OffsetDateTime;

use super::{FLOW_BYTES, MAX_EVENT_BYTES};

/// What is kept of a flow in short, and how it follows from its events.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) client: Option<ClientId>,
    pub(super) began: i64,
    pub(super) last: i64,
    pub(super) course: Course,
    pub(super) steps: usize,
    pub(super) bytes: usize,
    /// A person who had signed in took part.
    pub(super) person: bool,
}

impl Summary {
    /// Of a flow without events.
    pub(super) fn new() -> Self {
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
    pub(super) fn see(&mut self, event: &Event) {
        self.client = self.client.take().or_else(|| event.client.clone());
        self.began = self.began.min(event.at);
        self.last = self.last.max(event.at);
        // What a client reports of itself is no word for it.
        self.person |= event.site == Site::Authority && event.step.needs_a_person();
        self.course.see(event);
    }

    /// Adds a flow that turned out to be the same one.
    pub(super) fn join(&mut self, other: Self) {
        self.client = self.client.take().or(other.client);
        self.began = self.began.min(other.began);
        self.last = self.last.max(other.last);
        self.steps += other.steps;
        self.bytes += other.bytes;
        self.person |= other.person;
        self.course.join(other.course);
    }
}

/// What is kept of an event, as text, in a flow whose events have so many bytes.
pub(super) fn body(event: &Event, there: usize) -> Result<String, Unavailable> {
    let text = |event: &Event| serde_json::to_string(event).map_err(Unavailable::unreadable);
    let whole = text(event)?;
    if whole.len() <= MAX_EVENT_BYTES && there + whole.len() <= FLOW_BYTES {
        return Ok(whole);
    }
    text(&Event {
        message: None,
        ..event.clone()
    })
}

/// A time as sites record it.
pub(super) fn from_micros(micros: i64) -> Result<OffsetDateTime, Unavailable> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000)
        .map_err(Unavailable::unreadable)
}
