//! `GET /v1/diff?a=&b=`: the views of two spaces side by side.
//!
//! All of both is read, which may take longer than a request has. Then the answer is 202 and the same
//! question is asked again; it finds what was read meanwhile. A pair is read once for all who ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use eip_contract::Space;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use utoipa::{IntoParams, ToSchema};

use super::parameters::number;
use super::spaces::{blocking, parsed, unlisted};
use crate::api::Api;
use crate::asked::AsOf;
use crate::diff::{Diff, ROWS, RowDiff, Side, Sides};
use crate::openapi::Problems;
use crate::problem::Problem;

/// Differing rows in an answer unless told otherwise.
const USUAL: u32 = 100;
/// How long a request waits: it has ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);
/// For how long what was read is an answer although a side has moved on since: for as long as reading it
/// took, and no longer than this. Otherwise spaces that are written to would never have one.
const FRESH: Duration = Duration::from_secs(30);
/// Most pairs that are remembered or wait to be read.
const PAIRS: usize = 8;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    /// One space.
    #[param(value_type = String, required = true)]
    a: Option<String>,
    /// The other.
    #[param(value_type = String, required = true)]
    b: Option<String>,
    /// Most differing rows.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<String>,
}

/// What is being read and was.
#[derive(Default)]
struct Diffs {
    pairs: Mutex<BTreeMap<(Space, Space), Pair>>,
    /// One at a time is read.
    turn: Arc<tokio::sync::Mutex<()>>,
    tasks: TaskTracker,
}

#[derive(Clone)]
struct Pair {
    asked_at: Instant,
    /// None as long as it is being read.
    found: watch::Receiver<Option<Found>>,
}

#[derive(Clone)]
struct Found {
    at: Instant,
    diff: Result<Arc<Diff>, Problem>,
}

/// How two spaces differ.
#[derive(Serialize, ToSchema)]
pub(crate) struct DiffAnswer {
    as_of: AsOf,
    #[serde(flatten)]
    sides: Sides,
    /// Rows of the daily statistics that differ.
    rows: Vec<RowDiff>,
    /// How many differ beyond these.
    left_out: usize,
}

/// Both are being read.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotYet {
    as_of: AsOf,
    state: &'static str,
    /// For how long both have been read.
    seconds: u64,
}

/// The views of two spaces side by side. All of both is read: where that takes long the answer is 202, and the
/// same question is asked again.
#[utoipa::path(get, path = "/v1/diff", params(DiffQuery),
    responses((status = 200, body = DiffAnswer), (status = 202, body = NotYet), Problems))]
pub(crate) async fn diff(
    State(api): State<Api>,
    query: Result<Query<DiffQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let (a, b) = (
        given("a", query.a.as_deref())?,
        given("b", query.b.as_deref())?,
    );
    let limit = number("limit", query.limit.as_deref(), USUAL, ROWS as u32)? as usize;
    let spaces = api.spaces.clone();
    let asked = (a.clone(), b.clone());
    // Where they are now: what has not moved since it was read is not read again.
    let sides = blocking(move || {
        let listed = spaces.list().map_err(|error| unlisted(&error))?;
        for (field, space) in [("a", &asked.0), ("b", &asked.1)] {
            if !listed.contains(space) {
                let names: Vec<&str> = listed.iter().take(20).map(Space::name).collect();
                let detail = format!(
                    "{field}: there is no space {space}; there are {}",
                    names.join(", ")
                );
                return Err(Problem::new(StatusCode::NOT_FOUND, detail));
            }
        }
        let side = |space| Side::now(&spaces, space).map_err(|error| unread(&error));
        Ok([side(&asked.0)?, side(&asked.1)?])
    });
    let sides = sides.await??;
    let diffs = api.memory.of::<Diffs>();
    let mut pair = diffs.pair(&api, &(a, b), &sides)?;
    let found = tokio::time::timeout(PATIENCE, pair.found.wait_for(Option::is_some)).await;
    let as_of = AsOf::without_views(&api);
    let found = match found {
        Ok(Ok(found)) => found.clone().expect("it was waited for"),
        Ok(Err(_)) => {
            let detail = "the spaces cannot be compared now";
            return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail));
        }
        Err(_late) => {
            let not_yet = NotYet {
                as_of,
                state: "reading",
                seconds: pair.asked_at.elapsed().as_secs(),
            };
            let again = [(RETRY_AFTER, "2")];
            return Ok((StatusCode::ACCEPTED, again, Json(not_yet)).into_response());
        }
    };
    let diff = found.diff?;
    let rows: Vec<RowDiff> = diff.rows.iter().take(limit).cloned().collect();
    let answer = DiffAnswer {
        as_of,
        sides: diff.sides.clone(),
        left_out: diff.differing - rows.len(),
        rows,
    };
    Ok(Json(answer).into_response())
}

fn given(field: &'static str, text: Option<&str>) -> Result<Space, Problem> {
    let text = text.ok_or_else(|| Problem::bad_field(field, format!("{field} names a space")))?;
    parsed(field, text)
}

fn unread(error: &eip_stores::StoreError) -> Problem {
    let detail = error.chain();
    tracing::error!(error = detail, "the views of a space cannot be read");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

impl Diffs {
    /// The pair, which is read unless it is or was, and has not moved since.
    fn pair(&self, api: &Api, asked: &(Space, Space), now: &[Side; 2]) -> Result<Pair, Problem> {
        let mut pairs = self.pairs();
        if let Some(known) = pairs.get(asked)
            && known.is_good(now)
        {
            return Ok(known.clone());
        }
        if pairs.len() >= PAIRS {
            pairs.retain(|_, pair| pair.is_fresh());
        }
        if pairs.len() >= PAIRS {
            let detail = format!("{PAIRS} pairs of spaces are being compared already; ask later");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
        let (tell, found) = watch::channel(None);
        let turn = Arc::clone(&self.turn);
        let (spaces, (a, b)) = (api.spaces.clone(), asked.clone());
        self.tasks.spawn(async move {
            let _turn = turn.lock().await;
            let diff = blocking(move || Diff::of(&spaces, &a, &b)).await;
            let diff = diff.and_then(|diff| diff.map_err(|error| unread(&error)));
            let (at, diff) = (Instant::now(), diff.map(Arc::new));
            tell.send_replace(Some(Found { at, diff }));
        });
        let asked_at = Instant::now();
        let pair = Pair { asked_at, found };
        pairs.insert(asked.clone(), pair.clone());
        Ok(pair)
    }

    fn pairs(&self) -> MutexGuard<'_, BTreeMap<(Space, Space), Pair>> {
        // Every change is one step, so a panic elsewhere leaves it whole.
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pair {
    /// Whether it is being read, or what was read is an answer.
    fn is_good(&self, now: &[Side; 2]) -> bool {
        match &*self.found.borrow() {
            None => self.found.has_changed().is_ok(),
            Some(found) => match &found.diff {
                Ok(diff) => {
                    let took = found.at - self.asked_at;
                    let is_still = [&diff.sides.a, &diff.sides.b] == [&now[0], &now[1]];
                    is_still || found.at.elapsed() < took.min(FRESH)
                }
                Err(_) => false,
            },
        }
    }

    /// Whether it is being read or was a moment ago.
    fn is_fresh(&self) -> bool {
        match &*self.found.borrow() {
            None => self.found.has_changed().is_ok(),
            Some(found) => found.at.elapsed() < FRESH,
        }
    }
}
