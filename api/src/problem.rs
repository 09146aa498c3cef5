//! What goes wrong in this service, as problems (RFC 9457): [`eip_http::Problem`] has their form.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use eip_stores::query::QueryError;

/// What went wrong with one request. Its short fixed name is that of its status, unless it has another.
#[derive(Clone, Debug)]
pub(crate) struct Problem(eip_http::Problem);

impl Problem {
    /// A problem with its status and what to know about it.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let words = status.canonical_reason().unwrap_or("error");
        let code = words.to_lowercase().replace([' ', '-'], "_");
        Self::named(status, code, detail)
    }

    /// The same under a name of its own.
    pub(crate) fn named(
        status: StatusCode,
        code: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self(eip_http::Problem::new(status, code.into(), detail))
    }

    /// The request cannot be read.
    pub(crate) fn bad_query(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// One parameter is not what it must be.
    pub(crate) fn bad_field(field: &'static str, detail: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self(eip_http::Problem::new(status, "bad_field", detail).field(field))
    }

    /// What there is to know about it.
    pub(crate) fn detail(&self) -> &str {
        self.0.detail()
    }
}

impl From<eip_http::Problem> for Problem {
    fn from(problem: eip_http::Problem) -> Self {
        Self(problem)
    }
}

impl Problem {
    /// It may be answered a little later.
    pub(crate) fn not_now(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }

    /// What the caller goes on from is not known any more: it has to begin again.
    pub(crate) fn reset(detail: impl Into<String>) -> Self {
        Self(eip_http::Problem::reset(detail))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let (status, code) = match error {
            QueryError::Broken(_) => (StatusCode::INTERNAL_SERVER_ERROR, "broken_views"),
            QueryError::NotYet => (StatusCode::SERVICE_UNAVAILABLE, "no_views"),
            QueryError::Format { .. } => (StatusCode::SERVICE_UNAVAILABLE, "other_format"),
            QueryError::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "store_away"),
        };
        if let QueryError::NotYet = error {
            tracing::debug!(%error, "not ready");
        } else {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the views cannot be read");
        }
        let problem = eip_http::Problem::new(status, code, error.to_string());
        Self(match error {
            QueryError::Unavailable { store, .. } => problem.store(store),
            _ => problem,
        })
    }
}
