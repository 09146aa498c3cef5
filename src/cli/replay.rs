//! `eip replay`: starts a run in this process, follows it, and brings the views up to it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use eip_contract::{Day, EventTime};
use eip_ingest::rules::Rules;
use eip_ingest::run::{
    DayRange, Emit, FastTask, GuardLimits, Limit, PlanToken, RevertTask, RunError, RunId,
    RunRequest, RunState, Runner, Source, Task, WindowTask,
};
use eip_log::Log;

use super::Exit;
use super::chain::{ChainArgs, NewChainArgs, Workers};
use crate::chain::Chain;
use crate::clock::{wall_clock, wall_nanoseconds};
use crate::console::{Console, OnPlan};
use crate::views::{bring_up_to_date, wait_for_views};

#[derive(Subcommand)]
pub(crate) enum Replay {
    /// Assert every event of a range, as fast as possible. Never retracts.
    Fast(Fast),
    /// Make all orders with a fact in a range again, whole: what no longer holds is retracted.
    Window(Window),
    /// Bring back what the log held before a run.
    Revert(Revert),
}

#[derive(Args)]
pub(crate) struct Fast {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    chain: NewChainArgs,
    /// Run even over facts that were made under other rules or data.
    #[arg(long)]
    mix: bool,
    #[command(flatten)]
    after: After,
}

#[derive(Args)]
pub(crate) struct Window {
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    chain: NewChainArgs,
    /// Which facts to write of an order that loses none.
    #[arg(long, value_enum, default_value_t = EmitArg::All)]
    emit: EmitArg,
    /// Orders that may vanish, as a number or a percentage of the covered orders; without it, 1 %
    /// once that is at least 10.
    #[arg(long, value_name = "N|P%")]
    max_vanishing: Option<Limit>,
    /// Facts that may be retracted, as a number or a percentage of the covered facts; without it,
    /// 5 % once that is at least 1,000.
    #[arg(long, value_name = "N|P%")]
    max_retracted: Option<Limit>,
    /// Windows always may: a window run replaces what was made under other rules or data.
    #[arg(long, hide = true)]
    mix: bool,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    after: After,
}

#[derive(Args)]
pub(crate) struct Revert {
    /// The run to revert.
    run: RunId,
    #[command(flatten)]
    chain: ChainArgs,
    /// Also bring back facts that a later run changed, and go beyond a window's limits.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    plan: Plan,
    #[command(flatten)]
    after: After,
}

/// What is replayed.
#[derive(Args)]
struct Input {
    /// The folder with the four Olist files (.csv or .csv.gz).
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// First day of event time; without it, from the first event on.
    #[arg(long, value_name = "DATE")]
    start: Option<Day>,
    /// The day behind the last; without it, past the last event.
    #[arg(long, value_name = "DATE")]
    end: Option<Day>,
    /// Conversion rules (TOML); without it, the default rules.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// When an order that is not delivered counts as late; without it, the greatest time of the data.
    #[arg(long, value_name = "TIME")]
    as_of: Option<EventTime>,
    /// Most rows that a file may have.
    #[arg(long, value_name = "N")]
    max_rows: Option<u64>,
}

/// Rehearsal and approval.
#[derive(Args)]
struct Plan {
    /// Say what the run would do, with a plan token, and stop.
    #[arg(long)]
    dry_run: bool,
    /// Do exactly what a rehearsal announced under this token, or nothing.
    #[arg(long = "plan", value_name = "TOKEN")]
    token: Option<PlanToken>,
    /// Do not ask at the terminal.
    #[arg(long)]
    yes: bool,
}

/// What happens once the log has it.
#[derive(Args)]
struct After {
    /// Return when the log has acknowledged, without bringing the views up to it. With servers that
    /// is so anyway: a dataflow runs beside.
    #[arg(long)]
    no_dataflow: bool,
    /// With servers: return when a dataflow has written the views up to it.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    workers: Workers,
}

#[derive(Clone, Copy, ValueEnum)]
enum EmitArg {
    /// All facts of each such order.
    All,
    /// Only those that are new or have another content.
    Changed,
}

impl Replay {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        match self {
            Self::Fast(fast) => {
                let range = fast.input.range();
                let task = FastTask {
                    source: fast.input.source()?,
                    range,
                    mix: fast.mix,
                };
                run(
                    fast.chain.open_or_create()?,
                    Task::Fast(task),
                    true,
                    &fast.after,
                )
            }
            Self::Window(window) => {
                let task = WindowTask {
                    source: window.input.source()?,
                    range: window.input.range(),
                    emit: match window.emit {
                        EmitArg::All => Emit::All,
                        EmitArg::Changed => Emit::Changed,
                    },
                    limits: GuardLimits {
                        max_vanishing: window.max_vanishing,
                        max_retracted: window.max_retracted,
                    },
                    dry_run: window.plan.dry_run,
                    plan: window.plan.token,
                };
                let chain = window.chain.open_or_create()?;
                run(chain, Task::Window(task), window.plan.yes, &window.after)
            }
            Self::Revert(revert) => {
                let task = RevertTask {
                    target: revert.run,
                    force: revert.force,
                    dry_run: revert.plan.dry_run,
                    plan: revert.plan.token,
                };
                let chain = revert.chain.chain()?;
                let log = chain.log()?;
                run(
                    (chain, log),
                    Task::Revert(task),
                    revert.plan.yes,
                    &revert.after,
                )
            }
        }
    }
}

impl Input {
    fn range(&self) -> DayRange {
        DayRange {
            start: self.start,
            end: self.end,
        }
    }

    fn source(&self) -> anyhow::Result<Source> {
        let mut source = Source::folder(&self.data);
        source.rules = rules(self.rules.as_deref())?;
        source.as_of = self.as_of;
        if let Some(max_rows) = self.max_rows {
            source.limits.max_rows = max_rows;
        }
        Ok(source)
    }
}

/// The rules of a file, or the default ones.
pub(crate) fn rules(file: Option<&Path>) -> anyhow::Result<Rules> {
    file.map_or_else(|| Ok(Rules::default()), |file| Ok(Rules::load(file)?))
}

fn run((chain, log): (Chain, Log), task: Task, yes: bool, after: &After) -> anyhow::Result<Exit> {
    let mut console = Console::new(if yes || task.is_dry() {
        OnPlan::Show
    } else {
        OnPlan::Ask
    });
    let request = RunRequest {
        id: fresh_id(),
        requester: requester(),
        origin: "cli".to_owned(),
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
            eprintln!("{stop}");
            return Ok(Exit::Guard);
        }
        Err(error) => return Err(error).context(format!("run {} did not commit", request.id)),
    };
    println!("{outcome}");
    match outcome.state {
        RunState::Committed if after.no_dataflow => Ok(Exit::Done),
        RunState::Committed if chain.is_embedded() => {
            bring_up_to_date(&chain, &log, after.workers.count())?;
            Ok(Exit::Done)
        }
        RunState::Committed => {
            if after.wait {
                wait_for_views(&chain, &log)?;
            }
            Ok(Exit::Done)
        }
        RunState::Cancelled => Ok(Exit::Interrupted),
        _ => {
            let guard = outcome
                .rehearsal
                .is_some_and(|rehearsal| rehearsal.guard.is_some());
            Ok(if guard { Exit::Guard } else { Exit::Done })
        }
    }
}

/// Every start from the terminal is a run of its own.
fn fresh_id() -> RunId {
    RunId::of_key(&format!(
        "cli {} {}",
        std::process::id(),
        wall_nanoseconds()
    ))
}

fn requester() -> String {
    std::env::var_os("USER").map_or_else(
        || "somebody".to_owned(),
        |user| user.to_string_lossy().into_owned(),
    )
}
