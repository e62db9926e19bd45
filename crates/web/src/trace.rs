//! The outermost layer: gives each request an id and writes one line when it is answered.
//!
//! The answer has the id among its extensions, for what stands in front of the site.
//!
//! The line has the path without its query: tokens travel in queries (row 75).

use std::sync::Arc;

use axum::{extract::Request, middleware::Next, response::Response};

use crate::{context::Context, misplaced, trace_id::TraceId};

/// Numbers the request and logs its outcome.
pub async fn record(mut request: Request, next: Next) -> Response {
    let context = request.extensions().get::<Context>().cloned();
    let Some(context) = context else {
        return next.run(request).await;
    };
    let bytes: [u8; 8] = context.random.bytes();
    let trace = TraceId(Arc::from(format!("{:016x}", u64::from_be_bytes(bytes))));
    request.extensions_mut().insert(trace.clone());
    let method = request.method().clone();
    // A secret in a path is somebody's mistake, and would be one here too.
    let path = match request.uri().path_and_query() {
        Some(whole) if !context.policy.log_redaction() => whole.to_string(),
        _ => misplaced::path(request.uri().path()).into_owned(),
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a duration for the log, which decides nothing"
    )]
    let start = std::time::Instant::now();
    let mut response = next.run(request).await;
    response.extensions_mut().insert(trace.clone());
    tracing::info!(
        trace = %trace,
        site = %context.origin,
        %method,
        path,
        status = response.status().as_u16(),
        ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    response
}
