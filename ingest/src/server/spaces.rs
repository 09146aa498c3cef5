//! The spaces that this instance serves: each with its log, its ledger and the runs executed here.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use eip_contract::Space;
use eip_log::{LedgerView, Log};
use eip_runs::{CoveredDays, Ledger};

use super::executor::{Clock, Executor, LiveRun, NotTaken};
use super::metrics::Metrics;
use super::problem::Problem;
use super::rows::Desk;
use crate::run::{RunError, RunId, RunRequest};

/// Opens the log of a space. `create`: makes it when there is none; otherwise that is `None`. An
/// error is a text for a person.
pub type OpenSpace =
    Arc<dyn Fn(&Space, bool) -> Result<Option<Log>, String> + Send + Sync + 'static>;

/// What becomes of a request for a space that is not there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Missing {
    /// The space is made.
    Make,
    /// The request is refused; the text goes on behind `there is no space NAME`.
    Refuse(&'static str),
}

/// One space.
pub(super) struct SpaceRuns {
    pub(super) space: Space,
    pub(super) log: Log,
    pub(super) executor: Arc<Executor>,
    pub(super) desk: Desk,
    ledger: Mutex<Ledger>,
}

impl SpaceRuns {
    /// The ledger as it is now. Blocks.
    pub(super) fn ledger(&self) -> Result<LedgerView, Problem> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.read_on().map_err(RunError::from)?;
        Ok(ledger.view())
    }

    /// Which run last applied to each day of event time. Blocks.
    pub(super) fn coverage(&self) -> Result<Vec<CoveredDays>, Problem> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.read_on().map_err(RunError::from)?;
        Ok(ledger.coverage())
    }

    /// Where a run is, or with `part` (`/receipt`) something of it.
    pub(super) fn run_path(&self, run: &RunId, part: &str) -> String {
        if self.space.is_main() {
            format!("/v1/runs/{run}{part}")
        } else {
            let between = if part.contains('?') { '&' } else { '?' };
            format!("/v1/runs/{run}{part}{between}space={}", self.space)
        }
    }

    /// Takes a run.
    pub(super) fn take(
        &self,
        ledger: &LedgerView,
        request: RunRequest,
    ) -> Result<super::executor::Claim, NotTaken> {
        let known = ledger.get(request.id.as_str());
        let attempt = known.map_or(1, |known| known.last.attempt + 1);
        self.executor
            .take(request, attempt, |live| is_over(ledger, live))
    }
}

/// Whether the attempt on the board has ended in the ledger.
fn is_over(ledger: &LedgerView, live: &LiveRun) -> bool {
    let known = ledger.get(live.request.id.as_str());
    known.is_some_and(|known| !known.is_live() && known.last.attempt >= live.attempt)
}

/// All of them; opened when first asked for.
pub(super) struct Spaces {
    /// What is meant when a request names none.
    pub(super) default: Space,
    open: OpenSpace,
    clock: Clock,
    owner_url: Option<String>,
    max_live: usize,
    metrics: Arc<Metrics>,
    opened: Mutex<BTreeMap<Space, Arc<SpaceRuns>>>,
}

impl Spaces {
    pub(super) fn new(
        default: Space,
        open: OpenSpace,
        clock: Clock,
        owner_url: Option<String>,
        max_live: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            default,
            open,
            clock,
            owner_url,
            max_live,
            metrics,
            opened: Mutex::default(),
        }
    }

    /// The space; with what is to be done when there is none, and whether it was made. Blocks.
    pub(super) fn get(
        &self,
        space: &Space,
        missing: Missing,
    ) -> Result<(Arc<SpaceRuns>, bool), Problem> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runs) = opened.get(space) {
            return Ok((Arc::clone(runs), false));
        }
        let (log, is_new) = match (self.open(space, false)?, missing) {
            (Some(log), _) => (Some(log), false),
            (None, Missing::Make) => (self.open(space, true)?, true),
            (None, Missing::Refuse(_)) => (None, false),
        };
        let log = log.ok_or_else(|| {
            let hint = match missing {
                Missing::Refuse(hint) => hint,
                Missing::Make => "",
            };
            Problem::no_such("space", format!("there is no space {space}{hint}"))
        })?;
        let (clock, owner_url) = (Arc::clone(&self.clock), self.owner_url.clone());
        let desk = Desk::new(log.clone(), Arc::clone(&clock), owner_url.clone());
        let metrics = Arc::clone(&self.metrics);
        let executor = Executor::open(&log, clock, owner_url, self.max_live, metrics)?;
        let runs = Arc::new(SpaceRuns {
            space: space.clone(),
            ledger: Mutex::new(Ledger::open(&log).map_err(RunError::from)?),
            executor: Arc::new(executor),
            desk,
            log,
        });
        opened.insert(space.clone(), Arc::clone(&runs));
        Ok((runs, is_new))
    }

    fn open(&self, space: &Space, create: bool) -> Result<Option<Log>, Problem> {
        (self.open)(space, create).map_err(|cause| {
            tracing::error!(%space, cause, "a space cannot be opened");
            let detail = format!("the log of space {space} cannot be opened: {cause}");
            Problem::unavailable("log", detail)
        })
    }

    /// Those that were asked for so far.
    pub(super) fn opened(&self) -> Vec<Arc<SpaceRuns>> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.values().cloned().collect()
    }

    /// The space in which this instance executes a run, if it does.
    pub(super) fn executing(&self, run: &RunId) -> Option<Arc<SpaceRuns>> {
        let mut opened = self.opened().into_iter();
        opened.find(|runs| runs.executor.live(run).is_some())
    }
}
