//! For operators, on a listener of their own: `/health` says that the process runs, `/ready` that
//! it can serve, `/metrics` is for Prometheus.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderName, StatusCode, header};

use crate::platform::Platform;

/// The routes.
pub fn router(platform: Arc<Platform>) -> Router {
    let asked = Arc::clone(&platform);
    Router::new()
        .route("/health", get(|| async { (NO_STORE, "ok\n") }))
        .route("/ready", get(move || async move { ready(&platform).await }))
        .route(
            "/metrics",
            get(move || async move { metrics(&asked).await }),
        )
}

/// The type of Prometheus' text format.
const METRICS: [(HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    ),
];

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn metrics(platform: &Platform) -> Response {
    match platform.metrics().await {
        Some(text) => (METRICS, text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn ready(platform: &Platform) -> impl IntoResponse + use<> {
    match platform.ready().await {
        Ok(()) => (StatusCode::OK, NO_STORE, Cow::Borrowed("ready\n")),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let text = format!("not ready: {error}\n");
            (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, text.into())
        }
    }
}
