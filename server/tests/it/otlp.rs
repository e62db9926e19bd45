//! What a collector of OpenTelemetry gets of a handoff, and what becomes of one that is not there.

use std::{collections::BTreeSet, net::SocketAddr};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use handoff::{
    flow::{Belongs, Event, Site},
    step::Step,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use recording::queue::MAX_WAITING;
use reqwest::StatusCode;
use server::{otlp::Endpoint, platform::Setup};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    harness::{Kept, Process, World, log},
    metrics::series,
    steps::secrets_of,
};

const DROPPED: &str = "handoff_events_dropped_total";

fn exporting_to(address: SocketAddr) -> impl FnOnce(&mut Setup) {
    let endpoint = Endpoint::parse(&format!("http://{address}")).unwrap();
    move |setup| setup.otlp_endpoint = Some(endpoint)
}

/// A collector that gives away all that it is sent and answers like this.
struct Collector {
    address: SocketAddr,
    exports: mpsc::UnboundedReceiver<Bytes>,
}

impl Collector {
    async fn answering(status: StatusCode, answer: ExportTraceServiceResponse) -> Self {
        let (tell, exports) = mpsc::unbounded_channel();
        let answer = answer.encode_to_vec();
        let take = move |headers: HeaderMap, body: Bytes| {
            assert_eq!(headers["content-type"], "application/x-protobuf");
            tell.send(body).unwrap();
            std::future::ready((status, answer.clone()))
        };
        let router = Router::new().route("/v1/traces", post(take));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, exports }
    }

    fn taken(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.exports.try_recv().ok()).collect()
    }
}

/// The spans of some exports, each with the name of its service.
fn spans(exports: &[Bytes]) -> Vec<(String, Span)> {
    let mut spans = Vec::new();
    for export in exports {
        let export = ExportTraceServiceRequest::decode(export.clone()).unwrap();
        for service in export.resource_spans {
            let name = value(&service.resource.unwrap().attributes, "service.name").unwrap();
            let of_service = service
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans);
            spans.extend(of_service.map(|span| (name.clone(), span)));
        }
    }
    spans
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        other => panic!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn dropped(world: &World) -> f64 {
    series(world).await[DROPPED]
}

#[tokio::test]
async fn a_handoff_is_one_trace_of_both_sites_without_a_secret() {
    let mut collector = Collector::answering(StatusCode::OK, Default::default()).await;
    let process = Process::start().await;
    let change = exporting_to(collector.address);
    let world = process.platform_with("", Kept::InFiles, change).await;
    let alice = world.signed_in("alice@harbor.example").await;
    let home = alice.open_notes(&world).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
    world.settled().await;
    let exports = collector.taken();
    let spans = spans(&exports);

    let created = spans
        .iter()
        .find(|(_, span)| span.name == "session_created");
    let flow = &created.unwrap().1.trace_id;
    let of_handoff = spans.iter().filter(|(_, span)| span.trace_id == *flow);
    let steps: BTreeSet<_> = of_handoff
        .clone()
        .map(|(service, span)| (&**service, &*span.name))
        .collect();
    for step in [
        ("notes", "start_received"),
        ("notes", "state_made"),
        ("authority", "authorize_received"),
        ("authority", "token_issued"),
        ("notes", "callback_received"),
        ("notes", "verify_sent"),
        ("authority", "verify_received"),
        ("authority", "redeemed"),
        ("notes", "verify_answered"),
        ("notes", "session_created"),
    ] {
        assert!(steps.contains(&step), "{step:?}: {steps:?}");
    }
    // The lines of the log are found by what a span has, and the other way about.
    let line = log()
        .lines()
        .find(|line| line.contains("step=\"session_created\"") && line.contains(&hex(flow)))
        .map(str::to_owned);
    let line = line.unwrap();
    let created = &created.unwrap().1;
    for key in ["trace", "client", "session"] {
        let value = value(&created.attributes, key).unwrap();
        assert!(line.contains(&format!("{key}={value}")), "{line}");
    }
    for (service, span) in of_handoff {
        assert!(
            span.start_time_unix_nano <= span.end_time_unix_nano,
            "{span:?}"
        );
        assert_eq!(value(&span.attributes, "step").as_ref(), Some(&span.name));
        let request = value(&span.attributes, "trace").unwrap();
        match &*span.parent_span_id {
            [] => assert_eq!(hex(&span.span_id), request),
            parent => {
                assert_eq!(hex(parent), request);
                let is_parent =
                    |(other, it): &&(String, Span)| other == service && it.span_id == parent;
                assert_eq!(spans.iter().filter(is_parent).count(), 1, "{span:?}");
            }
        }
    }
    let ids: BTreeSet<_> = spans.iter().map(|(_, span)| &span.span_id).collect();
    assert_eq!(ids.len(), spans.len());

    let secrets = secrets_of(&alice, &world);
    assert!(secrets.len() > 10, "{}", secrets.len());
    let sent = exports.concat();
    for secret in secrets {
        let start = &secret.as_bytes()[..12];
        assert!(!sent.windows(12).any(|part| part == start), "{secret}");
    }
    for person in ["alice", "Moreau"] {
        let person = person.as_bytes();
        assert!(!sent.windows(person.len()).any(|part| part == person));
    }
    assert_eq!(dropped(&world).await, 0.0);
}

#[tokio::test]
async fn a_refusal_is_a_span_with_its_reason() {
    let mut collector = Collector::answering(StatusCode::OK, Default::default()).await;
    let process = Process::start().await;
    let change = exporting_to(collector.address);
    let world = process.platform_with("", Kept::InMemory, change).await;
    world.visitor().get(&world.notes("/callback")).await;
    world.settled().await;
    let spans = spans(&collector.taken());
    let (_, refused) = spans.iter().find(|(_, it)| it.name == "refused").unwrap();
    let reason = value(&refused.attributes, "reason").unwrap();
    assert_eq!(refused.status.as_ref().unwrap().message, reason);
    // It belongs to no handoff, so the request is all that there is to know it by.
    let request = value(&refused.attributes, "trace").unwrap();
    assert_eq!(hex(&refused.trace_id), format!("{request:0>32}"));
}

#[tokio::test]
async fn an_endpoint_that_hangs_delays_no_handoff_and_what_it_does_not_take_is_counted() {
    // Connections wait in its backlog: nobody ever answers.
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let process = Process::start().await;
    let export = exporting_to(hangs.local_addr().unwrap());
    // The lab would drop some as well.
    let change = |setup: &mut Setup| {
        setup.sites.remove(&lab::ID);
        export(setup);
    };
    let world = process.platform_with("", Kept::InMemory, change).await;
    let alice = world.signed_in("alice@harbor.example").await;
    alice.open_notes(&world).await;
    assert_eq!(dropped(&world).await, 0.0);
    assert!(!world.recorder().reads_messages());
    // No turn for whoever sends between these, so that all but the queue's room is too much.
    let event = an_event();
    for _ in 0..2 * MAX_WAITING {
        world.recorder().record(&event);
    }
    assert!(dropped(&world).await >= MAX_WAITING as f64);
    let home = alice.open(&world.tasks("/handoff/start")).await;
    assert!(home.body.contains("Alice Moreau"), "{home:?}");
}

#[tokio::test]
async fn what_an_endpoint_refuses_is_counted_and_said_once() {
    let partly = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: String::new(),
        }),
    };
    for (status, answer, lost) in [
        (StatusCode::BAD_REQUEST, Default::default(), [3.0, 6.0]),
        (StatusCode::OK, partly, [2.0, 4.0]),
    ] {
        let mut collector = Collector::answering(status, answer).await;
        let process = Process::start().await;
        let change = exporting_to(collector.address);
        let world = process.platform_with("", Kept::InMemory, change).await;
        for lost in lost {
            for _ in 0..3 {
                world.recorder().record(&an_event());
            }
            world.settled().await;
            assert_eq!(dropped(&world).await, lost, "{status}");
        }
        assert_eq!(collector.taken().len(), 2);
        let address = collector.address.to_string();
        let said =
            |line: &&str| line.contains("traces are not exported") && line.contains(&address);
        assert_eq!(log().lines().filter(said).count(), 1);
    }
}

fn an_event() -> Event {
    Event {
        step: Step::StateMade,
        site: Site::RelyingParty,
        client: None,
        belongs: Belongs::default(),
        session: None,
        trace: "00000000000000ab".to_owned(),
        at: 1_764_000_000_000_000,
        after: 5,
        message: None,
        refusal: None,
    }
}
