//! Exports what sites record as traces, by OTLP over HTTP: each handoff is a trace, and each step that
//! a site recorded a span of it.
//!
//! The handoff's id has the length of a trace id, and both sites derive it, so nothing has to be
//! handed on for their spans to meet. What was sent is not exported at all: messages stay out.

use std::fmt;

use handoff::{
    flow::{Event, Site},
    step::{Channel, Step},
};
use http::{StatusCode, header};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse},
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status, span::SpanKind, status::StatusCode as Code,
    },
};
use prost::Message as _;
use recording::outbox::{Delivery, Destination, Outbox};
use reqwest::{Client, Response};
use url::Url;
use web::http_client;

/// What the traces of OTLP over HTTP are sent to, below an endpoint.
const PATH: &str = "/v1/traces";

/// An answer is a few bytes; what is longer is not read.
const MAX_ANSWER: usize = 64 * 1024;

/// The address of something that takes OTLP over HTTP, without `/v1/traces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Reads an address from a setting.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        // Without a user: settings are shown, and hold no secret. `http` may go anywhere: a collector
        // is often a neighbour in a network of its own, and spans hold no secret either.
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(
                "is no http or https address without user, query and fragment, as http://127.0.0.1:4318"
                    .to_owned(),
            );
        }
        if url.path().trim_end_matches('/').ends_with(PATH) {
            return Err(format!("{PATH} is added by the program; leave it out"));
        }
        Ok(Self(url))
    }

    fn traces(&self) -> String {
        format!("{}{PATH}", self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An outbox of spans for this endpoint, and what sends them: [`Outbox::new`] says how long. Where
/// certificates cannot be checked there is none, and everything is dropped.
pub fn exporter(
    endpoint: &Endpoint,
) -> (Outbox, Option<impl Future<Output = ()> + Send + 'static>) {
    let http = http_client::over(endpoint.0.scheme() == "https", None)
        .inspect_err(|cause| tracing::error!(%endpoint, %cause, "traces are not exported"));
    let Ok(http) = http else {
        return (Outbox::closed(), None);
    };
    let (outbox, sending) = Outbox::new(Collector {
        http,
        address: endpoint.traces(),
        spans: 0,
    });
    (outbox, Some(sending))
}

struct Collector {
    http: Client,
    address: String,
    /// How many spans were made: what tells those of one request apart.
    spans: u64,
}

impl Destination for Collector {
    const MAX_EVENTS: usize = 512;
    const READS_MESSAGES: bool = false;

    fn bodies(&mut self, events: &[Event]) -> Vec<(u64, Vec<u8>)> {
        let mut services: Vec<(&str, Vec<Span>)> = Vec::new();
        for event in events {
            self.spans += 1;
            let span = span(event, self.spans);
            let service = service(event);
            match services.iter_mut().find(|(name, _)| *name == service) {
                Some((_, spans)) => spans.push(span),
                None => services.push((service, vec![span])),
            }
        }
        let resource_spans = services
            .into_iter()
            .map(|(service, spans)| resource_spans(service, spans))
            .collect();
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        vec![(events.len() as u64, body)]
    }

    async fn send(&self, body: Vec<u8>) -> Delivery {
        let call = self
            .http
            .post(&self.address)
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .body(body);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Delivery::Retry(error.to_string()),
            Err(error) => return Delivery::Failed(error.to_string()),
        };
        match answer.status() {
            status if status.is_success() => taken(answer).await,
            // Those that the specification lets a sender repeat.
            status @ (StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT) => Delivery::Retry(status.to_string()),
            status => Delivery::Failed(status.to_string()),
        }
    }

    fn log_failure(&self, cause: &str) {
        tracing::warn!(endpoint = self.address, cause, "traces are not exported");
    }

    fn log_recovery(&self) {
        tracing::info!("traces are exported again");
    }
}

/// Whether all of it was taken. Who says nothing that can be read took it: the status said so.
async fn taken(mut answer: Response) -> Delivery {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Delivery::Accepted;
        }
        body.extend_from_slice(&chunk);
    }
    let read = ExportTraceServiceResponse::decode(&*body).ok();
    let refused = read.and_then(|answer| answer.partial_success);
    match refused.map(|partly| u64::try_from(partly.rejected_spans)) {
        Some(Ok(spans @ 1..)) => Delivery::Partial(spans, "it refused some spans".to_owned()),
        _ => Delivery::Accepted,
    }
}

/// The name under which viewers show who recorded a step.
fn service(event: &Event) -> &str {
    match (event.site, &event.client) {
        (Site::Authority, _) => "authority",
        (Site::RelyingParty, Some(client)) => client.as_str(),
        (Site::RelyingParty, None) => "relying_party",
    }
}

fn resource_spans(service: &str, spans: Vec<Span>) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![
                attribute("service.name", service),
                attribute("service.namespace", "handoff-lab"),
                attribute("service.version", env!("CARGO_PKG_VERSION")),
            ],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            scope: Some(InstrumentationScope {
                name: "handoff-lab".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..InstrumentationScope::default()
            }),
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

/// The span of a step: from when its request arrived until it was taken.
fn span(event: &Event, number: u64) -> Span {
    let request = u64::from_str_radix(&event.trace, 16).unwrap_or_default();
    // The step that stands for its request has the request's id, which `traceparent` names as well;
    // the others are below it.
    let stands_for_its_request = matches!(
        event.step,
        Step::VerifyReceived | Step::Redirected | Step::PageShown
    );
    let (id, parent) = match stands_for_its_request {
        true => (request, None),
        false => (request.wrapping_add(number), Some(request)),
    };
    let at = u64::try_from(event.at).unwrap_or_default();
    let name = event.step.as_str();
    let mut attributes = vec![
        attribute("step", name),
        attribute(
            "site",
            match event.site {
                Site::Authority => "authority",
                Site::RelyingParty => "relying_party",
            },
        ),
        attribute("trace", &event.trace),
    ];
    let belongs = &event.belongs;
    let reason = event.refusal.as_ref().map(|refusal| &*refusal.reason);
    let client = event.client.as_ref().map(|client| client.as_str());
    let launch = belongs.launch.map(|launch| launch.to_string());
    let session = event.session.map(|session| session.to_string());
    for (name, value) in [
        ("client", client),
        ("launch", launch.as_deref()),
        ("session", session.as_deref()),
        ("reason", reason),
    ] {
        attributes.extend(value.map(|value| attribute(name, value)));
    }
    Span {
        trace_id: trace_id(event, request).to_be_bytes().into(),
        span_id: id.to_be_bytes().into(),
        parent_span_id: parent.map_or_else(Vec::new, |id| id.to_be_bytes().into()),
        name: name.to_owned(),
        kind: kind(event.step).into(),
        start_time_unix_nano: at.saturating_sub(event.after).saturating_mul(1_000),
        end_time_unix_nano: at.saturating_mul(1_000),
        attributes,
        status: reason.map(|reason| Status {
            message: reason.to_owned(),
            code: Code::Error.into(),
        }),
        ..Span::default()
    }
}

/// The handoff; where a request knows of none, the request is a trace of its own.
fn trace_id(event: &Event, request: u64) -> u128 {
    let flow = event.belongs.flow.map(|flow| flow.to_string());
    flow.and_then(|flow| u128::from_str_radix(&flow, 16).ok())
        .unwrap_or_else(|| request.into())
}

fn kind(step: Step) -> SpanKind {
    match step {
        Step::VerifyReceived | Step::Redirected | Step::PageShown => SpanKind::Server,
        step if step.channel() == Channel::Back => SpanKind::Client,
        _ => SpanKind::Internal,
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_are_sent_below_an_endpoint() {
        for (endpoint, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            (
                "https://traces.example/otlp",
                "https://traces.example/otlp/v1/traces",
            ),
        ] {
            let parsed = Endpoint::parse(endpoint);
            assert_eq!(parsed.map(|it| it.traces()), Ok(traces.to_owned()));
        }
        for bad in [
            "",
            "127.0.0.1:4318",
            "ftp://collector",
            "http://key@collector",
            "http://user:key@collector",
            "http://collector/?key=1",
            "http://collector/#traces",
            "http://collector/v1/traces/",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad:?}");
        }
    }
}
