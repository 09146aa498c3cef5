//! Looking where the views stand: at most once in a while, by one for all who wait.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use eip_stores::query::Moment;
use tokio::time::{sleep, timeout};

use crate::api::Api;
use crate::present::{DataNow, Present};
use crate::problem::Problem;

/// How long a tick is waited for that is not visible yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(25);
/// How long data now is waited for. What does not need it is answered without.
const DATA_NOW: Duration = Duration::from_secs(2);
/// After a failure it is not asked for again for so long.
const DATA_NOW_AGAIN: Duration = Duration::from_secs(2);

impl Api {
    /// Where the views stand, or will once `min_tick` is visible; seen within [`Api::fresh`], or since
    /// this call if `again`. With the moment, where one had to be opened for that.
    pub(crate) async fn present(
        &self,
        min_tick: Option<u64>,
        again: bool,
    ) -> Result<(Present, Option<Moment>), Problem> {
        let begun = Instant::now();
        let mut oldest = if again {
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
        if let Some(Ok(seen)) = self.watch.last()
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
