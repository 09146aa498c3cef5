//! Every path, and what every request passes through.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use eip_http::{authenticate, health as probes, receive, session};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;
use crate::{health, ingest, metrics, openapi, v1, web};

/// Paths for everybody, with their document.
fn open() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(probes::alive))
        .routes(routes!(health::ready))
}

/// Paths that need a token, where there are any.
fn guarded() -> OpenApiRouter<Api> {
    let own = OpenApiRouter::new()
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
        .routes(routes!(v1::runs::list))
        .routes(routes!(v1::runs::show))
        .routes(routes!(v1::coverage::coverage))
        .routes(routes!(v1::pipeline::pipeline))
        .routes(routes!(v1::retry::retry))
        .routes(routes!(v1::spaces::spaces))
        .routes(routes!(v1::diff::diff))
        .routes(routes!(v1::stream::stream))
        .routes(routes!(metrics::show));
    ingest::pass_on_all(own).merge(session::routes())
}

/// The paths of one API.
pub fn router(api: Api) -> Router {
    let service = api.service.clone();
    // Inside out: a body is received of those alone who may send it.
    let guarded = guarded()
        .route_layer(from_fn_with_state(service.body_limit(), receive))
        .route_layer(from_fn(authenticate));
    let (routes, document) = open().merge(guarded).split_for_parts();
    let routes = routes
        .merge(eip_http::openapi::routes(document))
        .merge(web::routes());
    service.wrap(routes).with_state(api)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_in_the_document_and_every_documented_one_is_there() {
        let (router, document) = open().merge(guarded()).split_for_parts();
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
