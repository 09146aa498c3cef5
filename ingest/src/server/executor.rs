//! The runs of one space that this instance executes: a thread each, and what they are at.
//!
//! A run comes onto the board when it is posted and goes from it after its last entry is in the
//! ledger, or as it is refused. Whoever posted it waits for its claim, since only the ledger knows
//! whether another instance's run excludes it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use eip_log::{Log, LogWriter, RunSummary};
use tokio::sync::watch;

use super::metrics::Metrics;
use super::problem::Problem;
use crate::run::{
    Controls, Latency, Observer, Progress, Rehearsal, RunError, RunId, RunRequest, Runner,
};

/// How this program names itself to others who want the log.
pub(super) const HOLDER: &str = "eip ingest";
/// Refusals that are remembered.
const MAX_REFUSED: usize = 256;

/// Wall milliseconds since the epoch.
pub(super) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What became of the claim: `None` as long as it is not decided.
pub(super) type Claim = watch::Receiver<Option<Result<(), Problem>>>;

/// A run that this instance executes.
#[derive(Clone)]
pub(super) struct LiveRun {
    pub(super) request: Arc<RunRequest>,
    /// The number that its attempt will have.
    pub(super) attempt: u32,
    /// When it was posted, in wall milliseconds.
    pub(super) since_ms: i64,
    /// `None` before its first report.
    pub(super) progress: Option<Progress>,
    /// Of a window or revert run, once it has its plan.
    pub(super) rehearsal: Option<Arc<Rehearsal>>,
    /// Of a scaled run, about a second old.
    pub(super) latency: Option<Arc<Latency>>,
    /// How the pace of a scaled run is changed.
    pub(super) controls: Arc<Controls>,
    claim: Claim,
    cancelled: Arc<AtomicBool>,
}

#[derive(Default)]
struct Board {
    live: BTreeMap<RunId, LiveRun>,
    /// Runs that were refused before the ledger knew them, or whose attempt was.
    refused: BTreeMap<RunId, Problem>,
    is_closing: bool,
}

/// Executes runs; see the head of this file.
pub(super) struct Executor {
    log: Log,
    clock: Clock,
    owner_url: Option<String>,
    max_live: usize,
    metrics: Arc<Metrics>,
    board: Mutex<Board>,
    /// A run has gone from the board.
    gone: Condvar,
    /// Holds the part of a writer for as long as this instance serves, and ends what others left.
    writer: Mutex<Box<dyn LogWriter>>,
}

/// Why a run was not taken.
pub(super) enum NotTaken {
    /// The key belongs to a live run that was asked for with other words.
    KeyReused,
    /// A window or revert run is live here.
    Excluded(RunId),
    /// As many runs are live as may be.
    Full(usize),
    /// No thread for it.
    NoThread(std::io::Error),
    /// The service closes.
    Closed,
}

impl Executor {
    /// Takes the part of a writer, and ends the runs whose owner is gone.
    pub(super) fn open(
        log: &Log,
        clock: Clock,
        owner_url: Option<String>,
        max_live: usize,
        metrics: Arc<Metrics>,
    ) -> Result<Self, RunError> {
        let executor = Self {
            log: log.clone(),
            clock,
            owner_url,
            max_live,
            metrics,
            board: Mutex::default(),
            gone: Condvar::new(),
            writer: Mutex::new(log.writer(HOLDER)?),
        };
        executor.interrupt_unfinished()?;
        Ok(executor)
    }

    /// Ends the runs whose owner is gone as interrupted.
    pub(super) fn interrupt_unfinished(&self) -> Result<Vec<RunSummary>, RunError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = writer.interrupt_unfinished((self.clock)())?;
        for run in &runs {
            tracing::warn!(run = %run.run_id(), "the owner of this run is gone: interrupted");
        }
        Ok(runs)
    }

    /// Takes a run, unless one that is live here excludes it. The same run again is taken once.
    /// `is_over` says of an attempt that it has ended in the ledger: it is on the board for a moment
    /// longer, takes no place and excludes nobody.
    pub(super) fn take(
        self: &Arc<Self>,
        request: RunRequest,
        attempt: u32,
        is_over: impl Fn(&LiveRun) -> bool,
    ) -> Result<Claim, NotTaken> {
        let mut board = self.board();
        if let Some(known) = board.live.get(&request.id)
            && !is_over(known)
        {
            let known_request = &known.request;
            let is_same =
                known_request.task == request.task && known_request.reason == request.reason;
            return if is_same {
                Ok(known.claim.clone())
            } else {
                Err(NotTaken::KeyReused)
            };
        }
        if board.is_closing {
            return Err(NotTaken::Closed);
        }
        if board.live.values().filter(|live| !is_over(live)).count() >= self.max_live {
            return Err(NotTaken::Full(self.max_live));
        }
        let excluding = |live: &&LiveRun| excludes(&live.request) && !is_over(live);
        if excludes(&request)
            && let Some(winner) = board.live.values().find(excluding)
        {
            return Err(NotTaken::Excluded(winner.request.id.clone()));
        }
        let (decide, claim) = watch::channel(None);
        let live = LiveRun {
            request: Arc::new(request),
            attempt,
            since_ms: (self.clock)(),
            progress: None,
            rehearsal: None,
            latency: None,
            controls: Arc::default(),
            claim: claim.clone(),
            cancelled: Arc::default(),
        };
        let (own, run) = (Arc::clone(self), live.clone());
        thread::Builder::new()
            .name(format!("run {}", live.request.id))
            .spawn(move || own.execute(&run, &decide))
            .map_err(NotTaken::NoThread)?;
        board.refused.remove(&live.request.id);
        board.live.insert(live.request.id.clone(), live);
        Ok(claim)
    }

    /// A run that is being executed here.
    pub(super) fn live(&self, run: &RunId) -> Option<LiveRun> {
        self.board().live.get(run).cloned()
    }

    /// All of them.
    pub(super) fn all_live(&self) -> Vec<LiveRun> {
        self.board().live.values().cloned().collect()
    }

    /// Why a run never came into the ledger.
    pub(super) fn refusal(&self, run: &RunId) -> Option<Problem> {
        self.board().refused.get(run).cloned()
    }

    /// Takes nothing more, lets what is live end as interrupted, and waits for that.
    pub(super) fn close(&self) {
        let mut board = self.board();
        board.is_closing = true;
        while !board.live.is_empty() {
            board = self
                .gone
                .wait(board)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Every change is one step, so a panic elsewhere leaves the board whole.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of a run's thread.
    fn execute(&self, live: &LiveRun, decide: &watch::Sender<Option<Result<(), Problem>>>) {
        let run = &live.request.id;
        // Also when the thread panics.
        let _gone = Gone {
            executor: self,
            live,
        };
        let mut watch = Watch {
            executor: self,
            live,
            decide,
        };
        let clock = Arc::clone(&self.clock);
        let runner = Runner::open(self.log.clone(), HOLDER, Box::new(move || clock()));
        let result = runner.and_then(|runner| {
            let mut runner = runner.at(self.owner_url.clone());
            runner.execute(&live.request, &mut watch)
        });
        match result {
            Ok(outcome) => {
                self.metrics.run_ended(&outcome);
                tracing::info!(%run, attempt = outcome.attempt, state = %outcome.state, "run ended");
            }
            Err(error) => {
                self.metrics.run_failed();
                tracing::warn!(%run, error = error.chain(), "run failed");
                let problem = Problem::from(error);
                decide.send_if_modified(|claim| {
                    let is_refused = claim.is_none();
                    if is_refused {
                        // Before whoever posted it is told: to them it is gone by then.
                        self.board().refuse(live, problem.clone());
                        *claim = Some(Err(problem));
                    }
                    is_refused
                });
            }
        }
    }
}

impl LiveRun {
    /// Asks it to stop.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn is_same_attempt(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cancelled, &other.cancelled)
    }
}

impl Board {
    /// Takes an attempt off, if it is still on.
    fn remove(&mut self, attempt: &LiveRun) {
        let run = &attempt.request.id;
        let known = self.live.get(run);
        if known.is_some_and(|live| live.is_same_attempt(attempt)) {
            self.live.remove(run);
        }
    }

    fn refuse(&mut self, attempt: &LiveRun, problem: Problem) {
        self.remove(attempt);
        if self.refused.len() >= MAX_REFUSED {
            self.refused.pop_first();
        }
        self.refused.insert(attempt.request.id.clone(), problem);
    }
}

/// Window and revert runs exclude one another; a rehearsal changes nothing and excludes nobody.
fn excludes(request: &RunRequest) -> bool {
    request.task.kind().excludes_others() && !request.task.is_dry()
}

/// Takes a run off the board when its thread ends.
struct Gone<'a> {
    executor: &'a Executor,
    live: &'a LiveRun,
}

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.executor.board().remove(self.live);
        self.executor.gone.notify_all();
    }
}

/// Puts onto the board what a run tells.
struct Watch<'a> {
    executor: &'a Executor,
    live: &'a LiveRun,
    decide: &'a watch::Sender<Option<Result<(), Problem>>>,
}

impl Watch<'_> {
    fn change(&self, change: impl FnOnce(&mut LiveRun)) {
        let mut board = self.executor.board();
        if let Some(live) = board.live.get_mut(&self.live.request.id)
            && live.is_same_attempt(self.live)
        {
            change(live);
        }
    }
}

impl Observer for Watch<'_> {
    fn started(&mut self, _run: &RunId, _attempt: u32) {
        self.decide.send_replace(Some(Ok(())));
    }

    fn progress(&mut self, progress: &Progress) {
        self.change(|live| live.progress = Some(*progress));
    }

    fn latency(&mut self, latency: &Latency) {
        let latency = Arc::new(latency.clone());
        self.change(|live| live.latency = Some(latency));
    }

    fn planned(&mut self, rehearsal: &Rehearsal) {
        let rehearsal = Arc::new(rehearsal.clone());
        self.change(|live| live.rehearsal = Some(rehearsal));
    }

    fn controls(&self) -> Option<Arc<Controls>> {
        Some(Arc::clone(&self.live.controls))
    }

    fn cancelled(&self) -> bool {
        self.live.is_cancelled()
    }

    fn interrupted(&self) -> bool {
        self.executor.board().is_closing
    }
}
