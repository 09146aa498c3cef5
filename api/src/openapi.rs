//! The frame of `/openapi.json` and `/docs`: what the paths take and answer, from the handlers' own words.
//!
//! A path is documented where it is written: `#[utoipa::path(get, path = "…", responses(…, Problems))]`
//! above its handler, `routes!(handler)` in `router.rs`. An answer is a struct that derives `ToSchema`,
//! what a query may hold one that derives `IntoParams`. Shipments, events and figures of routes follow
//! from the columns of their views ([`views`]).

pub(crate) mod views;

use eip_http::Problem;
use eip_http::openapi::Bearer;
pub(crate) use eip_http::openapi::Problems;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

/// The frame of the document; the paths add themselves.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ops Search API",
        description = "Shipments, routes and how things stand, read from the stored views; replays, \
                       passed on to Ingest."
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Frame;

/// The document before any path.
pub(crate) fn frame() -> OpenApi {
    Frame::openapi()
}
