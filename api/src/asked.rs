//! One question to the views: of which moment its answer is, whether the caller has it already, and where
//! it is kept.
//!
//! Every answer says what it is as of: the tick up to which searches find everything, the tick of the
//! rows, data now (from which relative ranges count: the simulated clock of the replay that is running, else
//! the greatest event time in the views) and the wall clock.
//!
//! A question is named by all that its answer depends on besides the moment, in one spelling: the typed
//! query, never its text. With the moment that makes the key of the cache and the answer's `ETag`. Where
//! the views stand is asked for at most once in [`crate::ApiConfig::fresh`], so a caller that has the
//! answer already (304), or an answer that is kept, asks no store in between.

mod known;
mod look;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use eip_contract::EventTime;
use eip_stores::query::Moment;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use known::{Conditional, IfNoneMatch};

use crate::api::Api;
use crate::cache::{Kept, Key};
use crate::present::{DataNowFrom, Present};
use crate::problem::Problem;
use known::tag;

/// An answer is the caller's own, and must be asked for again, which a tag makes cheap.
const KEEPING: HeaderValue = HeaderValue::from_static("private, no-cache");

/// An answer with what it is as of.
#[derive(Serialize, ToSchema)]
pub(crate) struct Answer<T> {
    as_of: AsOf,
    #[serde(flatten)]
    content: T,
}

/// What an answer is as of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AsOf {
    /// Searches find every document up to this tick; none where the views cannot be read.
    search_tick: Option<u64>,
    /// The rows are those of this tick; none likewise.
    stats_tick: Option<u64>,
    /// What relative ranges count from.
    #[schema(value_type = Option<String>, format = DateTime)]
    data_now: Option<EventTimeText>,
    /// Where that comes from; none where it is not known.
    data_now_from: Option<DataNowFrom>,
    /// The wall clock, in the form of the event times.
    #[schema(value_type = Option<String>, format = DateTime)]
    wall: Option<EventTimeText>,
}

#[derive(Clone, Debug)]
struct EventTimeText(EventTime);

impl Serialize for EventTimeText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// What is asked.
pub(crate) struct Question {
    /// All that the answer depends on besides the moment, in one spelling.
    name: String,
    min_tick: Option<u64>,
    known: Option<IfNoneMatch>,
}

impl Question {
    /// A question of this name.
    pub(crate) fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            min_tick: None,
            known: None,
        }
    }

    /// Waits until this tick is visible.
    #[must_use]
    pub(crate) fn at_least(mut self, min_tick: Option<u64>) -> Self {
        self.min_tick = min_tick;
        self
    }

    /// Answers only what the caller does not have already.
    #[must_use]
    pub(crate) fn unless(mut self, known: IfNoneMatch) -> Self {
        self.known = Some(known);
        self
    }
}

/// A question that has its moment.
pub(crate) struct Asked {
    /// What is asked.
    pub(crate) moment: Moment,
    present: Present,
}

impl Asked {
    /// The present moment, or the first in which `min_tick` is visible.
    pub(crate) async fn begin(api: &Api, min_tick: Option<u64>) -> Result<Self, Problem> {
        let (present, moment) = Box::pin(api.present(min_tick, true)).await?;
        match moment {
            Some(moment) => Ok(Self { moment, present }),
            None => Self::now(api).await,
        }
    }

    /// The present moment.
    async fn now(api: &Api) -> Result<Self, Problem> {
        let (present, moment) = api.look().await?;
        Ok(Self { moment, present })
    }

    /// What relative ranges count from; none where there is no event. A problem where the store that
    /// knows it did not answer.
    pub(crate) fn data_now(&self) -> Result<Option<EventTime>, Problem> {
        self.present.data_now()
    }

    /// What it is as of, for an answer that is not kept: see [`uncached`].
    pub(crate) fn as_of(&self, api: &Api) -> AsOf {
        AsOf::of(&self.present, api)
    }
}

impl AsOf {
    fn of(present: &Present, api: &Api) -> Self {
        Self {
            search_tick: Some(present.search_tick),
            stats_tick: Some(present.stats_tick),
            data_now: present.data_now().ok().flatten().map(EventTimeText),
            data_now_from: present.data_now_from(),
            ..Self::without_views(api)
        }
    }

    /// What an answer is as of that knows nothing of the views.
    pub(crate) fn without_views(api: &Api) -> Self {
        let wall = (api.wall_ms)() / 1_000;
        Self {
            search_tick: None,
            stats_tick: None,
            data_now: None,
            data_now_from: None,
            wall: EventTime::from_seconds(wall).map(EventTimeText),
        }
    }
}

impl Api {
    /// The answer to a question: that the caller has it already, the kept one, or what `make` returns,
    /// an object; with what it is as of.
    pub(crate) async fn answer<T: Serialize>(
        &self,
        question: Question,
        make: impl AsyncFnOnce(&mut Asked) -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        let known = question.known.clone();
        let again = known.as_ref().is_some_and(IfNoneMatch::wants_look);
        let (present, moment) = Box::pin(self.present(question.min_tick, again)).await?;
        let key = Key::of(&self.space, &present, &question.name);
        if known.as_ref().is_some_and(|known| known.has(&tag(key))) {
            return Ok(unchanged(key));
        }
        let kept = Box::pin(self.kept(key, present, moment, make)).await?;
        // It may be of a later moment.
        let key = Key::of(&self.space, &kept.present, &question.name);
        let Some(known) = known else {
            let headers = [(CONTENT_TYPE, "application/json")];
            return Ok((headers, self.stated(&kept)).into_response());
        };
        if known.has(&tag(key)) || known.has_any() {
            return Ok(unchanged(key));
        }
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, KEEPING),
            (ETAG, tag(key)),
        ];
        Ok((headers, self.stated(&kept)).into_response())
    }

    /// The same as JSON text, with the tick up to which searches found everything.
    pub(crate) async fn text<T: Serialize>(
        &self,
        question: Question,
        make: impl AsyncFnOnce(&mut Asked) -> Result<T, Problem>,
    ) -> Result<(u64, String), Problem> {
        let (present, moment) = Box::pin(self.present(question.min_tick, true)).await?;
        let key = Key::of(&self.space, &present, &question.name);
        let kept = Box::pin(self.kept(key, present, moment, make)).await?;
        let text = String::from_utf8(self.stated(&kept)).expect("JSON is UTF-8");
        Ok((kept.present.search_tick, text))
    }

    async fn kept<T: Serialize>(
        &self,
        key: Key,
        present: Present,
        moment: Option<Moment>,
        make: impl AsyncFnOnce(&mut Asked) -> Result<T, Problem>,
    ) -> Result<Kept, Problem> {
        let making = async {
            let mut asked = match moment {
                Some(moment) => Asked { moment, present },
                None => Asked::now(self).await?,
            };
            let body = json_bytes(&make(&mut asked).await?)?;
            let present = asked.present;
            Ok(Kept { present, body })
        };
        self.cache.answer(key, making).await
    }

    /// One object of what an answer is as of and the members of its body.
    fn stated(&self, kept: &Kept) -> Vec<u8> {
        joined(&AsOf::of(&kept.present, self), &kept.body)
    }
}

/// An answer that follows from more than the views, so that none is kept for their ticks.
pub(crate) fn uncached(as_of: &AsOf, answer: &impl Serialize) -> Result<Response, Problem> {
    let body = joined(as_of, &json_bytes(answer)?);
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
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

/// The caller has it already.
fn unchanged(key: Key) -> Response {
    let headers = [(CACHE_CONTROL, KEEPING), (ETAG, tag(key))];
    (StatusCode::NOT_MODIFIED, headers).into_response()
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
