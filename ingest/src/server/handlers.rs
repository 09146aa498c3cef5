//! What each route does.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eip_log::LedgerView;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Role};
use super::body::{Names, RunBody};
use super::config::{ServeError, ServerConfig};
use super::metrics::Metrics;
use super::openapi::{Problems, RunHeaders, RunPath};
use super::problem::Problem;
use super::queue::{LiveRun, NotTaken, Queue};
use crate::rules::Rules;
use crate::run::{
    Ledger, Progress, RunError, RunId, RunRequest, RunState, RunView, Task, is_same_request,
};

/// Longest Idempotency-Key.
const MAX_KEY_BYTES: usize = 255;
/// When a client may come back to a full queue.
const RETRY_SECONDS: u32 = 5;

/// What all requests share.
pub(super) struct App {
    names: Names,
    queue: Queue,
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    metrics: Arc<Metrics>,
    max_live_runs: usize,
}

impl App {
    /// Reads the rules files once, and checks the names.
    pub(super) fn new(
        config: ServerConfig,
        queue: Queue,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServeError> {
        let mut rules = BTreeMap::from([("default".to_owned(), Rules::default())]);
        for (name, path) in config.rules {
            let loaded = Rules::load(&path);
            let loaded = loaded.map_err(|source| ServeError::Rules {
                name: name.clone(),
                source,
            })?;
            rules.insert(name, loaded);
        }
        for name in config.datasets.keys().chain(rules.keys()) {
            let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
            if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
                return Err(ServeError::BadName(name.clone()));
            }
        }
        Ok(Self {
            names: Names {
                datasets: config.datasets,
                rules,
                limits: config.limits,
            },
            queue,
            ledger: Mutex::new(Ledger::open(&config.log)?),
            clock: config.clock,
            metrics,
            max_live_runs: config.http.max_live_runs,
        })
    }

    /// The ledger as it is now.
    async fn ledger(self: &Arc<Self>) -> Result<LedgerView, Problem> {
        let app = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let mut ledger = app.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.read_on().map(|()| ledger.view())
        });
        match read.await {
            Ok(view) => Ok(view?),
            Err(error) => Err(internal(&error.to_string())),
        }
    }
}

/// A run as it is answered: what the ledger says, and what the thread is at.
#[derive(Serialize, ToSchema)]
pub(super) struct RunAnswer {
    #[serde(flatten)]
    view: RunView,
    progress: Option<Progress>,
}

/// All runs, in the order in which they were first asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct Runs {
    runs: Vec<RunAnswer>,
}

/// Whether the process answers.
#[utoipa::path(get, path = "/livez", security(()), responses((status = 200, body = str)))]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether runs can be executed and the ledger can be read.
#[utoipa::path(get, path = "/readyz", security(()), responses((status = 200, body = str), Problems))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if !app.queue.is_well() {
        return Err(gone());
    }
    let readable = app.ledger().await.map(|_| "ok\n");
    readable.map_err(|_| unreadable())
}

/// What the service counts, for Prometheus.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = str), Problems))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let live = app.queue.all_live().len();
    let page = app.metrics.page(live, app.queue.is_well());
    let form = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, form)], page).into_response()
}

/// All runs, as the ledger tells them.
#[utoipa::path(get, path = "/v1/runs", responses((status = 200, body = Runs), Problems))]
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let mut live: BTreeMap<String, LiveRun> = BTreeMap::new();
    for run in app.queue.all_live() {
        live.insert(run.request.id.to_string(), run);
    }
    let ledger = app.ledger().await?;
    let known = ledger.runs().iter().map(|run| {
        let live = live.remove(run.run_id());
        known_answer(run, live.as_ref())
    });
    let mut runs: Vec<RunAnswer> = known.collect();
    runs.extend(live.values().map(waiting_answer));
    Ok(Json(Runs { runs }).into_response())
}

/// One run.
#[utoipa::path(get, path = "/v1/runs/{id}", params(RunPath),
    responses((status = 200, body = RunAnswer), Problems))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let run = named_run(id)?;
    Ok(Json(answer(&app, &run).await?).into_response())
}

/// Cancel a run: a window or revert run then changes nothing.
#[utoipa::path(delete, path = "/v1/runs/{id}", params(RunPath),
    responses((status = 202, body = RunAnswer), Problems))]
pub(super) async fn cancel(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let run = named_run(id)?;
    let asked = app.queue.cancel(&run);
    let answer = answer(&app, &run).await?;
    if asked && answer.view.state.is_live() {
        return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
    }
    let detail = format!("run {run} has ended already: {}", answer.view.state);
    Err(Problem::new(StatusCode::CONFLICT, "ended", detail))
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
    let task = RunBody::read(&body)?.task(&app.names)?;
    caller.require(needed_role(&task))?;
    let request = RunRequest {
        id: RunId::of_key(key),
        requester: caller.requester(header_text(&headers, "eip-requester")),
        origin: header_text(&headers, "eip-origin")
            .unwrap_or("http")
            .to_owned(),
        task,
    };
    let run = request.id.clone();
    let reused = || Err(RunError::KeyReused { run: run.clone() }.into());
    let is_live = app.queue.live(&run).is_some();
    let ledger = app.ledger().await?;
    let ended = ledger.get(run.as_str()).filter(|_| !is_live);
    match ended.map(|known| (is_same_request(known, &request), known.state())) {
        Some((false, _)) => return reused(),
        // An interrupted run goes on with the same words; any other end stands.
        Some((true, state)) if state != RunState::Interrupted => {}
        _ if !is_live && app.queue.all_live().len() >= app.max_live_runs => {
            let detail = format!("{} runs are waiting or at work already", app.max_live_runs);
            return Err(Problem::too_many(detail, RETRY_SECONDS));
        }
        _ => match take(&app, &ledger, request) {
            Ok(()) => {}
            Err(NotTaken::KeyReused) => return reused(),
            Err(NotTaken::Excluded(winner)) => {
                let winner = winner.request.id.clone();
                return Err(RunError::Excluded { winner }.into());
            }
            Err(NotTaken::Closed) => return Err(gone()),
        },
    }
    let location = format!("/v1/runs/{run}");
    let answer = answer(&app, &run).await?;
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(answer),
    )
        .into_response())
}

/// Puts a run into the queue. A winner that the ledger shows as ended is on the board for a moment
/// longer and excludes nobody.
fn take(app: &App, ledger: &LedgerView, request: RunRequest) -> Result<(), NotTaken> {
    let now = (app.clock)();
    let attempt = ledger
        .get(request.id.as_str())
        .map_or(1, |known| known.last.attempt + 1);
    match app.queue.take(request.clone(), attempt, now) {
        Err(NotTaken::Excluded(winner)) if is_over(ledger, &winner) => {
            app.queue.forget(&winner.request.id);
            app.queue.take(request, attempt, now)
        }
        taken => taken,
    }
}

/// Whether the attempt on the board has ended.
fn is_over(ledger: &LedgerView, live: &LiveRun) -> bool {
    let known = ledger.get(live.request.id.as_str());
    known.is_some_and(|known| !known.is_live() && known.last.attempt >= live.attempt)
}

/// What takes away more than the guards let anybody take away by accident needs a second look.
fn needed_role(task: &Task) -> Role {
    let is_raised = match task {
        Task::Fast(_) => false,
        Task::Window(task) => task.limits.is_above_the_defaults(),
        Task::Revert(task) => task.force,
    };
    if is_raised {
        Role::Approve
    } else {
        Role::Replay
    }
}

/// Any other path.
pub(super) async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_path",
        "there is nothing at this path",
    )
}

/// Another method on a path that exists.
pub(super) async fn no_such_method() -> Problem {
    let detail = "this path does not take this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
}

/// A handler that panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the cause over"
)]
pub(super) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<&str>().copied().unwrap_or("no text");
    internal(text).into_response()
}

async fn answer(app: &Arc<App>, run: &RunId) -> Result<RunAnswer, Problem> {
    // The thread takes a run off the board only after its last entry is in the ledger, so one that
    // is not on the board is looked up after that.
    let live = app.queue.live(run);
    let ledger = app.ledger().await?;
    if let Some(known) = ledger.get(run.as_str()) {
        return Ok(known_answer(known, live.as_ref()));
    }
    match (live, app.queue.refusal(run)) {
        (Some(live), _) => Ok(waiting_answer(&live)),
        (None, Some(why)) => Err(Problem::new(
            StatusCode::CONFLICT,
            "refused",
            format!("run {run}: {why}"),
        )),
        (None, None) => Err(RunError::NoSuchRun(run.clone()).into()),
    }
}

/// A run that the ledger knows; an attempt that waits is further than the ledger.
fn known_answer(known: &eip_log::RunSummary, live: Option<&LiveRun>) -> RunAnswer {
    match live {
        Some(live) if live.attempt > known.last.attempt => waiting_answer(live),
        live => RunAnswer {
            view: RunView::new(known),
            progress: live.and_then(|live| live.progress),
        },
    }
}

fn waiting_answer(live: &LiveRun) -> RunAnswer {
    RunAnswer {
        view: RunView::waiting(&live.request, live.attempt, live.since_ms),
        progress: live.progress,
    }
}

fn named_run(id: Result<Path<String>, PathRejection>) -> Result<RunId, Problem> {
    let id = id.map_err(|error| Problem::bad_request(error.body_text()))?;
    let none = |_| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_run",
            "a run id is 16 hex digits",
        )
    };
    id.parse().map_err(none)
}

fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
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
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
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

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| text.len() <= 255)
}

fn unreadable() -> Problem {
    let detail = "the run ledger cannot be read; the log says more";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ledger", detail)
}

fn gone() -> Problem {
    let detail = "the thread that executes the runs is gone or going; restart the service";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "closed", detail)
}

fn internal(cause: &str) -> Problem {
    tracing::error!(cause, "a request failed");
    let detail = "the service failed; its log says more";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}
