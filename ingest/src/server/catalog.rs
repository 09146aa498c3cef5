//! What runs may name, and what they last applied to: datasets, rules, coverage.
//!
//! Names and contents only: where a dataset or a rules file lies is the configuration's business.

use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eip_olist::FILES;
use serde::Serialize;

use super::handlers::{App, internal};
use super::problem::Problem;
use crate::run::CoveredDays;

#[derive(Serialize)]
struct Datasets {
    datasets: Vec<DatasetAnswer>,
}

/// A dataset as it lies there now.
#[derive(Serialize)]
struct DatasetAnswer {
    name: String,
    /// Whether all four files can be found.
    complete: bool,
    files: Vec<FileAnswer>,
}

#[derive(Serialize)]
struct FileAnswer {
    name: &'static str,
    /// `None`: it is not there.
    bytes: Option<u64>,
    /// Whether it is an archive; `bytes` are then the packed ones.
    packed: bool,
}

/// `GET /v1/datasets`
pub(super) async fn datasets(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let listed = tokio::task::spawn_blocking(move || {
        let all = app.names.datasets.iter();
        let all = all.map(|(name, folder)| dataset(name, folder));
        Datasets {
            datasets: all.collect(),
        }
    });
    match listed.await {
        Ok(datasets) => Ok(Json(datasets).into_response()),
        Err(error) => Err(internal(&error.to_string())),
    }
}

fn dataset(name: &str, folder: &Path) -> DatasetAnswer {
    let files = FILES.map(|name| {
        let plain = length(&folder.join(name)).ok();
        let packed = length(&folder.join(format!("{name}.gz"))).ok();
        FileAnswer {
            name,
            bytes: plain.or(packed),
            packed: plain.is_none() && packed.is_some(),
        }
    });
    DatasetAnswer {
        name: name.to_owned(),
        complete: files.iter().all(|file| file.bytes.is_some()),
        files: files.into(),
    }
}

fn length(file: &Path) -> io::Result<u64> {
    Ok(std::fs::metadata(file)?.len())
}

/// `GET /v1/rules`
pub(super) async fn rules(State(app): State<Arc<App>>) -> Response {
    #[derive(Serialize)]
    struct Answer {
        rules: Vec<RulesAnswer>,
    }
    #[derive(Serialize)]
    struct RulesAnswer {
        name: String,
        sha256: String,
        assignment_delay_seconds: i64,
        promise: &'static str,
    }
    let rules = app.names.rules.iter().map(|(name, rules)| RulesAnswer {
        name: name.clone(),
        sha256: rules.sha256(),
        assignment_delay_seconds: rules.assignment_delay_seconds(),
        promise: rules.promise().name(),
    });
    let rules = rules.collect();
    Json(Answer { rules }).into_response()
}

/// `GET /v1/coverage`
pub(super) async fn coverage(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Answer {
        coverage: Vec<CoveredDays>,
    }
    let coverage = app.coverage().await?;
    Ok(Json(Answer { coverage }).into_response())
}
