//! The queue before the one thread that writes the log, and what that thread is at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::config::ServeError;
use super::metrics::Metrics;
use crate::run::{Observer, Progress, RunError, RunId, RunRequest, Runner};

/// A run that waits or is being executed.
#[derive(Clone)]
pub(super) struct LiveRun {
    pub(super) request: Arc<RunRequest>,
    /// The number that its attempt will have.
    pub(super) attempt: u32,
    /// When it was posted, in wall milliseconds.
    pub(super) since_ms: i64,
    /// `None` while it waits.
    pub(super) progress: Option<Progress>,
    cancelled: Arc<AtomicBool>,
}

#[derive(Default)]
struct Board {
    /// `None` once the service closes.
    sender: Option<Sender<Arc<RunRequest>>>,
    live: BTreeMap<RunId, LiveRun>,
    /// Runs that were refused before the ledger knew them, or whose attempt was.
    refused: BTreeMap<RunId, String>,
}

/// A handle to the queue; clones share it.
#[derive(Clone)]
pub(super) struct Queue {
    board: Arc<Mutex<Board>>,
    closing: Arc<AtomicBool>,
    worker: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// Why a run was not taken.
pub(super) enum NotTaken {
    /// The key belongs to a live run that was asked for with other words.
    KeyReused,
    /// A window or revert run is live.
    Excluded(Box<LiveRun>),
    /// The service closes.
    Closed,
}

/// Refusals that are remembered.
const MAX_REFUSED: usize = 256;

impl Queue {
    /// Starts the thread.
    pub(super) fn start(
        runner: Runner,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, JoinHandle<()>), ServeError> {
        let (sender, receiver) = mpsc::channel();
        let board = Board {
            sender: Some(sender),
            ..Board::default()
        };
        let queue = Self {
            board: Arc::new(Mutex::new(board)),
            closing: Arc::default(),
            worker: Arc::new(AtomicBool::new(true)),
            metrics,
        };
        let own = queue.clone();
        let thread = std::thread::Builder::new().name("runs".to_owned());
        let worker = thread
            .spawn(move || own.work(runner, &receiver))
            .map_err(ServeError::Thread)?;
        Ok((queue, worker))
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Every change below is one step, so a panic elsewhere leaves the board whole.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run, unless one that is live excludes it. The same run again is taken once.
    pub(super) fn take(
        &self,
        request: RunRequest,
        attempt: u32,
        since_ms: i64,
    ) -> Result<(), NotTaken> {
        let mut board = self.board();
        if let Some(known) = board.live.get(&request.id) {
            let same = known.request.task == request.task;
            return if same {
                Ok(())
            } else {
                Err(NotTaken::KeyReused)
            };
        }
        if excludes(&request)
            && let Some(winner) = board.live.values().find(|run| excludes(&run.request))
        {
            return Err(NotTaken::Excluded(Box::new(winner.clone())));
        }
        let request = Arc::new(request);
        let sent = board
            .sender
            .as_ref()
            .map(|sender| sender.send(Arc::clone(&request)));
        if !matches!(sent, Some(Ok(()))) {
            return Err(NotTaken::Closed);
        }
        let (progress, cancelled) = (None, Arc::default());
        let live = LiveRun {
            request: Arc::clone(&request),
            attempt,
            since_ms,
            progress,
            cancelled,
        };
        board.refused.remove(&request.id);
        board.live.insert(request.id.clone(), live);
        Ok(())
    }

    /// A run that waits or is being executed.
    pub(super) fn live(&self, run: &RunId) -> Option<LiveRun> {
        self.board().live.get(run).cloned()
    }

    /// All of them.
    pub(super) fn all_live(&self) -> Vec<LiveRun> {
        self.board().live.values().cloned().collect()
    }

    /// Why a run never came into the ledger.
    pub(super) fn refusal(&self, run: &RunId) -> Option<String> {
        self.board().refused.get(run).cloned()
    }

    /// Asks a live run to stop. `false`: there is no such run.
    pub(super) fn cancel(&self, run: &RunId) -> bool {
        let live = self.live(run);
        live.is_some_and(|live| {
            live.cancelled.store(true, Ordering::Relaxed);
            true
        })
    }

    /// Takes a run that has ended off the board.
    pub(super) fn forget(&self, run: &RunId) {
        self.board().live.remove(run);
    }

    /// Whether the thread is there.
    pub(super) fn is_well(&self) -> bool {
        self.worker.load(Ordering::Relaxed)
    }

    /// Takes nothing more; what is live ends as interrupted.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.board().sender = None;
    }

    fn work(&self, mut runner: Runner, receiver: &Receiver<Arc<RunRequest>>) {
        let _gone = Gone(Arc::clone(&self.worker));
        while let Ok(request) = receiver.recv() {
            let Some(live) = self.live(&request.id) else {
                continue;
            };
            let mut watch = Watch {
                queue: self,
                run: &request.id,
                cancelled: &live.cancelled,
            };
            let result = runner.execute(&request, &mut watch);
            let mut board = self.board();
            board.live.remove(&request.id);
            match result {
                Ok(outcome) => {
                    self.metrics.run_ended(&outcome);
                    tracing::info!(run = %outcome.run, state = %outcome.state, "run ended");
                }
                Err(error) => {
                    self.metrics.run_failed();
                    tracing::warn!(run = %request.id, error = error.chain(), "run failed");
                    board.refuse(&request.id, &error);
                }
            }
        }
    }
}

impl Board {
    fn refuse(&mut self, run: &RunId, error: &RunError) {
        if self.refused.len() >= MAX_REFUSED {
            self.refused.pop_first();
        }
        self.refused.insert(run.clone(), error.chain());
    }
}

/// Window and revert runs exclude one another; a rehearsal changes nothing and waits its turn.
fn excludes(request: &RunRequest) -> bool {
    request.task.kind().excludes_others() && !request.task.is_dry()
}

/// Tells, also when the thread panics, that it is gone.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

struct Watch<'a> {
    queue: &'a Queue,
    run: &'a RunId,
    cancelled: &'a AtomicBool,
}

impl Observer for Watch<'_> {
    fn progress(&mut self, progress: &Progress) {
        if let Some(live) = self.queue.board().live.get_mut(self.run) {
            live.progress = Some(*progress);
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn interrupted(&self) -> bool {
        self.queue.closing.load(Ordering::Relaxed)
    }
}
