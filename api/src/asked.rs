//! One question to the views: of which moment its answer is, and where the answer is kept.
//!
//! Every answer says what it is as of: the tick up to which searches find everything, the tick of the
//! rows, the greatest event time (data now, from which relative ranges count) and the wall clock.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use eip_contract::EventTime;
use eip_stores::query::Moment;
use serde::Serialize;

use crate::api::Api;
use crate::problem::Problem;

/// How long a tick is waited for that is not visible yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// What an answer is as of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AsOf {
    /// Searches find every document up to this tick.
    search_tick: u64,
    /// The rows are those of this tick.
    stats_tick: u64,
    /// The greatest event time in the views.
    data_now: Option<EventTimeText>,
    /// The wall clock, in the form of the event times.
    wall: Option<EventTimeText>,
}

#[derive(Clone, Debug)]
struct EventTimeText(EventTime);

impl Serialize for EventTimeText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A question that has its moment.
pub(crate) struct Asked<'a> {
    api: &'a Api,
    /// What is asked.
    pub(crate) moment: Moment,
    /// What relative ranges count from; none where there is no event.
    pub(crate) data_now: Option<EventTime>,
}

impl<'a> Asked<'a> {
    /// The present moment, or the first in which `min_tick` is visible.
    pub(crate) async fn begin(api: &'a Api, min_tick: Option<u64>) -> Result<Self, Problem> {
        let begun = Instant::now();
        let mut moment = loop {
            let moment = api.views.moment().await?;
            let visible = moment.visible_tick().min(moment.progress().tick);
            match min_tick {
                Some(wanted) if visible < wanted => {
                    if begun.elapsed() > PATIENCE {
                        let detail = format!("tick {wanted} is not visible yet; {visible} is");
                        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
                    }
                    drop(moment);
                    tokio::time::sleep(PAUSE).await;
                }
                _ => break moment,
            }
        };
        let data_now = data_now(api, &mut moment).await;
        Ok(Self {
            api,
            moment,
            data_now,
        })
    }

    /// The answer to `request` (which names all that it depends on): the kept one, or what `make`
    /// gives, an object; with what it is as of.
    pub(crate) async fn answer<T: Serialize>(
        self,
        request: &str,
        make: impl AsyncFnOnce(&mut Moment) -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        let body = self.body(request, make).await?;
        Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
    }

    /// The same as JSON text.
    pub(crate) async fn body<T: Serialize>(
        mut self,
        request: &str,
        make: impl AsyncFnOnce(&mut Moment) -> Result<T, Problem>,
    ) -> Result<Vec<u8>, Problem> {
        let as_of = self.as_of();
        let position = position(&self.moment);
        let moment = &mut self.moment;
        let content = async { json_bytes(&make(moment).await?) };
        let body = self.api.cache.answer(&position, request, content).await?;
        Ok(joined(&as_of, &body))
    }

    /// What it is as of, for an answer that is not kept: see [`uncached`].
    pub(crate) fn as_of(&self) -> AsOf {
        let wall = (self.api.wall_ms)() / 1_000;
        AsOf {
            search_tick: self.moment.visible_tick(),
            stats_tick: self.moment.progress().tick,
            data_now: self.data_now.map(EventTimeText),
            wall: EventTime::from_seconds(wall).map(EventTimeText),
        }
    }
}

/// What names a moment in the cache: an answer is never given for another one.
fn position(moment: &Moment) -> String {
    let progress = moment.progress();
    format!(
        "{}:{}.{}.{}",
        progress.topic_id,
        progress.epoch,
        progress.tick,
        moment.visible_tick()
    )
}

/// None as well where it cannot be found out: what does not need it is answered all the same, and what
/// does asks the same store.
async fn data_now(api: &Api, moment: &mut Moment) -> Option<EventTime> {
    let position = position(moment);
    let made = async {
        let latest = moment.latest_event().await?;
        json_bytes(&latest.map(EventTime::seconds))
    };
    let kept = api.cache.kept(&position, "data_now", made).await.ok()?;
    let seconds: Option<i64> = serde_json::from_slice(&kept).unwrap_or_default();
    seconds.and_then(EventTime::from_seconds)
}

/// An answer that follows from more than the views, so that none is kept for their ticks.
pub(crate) fn uncached(as_of: &AsOf, answer: &impl Serialize) -> Result<Response, Problem> {
    let body = joined(as_of, &json_bytes(answer)?);
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// An answer's JSON, as it is kept in the cache.
fn json_bytes(answer: &impl Serialize) -> Result<Bytes, Problem> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|error| {
            tracing::error!(%error, "an answer cannot be written as JSON");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the answer cannot be written",
            )
        })
}

/// One object of what an answer is as of and the members of its body.
fn joined(as_of: &AsOf, body: &[u8]) -> Vec<u8> {
    let members = body.strip_prefix(b"{").unwrap_or(body);
    let mut joined = b"{\"as_of\":".to_vec();
    serde_json::to_writer(&mut joined, as_of).expect("texts and numbers are JSON");
    if members != b"}" {
        joined.push(b',');
    }
    joined.extend_from_slice(members);
    joined
}
