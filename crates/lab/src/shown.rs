//! The addresses under which the other sites' pages lead here. They stand beside no other text about
//! the lab: a site knows them as [`recording::site::FlowLinks`].

use handoff::{flow::FlowId, ids::SessionId, uri::Origin};
use recording::site::FlowLinks;
use web::trace_id::TraceId;

/// The lab that lives at this origin.
#[derive(Clone, Debug)]
pub struct At(pub Origin);

impl FlowLinks for At {
    fn of_request(&self, trace: &TraceId) -> String {
        format!("{}/flows/by-trace/{trace}", self.0)
    }

    fn of_session(&self, session: SessionId) -> String {
        format!("{}/flows/by-session/{session}", self.0)
    }

    fn of_handoff(&self, flow: FlowId) -> String {
        format!("{}/flows/{flow}", self.0)
    }
}
