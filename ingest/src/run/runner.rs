//! Who executes runs: the holder of the journal's writer, one run at a time.

use eip_log::{JournalWriter, StateDir};

use super::error::RunError;
use super::ledger::{Attempt, Ledger};
use super::observer::Observer;
use super::outcome::RunOutcome;
use super::request::{DayRange, RunRequest, Task};
use super::{fast, revert, window};

/// Wall milliseconds since the epoch.
pub type Clock = Box<dyn Fn() -> i64 + Send>;

/// Executes runs on one state folder. Nobody else can write its journal meanwhile.
pub struct Runner {
    state: StateDir,
    writer: JournalWriter,
    ledger: Ledger,
    clock: Clock,
}

impl Runner {
    /// Takes the journal's writer. `holder` names this program to whoever finds the journal locked.
    ///
    /// Runs that the ledger still shows as live were left by a process that is gone, since their
    /// writer's lock was free: they become `interrupted`.
    pub fn open(state: StateDir, holder: &str, clock: Clock) -> Result<Self, RunError> {
        let mut writer = JournalWriter::open(&state, holder)?;
        for run in writer.interrupt_unfinished(clock())? {
            tracing::warn!(run = %run.run_id(), "a run without an end is now interrupted");
        }
        let ledger = Ledger::open(&state)?;
        Ok(Self {
            state,
            writer,
            ledger,
            clock,
        })
    }

    /// The state folder.
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// Executes one run to its end. An error is in the ledger too, once the run has its claim.
    pub fn execute(
        &mut self,
        request: &RunRequest,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, RunError> {
        check(&request.task)?;
        self.ledger.read_on()?;
        let mut attempt = Attempt::claim(&self.ledger, &mut self.writer, &*self.clock, request)?;
        observer.started(&attempt.run, attempt.tag.attempt);
        let result = match &request.task {
            _ if observer.interrupted() => attempt.interrupt(),
            Task::Fast(task) => fast::execute(&self.state, &mut attempt, task, observer),
            Task::Window(task) => window::execute(&self.state, &mut attempt, task, observer),
            Task::Revert(task) => revert::execute(&self.state, &mut attempt, task, observer),
        };
        if let Err(error) = &result
            && let Err(second) = attempt.fail(error)
        {
            tracing::error!(
                run = %attempt.run,
                error = %second.chain(),
                "the ledger does not know that this run failed; it will be interrupted"
            );
        }
        result
    }
}

/// Refuses what cannot be meant, before anything is claimed.
fn check(task: &Task) -> Result<(), RunError> {
    let range: DayRange = match task {
        Task::Fast(task) => task.range,
        Task::Window(task) => task.range,
        Task::Revert(_) => return Ok(()),
    };
    if range.is_empty() {
        let (start, end) = range.bounds();
        return Err(RunError::BadRequest(format!(
            "the range from {start} to before {end} holds no day; end is the day behind the last"
        )));
    }
    Ok(())
}
