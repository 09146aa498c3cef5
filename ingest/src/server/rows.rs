//! `POST /v1/rows`: pushed rows in, a verdict about each out, once the log has acknowledged.
//!
//! A push is read whole before anything is written, within its limits, and is then a run of its own
//! on its own writer, beside the runs that were posted. How many there are at once is what bounds
//! memory.

use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eip_http::openapi::Problems;
use eip_http::{BodyLimit, Caller, read, refused};
use eip_log::Log;
use flate2::read::MultiGzDecoder;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::IntoParams;

use super::app::{App, blocking};
use super::body::{day_range, named_rules, time};
use super::executor::{Clock as WallClock, HOLDER};
use super::handlers::{header_text, idempotency_key};
use super::limits::WorkLimits;
use super::openapi::RunHeaders;
use super::problem::Problem;
use super::spaces::Missing;
use crate::run::{
    Clock, Rows, RowsError, RowsLimits, RowsTask, RowsTerms, RunError, RunId, RunOutcome,
    RunRequest, RunState, Runner, Silent, Task,
};

/// Most pushes at once: each may hold its bytes, its rows and its answer.
const MAX_AT_ONCE: usize = 4;
/// After which a place may be free again.
const BUSY: Duration = Duration::from_secs(1);
/// After which a log that failed, or an owner that is gone, may be looked at again.
const UNWELL: Duration = Duration::from_secs(10);
/// Verdicts in one piece of the answer.
const VERDICTS_A_PIECE: usize = 1_000;
/// The types of a body of lines. A page in a browser cannot send them to another origin without
/// asking first.
const TYPES: [&str; 3] = [
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
];

/// How many pushes there may be, and how much each may bring.
pub(super) struct Counter {
    limits: RowsLimits,
    body: BodyLimit,
    places: Arc<Semaphore>,
}

impl Counter {
    pub(super) fn new(limits: WorkLimits, body_timeout: Duration) -> Self {
        Self {
            limits: RowsLimits {
                max_bytes: limits.max_rows_bytes as u64,
                max_rows: limits.max_rows,
                ..RowsLimits::default()
            },
            body: BodyLimit {
                bytes: limits.max_rows_bytes,
                timeout: body_timeout,
            },
            places: Arc::new(Semaphore::new(MAX_AT_ONCE)),
        }
    }
}

/// Where the pushes into one space are written.
pub(super) struct Desk {
    log: Log,
    clock: WallClock,
    owner_url: Option<String>,
    /// Those that no push uses now.
    runners: Mutex<Vec<Runner>>,
}

impl Desk {
    pub(super) fn new(log: Log, clock: WallClock, owner_url: Option<String>) -> Self {
        Self {
            log,
            clock,
            owner_url,
            runners: Mutex::default(),
        }
    }

    fn runner(&self) -> Result<Runner, RunError> {
        let clock = Arc::clone(&self.clock);
        let clock: Clock = Box::new(move || clock());
        let runner = Runner::open(self.log.clone(), HOLDER, clock)?;
        Ok(runner.at(self.owner_url.clone()))
    }

    /// Executes the run of a push, or finds that it has been.
    fn assert(&self, request: &RunRequest) -> Result<(), RunError> {
        let idle = self
            .runners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut runner = idle.map_or_else(|| self.runner(), Ok)?;
        let mut ended = runner.execute(request, &mut Silent);
        if matches!(&ended, Err(RunError::Excluded { winner }) if *winner == request.id) {
            // Somebody runs it, or did: opening a runner looks for owners that are gone.
            runner = self.runner()?;
            ended = runner.execute(request, &mut Silent);
        }
        if !matches!(ended, Err(RunError::Log(_))) {
            let mut idle = self.runners.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(runner);
        }
        match ended {
            Ok(RunOutcome {
                state: RunState::Committed,
                ..
            })
            | Err(RunError::Ended {
                state: RunState::Committed,
                ..
            }) => Ok(()),
            Ok(RunOutcome { run, state, .. }) => Err(RunError::Ended { run, state }),
            Err(error) => Err(error),
        }
    }
}

/// What a push says beside its rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsQuery {
    /// The space; the service's own without.
    space: Option<String>,
    /// The rules' name; there is no default.
    #[param(required)]
    rules: Option<String>,
    /// As of when the rows are read; there is no default.
    #[param(required, format = DateTime)]
    as_of: Option<String>,
    /// Cuts by eventAt: the first day.
    #[param(format = Date)]
    start: Option<String>,
    /// Cuts by eventAt: the day behind the last.
    #[param(format = Date)]
    end: Option<String>,
}

impl RowsQuery {
    fn terms(&self, app: &App) -> Result<RowsTerms, Problem> {
        let missing = |field: &str| {
            let detail = format!("{field} is missing: pushed rows name it, there is no default");
            Problem::unprocessable("missing_field", detail)
        };
        let rules = self.rules.as_deref().ok_or_else(|| missing("rules"))?;
        let as_of = self.as_of.as_deref().ok_or_else(|| missing("as_of"))?;
        Ok(RowsTerms {
            rules: named_rules(&app.names, rules)?.clone(),
            as_of: time("as_of", as_of)?,
            range: day_range(self.start.as_deref(), self.end.as_deref())?,
        })
    }
}

/// A run that did not come to its end. Whoever asks again with the same key goes on with it, unless
/// it ended otherwise.
fn not_ended(error: RunError) -> Problem {
    match &error {
        RunError::Log(_) => {
            tracing::error!(error = error.chain(), "pushed rows were not acknowledged");
            let detail = "the log did not acknowledge; the same key goes on";
            Problem::unavailable("log", detail).retry_after(UNWELL)
        }
        RunError::Excluded { .. } => Problem::from(error).retry_after(UNWELL),
        _ => error.into(),
    }
}

/// Push raw rows of the four files, a JSON object `{"file", "row"}` a line. Every row is answered with a
/// line once the log has acknowledged, and a last line tells the run.
#[utoipa::path(post, path = "/v1/rows", params(RunHeaders, RowsQuery),
    request_body(content = str, content_type = "application/x-ndjson"),
    responses((status = 200, body = str, content_type = "application/x-ndjson"), Problems))]
pub(super) async fn push(
    State(app): State<Arc<App>>,
    query: Result<Query<RowsQuery>, QueryRejection>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = RunId::of_key(idempotency_key(&headers)?);
    let Query(query) = query
        .map_err(|error| Problem::unprocessable("bad_field", error.body_text().to_lowercase()))?;
    require_lines(&headers)?;
    let packed = is_packed(&headers)?;
    let terms = query.terms(&app)?;
    let text_of = |name| header_text(&headers, name).map(str::to_owned);
    let requester = caller.requester(header_text(&headers, "eip-requester"));
    let origin = text_of("eip-origin").unwrap_or_else(|| "http".to_owned());
    let Ok(place) = Arc::clone(&app.rows.places).try_acquire_owned() else {
        let detail = format!("{MAX_AT_ONCE} pushes are being read and written; try again");
        return Err(Problem::too_many(detail, BUSY));
    };
    let missing = Missing::Make;
    let (space, made_space) = app.space_for(query.space.as_deref(), missing).await?;
    let bytes = match read(body, app.rows.body).await {
        Ok(bytes) => bytes,
        Err(problem) => return Ok(refused(problem)),
    };
    blocking(move || {
        // Kept until the work is done, even when nobody waits for the answer any more.
        let _place = place;
        let rows = judge(bytes, packed, terms, &app.rows.limits);
        let rows = Arc::new(rows.map_err(|error| problem_of(&error))?);
        let task = Task::Rows(RowsTask {
            rows: Arc::clone(&rows),
        });
        let request = RunRequest {
            id,
            requester,
            origin,
            reason: None,
            task,
        };
        space.desk.assert(&request).map_err(not_ended)?;
        let location = space.run_path(&request.id, "");
        Ok(answer(request.id, made_space, location, rows))
    })
    .await
}

fn judge(
    bytes: Bytes,
    packed: bool,
    terms: RowsTerms,
    limits: &RowsLimits,
) -> Result<Rows, RowsError> {
    let bytes = Cursor::new(bytes);
    if packed {
        Rows::read(MultiGzDecoder::new(bytes), terms, limits)
    } else {
        Rows::read(bytes, terms, limits)
    }
}

fn problem_of(error: &RowsError) -> Problem {
    let (status, code) = match error {
        RowsError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        RowsError::TooManyRows(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_many_rows"),
        RowsError::LineTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "line_too_long"),
        RowsError::TooDeep { .. } => (StatusCode::BAD_REQUEST, "too_deep"),
        RowsError::Broken(cause) => {
            let detail = format!("{error}: {cause}");
            return Problem::new(StatusCode::BAD_REQUEST, "bad_body", detail);
        }
    };
    Problem::new(status, code, error.to_string())
}

/// The last line of an answer.
#[derive(Serialize)]
struct Closing {
    run: RunId,
    /// There was no such space, and this push made it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    made_space: bool,
    state: RunState,
    accepted: u64,
    rejected: u64,
    events: u64,
}

/// One line a row, made piece by piece as they are sent, and the closing one.
fn answer(run: RunId, made_space: bool, location: String, rows: Arc<Rows>) -> Response {
    let counts = rows.counts();
    let mut closing = Closing {
        run,
        made_space,
        state: RunState::Committed,
        accepted: counts.accepted,
        rejected: counts.rejected,
        events: 0,
    };
    let pieces = (0..=rows.len())
        .step_by(VERDICTS_A_PIECE)
        .map(move |start| {
            let mut piece = Vec::new();
            let end = rows.len().min(start + VERDICTS_A_PIECE);
            for place in start..end {
                closing.events += rows.write_verdict(place, &mut piece) as u64;
            }
            if start + VERDICTS_A_PIECE > rows.len() {
                serde_json::to_writer(&mut piece, &closing).expect("a closing line is plain data");
                piece.push(b'\n');
            }
            Ok::<_, std::convert::Infallible>(piece)
        });
    let headers = [
        (header::CONTENT_TYPE, TYPES[0].to_owned()),
        (header::LOCATION, location),
    ];
    (headers, Body::from_stream(stream::iter(pieces))).into_response()
}

fn require_lines(headers: &HeaderMap) -> Result<(), Problem> {
    let given = header_text(headers, "content-type").unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let detail = format!("the body must be {}: one row a line", TYPES[0]);
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Problem::new(status, "not_lines", detail))
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    match header_text(headers, "content-encoding") {
        None => Ok(false),
        Some(name) if name.eq_ignore_ascii_case("identity") => Ok(false),
        Some(name) if name.eq_ignore_ascii_case("gzip") => Ok(true),
        Some(_) => {
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let detail = "Content-Encoding may be gzip or left out";
            Err(Problem::new(status, "bad_encoding", detail))
        }
    }
}
