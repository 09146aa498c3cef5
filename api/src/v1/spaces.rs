//! `GET /v1/spaces`: the spaces of this place, how far the views of each are, and how much they hold.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use eip_contract::Space;
use eip_stores::{StoreError, ViewReader};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::number;
use crate::api::Api;
use crate::asked::AsOf;
use crate::openapi::Problems;
use crate::problem::Problem;
use crate::spaces::{ListError, Spaces};

/// Most spaces in an answer, and how many there are unless told otherwise.
const GREATEST: u32 = 200;
const USUAL: u32 = 20;
/// How long looking at them may take: a request has ten seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// For how long what was seen is shown again.
const FRESH: Duration = Duration::from_secs(5);

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpacesQuery {
    /// Only this one.
    space: Option<String>,
    /// Most spaces.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 20)]
    limit: Option<String>,
}

/// What was asked last, and when it was seen.
#[derive(Default)]
struct LastLook {
    turn: tokio::sync::Mutex<()>,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone)]
struct Seen {
    at: Instant,
    asked: (Option<Space>, usize),
    found: Arc<Found>,
}

/// The spaces that were asked for.
struct Found {
    spaces: Vec<SpaceAnswer>,
    left_out: usize,
}

/// The spaces of this place, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpacesAnswer {
    as_of: AsOf,
    spaces: Vec<SpaceAnswer>,
    /// How many there are beyond these.
    left_out: usize,
}

/// A space.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SpaceAnswer {
    space: String,
    /// Whether this API answers from it.
    is_this: bool,
    /// Whether it has a log; null where that cannot be found out.
    has_log: Option<bool>,
    views: Option<ViewsAnswer>,
    /// Why `views` is null.
    why: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct ViewsAnswer {
    /// Of the tables; another format is not read.
    format: u32,
    topic_id: String,
    epoch: u64,
    stats_tick: u64,
    /// Null where nobody tells, and then all of `stats_tick` is.
    visible_tick: Option<u64>,
    /// Documents or rows by view.
    counts: BTreeMap<String, u64>,
    dead_letters: u64,
}

/// The spaces of this place, how far the views of each are, and how much they hold.
#[utoipa::path(get, path = "/v1/spaces", params(SpacesQuery),
    responses((status = 200, body = SpacesAnswer), Problems))]
pub(crate) async fn spaces(
    State(api): State<Api>,
    query: Result<Query<SpacesQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|bad| Problem::bad_query(bad.body_text()))?;
    let limit = number("limit", query.limit.as_deref(), USUAL, GREATEST)? as usize;
    let only = query.space.as_deref().map(|space| parsed("space", space));
    let found = look(&api, (only.transpose()?, limit)).await?;
    let answer = SpacesAnswer {
        as_of: AsOf::without_views(&api),
        spaces: found.spaces.clone(),
        left_out: found.left_out,
    };
    Ok(Json(answer).into_response())
}

/// A space's name.
pub(super) fn parsed(field: &'static str, text: &str) -> Result<Space, Problem> {
    text.parse()
        .map_err(|bad| Problem::bad_field(field, format!("{field}: {bad}")))
}

/// Those that are asked for, as they are now or were a few seconds ago. One looks at a time.
async fn look(api: &Api, asked: (Option<Space>, usize)) -> Result<Arc<Found>, Problem> {
    let looked = api.memory.of::<LastLook>();
    let _turn = looked.turn.lock().await;
    let last = || looked.seen.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(seen) = &*last()
        && seen.at.elapsed() < FRESH
        && seen.asked == asked
    {
        return Ok(Arc::clone(&seen.found));
    }
    let (spaces, ours) = (api.spaces.clone(), api.space.clone());
    let (only, limit) = asked.clone();
    let found = blocking(move || find(&spaces, &ours, only.as_ref(), limit)).await?;
    let found = Arc::new(found.map_err(|error| unlisted(&error))?);
    *last() = Some(Seen {
        at: Instant::now(),
        asked,
        found: Arc::clone(&found),
    });
    Ok(found)
}

/// Does what waits for a store on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|panic| {
        tracing::error!(%panic, "looking at the spaces panicked");
        let detail = "the spaces cannot be looked at";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })
}

pub(super) fn unlisted(error: &ListError) -> Problem {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "the spaces cannot be listed");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn find(
    spaces: &Spaces,
    ours: &Space,
    only: Option<&Space>,
    limit: usize,
) -> Result<Found, ListError> {
    let until = Instant::now() + PATIENCE;
    let mut listed = spaces.list()?;
    let with_log = spaces.with_log(&listed);
    if let Ok(with_log) = &with_log {
        listed.extend(with_log.iter().cloned());
        listed.sort_unstable();
        listed.dedup();
    }
    listed.retain(|space| only.is_none_or(|only| only == space));
    let left_out = listed.len().saturating_sub(limit);
    listed.truncate(limit);
    let answers = listed.into_iter().map(|space| {
        let views = if Instant::now() < until {
            views(spaces, &space).map_err(|error| error.chain())
        } else {
            Err("there are too many spaces to look at all of them in time".to_owned())
        };
        let (views, why) = match views {
            Ok(views) => (Some(views), None),
            Err(why) => (None, Some(why)),
        };
        let has_log = with_log.as_ref().ok();
        SpaceAnswer {
            is_this: space == *ours,
            has_log: has_log.map(|with_log| with_log.contains(&space)),
            space: space.to_string(),
            views,
            why,
        }
    });
    Ok(Found {
        spaces: answers.collect(),
        left_out,
    })
}

fn views(spaces: &Spaces, space: &Space) -> Result<ViewsAnswer, StoreError> {
    spaces.open(space)?.snapshot(|reader: &mut ViewReader| {
        let progress = reader.progress()?.unwrap_or_else(nothing_written);
        let counts = reader.counts()?;
        let named = counts.views.into_iter();
        let named = named.map(|(view, count)| (view.to_owned(), count));
        Ok(ViewsAnswer {
            format: spaces.format(),
            topic_id: progress.topic_id,
            epoch: progress.epoch,
            stats_tick: progress.tick,
            visible_tick: reader.visible_tick()?,
            dead_letters: counts.dead_letters,
            counts: named.collect(),
        })
    })
}

/// The progress of views that no dataflow has begun to write.
fn nothing_written() -> eip_stores::Progress {
    eip_stores::Progress {
        epoch: 0,
        tick: 0,
        offsets: Vec::new(),
        last: Vec::new(),
        topic_id: String::new(),
    }
}
