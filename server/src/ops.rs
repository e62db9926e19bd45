//! For operators, on a listener of their own: `/health` says that the process runs, `/ready` that
//! it can serve.

use std::sync::Arc;

use axum::{Router, response::IntoResponse, routing::get};
use http::{HeaderName, StatusCode, header};

use crate::platform::Platform;

/// The routes.
pub fn router(platform: Arc<Platform>) -> Router {
    Router::new()
        .route("/health", get(|| async { (NO_STORE, "ok\n") }))
        .route("/ready", get(move || async move { ready(&platform).await }))
}

const NO_STORE: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn ready(platform: &Platform) -> impl IntoResponse + use<> {
    match platform.ready().await {
        Ok(()) => (StatusCode::OK, NO_STORE, "ready\n"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                NO_STORE,
                "a store cannot be reached\n",
            )
        }
    }
}
