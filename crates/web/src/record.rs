//! Where steps go. A site knows its recorder as this trait and nothing more: the lab's collector is
//! one, metrics another, the log a third.

use std::{fmt, sync::Arc};

use handoff::flow::Event;

/// Takes what sites record.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Takes one event. It is called in the middle of a handoff: it never waits and never fails.
    /// Whoever cannot keep up drops the event and counts it.
    fn record(&self, event: &Event);
}

/// Several recorders, each of which gets every event.
#[derive(Clone, Debug, Default)]
pub struct Recorders(pub Vec<Arc<dyn Recorder>>);

impl Recorder for Recorders {
    fn record(&self, event: &Event) {
        for recorder in &self.0 {
            recorder.record(event);
        }
    }
}
