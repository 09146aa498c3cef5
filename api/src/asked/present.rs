//! Where the views stand now, as it was seen last.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use eip_contract::EventTime;
use eip_stores::query::Moment;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use super::DataNowFrom;
use crate::api::Api;
use crate::problem::Problem;

/// How long a tick is waited for that is not visible yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);
/// How long data now is waited for. What does not need it is answered without.
const DATA_NOW: Duration = Duration::from_secs(2);
/// After a failure it is not asked for again for so long.
const DATA_NOW_AGAIN: Duration = Duration::from_secs(2);

/// A moment of the views, by all that names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Present {
    topic_id: String,
    epoch: u64,
    /// The rows are those of this tick.
    pub(crate) stats_tick: u64,
    /// Searches find every document up to this tick.
    pub(crate) search_tick: u64,
    data_now: DataNow,
}

/// What relative ranges count from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum DataNow {
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
    fn of(moment: &Moment) -> Self {
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
    fn visible(&self) -> u64 {
        self.search_tick.min(self.stats_tick)
    }

    /// Whether the views are the same, whatever is known of data now.
    fn is_same_as(&self, other: &Self) -> bool {
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
    looking: tokio::sync::Mutex<()>,
    /// When data now could not be found out last.
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
    fn since(&self, oldest: Instant) -> Option<Result<Present, Problem>> {
        let seen = self.seen();
        let seen = seen.as_ref().filter(|seen| seen.at >= oldest)?;
        Some(seen.what.clone())
    }

    fn saw(&self, at: Instant, what: Result<Present, Problem>) {
        let mut seen = self.seen();
        if seen.as_ref().is_none_or(|seen| seen.at < at) {
            *seen = Some(Seen { at, what });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> MutexGuard<'_, Option<(Instant, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Api {
    /// Where the views stand, or will once `min_tick` is visible; seen within [`Api::fresh`], or since
    /// this call if `anew`. With the moment, where one had to be opened for that.
    pub(crate) async fn present(
        &self,
        min_tick: Option<u64>,
        anew: bool,
    ) -> Result<(Present, Option<Moment>), Problem> {
        let begun = Instant::now();
        let mut oldest = if anew {
            begun
        } else {
            begun.checked_sub(self.fresh).unwrap_or(begun)
        };
        loop {
            let (present, moment) = self.since(oldest).await?;
            let visible = present.visible();
            let Some(wanted) = min_tick.filter(|wanted| visible < *wanted) else {
                return Ok((present, moment));
            };
            if begun.elapsed() > PATIENCE {
                let detail = format!("tick {wanted} is not visible yet; {visible} is");
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
            }
            drop(moment);
            // The first time it may only not have been seen yet.
            if oldest >= begun {
                sleep(PAUSE).await;
            }
            oldest = Instant::now();
        }
    }

    /// What was seen since `oldest`, by this call or another one.
    async fn since(&self, oldest: Instant) -> Result<(Present, Option<Moment>), Problem> {
        if let Some(seen) = self.watch.since(oldest) {
            return Ok((seen?, None));
        }
        let _looking = self.watch.looking.lock().await;
        if let Some(seen) = self.watch.since(oldest) {
            return Ok((seen?, None));
        }
        let (present, moment) = self.look().await?;
        Ok((present, Some(moment)))
    }

    /// Opens the present moment.
    pub(super) async fn look(&self) -> Result<(Present, Moment), Problem> {
        let at = Instant::now();
        let mut moment = match self.views.moment().await {
            Ok(moment) => moment,
            Err(error) => {
                let problem = Problem::from(error);
                // For all who have come while it was tried: it may have taken long.
                self.watch.saw(Instant::now(), Err(problem.clone()));
                return Err(problem);
            }
        };
        let mut present = Present::of(&moment);
        present.data_now = match self.ledger.replay_clock((self.wall_ms)()).await {
            Some(clock) => DataNow::Replay(clock),
            None => self.latest_event(&present, &mut moment).await,
        };
        self.watch.saw(at, Ok(present.clone()));
        Ok((present, moment))
    }

    /// The greatest event time of a moment, which is asked for once.
    async fn latest_event(&self, present: &Present, moment: &mut Moment) -> DataNow {
        let seen = self.watch.seen().clone();
        if let Some(Ok(seen)) = seen.map(|seen| seen.what)
            && seen.is_same_as(present)
            && matches!(seen.data_now, DataNow::Is(_) | DataNow::None)
        {
            return seen.data_now;
        }
        if let Some((at, why)) = &*self.watch.failed()
            && at.elapsed() < DATA_NOW_AGAIN
        {
            return DataNow::Unknown(why.clone());
        }
        let why = match timeout(DATA_NOW, moment.latest_event()).await {
            Ok(Ok(Some(time))) => return DataNow::Is(time),
            Ok(Ok(None)) => return DataNow::None,
            Ok(Err(error)) => Problem::from(error).detail().to_owned(),
            Err(_late) => "the greatest event time is not known in time".to_owned(),
        };
        *self.watch.failed() = Some((Instant::now(), why.clone()));
        DataNow::Unknown(why)
    }
}
