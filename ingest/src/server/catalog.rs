//! What runs may name, and what they last applied to: datasets, rules, coverage.
//!
//! Names and contents only: where a dataset or a rules file lies is the configuration's business.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use eip_http::openapi::Problems;
use eip_olist::FILES;
use eip_runs::CoveredDays;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::{App, SpaceQuery, blocking, named_space};
use super::problem::Problem;

/// A dataset as it lies there now.
#[derive(Serialize, ToSchema)]
struct DatasetAnswer {
    name: String,
    /// Whether all four files can be found.
    complete: bool,
    files: Vec<FileAnswer>,
}

#[derive(Serialize, ToSchema)]
struct FileAnswer {
    name: &'static str,
    /// `None`: it is not there.
    bytes: Option<u64>,
    /// Whether it is an archive; `bytes` are then the packed ones.
    packed: bool,
    /// Of the unpacked bytes, as in the ledger and the coverage; `None`: it cannot be read.
    sha256: Option<String>,
}

/// Hashes of files that have not changed since.
#[derive(Default)]
pub(super) struct Hashes(Mutex<HashMap<Version, String>>);

/// A file as it was: its path, length and time of change.
type Version = (PathBuf, u64, Option<SystemTime>);

/// Most hashes that are remembered.
const MAX_HASHES: usize = 1_024;

impl Hashes {
    /// One file is read at a time, so that asking often costs no more than asking once.
    fn of(&self, file: Version) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = known.get(&file) {
            return Some(hash.clone());
        }
        let hash = eip_olist::sha256_of(&file.0)
            .inspect_err(|error| tracing::warn!(%error, file = %file.0.display(), "no hash"))
            .ok()?;
        if known.len() >= MAX_HASHES {
            known.clear();
        }
        known.insert(file, hash.clone());
        Some(hash)
    }
}

/// All datasets.
#[derive(Serialize, ToSchema)]
pub(super) struct Datasets {
    datasets: Vec<DatasetAnswer>,
}

/// All rules.
#[derive(Serialize, ToSchema)]
pub(super) struct AllRules {
    rules: Vec<RulesAnswer>,
}

/// Rules by name and content.
#[derive(Serialize, ToSchema)]
struct RulesAnswer {
    name: String,
    /// Of their content, as in the ledger.
    sha256: String,
    assignment_delay_seconds: i64,
    promise: &'static str,
}

/// Which run last applied to each day, ascending and without an overlap.
// A generated Python class with a member of its own name does not type-check.
#[derive(Serialize, ToSchema)]
#[schema(as = CoverageByDays)]
pub(super) struct Coverage {
    coverage: Vec<CoveredDays>,
}

/// The datasets that runs may name.
#[utoipa::path(get, path = "/v1/datasets", responses((status = 200, body = Datasets), Problems))]
pub(super) async fn datasets(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let listed = blocking(move || {
        let all = app.names.datasets.iter();
        let all = all.map(|(name, folder)| dataset(name, folder, &app.hashes));
        Ok(Datasets {
            datasets: all.collect(),
        })
    });
    Ok(Json(listed.await?).into_response())
}

fn dataset(name: &str, folder: &Path, hashes: &Hashes) -> DatasetAnswer {
    let files = FILES.map(|name| file(folder, name, hashes));
    DatasetAnswer {
        name: name.to_owned(),
        complete: files.iter().all(|file| file.bytes.is_some()),
        files: files.into(),
    }
}

/// As a run would find it: the plain file before the archive.
fn file(folder: &Path, name: &'static str, hashes: &Hashes) -> FileAnswer {
    let plain = folder.join(name);
    let packed = folder.join(format!("{name}.gz"));
    let found = [(plain, false), (packed, true)];
    let mut found = found
        .into_iter()
        .filter_map(|(path, packed)| Some((std::fs::metadata(&path).ok()?, path, packed)));
    let Some((metadata, path, packed)) = found.next() else {
        return FileAnswer {
            name,
            bytes: None,
            packed: false,
            sha256: None,
        };
    };
    FileAnswer {
        name,
        bytes: Some(metadata.len()),
        packed,
        sha256: hashes.of((path, metadata.len(), metadata.modified().ok())),
    }
}

/// The rules that runs may name.
#[utoipa::path(get, path = "/v1/rules", responses((status = 200, body = AllRules), Problems))]
pub(super) async fn rules(State(app): State<Arc<App>>) -> Response {
    let rules = app.names.rules.iter().map(|(name, rules)| RulesAnswer {
        name: name.clone(),
        sha256: rules.sha256(),
        assignment_delay_seconds: rules.assignment_delay_seconds(),
        promise: rules.promise().name(),
    });
    let rules = rules.collect();
    Json(AllRules { rules }).into_response()
}

/// Per day of event time: the run, rules and data that were last applied to it.
#[utoipa::path(get, path = "/v1/coverage", params(SpaceQuery),
    responses((status = 200, body = Coverage), Problems))]
pub(super) async fn coverage(
    State(app): State<Arc<App>>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = named_space(query)?;
    let space = app.space(query.space.as_deref()).await?;
    let coverage = blocking(move || space.coverage()).await?;
    Ok(Json(Coverage { coverage }).into_response())
}
