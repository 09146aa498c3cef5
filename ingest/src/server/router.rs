//! The routes, and what every request passes through.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use eip_http::{authenticate, health, receive};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::{catalog, check, commands, files, follow, handlers, openapi, rejects, rows};

/// Routes for everybody.
fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(routes!(health::alive))
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

pub(super) fn router(app: Arc<App>) -> Router {
    let body = app.service.body_limit();
    let guarded = guarded()
        .route_layer(from_fn_with_state(body, receive))
        .merge(streamed())
        .route_layer(from_fn(authenticate));
    let (router, document) = open().merge(guarded).split_for_parts();
    let router = router.merge(eip_http::openapi::routes(document));
    app.service.wrap(router).with_state(app)
}
