//! `GET /v1/runs` and `/v1/runs/{id}`: the runs as the ledger shows them, without Ingest.
//!
//! What a run is at is known to the Ingest that executes it: when there is one and it answers in time, its
//! `progress` is shown; null otherwise. A run that the ledger does not have, and one of another space, is
//! Ingest's to answer about.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use eip_contract::{EventTime, Space};
use eip_runs::RunView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::ingest;
use crate::ledger::Runs;
use crate::openapi::Problems;
use crate::problem::Problem;

/// How long Ingest may take to say what runs are at.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpaceQuery {
    /// The space; that of this API without. Another one is passed on to Ingest.
    space: Option<String>,
}

impl SpaceQuery {
    /// Whether this API can answer from its own ledger.
    pub(crate) fn is_ours(
        api: &Api,
        query: Result<Query<Self>, QueryRejection>,
    ) -> Result<bool, Problem> {
        let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
        let Some(space) = query.space else {
            return Ok(api.ledger.is_known());
        };
        let space: Space = space
            .parse()
            .map_err(|bad| Problem::bad_field("space", format!("space: {bad}")))?;
        if space == api.space {
            return Ok(api.ledger.is_known());
        }
        if api.ingest.is_none() {
            let detail = format!("this API shows the space {}, not {space}", api.space);
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
        Ok(false)
    }
}

/// What an answer from the ledger is as of.
#[derive(Serialize, ToSchema)]
pub(crate) struct LedgerMoment {
    /// How many entries the ledger has.
    entries: usize,
    /// The wall clock, in the form of the event times.
    #[schema(format = DateTime)]
    wall: Option<String>,
}

impl LedgerMoment {
    pub(crate) fn of(api: &Api, runs: &Runs) -> Self {
        let wall = EventTime::from_seconds((api.wall_ms)() / 1_000);
        Self {
            entries: runs.entries,
            wall: wall.map(|wall| wall.to_string()),
        }
    }
}

/// All runs of the space, in the order in which they were first asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    ledger: LedgerMoment,
    runs: Vec<RunAnswer>,
}

/// One run.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunShown {
    /// Not `as_of`: a run has one of its own.
    ledger: LedgerMoment,
    #[serde(flatten)]
    run: RunAnswer,
}

/// A run as Ingest answers it too.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    space: String,
    #[serde(flatten)]
    view: RunView,
    /// `null` where nobody knows.
    #[schema(value_type = Option<Object>)]
    progress: Value,
}

impl RunAnswer {
    pub(crate) fn new(api: &Api, run: &eip_log::RunSummary, progress: Value) -> Self {
        Self {
            space: api.space.to_string(),
            view: RunView::new(run),
            progress,
        }
    }

    /// The input's report, with its samples, is part of one run's answer; a list would grow by it.
    pub(crate) fn short(mut self) -> Self {
        self.view.input = None;
        self
    }
}

/// All runs, as the ledger has them.
#[utoipa::path(get, operation_id = "runs", path = "/v1/runs", params(SpaceQuery),
    responses((status = 200, body = RunList), Problems))]
pub(crate) async fn list(
    State(api): State<Api>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    if !SpaceQuery::is_ours(&api, query)? {
        return ingest::pass_on(State(api), request).await;
    }
    let known = api.ledger.now().await?;
    let mut at = HashMap::new();
    if known.view.live().next().is_some() {
        let answer = asked(&api, "/v1/runs", &headers).await;
        for run in answer["runs"].as_array().into_iter().flatten() {
            if let Some(id) = run["run"].as_str() {
                at.insert(id.to_owned(), run["progress"].clone());
            }
        }
    }
    let runs = known.view.runs().iter().map(|run| {
        let progress = at.remove(run.run_id()).filter(|_| run.is_live());
        RunAnswer::new(&api, run, progress.unwrap_or_default()).short()
    });
    let runs = runs.collect();
    let ledger = LedgerMoment::of(&api, &known);
    Ok(Json(RunList { ledger, runs }).into_response())
}

/// One run, as the ledger has it.
#[utoipa::path(get, operation_id = "run", path = "/v1/runs/{id}",
    params(("id" = String, Path, description = "The run."), SpaceQuery),
    responses((status = 200, body = RunShown), Problems))]
pub(crate) async fn show(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Problem> {
    if !SpaceQuery::is_ours(&api, query)? {
        return ingest::pass_on(State(api), request).await;
    }
    let Path(id) = id.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let known = api.ledger.now().await?;
    let Some(run) = known.view.get(&id) else {
        if api.ingest.is_some() {
            // One that waits for its claim, or was refused.
            return ingest::pass_on(State(api), request).await;
        }
        let detail = format!("no run {id:?} in this space's ledger; /v1/runs lists them");
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    let progress = if run.is_live() {
        let answer = asked(&api, &format!("/v1/runs/{}", run.run_id()), &headers).await;
        answer["progress"].clone()
    } else {
        Value::Null
    };
    let run = RunAnswer::new(&api, run, progress);
    let ledger = LedgerMoment::of(&api, &known);
    Ok(Json(RunShown { ledger, run }).into_response())
}

/// What Ingest answers about this space's runs; null where it does not, or not in time.
async fn asked(api: &Api, path: &str, headers: &HeaderMap) -> Value {
    let Some(ingest) = &api.ingest else {
        return Value::Null;
    };
    let path = format!("{path}?space={}", api.space);
    ingest.look(&path, headers, PATIENCE).await
}
