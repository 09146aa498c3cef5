//! Answers that say no: `application/problem+json` (RFC 9457).
//!
//! A handler's own come as [`Problem`]; what axum and the layers refuse (a method, a query, a
//! timeout) is given the same form by [`render`], around all of them.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::run::{RunError, RunId};

const MEDIA_TYPE: &str = "application/problem+json";
/// Longest text of a foreign refusal that is passed on.
const MAX_FOREIGN_BYTES: usize = 4 << 10;

/// What went wrong, and whose turn it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    /// Short fixed name, as a relative URI.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What to know about this one.
    detail: String,
    /// The run that goes first, in answers about a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    run: Option<RunId>,
    /// In how many seconds to ask again; the header `Retry-After` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            detail: detail.into(),
            run: None,
            retry_after: None,
        }
    }

    /// What it says.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// There is no such thing: `no_such_<thing>`.
    pub(super) fn no_such(thing: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, &format!("no_such_{thing}"), detail)
    }

    /// Too much at once.
    pub(super) fn too_many(detail: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(retry_after)
    }

    /// With when to ask again.
    #[must_use]
    pub(super) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after.as_secs().max(1));
        self
    }

    /// Something that this needs is not there now.
    pub(super) fn unavailable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    /// A defect. The cause goes into the log alone.
    pub(super) fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed");
        let detail = "the service failed; its log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// No token, or not one that is known.
    pub(super) fn unauthorized(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    pub(super) fn unprocessable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let fixed_by: Option<RunId>;
        let (status, run) = match &error {
            RunError::BadRequest(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
            RunError::KeyReused { run } => (StatusCode::UNPROCESSABLE_ENTITY, Some(run)),
            RunError::NoSuchRun(_) => (StatusCode::NOT_FOUND, None),
            RunError::Excluded { winner } => (StatusCode::CONFLICT, Some(winner)),
            RunError::Ended { run, .. } => (StatusCode::CONFLICT, Some(run)),
            RunError::OtherDataset { run, .. } => {
                fixed_by = run.parse().ok();
                (StatusCode::CONFLICT, fixed_by.as_ref())
            }
            RunError::Log(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let run = run.cloned();
        let detail = match status {
            StatusCode::INTERNAL_SERVER_ERROR => {
                tracing::error!(error = error.chain(), "a request failed");
                "the service cannot read its own state; its log says more".to_owned()
            }
            StatusCode::SERVICE_UNAVAILABLE => error.chain(),
            _ => error.to_string(),
        };
        Self {
            run,
            ..Self::new(status, error.code(), detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("made from a status");
        let retry_after = self.retry_after;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static(r#"Bearer realm="eip ingest""#);
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// Gives refusals that are no [`Problem`] yet the form of one.
pub(super) async fn render(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_problem(response.headers()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = to_bytes(body, MAX_FOREIGN_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let (code, detail) = match status {
        StatusCode::GATEWAY_TIMEOUT => ("timeout", "no answer in time; look before trying again"),
        StatusCode::METHOD_NOT_ALLOWED => ("no_such_method", "the header Allow names the methods"),
        _ if text.is_empty() => ("bad_request", "the request is not what this takes"),
        _ => ("bad_request", &*text),
    };
    let mut response = Problem::new(status, code, detail).into_response();
    if let Some(methods) = parts.headers.get(header::ALLOW) {
        response
            .headers_mut()
            .insert(header::ALLOW, methods.clone());
    }
    response
}

fn is_problem(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE);
    media_type.is_some_and(|value| value.as_bytes() == MEDIA_TYPE.as_bytes())
}
