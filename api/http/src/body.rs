//! Bodies of requests: whole in memory and in time, or refused.
//!
//! What a `Content-Length` announces is refused before a byte of it is read; what comes in chunks,
//! as soon as it is too much. Handlers behind [`receive`] find a body that is all there; one that
//! first has to know whether there is room for it calls [`read`].

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use http_body_util::LengthLimitError;

use crate::problem::Problem;

/// What a route takes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Most bytes.
    pub bytes: usize,
    /// All of it has to be there by then.
    pub timeout: Duration,
}

/// Reads the body before the handler runs.
pub async fn receive(State(limit): State<BodyLimit>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, limit).await {
        Ok(bytes) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Err(problem) => refused(problem),
    }
}

/// Reads a whole body.
pub async fn read(body: Body, limit: BodyLimit) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit.bytes as u64 {
        return Err(too_large(limit));
    }
    match tokio::time::timeout(limit.timeout, to_bytes(body, limit.bytes)).await {
        Ok(read) => read.map_err(|error| unread(&error, limit)),
        Err(_) => Err(slow(limit)),
    }
}

/// The answer to a request whose body was not read to its end.
pub fn refused(problem: Problem) -> Response {
    let mut response = problem.into_response();
    // What is left of the body would have to be read before another request.
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    response
}

fn unread(error: &axum::Error, limit: BodyLimit) -> Problem {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            return too_large(limit);
        }
        source = cause.source();
    }
    Problem::bad_request("the body broke off, or is not framed as HTTP has it")
}

fn too_large(limit: BodyLimit) -> Problem {
    let detail = format!("a body has at most {} bytes here", limit.bytes);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn slow(limit: BodyLimit) -> Problem {
    let seconds = limit.timeout.as_secs_f64();
    let detail = format!("the body was not there within {seconds} s");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", detail)
}
