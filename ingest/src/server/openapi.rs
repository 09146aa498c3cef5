//! `/openapi.json` and `/docs`: what the routes take and answer, from the handlers' own words.
//!
//! A route is documented where it is written: `#[utoipa::path(get, path = "…", responses(…,
//! Problems))]` above its handler, `routes!(handler)` in `router.rs`. Both answers are open: they
//! say nothing that the program's source does not.

use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::{Json, Router, routing::get};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, response};
use utoipa::{IntoParams, IntoResponses, Modify, OpenApi as _, ToSchema};

use super::page;
use super::problem::Problem;
use crate::run::Pace;

/// The refusals that any route may answer with.
pub(super) struct Problems;

/// Statuses and when they come.
const REFUSALS: [(&str, &str); 15] = [
    ("400", "The request is not what this takes."),
    ("401", "No token, or not one that is valid."),
    (
        "403",
        "The token's role is not enough, or a page of another origin sends it.",
    ),
    ("404", "There is no such thing."),
    ("405", "The path does not take this method."),
    ("408", "The request was not there in time."),
    (
        "409",
        "Another run goes first, this one has ended, or the space has another dataset.",
    ),
    ("413", "The body is too large."),
    ("415", "The body is of another media type."),
    ("421", "The service has not this name."),
    (
        "422",
        "A field is not what it must be, or the key means another request.",
    ),
    (
        "429",
        "Enough is going on; `Retry-After` says when to come back.",
    ),
    ("431", "The request's head is too large."),
    ("503", "The service cannot do it now."),
    ("504", "No answer in time."),
];

impl IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, RefOr<response::Response>> {
        let schema = Ref::from_schema_name(Problem::name());
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

/// A run in a path.
#[derive(IntoParams)]
#[into_params(names("id"), parameter_in = Path)]
pub(super) struct RunPath(
    /// The run's id: 16 hex digits.
    #[param(pattern = "^[0-9a-f]{16}$")]
    #[expect(dead_code, reason = "only its description is used")]
    String,
);

/// What comes along with a run's request.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct RunHeaders {
    /// The same key always means the same request; 1 to 255 printable characters.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = "^[!-~]+$"
    )]
    key: String,
    /// Who asks, for the run ledger.
    #[param(rename = "Eip-Requester", max_length = 255)]
    requester: Option<String>,
    /// From where, for the run ledger: a program, a DAG's run.
    #[param(rename = "Eip-Origin", max_length = 255)]
    origin: Option<String>,
}

/// The frame of the document; the routes add themselves.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ingest",
        description = "The event factory: starts, watches, cancels and undoes runs, which put \
                       fulfillment events into the log."
    ),
    components(schemas(Problem, Pace)),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Frame;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut OpenApi) {
        let description = "Roles: read < replay < approve < admin. A service without tokens \
                           listens on loopback only and asks for none.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let scheme = SecurityScheme::Http(scheme.description(Some(description)).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", scheme);
    }
}

/// The document before any route.
pub(super) fn frame() -> OpenApi {
    Frame::openapi()
}

/// Serves the document, and a page of it that needs nothing from elsewhere.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(document: OpenApi) -> Router<S> {
    let page = page::render(&serde_json::to_value(&document).expect("a document is JSON"));
    let page = async || -> Response { (page_headers(), Html(page)).into_response() };
    Router::new()
        .route("/openapi.json", get(async || Json(document)))
        .route("/docs", get(page))
}

/// Neither scripts nor anything from elsewhere.
fn page_headers() -> [(HeaderName, &'static str); 2] {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ]
}
