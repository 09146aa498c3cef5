//! The run ledger of the log, as far as this API has read it: the runs, the days that they cover, and
//! what time it is in a replay.
//!
//! Reading on costs what is new; those who ask at the same time read it once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eip_contract::EventTime;
use eip_log::LedgerView;
use eip_runs::{CoveredDays, Ledger, replay_clock};
use tokio::sync::OwnedMutexGuard;
use tokio_util::task::TaskTracker;

use crate::log::ApiLog;
use crate::problem::Problem;

/// What is older than this is read again when somebody wants the simulated clock, which nobody waits for.
const FRESH: Duration = Duration::from_secs(1);
/// What is older than this is no help: then it is waited for.
const OLD: Duration = Duration::from_secs(5);
/// How long it is waited for.
const PATIENCE: Duration = Duration::from_millis(250);
/// The simulated clock goes by steps of so many milliseconds of wall time, so that answers that depend
/// on it are worth keeping.
const CLOCK_STEP: i64 = 250;

/// The ledger of one API.
pub(crate) struct RunLedger {
    log: ApiLog,
    /// The one that has the turn reads on.
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// When the last try to read it began, whether it found out anything or not.
    tried_at: Option<Instant>,
}

#[derive(Clone)]
struct Known {
    runs: Arc<Runs>,
    /// When the reading began that found this.
    read_at: Instant,
}

/// The ledger at one moment.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    /// How many entries it has.
    pub(crate) entries: usize,
    /// What they say of each run.
    pub(crate) view: LedgerView,
    /// Which run last applied to each day.
    pub(crate) coverage: Vec<CoveredDays>,
    /// Whether a live run has a simulated clock. Mostly none has, and then the runs are not gone through.
    has_clock: bool,
}

impl Runs {
    fn of(ledger: &Ledger) -> Self {
        let view = ledger.view();
        let has_clock = view.live().any(|run| run.last.clock.is_some());
        Self {
            entries: ledger.entries().len(),
            has_clock,
            view,
            coverage: ledger.coverage(),
        }
    }
}

impl RunLedger {
    /// The ledger of `log`, of which nothing is read yet.
    pub(crate) fn of(log: ApiLog) -> Self {
        Self {
            log,
            turn: Arc::default(),
            state: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Whether there is one to be read.
    pub(crate) fn is_known(&self) -> bool {
        self.log.is_known()
    }

    /// The ledger as it is now.
    pub(crate) async fn now(&self) -> Result<Arc<Runs>, Problem> {
        let since = Instant::now();
        let turn = Arc::clone(&self.turn).lock_owned().await;
        self.read_on(turn, since).await
    }

    /// The simulated clock of the replay that is running, if one is. What is known of the ledger may be a
    /// second old, and is read in the background when it is older.
    pub(crate) async fn replay_clock(self: &Arc<Self>, wall_ms: i64) -> Option<EventTime> {
        if !self.is_known() {
            return None;
        }
        let age = self.state().tried_at.map(|at| at.elapsed());
        // While it is being read, be it that this takes long, the next one need not.
        let turn = Arc::clone(&self.turn).try_lock_owned();
        if age.is_none_or(|age| age > FRESH)
            && let Ok(turn) = turn
        {
            let (ledger, since) = (Arc::clone(self), Instant::now());
            let reading = self.tasks.spawn(async move {
                if let Err(problem) = ledger.read_on(turn, since).await {
                    tracing::debug!(
                        ?problem,
                        "the run ledger cannot be read for the simulated clock"
                    );
                }
            });
            if age.is_none_or(|age| age > OLD) {
                // What it finds, or does not find in time, is looked at below.
                let _ = tokio::time::timeout(PATIENCE, reading).await;
            }
        }
        let known = self.state().known.clone()?;
        if !known.runs.has_clock {
            return None;
        }
        let wall_ms = wall_ms - wall_ms.rem_euclid(CLOCK_STEP);
        replay_clock(&known.runs.view, wall_ms).map(|(_, time)| time)
    }

    /// The ledger as it was at `since` or later.
    async fn read_on(
        &self,
        turn: OwnedMutexGuard<()>,
        since: Instant,
    ) -> Result<Arc<Runs>, Problem> {
        let before = {
            let mut state = self.state();
            if let Some(known) = state.known.as_ref().filter(|known| known.read_at >= since) {
                return Ok(Arc::clone(&known.runs));
            }
            state.tried_at = Some(Instant::now());
            state.known.as_ref().map(|known| Arc::clone(&known.runs))
        };
        let read_at = Instant::now();
        let now = move |ledger: &Ledger| {
            let is_same = |before: &Arc<Runs>| before.entries == ledger.entries().len();
            let before = before.filter(is_same);
            before.unwrap_or_else(|| Arc::new(Runs::of(ledger)))
        };
        let runs = self.log.read(move |log| log.ledger_now(now)).await?;
        let mut state = self.state();
        state.known = Some(Known {
            runs: Arc::clone(&runs),
            read_at,
        });
        drop(turn);
        Ok(runs)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one step, so a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
