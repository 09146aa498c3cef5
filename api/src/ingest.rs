//! Replays through this service: requests that change runs, and those about what only Ingest knows of runs,
//! rules and data, are passed on to it, with the caller's token and Idempotency-Key, and its answers back as
//! they come. What they take and answer is in Ingest's own document. A page's session has become its token
//! on the way here, so Ingest sees the same caller as this service and decides by its own tokens.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    RETRY_AFTER,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use eip_http::AsItIs;
use futures_util::stream::try_unfold;
use utoipa::openapi::HttpMethod::{self, Delete, Get, Patch, Post};
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Required, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::api::Api;
use crate::problem::Problem;

/// What is passed on, under the paths that Ingest has for it.
const PASSED_ON: [(&str, HttpMethod, &str); 13] = [
    ("/v1/runs", Post, "Start a run, or rehearse one."),
    (
        "/v1/runs/{id}",
        Patch,
        "Pause a run, change its pace, let it go on.",
    ),
    ("/v1/runs/{id}", Delete, "Cancel a run."),
    (
        "/v1/runs/{id}/events",
        Get,
        "How a run goes, as server-sent events.",
    ),
    (
        "/v1/runs/{id}/rehearsal",
        Get,
        "What a run announces: its plan, and what it would change.",
    ),
    ("/v1/runs/{id}/receipt", Get, "What a run did, as a page."),
    (
        "/v1/runs/{id}/rejects",
        Get,
        "The rows that a run left out.",
    ),
    (
        "/v1/runs/{id}/latency.hlog",
        Get,
        "A run's latencies, as a log of HdrHistogram.",
    ),
    (
        "/v1/runs/{id}/latency.hgrm",
        Get,
        "A run's latencies, as percentiles of HdrHistogram.",
    ),
    (
        "/v1/runs/{id}/latency.json",
        Get,
        "A run's latencies in figures.",
    ),
    ("/v1/rules", Get, "The rules that runs may name."),
    ("/v1/datasets", Get, "The datasets that runs may name."),
    (
        "/v1/datasets/{name}/check",
        Post,
        "Check a dataset's files.",
    ),
];

/// What of a request goes along.
const ASKED: [&str; 8] = [
    "authorization",
    "eip-requester",
    "eip-origin",
    "accept",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "x-request-id",
];
/// What of an answer comes back.
const ANSWERED: [HeaderName; 6] = [
    CONTENT_TYPE,
    CONTENT_SECURITY_POLICY,
    CONTENT_DISPOSITION,
    CACHE_CONTROL,
    LOCATION,
    RETRY_AFTER,
];

/// The paths that are passed on, with what there is to say about them here.
pub(crate) fn pass_on_all(router: OpenApiRouter<Api>) -> OpenApiRouter<Api> {
    PASSED_ON
        .into_iter()
        .fold(router, |router, (path, method, summary)| {
            let filter = match method {
                Post => MethodFilter::POST,
                Patch => MethodFilter::PATCH,
                Delete => MethodFilter::DELETE,
                _ => MethodFilter::GET,
            };
            let mut router = router.route(path, on(filter, pass_on));
            let document = router.get_openapi_mut();
            document
                .paths
                .add_path_operation(path, vec![method], operation(path, summary));
            router
        })
}

fn operation(path: &str, summary: &str) -> Operation {
    let answer = ResponseBuilder::new().description("As Ingest answers.");
    let operation = OperationBuilder::new()
        .summary(Some(summary))
        .description(Some(
            "Passed on to Ingest; its own document at `/openapi.json` says what this takes and \
             answers.",
        ))
        .tag("Ingest")
        .response("default", answer);
    let names = path
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    names
        .fold(operation, |operation, (name, _)| {
            let text = ObjectBuilder::new().schema_type(Type::String);
            let parameter = ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(text));
            operation.parameter(parameter)
        })
        .build()
}

/// Passes a request on. Its path and query stay as they are.
pub(crate) async fn pass_on(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let Some(ingest) = &api.ingest else {
        let detail = "this API knows no Ingest to pass this on to (`eip api --ingest URL`)";
        return Err(Problem::named(StatusCode::NOT_FOUND, "no_ingest", detail));
    };
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    // It has been received already.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut asked = ingest
        .client
        .request(parts.method, format!("{}{path}", ingest.url))
        .body(body);
    for name in ASKED {
        if let Some(value) = parts.headers.get(name) {
            asked = asked.header(name, value);
        }
    }
    let answer = asked.send().await.map_err(|error| {
        tracing::warn!(%error, "Ingest does not answer");
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Problem::named(status, "ingest_away", "Ingest does not answer now")
    })?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    for name in ANSWERED {
        if let Some(value) = answer.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    // A run's events come as they happen.
    *response.body_mut() = Body::from_stream(try_unfold(answer, async |mut answer| {
        let chunk = answer.chunk().await?;
        Ok::<_, reqwest::Error>(chunk.map(|chunk| (chunk, answer)))
    }));
    response.extensions_mut().insert(AsItIs);
    Ok(response.into_response())
}
