//! Every path, and what every request passes through.

use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::{health, ingest, metrics, openapi, problem, v1};

/// A request that has no answer by then gets a 504.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The greatest body is a list of ids to look up.
const BODY_BYTES: usize = 512 * 1024;

/// The paths with their document.
fn paths() -> OpenApiRouter<Api> {
    let own = OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(v1::overview::overview))
        .routes(routes!(v1::shipments::list))
        .routes(routes!(v1::export::export))
        .routes(routes!(v1::lookup::lookup))
        .routes(routes!(v1::shipment::show))
        .routes(routes!(v1::why::why))
        .routes(routes!(v1::routes::stats::stats))
        .routes(routes!(v1::routes::worst::worst))
        .routes(routes!(v1::routes::matrix::matrix))
        .routes(routes!(v1::routes::series::series))
        .routes(routes!(v1::stream::stream))
        .routes(routes!(metrics::show));
    ingest::pass_on_all(own)
}

/// The paths of one API.
pub fn router(api: Api) -> Router {
    let (router, document) = paths().split_for_parts();
    router
        .merge(openapi::routes(document))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_in_the_document_and_every_documented_one_is_there() {
        let (router, document) = paths().split_for_parts();
        // The router has no other list of its paths.
        let text = format!("{router:?}");
        let (_, paths) = text.split_once("paths: {").expect("its paths");
        let (paths, _) = paths.split_once("\"}").expect("their end");
        // `RouteId(0): "/a/{b}", RouteId(1): "/c`
        let mut served: Vec<&str> = paths.split('"').skip(1).step_by(2).collect();
        served.sort_unstable();
        let documented: Vec<&String> = document.paths.paths.keys().collect();
        assert_eq!(served, documented);
    }
}
