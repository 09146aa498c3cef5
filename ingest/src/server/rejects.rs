//! The rejected rows of a run, page by page: `GET /v1/runs/{id}/rejects`.
//!
//! They are in the run's folder on the machine of the instance that read the input; others ask it. A
//! run that took its events from the cache shows those of the run that converted the files.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{self, Query, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use eip_http::openapi::Problems;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::app::{App, RunAnswer, SpaceQuery, blocking, named_run};
use super::asked::Asked;
use super::openapi::RunPath;
use super::problem::Problem;
use crate::run::{InputReport, REJECTS, RunId, run_file};

/// Most rejects of a page.
const MOST: u64 = 1_000;
/// Rejects of a page when nothing is said.
const USUAL: u64 = 100;

/// Which rejects of a run.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// The space; the service's own without.
    space: Option<String>,
    /// How many; 100 without.
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u64>,
    /// How many to pass over: `next` of the page before.
    offset: Option<u64>,
}

/// A rejected row, as its line of `rejects.ndjson` says it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct RejectedRow {
    /// Name of the file.
    file: String,
    /// Line on which the row begins; of a Parquet file the row.
    line: u64,
    /// Line on which it ends, where that is another one.
    last_line: Option<u64>,
    /// The column; empty when the row as a whole is wrong.
    field: String,
    /// Short fixed name of what is wrong.
    reason: String,
    /// What the field holds, or how the row begins.
    value: Option<String>,
    /// The row's order, when that could be read.
    order_id: Option<String>,
    /// Of an order that goes with another row: that row.
    because_of: Option<RejectedPlace>,
}

/// Where a row is.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
struct RejectedPlace {
    /// Name of the file.
    file: String,
    /// Line on which the row begins.
    line: u64,
}

/// A page of rejected rows, in the order of the files.
#[derive(Serialize, ToSchema)]
pub(super) struct RejectsPage {
    /// The run.
    run: String,
    /// The run that read the files, when this one took its events from the cache.
    converted_by: Option<String>,
    /// How many rows were rejected.
    rejected: u64,
    /// How many of them are kept; the others are only counted.
    kept: u64,
    /// File, line, field, reason, the value seen, and the order where it is known.
    #[schema(value_type = Vec<RejectedRow>)]
    rejects: Vec<Box<RawValue>>,
    /// The offset of the next page; `null` after the last.
    next: Option<u64>,
}

/// The rows that a run rejected, and why.
#[utoipa::path(get, path = "/v1/runs/{id}/rejects", params(RunPath, Page),
    responses((status = 200, body = RejectsPage), Problems))]
pub(super) async fn rejects(
    State(app): State<Arc<App>>,
    id: Result<extract::Path<String>, PathRejection>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(page) = page.map_err(|error| Problem::bad_request(error.body_text()))?;
    let query = SpaceQuery { space: page.space };
    let asked = Asked::new(&app, named_run(id)?, &query, headers).await?;
    let limit = page.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let detail = format!("limit: {limit} is not from 1 to {MOST}");
        return Err(Problem::unprocessable("bad_field", detail));
    }
    let offset = page.offset.unwrap_or(0);
    let answer = asked.answer().await?;
    let (path, converted_by) = file_of(&asked, &answer);
    let report = InputReport::of_json(answer.view.input.as_ref()).unwrap_or_default();
    let found = blocking(move || read(&path, offset, limit)).await?;
    let Some(Found { rejects, kept }) = found else {
        let part = format!("/rejects?limit={limit}&offset={offset}");
        let passed = asked.pass_on(&answer, Method::GET, &part, Vec::new());
        if let Some(response) = passed.await? {
            return Ok(response);
        }
        if report.rows_rejected() > 0 {
            let detail = format!(
                "run {} rejected {} rows; their list is not on this machine, and input.rejects of \
                 the run has samples",
                answer.view.run,
                report.rows_rejected()
            );
            return Err(Problem::no_such("file", detail));
        }
        return Ok(Json(RejectsPage {
            run: answer.view.run,
            converted_by,
            rejected: 0,
            kept: 0,
            rejects: Vec::new(),
            next: None,
        })
        .into_response());
    };
    let end = offset.saturating_add(rejects.len() as u64);
    Ok(Json(RejectsPage {
        run: answer.view.run,
        converted_by,
        rejected: report.rows_rejected().max(kept),
        kept,
        rejects,
        next: (end < kept).then_some(end),
    })
    .into_response())
}

/// Where the rejects are, and which other run left them there.
fn file_of(asked: &Asked, answer: &RunAnswer) -> (PathBuf, Option<String>) {
    let log = &asked.space.log;
    let converted_by = answer.view.cached_run.clone();
    let run: RunId = match converted_by.as_deref().map(str::parse) {
        Some(Ok(run)) => run,
        _ => asked.run.clone(),
    };
    (run_file(log, &run, REJECTS), converted_by)
}

/// What a file of rejects has.
struct Found {
    rejects: Vec<Box<RawValue>>,
    /// How many there are, on the page or not.
    kept: u64,
}

/// So many rejects from there on; `None` when there is no file.
fn read(path: &Path, offset: u64, limit: u64) -> Result<Option<Found>, Problem> {
    let failed = |error: io::Error| Problem::internal(&format!("{}: {error}", path.display()));
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut found = Found {
        rejects: Vec::new(),
        kept: 0,
    };
    for line in BufReader::new(file).lines() {
        let line = line.map_err(failed)?;
        if found.kept >= offset && found.kept - offset < limit {
            let reject = RawValue::from_string(line);
            found
                .rejects
                .push(reject.map_err(|error| failed(error.into()))?);
        }
        found.kept += 1;
    }
    Ok(Some(found))
}
