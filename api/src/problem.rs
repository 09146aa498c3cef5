//! Errors as clients see them: `application/problem+json` (RFC 9457), made in one place.
//!
//! A handler's [`Problem`] travels as an extension of a response without a body; an error of axum
//! or of a layer (no such path, a bad query, a timeout) as whatever text it has. [`render`], around
//! all of them, writes the body of both.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use eip_stores::query::QueryError;
use serde::Serialize;
use utoipa::ToSchema;

/// Longest text of a foreign error that is passed on.
const TEXT_BYTES: usize = 4096;

/// What went wrong with one request.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    field: Option<&'static str>,
}

impl Problem {
    /// A problem with its status and what to know about it.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            field: None,
        }
    }

    /// What there is to know about it.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The request cannot be read.
    pub(crate) fn bad_query(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// One parameter is not what it must be.
    pub(crate) fn bad_field(field: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            detail: detail.into(),
            field: Some(field),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let status = match error {
            QueryError::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        if let QueryError::NotYet = error {
            tracing::debug!(%error, "not ready");
        } else {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the views cannot be read");
        }
        Self::new(status, error.to_string())
    }
}

/// What went wrong, with the members of RFC 9457 and two more. `type` is left out: `about:blank`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body<'a> {
    /// The status in words.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// What to know about this one.
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
    /// The path that was asked.
    instance: &'a str,
    /// The parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    /// Also in the header `x-request-id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Marks an answer of another service, whose body stays as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassedOn;

/// Gives every error its body.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let request_id = request.headers().get("x-request-id").cloned();
    let mut response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || response.extensions().get::<PassedOn>().is_some() {
        return response;
    }
    let (detail, field) = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => (problem.detail, problem.field),
        None => (foreign_text(&mut response, &path).await, None),
    };
    let body = Body {
        title: status.canonical_reason().unwrap_or("error"),
        status: status.as_u16(),
        detail: &detail,
        instance: &path,
        field,
        request_id: request_id.as_ref().and_then(|id| id.to_str().ok()),
    };
    let json = Json(body).into_response().into_body();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
    }
    *response.body_mut() = json;
    response
}

/// What axum or a layer had to say.
async fn foreign_text(response: &mut Response, path: &str) -> String {
    let body = std::mem::take(response.body_mut());
    let text = to_bytes(body, TEXT_BYTES).await.unwrap_or_default();
    match response.status() {
        StatusCode::NOT_FOUND => format!("there is nothing at {path}"),
        StatusCode::METHOD_NOT_ALLOWED => "the header Allow names the methods".to_owned(),
        StatusCode::GATEWAY_TIMEOUT => "no answer in time".to_owned(),
        _ => String::from_utf8_lossy(&text).into_owned(),
    }
}
