//! Every path, and what every request passes through.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

use crate::api::Api;
use crate::{health, ingest, metrics, problem, v1};

/// A request that has no answer by then gets a 504.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The greatest body is a list of ids to look up.
const BODY_BYTES: usize = 512 * 1024;

/// The paths of one API.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/overview", get(v1::overview::overview))
        .route("/v1/shipments", get(v1::shipments::list))
        .route("/v1/shipments/export", get(v1::export::export))
        .route("/v1/shipments/lookup", post(v1::lookup::lookup))
        .route("/v1/shipments/{order_id}", get(v1::shipment::show))
        .route("/v1/shipments/{order_id}/why", get(v1::why::why))
        .route("/v1/routes/stats", get(v1::routes::stats))
        .route("/v1/routes/worst", get(v1::routes::worst))
        .route("/v1/routes/matrix", get(v1::routes::matrix))
        .route("/v1/routes/{seller}/{customer}", get(v1::routes::series))
        .route("/v1/stream", get(v1::stream::stream))
        .route("/v1/runs", any(ingest::pass_on))
        .route("/v1/runs/{*rest}", any(ingest::pass_on))
        .route("/v1/coverage", any(ingest::pass_on))
        .route("/v1/rules", any(ingest::pass_on))
        .route("/v1/datasets", any(ingest::pass_on))
        .route("/v1/datasets/{*rest}", any(ingest::pass_on))
        .route("/metrics", get(metrics::show))
        .with_state(api.clone())
        // From here on inside out: the last one sees a request first and its answer last.
        .layer(CatchPanicLayer::new())
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            TIMEOUT,
        ))
        .layer(from_fn(problem::render))
        .layer(from_fn_with_state(api, metrics::count))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
}
