//! Answers that say no: `application/problem+json` (RFC 9457).

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
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("/problems/{code}"),
            title: status.canonical_reason().unwrap_or("error"),
            status: status.as_u16(),
            detail: detail.into(),
            run: None,
        }
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
            _ => (StatusCode::INTERNAL_SERVER_ERROR, None),
        };
        let run = run.cloned();
        let detail = if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = error.chain(), "a request failed");
            "the service cannot read its own state; its log says more".to_owned()
        } else {
            error.to_string()
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
        let mut response = (status, axum::Json(self)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
