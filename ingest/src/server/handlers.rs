//! Starting runs and looking at them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eip_http::health::{Dependency, ReadyQuery, State as Health, report};
use eip_http::openapi::Problems;
use eip_http::{Caller, Known, Page, Role};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::{
    App, RunAnswer, SpaceQuery, answer, known_answer, ledger, named_space, waiting_answer,
};
use super::asked::Asked;
use super::body::RunBody;
use super::executor::{Claim, LiveRun, NotTaken};
use super::openapi::{RunHeaders, RunPath};
use super::problem::Problem;
use super::spaces::{Missing, SpaceRuns};
use crate::run::{RunError, RunId, RunRequest, RunState, Task, is_same_request};

/// Longest Idempotency-Key.
const MAX_KEY_BYTES: usize = 255;
/// How long a claim is waited for before the run is answered without it.
const CLAIM: Duration = Duration::from_secs(20);

/// All runs of a space, in the order in which they were first asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct Runs {
    runs: Vec<RunAnswer>,
}

/// Whether the run ledger can be read.
#[utoipa::path(get, path = "/readyz", security(()), params(ReadyQuery),
    responses((status = 200, body = str), Problems))]
pub(super) async fn ready(
    State(app): State<Arc<App>>,
    known: Known,
    query: Result<Query<ReadyQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad_request(error.body_text()))?;
    if query.is_verbose() {
        // What it says may name machines.
        known.0?.require(Role::Read)?;
    }
    let runs = match app.space(None).await {
        Ok(runs) => ledger(&runs).await,
        Err(problem) => Err(problem),
    };
    if !query.is_verbose() {
        return runs.map(|_| "ok\n".into_response());
    }
    let log = match runs {
        Ok(ledger) => {
            let words = format!("its ledger has {} runs", ledger.runs().len());
            Dependency::new("log", Health::Ready, words)
        }
        Err(problem) => Dependency::new("log", Health::Away, problem.detail()),
    };
    Ok(report(&[log]))
}

/// What the service counts, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = str), Problems))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Page {
    let spaces = app.spaces.opened();
    let live = spaces.iter().map(|space| space.executor.all_live().len());
    let mut page = Page::new("eip_ingest");
    app.service.requests().write(&mut page);
    app.metrics.write(&mut page, live.sum());
    page
}

/// All runs, as the ledger tells them.
#[utoipa::path(get, path = "/v1/runs", params(SpaceQuery),
    responses((status = 200, body = Runs), Problems))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<SpaceQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let query = named_space(query)?;
    let space = app.space(query.space.as_deref()).await?;
    let mut live: BTreeMap<String, LiveRun> = BTreeMap::new();
    for run in space.executor.all_live() {
        live.insert(run.request.id.to_string(), run);
    }
    let ledger = ledger(&space).await?;
    let known = ledger.runs().iter().map(|run| {
        let live = live.remove(run.run_id());
        known_answer(&space, run, live.as_ref())
    });
    let mut runs: Vec<RunAnswer> = known.collect();
    runs.extend(live.values().map(|live| waiting_answer(&space, live)));
    // The input's report, with its samples, is part of one run's answer; a list would grow by it.
    for run in &mut runs {
        run.view.input = None;
    }
    Ok(Json(Runs { runs }).into_response())
}

/// One run.
#[utoipa::path(get, path = "/v1/runs/{id}", params(RunPath, SpaceQuery),
    responses((status = 200, body = RunAnswer), Problems))]
pub(super) async fn show(asked: Asked) -> Result<Response, Problem> {
    let answer = asked.answer().await?;
    // The owner knows how far it is.
    if answer.view.state.is_live() && answer.progress.is_none() {
        let passed = asked.pass_on(&answer, Method::GET, "", Vec::new()).await;
        if let Ok(Some(response)) = passed {
            return Ok(response);
        }
    }
    Ok(Json(answer).into_response())
}

/// Start a run. The same key and body again are the same run.
#[utoipa::path(post, path = "/v1/runs", params(RunHeaders), request_body = RunBody,
    responses((status = 202, body = RunAnswer, headers(("Location" = String))), Problems))]
pub(super) async fn start(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    require_json(&headers)?;
    let body = RunBody::read(&body)?;
    let (space, reason) = (body.space().map(ToOwned::to_owned), body.reason().cloned());
    // The whole body is checked before a space is made for it.
    let is_main = space
        .as_deref()
        .map_or(app.spaces.default.is_main(), |name| name == "main");
    let task = body.task(&app.names, is_main)?;
    caller.require(needed_role(&task))?;
    let missing = missing_space(&task);
    let (space, made_space) = app.space_for(space.as_deref(), missing).await?;
    let request = RunRequest {
        id: RunId::of_key(key),
        requester: caller.requester(header_text(&headers, "eip-requester")),
        origin: header_text(&headers, "eip-origin")
            .unwrap_or("http")
            .to_owned(),
        reason,
        task,
    };
    let run = request.id.clone();
    if let Some(claim) = take(&space, request).await? {
        claimed(claim).await?;
    }
    let location = space.run_path(&run, "");
    let answer = RunAnswer {
        made_space,
        ..answer(&space, &run).await?
    };
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(answer),
    )
        .into_response())
}

/// A correction of a space that is not there is a name with an error in it: nothing is there to be
/// corrected.
fn missing_space(task: &Task) -> Missing {
    match task {
        Task::Fast(_) | Task::Scaled(_) | Task::Rows(_) => Missing::Make,
        Task::Window(_) | Task::Revert(_) => {
            Missing::Refuse("; a window or revert run never makes one, a fast or scaled run does")
        }
    }
}

/// Has the run executed here, unless it has ended or another instance executes it.
async fn take(space: &Arc<SpaceRuns>, request: RunRequest) -> Result<Option<Claim>, Problem> {
    let run = request.id.clone();
    let reused = || Err(RunError::KeyReused { run: run.clone() }.into());
    let ledger = ledger(space).await?;
    if let Some(known) = ledger.get(run.as_str()) {
        if !is_same_request(known, &request) {
            return reused();
        }
        // An interrupted run goes on with the same words; any other state stands.
        if known.state() != RunState::Interrupted {
            return Ok(None);
        }
    }
    let kind = request.task.kind();
    if kind.excludes_others()
        && !request.task.is_dry()
        && let Some(winner) = ledger
            .exclusive()
            .filter(|one| one.run_id() != run.as_str())
        && let Ok(winner) = winner.run_id().parse()
    {
        return Err(RunError::Excluded { winner }.into());
    }
    match space.take(&ledger, request) {
        Ok(claim) => Ok(Some(claim)),
        Err(NotTaken::KeyReused) => reused(),
        Err(NotTaken::Excluded(winner)) => Err(RunError::Excluded { winner }.into()),
        Err(NotTaken::Full(most)) => {
            let detail = format!("{most} runs are live, which is the most of this instance");
            Err(Problem::too_many(detail, Duration::from_secs(5)))
        }
        Err(NotTaken::NoThread(error)) => Err(Problem::internal(&error.to_string())),
        Err(NotTaken::Closed) => {
            let detail = "this instance is going away; ask another, or later";
            Err(Problem::unavailable("closed", detail))
        }
    }
}

/// Waits for the claim, at most for as long as an answer may take.
async fn claimed(mut claim: Claim) -> Result<(), Problem> {
    let decided = tokio::time::timeout(CLAIM, claim.wait_for(Option::is_some)).await;
    match decided {
        // A sender that is gone without a word has panicked; the ledger tells what became of it.
        Err(_) | Ok(Err(_)) => Ok(()),
        Ok(Ok(decided)) => decided.clone().unwrap_or(Ok(())),
    }
}

/// What takes away more than the guards let anybody take away by accident needs a second look.
fn needed_role(task: &Task) -> Role {
    if task.raises_limits() {
        Role::Approve
    } else {
        Role::Replay
    }
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let key = keys
        .next()
        .filter(|_| keys.next().is_none())
        .and_then(|key| key.to_str().ok());
    let key = key.filter(|key| (1..=MAX_KEY_BYTES).contains(&key.len()));
    key.ok_or_else(|| {
        let detail = "one header Idempotency-Key of 1 to 255 printable characters is required; the \
                      same key always means the same run";
        Problem::new(StatusCode::BAD_REQUEST, "idempotency_key", detail)
    })
}

/// A page in a browser cannot send this type to another origin without asking first.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = header_text(headers, "content-type").unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "the body must be application/json";
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_json",
        detail,
    ))
}

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| text.len() <= 255)
}
