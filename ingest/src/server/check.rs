//! `POST /v1/datasets/{name}/check`: what a dataset's folder is, and whether a run would begin with
//! it. A check reads whole files, so it needs the role that may start runs, and one runs at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use eip_http::openapi::Problems;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

use super::app::{App, blocking};
use super::body::{LimitValue, named_rules, read_json, time};
use super::executor::Clock;
use super::handlers::require_json;
use super::problem::Problem;
use crate::check::check_dataset;
use crate::run::Source;

/// After which another check may have ended.
const BUSY: Duration = Duration::from_secs(5);

/// The one check that may run.
pub(super) struct Checks {
    place: Arc<Semaphore>,
    clock: Clock,
}

impl Checks {
    pub(super) fn new(clock: Clock) -> Self {
        let place = Arc::new(Semaphore::new(1));
        Self { place, clock }
    }
}

/// A dataset in a path.
#[derive(IntoParams)]
#[into_params(names("name"), parameter_in = Path)]
pub(super) struct DatasetPath(
    /// The dataset's name.
    #[expect(dead_code, reason = "only its description is used")]
    String,
);

/// As what the data is read; all of it may be left out, and so may the body.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckBody {
    /// The rules' name; `default` without.
    rules: Option<String>,
    /// As of when the data is read; by default of the last that it tells.
    #[schema(format = DateTime)]
    as_of: Option<String>,
    /// Say that a run begins although so many rows of a table are rejected.
    max_rejected: Option<LimitValue>,
}

/// What a dataset is.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckAnswer {
    dataset: String,
    /// Why the folder cannot be read; `null`: it can.
    error: Option<String>,
    /// Why a run would stop before its first record; empty: it would begin, if there is no error.
    stops: Vec<String>,
    /// Orders accepted.
    orders: Option<u64>,
    /// Rows rejected, without repeated and replaced ones.
    rows_rejected: Option<u64>,
    /// The report for a person.
    text: String,
    /// The report: files, rows, times, joins, rejects, orders touched.
    #[schema(value_type = Object)]
    report: Value,
    /// The `dataset.toml` that would read the folder, when it needs one.
    dataset_toml: Option<String>,
}

/// Look at a dataset as a run would read it: what its files are, what would be rejected and why.
#[utoipa::path(post, path = "/v1/datasets/{name}/check", params(DatasetPath),
    request_body = Option<CheckBody>, responses((status = 200, body = CheckAnswer), Problems))]
pub(super) async fn dataset(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Path(name) = name.map_err(|error| Problem::bad_request(error.body_text()))?;
    let body = if body.is_empty() {
        CheckBody::default()
    } else {
        require_json(&headers)?;
        read_json(&body)?
    };
    let source = source(&app, name, &body)?;
    let place = Arc::clone(&app.checks.place).try_acquire_owned();
    let place = place.map_err(|_| Problem::too_many("another check is running", BUSY))?;
    let answer = blocking(move || {
        let answer = answer(&source, (app.checks.clock)());
        drop(place);
        Ok(answer)
    });
    Ok(Json(answer.await?).into_response())
}

fn source(app: &App, name: String, body: &CheckBody) -> Result<Source, Problem> {
    let names = &app.names;
    let folder = names.datasets.get(&name).ok_or_else(|| {
        let known: Vec<&str> = names.datasets.keys().map(String::as_str).collect();
        let detail = format!("no dataset {name:?}; there are {}", known.join(", "));
        Problem::no_such("dataset", detail)
    })?;
    let rules = named_rules(names, body.rules.as_deref().unwrap_or("default"))?;
    let as_of = body.as_of.as_deref().map(|text| time("as_of", text));
    Ok(Source {
        dataset: name,
        is_folder: false,
        data: folder.clone(),
        rules: rules.clone(),
        as_of: as_of.transpose()?,
        limits: names.limits,
        max_rejected: body.max_rejected.as_ref().map(LimitValue::as_limit),
    })
}

fn answer(source: &Source, now_ms: i64) -> CheckAnswer {
    let check = check_dataset(source, now_ms);
    let content = check.content();
    CheckAnswer {
        dataset: source.dataset.clone(),
        error: check.error().map(str::to_owned),
        stops: check.stop_texts(),
        orders: content.map(|content| content.orders),
        rows_rejected: content.map(|content| content.rows_rejected),
        text: check.to_string(),
        report: serde_json::to_value(&check.report).expect("a report is plain data"),
        dataset_toml: check.dataset_toml().map(str::to_owned),
    }
}
