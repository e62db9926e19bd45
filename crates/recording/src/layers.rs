//! The layer that records what a site does.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::Response,
};
use web::{context::Context, form::FormObserver, problem::LookUp, trace_id::TraceId};

use crate::{flow_recorder::FlowRecorder, redact, site::Recorded};

/// What goes around everything that the site `S` answers: the layers of [`web::layers::protect`], and
/// in them the one that records the site's part in handoffs.
pub fn protect<S: Recorded>(routes: Router) -> Router {
    let defended = web::layers::defended(routes);
    web::layers::numbered(defended.layer(middleware::from_fn(record::<S>)))
}

/// Begins and ends what is recorded of a request.
async fn record<S: Recorded>(mut request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let (Some(context), Some(trace), Some(site)) = (
        extensions.get::<Context>(),
        extensions.get::<TraceId>(),
        extensions.get::<S>(),
    ) else {
        return next.run(request).await;
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "a duration for what is recorded, which decides nothing"
    )]
    let begun = std::time::Instant::now();
    let flow = FlowRecorder::begin(context, site.recording(), trace.clone(), &request, begun);
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
