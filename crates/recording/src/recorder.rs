//! Where steps go. A site knows its recorder as a trait and nothing more: metrics are one.

use std::{fmt, sync::Arc};

use handoff::flow::Event;

/// Takes what sites record.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Takes one event. It is called in the middle of a handoff: it never waits and never fails. A
    /// recorder that cannot keep up drops the event and counts it.
    fn record(&self, event: &Event);

    /// Takes one event that the caller has no more use for, so that a recorder that keeps it need not copy
    /// it.
    fn record_owned(&self, event: Event) {
        self.record(&event);
    }

    /// Takes one event that a client reported of its own: nobody's word but that client's. It counts no
    /// time, and is dropped unless a recorder says otherwise.
    fn record_reported(&self, _event: &Event) {}

    /// Whether this recorder uses what it is given. If none does, events are not made.
    fn is_enabled(&self) -> bool {
        true
    }

    /// Whether [`Event::message`] is used. If not, requests and answers are not read for it, which is
    /// most of what recording costs.
    fn reads_messages(&self) -> bool {
        self.is_enabled()
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
    /// No recorder.
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

    fn record_owned(&self, event: Event) {
        if let Some((last, others)) = self.0.split_last() {
            for recorder in others {
                recorder.record(&event);
            }
            last.record_owned(event);
        }
    }

    fn record_reported(&self, event: &Event) {
        for recorder in &self.0 {
            recorder.record_reported(event);
        }
    }

    fn is_enabled(&self) -> bool {
        self.0.iter().any(|recorder| recorder.is_enabled())
    }

    fn reads_messages(&self) -> bool {
        self.0.iter().any(|recorder| recorder.reads_messages())
    }

    fn dropped(&self) -> u64 {
        self.0.iter().map(|recorder| recorder.dropped()).sum()
    }
}
