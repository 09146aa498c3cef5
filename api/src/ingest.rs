//! Replays through this service: requests about runs, rules, data and coverage are passed on to Ingest, with
//! the caller's token and Idempotency-Key, and its answers back as they come.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;

use crate::api::Api;
use crate::problem::{PassedOn, Problem};

/// What of a request goes along.
const ASKED: [&str; 6] = [
    "authorization",
    "accept",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "x-request-id",
];
/// What of an answer comes back.
const ANSWERED: [HeaderName; 5] = [
    CONTENT_TYPE,
    CONTENT_DISPOSITION,
    CACHE_CONTROL,
    LOCATION,
    RETRY_AFTER,
];
/// Longest body of a request: one about a run is small.
const BODY_BYTES: usize = 64 * 1024;

/// Passes a request on. Its path and query stay as they are.
pub(crate) async fn pass_on(State(api): State<Api>, request: Request) -> Result<Response, Problem> {
    let Some(ingest) = &api.ingest else {
        let detail = "this API knows no Ingest to pass this on to (`eip api --ingest URL`)";
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let body = to_bytes(body, BODY_BYTES).await.map_err(|error| {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body: {error}"))
    })?;
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
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Ingest does not answer now",
        )
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
    response.extensions_mut().insert(PassedOn);
    Ok(response.into_response())
}
