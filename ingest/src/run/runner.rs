//! Who executes runs: whoever writes the log.

use eip_log::{Log, LogWriter};
use eip_runs::Ledger;

use super::error::RunError;
use super::ledger::Attempt;
use super::observer::Observer;
use super::outcome::RunOutcome;
use super::request::{DayRange, RunRequest, Task};
use super::{fast, revert, rows, scaled, window};

/// Wall milliseconds since the epoch.
pub type Clock = Box<dyn Fn() -> i64 + Send>;

/// Executes runs on one log, one at a time. Several runners may work on one log: claims keep them
/// apart, and of a journal's all are in one process.
pub struct Runner {
    log: Log,
    writer: Box<dyn LogWriter>,
    ledger: Ledger,
    clock: Clock,
    owner_url: Option<String>,
}

impl Runner {
    /// Takes the part of a writer. `holder` names this program to whoever finds the log taken.
    ///
    /// Runs that the ledger still shows as live and whose owner is gone become `interrupted`.
    pub fn open(log: impl Into<Log>, holder: &str, clock: Clock) -> Result<Self, RunError> {
        let log = log.into();
        let mut writer = log.writer(holder)?;
        for run in writer.interrupt_unfinished(clock())? {
            tracing::warn!(run = %run.run_id(), "a run without an end is now interrupted");
        }
        let ledger = Ledger::open(&log)?;
        Ok(Self {
            log,
            writer,
            ledger,
            clock,
            owner_url: None,
        })
    }

    /// Says in the ledger where commands about this runner's runs are taken.
    #[must_use]
    pub fn at(mut self, owner_url: Option<String>) -> Self {
        self.owner_url = owner_url;
        self
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Executes one run to its end. An error is in the ledger too, once the run has its claim.
    pub fn execute(
        &mut self,
        request: &RunRequest,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, RunError> {
        check(&request.task)?;
        self.ledger.read_on()?;
        let owner_url = self.owner_url.as_deref();
        let mut attempt = Attempt::claim(
            &self.ledger,
            &mut *self.writer,
            &*self.clock,
            request,
            owner_url,
        )?;
        let checked = attempt.check_dataset(&self.log);
        if checked.is_ok() {
            observer.started(&attempt.run, attempt.tag.attempt);
        }
        let result = checked.and_then(|()| match &request.task {
            _ if observer.interrupted() => attempt.interrupt(),
            Task::Fast(task) => fast::execute(&self.log, &mut attempt, task, observer),
            Task::Scaled(task) => scaled::execute(&self.log, &mut attempt, task, observer),
            Task::Window(task) => window::execute(&self.log, &mut attempt, task, observer),
            Task::Revert(task) => revert::execute(&self.log, &mut attempt, task, observer),
            Task::Rows(task) => rows::execute(&mut attempt, task, observer),
        });
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
pub(crate) fn check(task: &Task) -> Result<(), RunError> {
    let range: DayRange = match task {
        Task::Fast(task) => task.range,
        Task::Window(task) => task.range,
        Task::Scaled(task) => {
            scaled::check(task)?;
            task.range
        }
        Task::Revert(_) => return Ok(()),
        Task::Rows(task) => task.rows.range(),
    };
    if range.is_empty() {
        let (start, end) = range.bounds();
        return Err(RunError::BadRequest(format!(
            "the range from {start} to before {end} holds no day; end is the day behind the last"
        )));
    }
    Ok(())
}
