//! The layer that records what a site does.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use web::{context::Context, error_page::LookUp, form::FormObserver, trace_id::TraceId};

use crate::{
    flow_recorder::FlowRecorder,
    redact,
    site::{Arriving, Recorded},
};

/// What goes around everything that the site `S` answers: the layers of [`web::layers::protect`], and
/// in them the one that records the site's part in handoffs.
pub fn protect<S: Recorded>(routes: Router, arriving: Arriving) -> Router {
    let record = middleware::from_fn_with_state(arriving, record::<S>);
    web::layers::numbered(web::layers::defended(routes).layer(record))
}

/// Begins and ends what is recorded of a request.
async fn record<S: Recorded>(
    State(arriving): State<Arriving>,
    mut request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let (Some(context), Some(trace), Some(site)) = (
        extensions.get::<Context>(),
        extensions.get::<TraceId>(),
        extensions.get::<S>(),
    ) else {
        return next.run(request).await;
    };
    let arrival = arriving(request.method(), request.uri().path());
    #[expect(
        clippy::disallowed_methods,
        reason = "a duration for what is recorded, which decides nothing"
    )]
    let begun = std::time::Instant::now();
    let flow = FlowRecorder::begin(
        context,
        site.recording(),
        arrival,
        trace.clone(),
        &request,
        begun,
    );
    if let Some(address) = flow.link() {
        request.extensions_mut().insert(LookUp(address));
    }
    if flow.reads_messages() {
        let flow = flow.clone();
        let observe = move |body: &[u8]| flow.body(|| redact::pairs(body));
        let observer = FormObserver(Arc::new(observe));
        request.extensions_mut().insert(observer);
    }
    request.extensions_mut().insert(flow.clone());
    let mut answer = next.run(request).await;
    flow.end(&mut answer);
    answer
}
