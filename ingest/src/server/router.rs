//! The routes, and what every request passes through.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::access::{Tokens, authenticate};
use super::app::App;
use super::browsers::{OwnNames, keep_out};
use super::limits::HttpLimits;
use super::receive::{BodyLimit, receive};
use super::{
    catalog, check, commands, files, follow, handlers, metrics, openapi, problem, rejects,
    request_id, rows,
};

/// Routes for everybody.
fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(handlers::alive))
        .routes(routes!(handlers::ready))
}

/// Routes that need a token, where there are any.
fn guarded() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(handlers::list, handlers::start))
        .routes(routes!(handlers::show, commands::change, commands::cancel))
        .routes(routes!(follow::events))
        .routes(routes!(files::rehearsal))
        .routes(routes!(files::hlog))
        .routes(routes!(files::hgrm))
        .routes(routes!(files::json))
        .routes(routes!(files::receipt))
        .routes(routes!(rejects::rejects))
        .routes(routes!(catalog::datasets))
        .routes(routes!(check::dataset))
        .routes(routes!(catalog::rules))
        .routes(routes!(catalog::coverage))
        .routes(routes!(handlers::metrics))
}

/// Routes that need a token too, and read their bodies themselves.
fn streamed() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(rows::push))
}

pub(super) fn router(app: Arc<App>, tokens: Tokens, limits: HttpLimits) -> Router {
    let body = BodyLimit {
        bytes: limits.max_body_bytes,
        timeout: limits.body_timeout,
    };
    let is_open = tokens.is_empty();
    let tokens = Arc::new(tokens);
    let guarded = guarded()
        .route_layer(from_fn_with_state(body, receive))
        .merge(streamed())
        .route_layer(from_fn_with_state(tokens, authenticate));
    let (router, document) = open().merge(guarded).split_for_parts();
    let router = router
        .merge(openapi::routes(document))
        .fallback(handlers::no_such_path)
        .method_not_allowed_fallback(handlers::no_such_method);
    // A page in a browser has no token.
    let router = if is_open {
        let names = Arc::new(OwnNames::new(app.owners.own_url()));
        router.layer(from_fn_with_state(names, keep_out))
    } else {
        router
    };
    router
        // From here on inside out: the last one sees a request first and its answer last.
        .layer(CatchPanicLayer::custom(handlers::panicked))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            limits.request_timeout,
        ))
        .layer(from_fn(problem::render))
        .layer(from_fn_with_state(Arc::clone(&app.metrics), metrics::count))
        .layer(from_fn(request_id::identify))
        .with_state(app)
}
