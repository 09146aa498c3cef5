//! What the OpenAPI documents of the services have in common, and how they are served.

use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::{Json, Router, routing::get};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, response};
use utoipa::{IntoResponses, Modify, ToSchema as _};

use crate::headers::PAGE_POLICY;
use crate::page;
use crate::problem::Problem;

/// The refusals that any route may answer with.
#[derive(Clone, Copy, Debug)]
pub struct Problems;

/// Statuses and when they come.
const REFUSALS: [(&str, &str); 15] = [
    ("400", "The request is not what this takes."),
    ("401", "No token or session, or not one that is valid."),
    (
        "403",
        "The token's role is not enough, a session's write lacks its CSRF token, or a page of another \
         origin sends it.",
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
    ("421", "The service has another name."),
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

/// Adds the bearer token to a document, by the name `bearer`.
#[derive(Clone, Copy, Debug)]
pub struct Bearer;

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

/// Serves the document, and a page of it that needs nothing from elsewhere: `/openapi.json` and `/docs`.
/// Both are for everybody: they say nothing that the program's source does not.
pub fn routes<S: Clone + Send + Sync + 'static>(document: OpenApi) -> Router<S> {
    let page = page::render(&serde_json::to_value(&document).expect("a document is JSON"));
    let page = async || -> Response { (page_headers(), Html(page)).into_response() };
    Router::new()
        .route("/openapi.json", get(async || Json(document)))
        .route("/docs", get(page))
}

fn page_headers() -> [(HeaderName, &'static str); 1] {
    [(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)]
}
