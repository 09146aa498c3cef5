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
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, response};
use utoipa::{IntoResponses, OpenApi as _, ToSchema as _};

/// The refusal of a tick of which too much has been forgotten.
pub(crate) struct Forgotten;

impl IntoResponses for Forgotten {
    fn responses() -> std::collections::BTreeMap<String, RefOr<response::Response>> {
        let text = "What has changed since that tick is not known any more; `reset`: begin with 0.";
        let schema = Ref::from_schema_name(Problem::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new().description(text);
        let response = response.content("application/problem+json", content);
        [("410".to_owned(), RefOr::T(response.build()))].into()
    }
}

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
