//! Where steps go, and where they can be looked at. A site knows its recorder as a trait and nothing
//! more: metrics are one. Who shows what was recorded is a trait too.

use std::{fmt, sync::Arc};

use handoff::{
    flow::{Event, FlowId},
    ids::SessionId,
};

use crate::context::TraceId;

/// Takes what sites record.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Takes one event. It is called in the middle of a handoff: it never waits and never fails.
    /// Whoever cannot keep up drops the event and counts it.
    fn record(&self, event: &Event);

    /// The same, from whoever has no more use for the event: one that keeps it need not copy it.
    fn give(&self, event: Event) {
        self.record(&event);
    }

    /// Whether anybody takes what is recorded. Where nobody does, events are not made.
    fn listens(&self) -> bool {
        true
    }

    /// Whether [`Event::message`] is looked at. Where nobody does, requests and answers are not
    /// read for it, which is most of what recording costs.
    fn reads_messages(&self) -> bool {
        self.listens()
    }

    /// How many events it has dropped since it was made.
    fn dropped(&self) -> u64 {
        0
    }
}

/// Several recorders, each of which gets every event. The last should be the one that keeps them: it
/// gets the event itself.
#[derive(Clone, Debug, Default)]
pub struct Recorders(pub Vec<Arc<dyn Recorder>>);

impl Recorders {
    /// Nobody.
    #[must_use]
    pub fn none() -> Arc<dyn Recorder> {
        Arc::new(Self::default())
    }
}

impl Recorder for Recorders {
    fn record(&self, event: &Event) {
        for recorder in &self.0 {
            recorder.record(event);
        }
    }

    fn give(&self, event: Event) {
        if let Some((last, others)) = self.0.split_last() {
            for recorder in others {
                recorder.record(&event);
            }
            last.give(event);
        }
    }

    fn listens(&self) -> bool {
        self.0.iter().any(|recorder| recorder.listens())
    }

    fn reads_messages(&self) -> bool {
        self.0.iter().any(|recorder| recorder.reads_messages())
    }

    fn dropped(&self) -> u64 {
        self.0.iter().map(|recorder| recorder.dropped()).sum()
    }
}

/// Where what is recorded can be looked at: the addresses of pages, mostly on another site. None has a
/// secret in it.
pub trait Shown: fmt::Debug + Send + Sync {
    /// The handoff that this request was a part of.
    fn of_request(&self, trace: &TraceId) -> String;

    /// The handoff that gave this session.
    fn of_session(&self, session: SessionId) -> String;

    /// This handoff.
    fn of_handoff(&self, flow: FlowId) -> String;
}
