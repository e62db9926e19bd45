//! What a site tells the recording layer: which party it is, which of its requests are steps, its
//! recorder, and where what is recorded can be looked at.

use std::{fmt, sync::Arc};

use axum::response::Response;
use handoff::{
    flow::{FlowId, Site},
    ids::{ClientId, SessionId},
    step::Step,
};
use http::Method;
use web::trace_id::TraceId;

use crate::recorder::Recorder;

/// A site whose part in handoffs is recorded. [`crate::layers::protect`] finds it among the extensions
/// of a request.
pub trait Recorded: Clone + Send + Sync + 'static {
    /// How it is recorded.
    fn recording(&self) -> &Recording;
}

/// How a site is recorded.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Which of the two parties the site is.
    pub site: Site,
    /// The relying party's own id. At the authorization server each request says it.
    pub client: Option<ClientId>,
    /// Takes the steps.
    pub recorder: Arc<dyn Recorder>,
    /// Where they can be looked at; none where no site shows them.
    pub links: Option<Arc<dyn FlowLinks>>,
}

/// What a request with this method and path is to a handoff; none for all that has no part in one. It
/// stands beside a site's route table.
pub type Arriving = fn(&Method, &str) -> Option<Arrival>;

/// What a request is to a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// This step.
    Step(Step),
    /// This step, of a handoff that began in another request. If it turns out to be of none and is not
    /// refused, nothing is recorded.
    Later(Step),
}

/// Where what is recorded can be looked at: the addresses of pages, mostly on another site. None has a
/// secret in it.
pub trait FlowLinks: fmt::Debug + Send + Sync {
    /// The handoff that this request was a part of.
    fn of_request(&self, trace: &TraceId) -> String;

    /// The handoff that gave this session.
    fn of_session(&self, session: SessionId) -> String;

    /// This handoff.
    fn of_handoff(&self, flow: FlowId) -> String;
}

/// An extension of an answer that is a refusal: the browser takes it to the relying party, where the
/// handoff ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentBack;

/// Marks a refusal that the browser takes to the relying party.
#[must_use]
pub fn sent_back(mut answer: Response) -> Response {
    answer.extensions_mut().insert(SentBack);
    answer
}
