#!/usr/bin/env bash
#
# Finding: the OTLP span exporter returns Ok(()) when the collector says that
# it rejected spans.
#
# Source:  crate opentelemetry-otlp 0.33.1 (features http-proto and trace,
#          default features off), with the opentelemetry crates of the same
#          version.
# Date:    2026-11-29
#
# What one would guess
#   SpanExporter::export sends a batch of spans and returns a Result. If the
#   collector accepts the request but answers that it rejected some of the
#   spans, one would expect an error or a number of rejected spans, because the
#   answer holds both a count and a reason.
#
# What happens
#   The collector answers HTTP 200 with an ExportTraceServiceResponse whose
#   partial_success has rejected_spans = 1 and an error_message. export returns
#   Ok(()), the same value as for an answer without any rejection. The count
#   and the reason are not in the returned value. The exporter reads them, but
#   only passes them to its internal log, at level "warn"; without the crate
#   feature internal-logs (as here) even that is compiled out. A refusal by HTTP
#   status, for example 400, is returned as an error.
#
#   The OTLP specification asks that the client does not retry after a partial
#   success, and the exporter does not:
#   https://opentelemetry.io/docs/specs/otlp/#partial-success-1
#
# How it is checked
#   A small program holds a fake collector (a TCP listener on a free local port)
#   and exports the same two valid spans to it three times. The collector
#   decodes each request and gives a full success, then a partial success, then
#   HTTP 400. The first and the last are controls.
#
# Needs:   bash, a Rust toolchain (seen with 1.95) and access to the crates below.
# Exit:    0 the behaviour is as described; 1 it has changed;
#          2 the program could not be built or did not run to its end.

set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Settings of the caller must not change the exporter or the build folder.
for name in ${!OTEL_@}; do
  unset "$name"
done
export CARGO_TARGET_DIR="$work/target"

mkdir "$work/src"

cat >"$work/Cargo.toml" <<'TOML'
[package]
name = "otlp-partial-success"
version = "0.0.0"
edition = "2021"
publish = false

[dependencies]
async-trait = "=0.1.92"
futures-executor = "=0.3.34"
opentelemetry = { version = "=0.33.1", default-features = false, features = ["trace"] }
opentelemetry-http = { version = "=0.33.1", default-features = false }
opentelemetry-otlp = { version = "=0.33.1", default-features = false, features = ["http-proto", "trace"] }
opentelemetry-proto = { version = "=0.33.1", default-features = false, features = ["gen-tonic-messages", "trace"] }
opentelemetry_sdk = { version = "=0.33.1", default-features = false, features = ["trace"] }
prost = "=0.14.6"

[profile.dev]
debug = false

[workspace]
TOML

cat >"$work/src/main.rs" <<'RUST'
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::InstrumentationScope;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter as OtlpSpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter, SpanLinks};
use prost::Message;

const REASON: &str = "span name is not allowed";

/// Reads an HTTP message with a Content-Length: its first line and its body.
fn read_message(stream: &TcpStream) -> std::io::Result<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().expect("length of the body");
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((first.trim_end().to_string(), body))
}

/// A plain HTTP/1.1 client: one connection for each request.
#[derive(Debug)]
struct PlainClient;

#[async_trait::async_trait]
impl HttpClient for PlainClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let host = uri.authority().ok_or("no host in the address")?.as_str();
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut head = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", uri.path());
        for (name, value) in request.headers() {
            head += &format!("{name}: {}\r\n", value.to_str()?);
        }
        head += &format!("content-length: {}\r\n\r\n", request.body().len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(request.body())?;

        let (first, body) = read_message(&stream)?;
        let status: u16 = first
            .split(' ')
            .nth(1)
            .ok_or("no status in the answer")?
            .parse()?;
        Ok(Response::builder()
            .status(status)
            .header("content-type", "application/x-protobuf")
            .body(Bytes::from(body))?)
    }
}

/// Gives each request the same answer and reports how many spans it held.
fn start_collector(status: &'static str, answer: Vec<u8>) -> (String, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (report, reports) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let (_, body) = read_message(&stream).expect("a request");
            let request = ExportTraceServiceRequest::decode(&body[..]).expect("a valid request");
            let spans = request
                .resource_spans
                .iter()
                .flat_map(|resource| &resource.scope_spans)
                .map(|scope| scope.spans.len())
                .sum();
            report.send(spans).expect("the main thread waits");
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\n\
                 content-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).expect("head of the answer");
            stream.write_all(&answer).expect("body of the answer");
        }
    });
    (address, reports)
}

fn span(id: u64, name: &'static str) -> SpanData {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(7_u128),
            SpanId::from(id),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: start,
        end_time: start + Duration::from_millis(5),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("finding").build(),
    }
}

fn try_export(label: &str, status: &'static str, answer: Vec<u8>) {
    let (address, reports) = start_collector(status, answer);
    let exporter = OtlpSpanExporter::builder()
        .with_http()
        .with_http_client(PlainClient)
        .with_endpoint(address)
        .build()
        .expect("an exporter");
    let batch = vec![span(1, "first"), span(2, "second")];
    let result = futures_executor::block_on(exporter.export(batch));
    let received: Vec<usize> = reports.try_iter().collect();
    println!("{label}: spans in each request {received:?}, export returned {result:?}");
}

fn main() {
    let full = ExportTraceServiceResponse {
        partial_success: None,
    };
    let partial = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 1,
            error_message: REASON.to_string(),
        }),
    };

    // The bytes on the wire: field 1 is partial_success; inside it, field 1 is
    // rejected_spans and field 2 is error_message.
    let mut wire = vec![0x0a, 4 + REASON.len() as u8, 0x08, 1, 0x12, REASON.len() as u8];
    wire.extend_from_slice(REASON.as_bytes());
    assert_eq!(partial.encode_to_vec(), wire);

    try_export("200, nothing rejected", "200 OK", full.encode_to_vec());
    try_export("200, rejected_spans=1", "200 OK", wire);
    try_export("400", "400 Bad Request", Vec::new());
}
RUST

expected='200, nothing rejected: spans in each request [2], export returned Ok(())
200, rejected_spans=1: spans in each request [2], export returned Ok(())
400: spans in each request [2], export returned Err(InternalFailure("HTTP export failed with status code: 400"))'

cd "$work"
if ! seen=$(cargo run --quiet); then
  echo "Not checked: the program could not be built or did not run to its end." >&2
  exit 2
fi
version=$(cargo tree --quiet --depth 0 --prefix none --package opentelemetry-otlp)

echo "Library:   $version"
echo "Guess:     export returns an error or a count when the collector rejects spans"
echo "Output seen:"
printf '%s\n' "$seen" | sed 's/^/  /'

if [[ $seen != "$expected" ]]; then
  echo "CHANGED: the output is not the one that this finding describes. Expected:" >&2
  printf '%s\n' "$expected" | sed 's/^/  /' >&2
  exit 1
fi
echo "Behaviour: export returns Ok(()) for HTTP 200 with rejected_spans=1, as if all spans were kept"
echo "Confirmed: the value that export returns does not tell a partial success from a full success."
