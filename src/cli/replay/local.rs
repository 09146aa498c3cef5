//! A run in this process. The key of a run that has ended shows that run, as a service does.

use anyhow::Context as _;
use eip_ingest::run::{
    RunError, RunId, RunKind, RunRequest, RunState, Runner, Source, Task, run_file,
};
use eip_log::Log;

use super::super::Exit;
use super::args::After;
use super::ended;
use super::requester;
use crate::chain::Chain;
use crate::clock::wall_clock;
use crate::console::{Console, OnPlan};
use crate::views::{bring_up_to_date, wait_for_views};

/// Executes the run, and brings the views up to it.
pub(super) fn run(
    (chain, log): (Chain, Log),
    task: Task,
    yes: bool,
    after: &After,
) -> anyhow::Result<Exit> {
    let mut console = if task.kind() == RunKind::Scaled {
        Console::paced()
    } else {
        Console::new(if yes || task.is_dry() {
            OnPlan::Show
        } else {
            OnPlan::Ask
        })
    };
    let hint = task.source().map(Source::check_hint);
    let request = RunRequest {
        id: RunId::of_key(&after.key()),
        requester: requester(),
        origin: "cli".to_owned(),
        reason: after.reason.clone(),
        task,
    };
    let executed = {
        // The journal's lock is given back before the dataflow starts: others may write meanwhile.
        let mut runner = Runner::open(&log, "eip replay", wall_clock())?;
        runner.execute(&request, &mut console)
    };
    console.finish();
    let outcome = match executed {
        Ok(outcome) => outcome,
        Err(RunError::Guard(stop)) => {
            err!("{stop}");
            return Ok(Exit::Guard);
        }
        Err(RunError::InputStop(stop)) => {
            match hint {
                Some(hint) => err!("{}", stop.text(&hint)),
                None => err!("{stop}"),
            }
            let rejects = run_file(&log, &request.id, "rejects.ndjson");
            if rejects.is_file() {
                err!("all rejected rows: {}", rejects.display());
            }
            return Ok(Exit::Guard);
        }
        Err(RunError::Ended { run, state }) => {
            let exit = ended::show_again(&log, &run)?;
            if state == RunState::Committed {
                follow_up(&chain, &log, after)?;
            }
            return Ok(exit);
        }
        Err(error) => return Err(error).context(format!("run {} did not commit", request.id)),
    };
    out!("{outcome}");
    match outcome.state {
        RunState::Committed => {
            follow_up(&chain, &log, after)?;
            Ok(Exit::Done)
        }
        RunState::Cancelled => Ok(Exit::Interrupted),
        RunState::Interrupted => {
            match &after.key {
                Some(key) => out!("the same command goes on with it: --key {key:?}"),
                None => out!("it had no --key, so nobody can go on with it"),
            }
            Ok(Exit::Interrupted)
        }
        _ => {
            let stops = outcome.rehearsal.is_some_and(|rehearsal| {
                rehearsal.guard.is_some() || rehearsal.input_stop.is_some()
            });
            Ok(if stops { Exit::Guard } else { Exit::Done })
        }
    }
}

/// Has the views follow the log, as far as that is asked for.
fn follow_up(chain: &Chain, log: &Log, after: &After) -> anyhow::Result<()> {
    if after.no_dataflow {
        Ok(())
    } else if chain.is_embedded() {
        bring_up_to_date(chain, log, after.workers.count())
    } else if after.wait {
        wait_for_views(chain, log)
    } else {
        Ok(())
    }
}
