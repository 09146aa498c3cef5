//! What each route does.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eip_log::LedgerView;
use serde::Serialize;

use super::body::{Names, RunBody};
use super::catalog::Hashes;
use super::config::{ServeError, ServerConfig};
use super::problem::Problem;
use super::queue::{LiveRun, NotTaken, Queue};
use super::rows::Desk;
use crate::rules::Rules;
use crate::run::{
    CoveredDays, Ledger, Progress, RunError, RunId, RunRequest, RunState, RunView, is_same_request,
};

/// Longest Idempotency-Key.
const MAX_KEY_BYTES: usize = 255;

/// What all requests share.
pub(super) struct App {
    pub(super) names: Names,
    queue: Queue,
    ledger: Mutex<Ledger>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    pub(super) rows: Desk,
    pub(super) hashes: Hashes,
}

impl App {
    /// Reads the rules files once, and checks the names.
    pub(super) fn new(config: ServerConfig, queue: Queue) -> Result<Self, ServeError> {
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
            rows: Desk::new(config.log, Arc::clone(&config.clock)),
            clock: config.clock,
            hashes: Hashes::default(),
        })
    }

    /// The ledger as it is now.
    async fn ledger(self: &Arc<Self>) -> Result<LedgerView, Problem> {
        self.of_ledger(Ledger::view).await
    }

    /// Which run last applied to each day of event time.
    pub(super) async fn coverage(self: &Arc<Self>) -> Result<Vec<CoveredDays>, Problem> {
        self.of_ledger(Ledger::coverage).await
    }

    async fn of_ledger<T: Send + 'static>(
        self: &Arc<Self>,
        tell: fn(&Ledger) -> T,
    ) -> Result<T, Problem> {
        let app = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let mut ledger = app.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.read_on().map(|()| tell(&ledger))
        });
        match read.await {
            Ok(told) => Ok(told?),
            Err(error) => Err(internal(&error.to_string())),
        }
    }
}

/// A run as it is answered: what the ledger says, and what the thread is at.
#[derive(Serialize)]
struct RunAnswer {
    #[serde(flatten)]
    view: RunView,
    progress: Option<Progress>,
}

/// `GET /healthz`
pub(super) async fn health(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.queue.is_well() {
        Ok("ok\n")
    } else {
        Err(gone())
    }
}

/// `GET /v1/runs`
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Runs {
        runs: Vec<RunAnswer>,
    }
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

/// `GET /v1/runs/{id}`
pub(super) async fn show(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let run = named_run(id)?;
    Ok(Json(answer(&app, &run).await?).into_response())
}

/// `DELETE /v1/runs/{id}`
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

/// `POST /v1/runs`
pub(super) async fn start(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    require_json(&headers)?;
    let body = body.map_err(|error| {
        Problem::new(error.status(), "bad_body", error.body_text().to_lowercase())
    })?;
    let request = RunRequest {
        id: RunId::of_key(key),
        requester: header_text(&headers, "eip-requester")
            .unwrap_or("anonymous")
            .to_owned(),
        origin: header_text(&headers, "eip-origin")
            .unwrap_or("http")
            .to_owned(),
        task: RunBody::read(&body)?.task(&app.names)?,
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

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| text.len() <= 255)
}

fn gone() -> Problem {
    let detail = "the thread that executes the runs is gone or going; restart the service";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "closed", detail)
}

pub(super) fn internal(cause: &str) -> Problem {
    tracing::error!(cause, "a request failed");
    let detail = "the service failed; its log says more";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}
