//! The routes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use super::handlers::{self, App};
use super::{catalog, rows};

/// Most bytes of a request's body.
const MAX_BODY_BYTES: usize = 64 << 10;
/// Longest time for one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(handlers::health))
        .route("/v1/runs", get(handlers::list).post(handlers::start))
        .route(
            "/v1/runs/{id}",
            get(handlers::show).delete(handlers::cancel),
        )
        .route("/v1/rows", post(rows::push))
        .route("/v1/datasets", get(catalog::datasets))
        .route("/v1/rules", get(catalog::rules))
        .route("/v1/coverage", get(catalog::coverage))
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIMEOUT,
        ))
        .layer(CatchPanicLayer::custom(handlers::panicked))
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}
