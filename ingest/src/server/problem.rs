//! What went wrong with a run, as an answer that says no.

use axum::http::StatusCode;

pub(super) use eip_http::Problem;

use crate::run::{RunError, RunId};

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
        let problem = Self::new(status, error.code().to_owned(), detail);
        match run {
            Some(run) => problem.run(run.to_string()),
            None => problem,
        }
    }
}
