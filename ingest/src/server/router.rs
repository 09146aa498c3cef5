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

use super::app::App;
use super::{catalog, commands, files, follow, handlers, rows};

/// Most bytes of a request's body.
const MAX_BODY_BYTES: usize = 64 << 10;
/// Longest time for one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/livez", get(handlers::live))
        .route("/readyz", get(handlers::ready))
        .route("/healthz", get(handlers::ready))
        .route("/v1/runs", get(handlers::list).post(handlers::start))
        .route(
            "/v1/runs/{id}",
            get(handlers::show)
                .patch(commands::change)
                .delete(commands::cancel),
        )
        .route("/v1/runs/{id}/rehearsal", get(files::rehearsal))
        .route("/v1/runs/{id}/latency.hlog", get(files::hlog))
        .route("/v1/runs/{id}/latency.hgrm", get(files::hgrm))
        .route("/v1/runs/{id}/latency.json", get(files::json))
        .route("/v1/runs/{id}/receipt", get(files::receipt))
        .route("/v1/rows", post(rows::push))
        .route("/v1/datasets", get(catalog::datasets))
        .route("/v1/rules", get(catalog::rules))
        .route("/v1/coverage", get(catalog::coverage))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIMEOUT,
        ))
        // A stream of progress lasts as long as its run.
        .route("/v1/runs/{id}/events", get(follow::events))
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::no_such_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(CatchPanicLayer::custom(handlers::panicked))
        .layer(TraceLayer::new_for_http())
        .with_state(app)
}
