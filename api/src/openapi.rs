//! `/openapi.json`: what the paths take and answer, from the handlers' own words.
//!
//! A path is documented where it is written: `#[utoipa::path(get, path = "…", responses(…, Problems))]`
//! above its handler, `routes!(handler)` in `router.rs`. An answer is a struct that derives `ToSchema`,
//! what a query may hold one that derives `IntoParams`. Shipments, events and figures of routes follow
//! from the columns of their views ([`views`]).

pub(crate) mod views;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, response};
use utoipa::{IntoResponses, OpenApi as _, ToSchema};

use crate::problem;

/// The refusals that any path may answer with.
pub(crate) struct Problems;

/// Statuses and when they come.
const REFUSALS: [(&str, &str); 7] = [
    (
        "400",
        "A parameter, the path or the body is not what this takes; `field` names it.",
    ),
    ("404", "There is no such thing."),
    ("405", "The path does not take this method."),
    ("413", "The body is too large."),
    ("415", "The body is of another media type."),
    (
        "503",
        "A store does not answer now, or a tick is not visible in time; `detail` names it, \
         `Retry-After` when to ask again.",
    ),
    ("504", "No answer in time."),
];

impl IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, RefOr<response::Response>> {
        let schema = Ref::from_schema_name(problem::Body::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = |description: &str| {
            let response = ResponseBuilder::new().description(description);
            let response = response.content("application/problem+json", content.clone());
            RefOr::T(response.build())
        };
        REFUSALS
            .into_iter()
            .map(|(status, description)| (status.to_owned(), response(description)))
            .collect()
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
    components(schemas(problem::Body))
)]
struct Frame;

/// The document before any path.
pub(crate) fn frame() -> OpenApi {
    Frame::openapi()
}

/// Serves the document.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(document: OpenApi) -> Router<S> {
    Router::new().route("/openapi.json", get(async || Json(document)))
}
