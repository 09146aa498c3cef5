//! Revert: for the orders that a run touched, what the log held before it comes back.
//!
//! "Before" is the log up to the run's first record in the order's partition. A fact that another
//! run has given another content since then is left alone and listed, unless the revert is forced.
//! What one run did to one order without another run in between counts by its effect: a window run
//! that took a fact away and asserted the same content again has not changed it.

use std::sync::Arc;

use eip_contract::{EventType, Offset, OrderFacts, OrderKey, PackedChange};
use eip_log::{LedgerEntry, Log, RunState};
use hashbrown::{HashMap, HashSet};

use super::apply::{Terms, finish, finish_undisturbed};
use super::error::RunError;
use super::ledger::Attempt;
use super::limits::GuardLimits;
use super::log_facts::{FactsByRank, LogFacts, for_each_record, order_of, packed, run_id};
use super::observer::{Observer, Phase, Progress};
use super::outcome::{RunOutcome, RunSummary};
use super::plan::{LeftAlone, PlanBuilder, RegionTexts};
use super::report::{LeftFact, MAX_NAMED};
use super::request::{Emit, RevertTask};

pub(crate) fn execute(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    task: &RevertTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    observer.progress(&Progress::of(Phase::Comparing));
    let target = task.target.as_str();
    let from = written_from(attempt.entries, task)?;
    let is_announced = task.plan.is_some();
    let mut outcome = finish_undisturbed(
        attempt,
        is_announced,
        task.dry_run,
        observer,
        |attempt, observer| {
            let base = attempt.writer.ends()?;
            let mut log = LogFacts::read(event_log, &base, &HashSet::new())?;

            let touched = Touched::find(event_log, &mut log, target, from.clone(), &base)?;
            let mut histories = histories(event_log, &mut log, target, touched, &base)?;
            histories.sort_unstable_by(|a, b| a.0.cmp(&b.0));

            let inputs = format!("revert {target} force {}", task.force);
            let mut builder = PlanBuilder::new(event_log.partitions(), Emit::Changed, &inputs);
            let mut regions = RegionTexts::new(&log);
            let (mut left_count, mut left_facts) = (0, Vec::new());
            for (order_id, order, history) in &histories {
                let goal = history.goal(task.force, |event_type, changed_by| {
                    left_count += 1;
                    if left_facts.len() < MAX_NAMED {
                        let changed_by = changed_by.to_owned();
                        left_facts.push(LeftFact {
                            order_id: order_id.clone(),
                            event_type,
                            changed_by,
                        });
                    }
                });
                builder.add(*order, order_id, &history.now, &goal, &mut regions);
            }
            let mut plan = builder.finish(&log, base, LeftAlone::default());
            plan.report.left_count = left_count;
            plan.report.left_facts = left_facts;

            let terms = Terms {
                limits: (!task.force).then(GuardLimits::default),
                dry_run: task.dry_run,
                announced: task.plan.as_ref(),
                input_stop: None,
                rejects: 0,
            };
            finish(
                event_log,
                attempt,
                &log,
                plan,
                RunSummary::default(),
                &terms,
                observer,
            )
        },
    )?;
    outcome.summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(outcome)
}

/// A place in each partition that is not behind the run's first record there.
fn written_from(
    entries: &[LedgerEntry],
    task: &RevertTask,
) -> Result<Option<Vec<Offset>>, RunError> {
    let run = &task.target;
    let mut entries = entries
        .iter()
        .filter(|entry| entry.run_id == run.as_str())
        .peekable();
    if entries.peek().is_none() {
        return Err(RunError::NoSuchRun(run.clone()));
    }
    let (mut from, mut last) = (None::<Vec<Offset>>, None);
    for entry in entries {
        last = Some(entry.state);
        from = match (from, &entry.first) {
            (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(a, b)| *a.min(b)).collect()),
            (from, first) => from.or_else(|| first.clone()),
        };
    }
    let not = |why: &str| RunError::NotRevertible {
        run: run.clone(),
        why: why.to_owned(),
    };
    match last {
        Some(RunState::Rehearsed) => Err(not("it was a rehearsal and wrote nothing")),
        Some(state) if state.is_live() => Err(not("it has not ended; cancel it first")),
        _ => Ok(from),
    }
}

/// The orders that the run touched, and where it began.
struct Touched {
    orders: HashSet<OrderKey>,
    /// By partition: the offset of the run's first record; the end where there is none.
    first: Vec<Offset>,
}

impl Touched {
    fn find(
        event_log: &Log,
        log: &mut LogFacts,
        target: &str,
        from: Option<Vec<Offset>>,
        base: &[Offset],
    ) -> Result<Self, RunError> {
        let mut touched = Self {
            orders: HashSet::new(),
            first: base.to_vec(),
        };
        let Some(from) = from else { return Ok(touched) };
        for_each_record(event_log, &from, base, |record| {
            if record.run.is_none_or(|run| run_id(run) != target) {
                return;
            }
            let first = &mut touched.first[record.partition as usize];
            *first = record.offset.min(*first);
            if let Some(change) = packed(&mut log.packer, event_log.partitions(), &record) {
                touched.orders.insert(order_of(change));
            }
        })?;
        Ok(touched)
    }
}

/// What became of one order since the run's first record.
struct History {
    before: FactsByRank,
    now: FactsByRank,
    /// By rank: the other run that changed the fact last.
    changed_by: [Option<Arc<str>>; 6],
    facts: OrderFacts,
    /// Whose records the latest are, and the facts before them.
    latest: Option<(Arc<str>, FactsByRank)>,
}

impl History {
    fn new(before: OrderFacts) -> Self {
        Self {
            before: *before.current(),
            now: *before.current(),
            changed_by: [const { None }; 6],
            facts: before,
            latest: None,
        }
    }

    /// The records of one run end here: compares with the facts before them.
    fn close(&mut self, target: &str) {
        self.now = *self.facts.current();
        let Some((run, before)) = self.latest.take() else {
            return;
        };
        if &*run == target {
            return;
        }
        for (rank, changed_by) in self.changed_by.iter_mut().enumerate() {
            if before[rank] != self.now[rank] {
                *changed_by = Some(Arc::clone(&run));
            }
        }
    }

    /// The facts that the revert leads to; `left` hears of each that it leaves alone.
    fn goal(&self, force: bool, mut left: impl FnMut(EventType, &str)) -> FactsByRank {
        let mut goal = self.before;
        for (rank, changed_by) in self.changed_by.iter().enumerate() {
            let Some(run) = changed_by.as_ref().filter(|_| !force) else {
                continue;
            };
            if self.now[rank] != self.before[rank] {
                left(EventType::ALL[rank], run);
            }
            goal[rank] = self.now[rank];
        }
        goal
    }
}

/// The history of each touched order.
fn histories(
    event_log: &Log,
    log: &mut LogFacts,
    target: &str,
    touched: Touched,
    base: &[Offset],
) -> Result<Vec<(String, OrderKey, History)>, RunError> {
    let Touched { orders, first } = touched;
    let before = log.earlier(event_log, &first, |order| orders.contains(&order))?;
    let mut histories: HashMap<OrderKey, History> = orders
        .iter()
        .map(|&order| {
            (
                order,
                History::new(before.get(&order).copied().unwrap_or_default()),
            )
        })
        .collect();
    let mut names: HashSet<Arc<str>> = HashSet::new();
    for_each_record(event_log, &first, base, |record| {
        let Some(change) = packed(&mut log.packer, event_log.partitions(), &record) else {
            return;
        };
        let Some(history) = histories.get_mut(&order_of(change)) else {
            return;
        };
        let run = record.run.map_or("", run_id);
        if history
            .latest
            .as_ref()
            .is_none_or(|(latest, _)| &**latest != run)
        {
            history.close(target);
            let name = Arc::clone(names.get_or_insert_with(run, |run| run.into()));
            history.latest = Some((name, history.now));
        }
        match change {
            PackedChange::Assert(_, event_type, fact) => {
                history.facts.assert(event_type, fact, record.offset);
            }
            PackedChange::Retract(_) => {
                history.facts.retract(record.offset);
            }
        }
    })?;
    let closed = histories.into_iter().map(|(order, mut history)| {
        history.close(target);
        (log.order_id(order), order, history)
    });
    Ok(closed.collect())
}
