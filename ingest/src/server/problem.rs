//! Answers that say no: `application/problem+json` (RFC 9457).

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::run::{RunError, RunId};

/// What went wrong, and whose turn it is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    /// Short fixed name, as a relative URI.
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// The run that goes first, in answers about a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
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

    pub(super) fn unprocessable(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        let (status, run) = match &error {
            RunError::BadRequest(_) => (StatusCode::UNPROCESSABLE_ENTITY, None),
            RunError::KeyReused { run } => (StatusCode::UNPROCESSABLE_ENTITY, Some(run)),
            RunError::NoSuchRun(_) => (StatusCode::NOT_FOUND, None),
            RunError::Excluded { winner } => (StatusCode::CONFLICT, Some(winner)),
            RunError::Ended { run, .. } => (StatusCode::CONFLICT, Some(run)),
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
        if let Some(seconds) = retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
