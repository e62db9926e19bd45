//! The one place where the steps of a handoff are written down: each becomes a line of the log and,
//! where somebody listens, an [`Event`].
//!
//! The layer around a site's routes ([`crate::layers`]) begins with the request's own step and ends with
//! the answer's, and with the refusal if there was one: a refusal travels in its answer ([`Refused`]).
//! Handlers say what happened in between, and which handoff it belongs to.
//!
//! Which handoff a request belongs to is often found out in its middle. What has happened until then
//! waits here, and is given to the recorder with the next step that is known to belong somewhere, at
//! the latest with the answer.

use std::{
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, Request},
    response::Response,
};
use handoff::{
    flow::{Belongs, Event, FlowId, IssuedId, LaunchId, Message, Named, Refusal, Site},
    ids::{ClientId, SessionId},
    outcome::{CHOICES, is_one_of},
    refusal_reason::RefusalReason,
    step::{Channel, Step},
    token::{Digest, HandoffToken, LaunchTicket, State, Unverified},
};
use http::request::Parts;
use time::OffsetDateTime;

use web::{context::Context, refused::Refused, trace_id::TraceId};

use crate::{
    recorder::Recorder,
    redact,
    site::{Arrival, FlowLinks, Recording, SentBack},
};

/// The most events that wait in one request.
const MAX_WAITING: usize = 16;

/// What happens to one request of a handoff. Handlers get it as an extractor; clones are the same.
#[derive(Clone)]
pub struct FlowRecorder(Arc<Inner>);

struct Inner {
    trace: TraceId,
    /// None: this request is no part of a handoff.
    part: Option<Part>,
}

struct Part {
    context: Context,
    recorder: Arc<dyn Recorder>,
    links: Option<Arc<dyn FlowLinks>>,
    site: Site,
    arrival: Arrival,
    begun: Instant,
    is_enabled: bool,
    reads_messages: bool,
    state: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    client: Option<ClientId>,
    belongs: Belongs,
    session: Option<SessionId>,
    since: Option<OffsetDateTime>,
    succeeded: bool,
    waiting: Vec<Event>,
}

impl FlowRecorder {
    /// For a request that is no part of a handoff: nothing is written down.
    #[must_use]
    pub fn disabled(trace: TraceId) -> Self {
        Self(Arc::new(Inner { trace, part: None }))
    }

    /// The request has arrived at the outermost layer.
    pub(crate) fn begin(
        context: &Context,
        recording: &Recording,
        arrival: Option<Arrival>,
        trace: TraceId,
        request: &Request,
        begun: Instant,
    ) -> Self {
        let Some(arrival) = arrival else {
            return Self::disabled(trace);
        };
        let progress = Progress {
            client: recording.client.clone(),
            belongs: named_in(recording.site, request.uri().query().unwrap_or_default()),
            ..Progress::default()
        };
        let part = Part {
            site: recording.site,
            arrival,
            begun,
            is_enabled: recording.recorder.is_enabled(),
            reads_messages: recording.recorder.reads_messages(),
            recorder: Arc::clone(&recording.recorder),
            links: recording.links.clone(),
            context: context.clone(),
            state: Mutex::new(progress),
        };
        let message = part.reads_messages.then(|| {
            let (method, uri) = (request.method(), request.uri());
            redact::request(&context.origin, method, uri, request.headers())
        });
        let flow = Self(Arc::new(Inner {
            trace,
            part: Some(part),
        }));
        let (Arrival::Step(step) | Arrival::Later(step)) = arrival;
        if let Some(part) = &flow.0.part {
            // It waits: a handler may know better what it belongs to, and has its body.
            let mut progress = part.progress();
            let event = flow.event(part, &progress, step, message, None);
            progress.waiting.extend(event);
            tracing::debug!(trace = %flow.0.trace, step = step.as_str(), flow = shown(progress.belongs.flow), "handoff");
        }
        flow
    }

    /// The request's id.
    #[must_use]
    pub fn trace(&self) -> &TraceId {
        &self.0.trace
    }

    /// Which relying party the handoff is for, once that is checked.
    pub fn client(&self, client: &ClientId) {
        self.update(|progress| progress.client = Some(client.clone()));
    }

    /// The handoff has this state.
    pub fn state(&self, state: Digest<State>) {
        let flow = Some(FlowId::of(&state));
        self.update(|progress| progress.belongs.flow = flow);
    }

    /// The handoff began with this launch.
    pub fn launch(&self, ticket: Digest<LaunchTicket>) {
        let launch = Some(LaunchId::of(&ticket));
        self.update(|progress| progress.belongs.launch = launch);
    }

    /// The handoff has this token.
    pub fn issued(&self, token: Digest<HandoffToken>) {
        let token = Some(IssuedId::of(&token));
        self.update(|progress| progress.belongs.token = token);
    }

    /// The handoff gives this session, or will.
    pub fn session(&self, session: SessionId) {
        self.update(|progress| progress.session = Some(session));
    }

    /// When the handoff began: how long it took is counted from here.
    pub fn since(&self, began: OffsetDateTime) {
        self.update(|progress| progress.since = Some(began));
    }

    /// The fields of the request's body. They are only made where somebody reads them.
    pub fn body(&self, fields: impl FnOnce() -> Vec<Named>) {
        let Some(part) = self.0.part.as_ref().filter(|part| part.reads_messages) else {
            return;
        };
        let mut progress = part.progress();
        if let Some(Event { message, .. }) = progress.waiting.first_mut()
            && let Some(request) = message.take()
        {
            *message = Some(redact::with_body(request, fields()));
        }
    }

    /// The address at which a person can look at what is recorded of this request; none where nothing
    /// is recorded, or no site shows it.
    pub(crate) fn link(&self) -> Option<String> {
        let part = self.0.part.as_ref().filter(|part| part.is_enabled)?;
        let links = part.links.as_ref()?;
        Some(links.of_request(&self.0.trace))
    }

    /// Whether the recorder reads messages of this request.
    pub(crate) fn reads_messages(&self) -> bool {
        self.0.part.as_ref().is_some_and(|part| part.reads_messages)
    }

    /// The id that the back channel's request carries, as W3C Trace Context has it: the handoff, and
    /// in it this request.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        let flow = self.0.part.as_ref()?.progress().belongs.flow?;
        Some(format!("00-{flow}-{}-01", self.0.trace))
    }

    /// Records a step.
    pub fn step(&self, step: Step) {
        self.message(step, || None);
    }

    /// Records a step that is a message of its own. The message is only made where a recorder reads
    /// messages.
    pub fn message(&self, step: Step, message: impl FnOnce() -> Option<Message>) {
        let Some(part) = &self.0.part else {
            return;
        };
        let message = if part.reads_messages { message() } else { None };
        let mut progress = part.progress();
        progress.succeeded |= step == Step::SessionCreated;
        self.log(&progress, step);
        let event = self.event(part, &progress, step, message, None);
        part.put(&mut progress, event);
    }

    /// The request is answered: its last steps, and how the handoff ended if it has.
    pub(crate) fn end(&self, answer: &mut Response) {
        let refused = answer.extensions_mut().remove::<Refused>();
        let sent_back = answer.extensions_mut().remove::<SentBack>().is_some();
        let Some(part) = &self.0.part else {
            return;
        };
        let refused = refused.or_else(|| unexplained(answer));
        let mut progress = part.progress();
        let unknown = progress.belongs == Belongs::default() && progress.session.is_none();
        if matches!(part.arrival, Arrival::Later(_)) && unknown && refused.is_none() {
            // A look at a page that has nothing to ask.
            return;
        }
        let for_machines = part.arrival == Arrival::Step(Step::VerifyReceived);
        let mut message = part
            .reads_messages
            .then(|| redact::response(answer.status(), answer.headers()));
        if let Some(refused) = &refused {
            let refusal = Refusal::from(refused.reason());
            let answer = message.take_if(|_| for_machines);
            let event = self.event(part, &progress, Step::Refused, answer, Some(refusal));
            progress.waiting.extend(event);
            self.log_refusal(&progress, refused);
        }
        if !for_machines {
            let step = match answer.status().is_redirection() {
                true => Step::Redirected,
                false => Step::PageShown,
            };
            self.log(&progress, step);
            let event = self.event(part, &progress, step, message, None);
            progress.waiting.extend(event);
        }
        self.log_end(part, &progress, refused.as_ref(), sent_back);
        part.flush(&mut progress);
    }

    fn update(&self, what: impl FnOnce(&mut Progress)) {
        if let Some(part) = &self.0.part {
            what(&mut part.progress());
        }
    }

    fn event(
        &self,
        part: &Part,
        progress: &Progress,
        step: Step,
        message: Option<Message>,
        refusal: Option<Refusal>,
    ) -> Option<Event> {
        let after = part.begun.elapsed().as_micros();
        let at = part.context.now_precise().unix_timestamp_nanos() / 1_000;
        part.is_enabled.then(|| Event {
            step,
            site: part.site,
            client: progress.client.clone(),
            belongs: progress.belongs,
            session: progress.session,
            trace: self.0.trace.to_string(),
            at: i64::try_from(at).unwrap_or_default(),
            after: u64::try_from(after).unwrap_or(u64::MAX),
            message,
            refusal,
        })
    }

    fn log(&self, progress: &Progress, step: Step) {
        let (trace, name) = (&self.0.trace, step.as_str());
        let (client, flow) = (
            shown(progress.client.as_ref()),
            shown(progress.belongs.flow),
        );
        let session = shown(progress.session);
        // The messages are the decisions' frame: who looks for one thing that went wrong has enough
        // with these.
        if step.channel() == Channel::Inside {
            tracing::info!(trace = %trace, step = name, client, flow, session, "handoff");
        } else {
            tracing::debug!(trace = %trace, step = name, client, flow, "handoff");
        }
    }

    fn log_refusal(&self, progress: &Progress, refused: &Refused) {
        let (trace, step) = (&self.0.trace, Step::Refused.as_str());
        let (client, flow) = (
            shown(progress.client.as_ref()),
            shown(progress.belongs.flow),
        );
        let reason = refused.reason().as_str();
        if let Some(cause) = refused.our_fault() {
            tracing::error!(trace = %trace, step, reason, cause, client, flow, "handoff");
        } else {
            tracing::info!(trace = %trace, step, reason, client, flow, "handoff");
        }
    }

    /// One line for a handoff that has ended here. A refusal that the relying party will hear of is
    /// no end: it is the one that ends it.
    fn log_end(
        &self,
        part: &Part,
        progress: &Progress,
        refused: Option<&Refused>,
        sent_back: bool,
    ) {
        let heard_of = part.arrival == Arrival::Step(Step::VerifyReceived);
        let reason = match refused {
            None if progress.succeeded => None,
            Some(refused) if !sent_back && !heard_of => Some(refused.reason().as_str()),
            _ => return,
        };
        let outcome = match reason {
            None => "success",
            Some(reason) if is_one_of(&CHOICES, reason) => "declined",
            Some(_) => "failure",
        };
        let took = progress.since.map(|began| part.context.now() - began);
        let ms = took.map_or_else(
            || u64::try_from(part.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            |took| u64::try_from(took.whole_milliseconds()).unwrap_or_default(),
        );
        let (client, flow) = (
            shown(progress.client.as_ref()),
            shown(progress.belongs.flow),
        );
        tracing::info!(trace = %self.0.trace, outcome, reason, client, flow, ms, "handoff ended");
    }
}

impl Part {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, progress: &mut Progress, event: Option<Event>) {
        progress.waiting.extend(event);
        let known = progress.belongs != Belongs::default() || progress.session.is_some();
        if known || progress.waiting.len() >= MAX_WAITING {
            self.flush(progress);
        }
    }

    /// Gives away what waits, with all that is known by now.
    fn flush(&self, progress: &mut Progress) {
        for mut event in progress.waiting.drain(..) {
            event.client = event.client.or_else(|| progress.client.clone());
            event.belongs.flow = event.belongs.flow.or(progress.belongs.flow);
            event.belongs.launch = event.belongs.launch.or(progress.belongs.launch);
            event.belongs.token = event.belongs.token.or(progress.belongs.token);
            event.session = event.session.or(progress.session);
            self.recorder.record_owned(event);
        }
    }
}

/// Which handoff a query names, by the secrets in it: nobody can name another's who does not have
/// them. A trace id that comes with a request names none, and no query brings the authorization server
/// a token: that one issues them.
fn named_in(site: Site, query: &str) -> Belongs {
    let value = |wanted: &str| {
        let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == wanted);
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.into_owned()),
            _ => None,
        }
    };
    let state = value("state").and_then(|text| Unverified::<State>::new(text).ok());
    let launch = value("launch").and_then(|text| Unverified::<LaunchTicket>::new(text).ok());
    let token = value("handoff_token").filter(|_| site == Site::RelyingParty);
    let token = token.and_then(|text| Unverified::<HandoffToken>::new(text).ok());
    Belongs {
        flow: state.map(|state| FlowId::of(&state.digest())),
        launch: launch.map(|launch| LaunchId::of(&launch.digest())),
        token: token.map(|token| IssuedId::of(&token.digest())),
    }
}

/// A layer that is not ours, or one that does not know why.
fn unexplained(answer: &Response) -> Option<Refused> {
    let status = answer.status();
    match status.is_client_error() || status.is_server_error() {
        true => Some(RefusalReason::Other.into()),
        false => None,
    }
}

fn shown<T: fmt::Display>(value: Option<T>) -> Option<tracing::field::DisplayValue<T>> {
    value.map(tracing::field::display)
}

impl fmt::Debug for FlowRecorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FlowRecorder({})", self.0.trace)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FlowRecorder {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        if let Some(steps) = parts.extensions.get::<Self>() {
            return Ok(steps.clone());
        }
        TraceId::from_request_parts(parts, state)
            .await
            .map(Self::disabled)
    }
}
