//! What a site tells of a flow.
//!
//! [`layers::protect`] puts a layer around a site's routes that begins and ends what is recorded of each
//! request; handlers add steps by the extractor [`flow_recorder::FlowRecorder`]. Each step is a line of
//! the log and an event for the site's [`recorder::Recorder`]. [`redact`] keeps secrets out of events,
//! [`outbox`] and [`queue`] take events where a handoff never waits for them, and [`outcome_metrics`]
//! says when a handoff counts as gone well or as failed.

pub mod flow_recorder;
pub mod layers;
pub mod outbox;
pub mod outcome_metrics;
pub mod queue;
pub mod recorder;
pub mod redact;
pub mod site;
