//! Where the views stand, and what was seen of that last.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::StatusCode;
use eip_contract::EventTime;
use eip_stores::query::Moment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A moment of the views, by all that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Present {
    topic_id: String,
    epoch: u64,
    /// The rows are those of this tick.
    pub(crate) stats_tick: u64,
    /// Searches find every document up to this tick.
    pub(crate) search_tick: u64,
    /// What relative ranges count from.
    pub(crate) data_now: DataNow,
}

/// Where data now comes from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DataNowFrom {
    /// The simulated clock of the replay that is running.
    Replay,
    /// The greatest event time in the views.
    Views,
}

/// What relative ranges count from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DataNow {
    /// The simulated clock of the replay that is running.
    Replay(EventTime),
    /// The greatest event time.
    Is(EventTime),
    /// There is no event.
    None,
    /// Its store did not answer, and why.
    Unknown(String),
}

impl Present {
    /// This moment; what data now is has to be found out.
    pub(crate) fn of(moment: &Moment) -> Self {
        let progress = moment.progress();
        Self {
            topic_id: progress.topic_id.clone(),
            epoch: progress.epoch,
            stats_tick: progress.tick,
            search_tick: moment.visible_tick(),
            data_now: DataNow::None,
        }
    }

    /// What relative ranges count from; none where there is no event.
    pub(crate) fn data_now(&self) -> Result<Option<EventTime>, Problem> {
        match &self.data_now {
            DataNow::Replay(time) | DataNow::Is(time) => Ok(Some(*time)),
            DataNow::None => Ok(None),
            DataNow::Unknown(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)),
        }
    }

    /// Where that comes from; none where there is none.
    pub(crate) fn data_now_from(&self) -> Option<DataNowFrom> {
        match &self.data_now {
            DataNow::Replay(_) => Some(DataNowFrom::Replay),
            DataNow::Is(_) => Some(DataNowFrom::Views),
            DataNow::None | DataNow::Unknown(_) => None,
        }
    }

    /// The tick up to which rows and searches show everything.
    pub(crate) fn visible(&self) -> u64 {
        self.search_tick.min(self.stats_tick)
    }

    /// Whether the views are the same, whatever is known of data now.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let named = |present: &Self| (present.epoch, present.stats_tick, present.search_tick);
        self.topic_id == other.topic_id && named(self) == named(other)
    }

    /// Some moment.
    #[cfg(test)]
    pub(crate) fn example(tick: u64) -> Self {
        Self {
            topic_id: "abc".to_owned(),
            epoch: 1,
            stats_tick: tick,
            search_tick: tick,
            data_now: DataNow::Unknown("elasticsearch cannot be read now".to_owned()),
        }
    }
}

/// What was seen of the views last, and who looks at them now.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: Mutex<Option<Seen>>,
    /// One looks at a time; the others wait for what it sees.
    pub(crate) looking: tokio::sync::Mutex<()>,
    /// When data now could not be found out last, and why.
    failed: Mutex<Option<(Instant, String)>>,
}

#[derive(Clone, Debug)]
struct Seen {
    /// When the look began; when it ended, if it failed.
    at: Instant,
    what: Result<Present, Problem>,
}

impl Watch {
    /// What was seen in a look that began at `oldest` or later.
    pub(crate) fn since(&self, oldest: Instant) -> Option<Result<Present, Problem>> {
        let seen = self.seen();
        let seen = seen.as_ref().filter(|seen| seen.at >= oldest)?;
        Some(seen.what.clone())
    }

    /// What a look that began at `at` saw.
    pub(crate) fn saw(&self, at: Instant, what: Result<Present, Problem>) {
        let mut seen = self.seen();
        if seen.as_ref().is_none_or(|seen| seen.at < at) {
            *seen = Some(Seen { at, what });
        }
    }

    /// What was seen last.
    pub(crate) fn last(&self) -> Option<Result<Present, Problem>> {
        self.seen().as_ref().map(|seen| seen.what.clone())
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When data now could not be found out last, and why.
    pub(crate) fn failed(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
