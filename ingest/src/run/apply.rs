//! From a plan to its end: rehearsed, stopped at a guard, refused, or in the log as one transaction.

use std::borrow::Cow;
use std::sync::Arc;

use eip_contract::{Event, EventType, Offset, Packer};
use eip_log::{LedgerEntry, Log, NewRecord};

use super::error::RunError;
use super::guard::GuardNames;
use super::id::PlanToken;
use super::input_stop::InputStop;
use super::ledger::{Attempt, guard_figures};
use super::limits::GuardLimits;
use super::log_facts::{LogFacts, order_of, packed};
use super::observer::{Observer, Phase, Progress, stop};
use super::outcome::{RunOutcome, RunSummary};
use super::plan::{OrderPlan, Plan, RegionTexts};
use super::run_files;
use super::state::RunState;

/// Orders between two looks at the observer.
const ORDERS_A_LOOK: usize = 1_024;

/// How a plan may end.
pub(crate) struct Terms<'a> {
    /// What the plan may take away; `None` for a forced revert.
    pub(crate) limits: Option<GuardLimits>,
    /// End with the report.
    pub(crate) dry_run: bool,
    /// The plan that was announced.
    pub(crate) announced: Option<&'a PlanToken>,
    /// Why the run would not have begun, were it no rehearsal.
    pub(crate) input_stop: Option<&'a InputStop>,
    /// Rows rejected, for the progress.
    pub(crate) rejects: u64,
}

/// Takes a planned run to its end.
pub(crate) fn finish(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    log: &LogFacts,
    mut plan: Plan,
    mut summary: RunSummary,
    terms: &Terms<'_>,
    observer: &mut dyn Observer,
) -> Result<Finished, RunError> {
    let names = GuardNames {
        vanishing: &plan.report.vanishing.names,
        retracted: &plan.report.losing_facts.names,
        lost_regions: &plan.report.losing_regions.names,
    };
    let figures = plan.report.figures;
    let guard = terms
        .limits
        .and_then(|limits| figures.check(&limits, attempt.kind, names));
    plan.report.guard.clone_from(&guard);
    plan.report.input_stop = terms.input_stop.cloned();
    run_files::write_rehearsal(event_log, &attempt.run, &plan.report)?;
    observer.planned(&plan.report);
    let mut planned = attempt.entry_with_parameters(RunState::Planned);
    describe(&mut planned, &plan, &summary);
    attempt.enter(&planned)?;
    if let Some(announced) = terms.announced.filter(|&token| *token != plan.report.token) {
        return Err(RunError::PlanChanged {
            announced: announced.clone(),
            found: plan.report.token,
        });
    }
    if let Some(guard) = guard.filter(|_| !terms.dry_run) {
        return Err(RunError::Guard(Box::new(guard)));
    }
    summary.first_offsets.clone_from(&plan.base);
    summary.end_offsets.clone_from(&plan.base);

    let ended = if terms.dry_run {
        RunState::Rehearsed
    } else if plan.records() == 0 {
        RunState::Committed
    } else if !observer.approve(&plan.report) {
        RunState::Cancelled
    } else if let Some(stopped) = stop(observer) {
        stopped
    } else {
        match write(attempt, log, &plan, terms.rejects, observer)? {
            Written::Committed(ends) => {
                summary.end_offsets = ends;
                summary.events.clone_from(&plan.events);
                summary.tombstones = plan.report.tombstones;
                RunState::Committed
            }
            Written::Stopped(stopped) => stopped,
            Written::Conflict { order_id } => return Ok(Finished::Conflict { order_id }),
        }
    };
    // A transaction has its last entry inside; every other end is an entry of its own.
    if attempt.state().is_live() {
        let mut entry = attempt.entry(ended);
        entry.first = Some(plan.base.clone());
        entry.ends = Some(plan.base.clone());
        attempt.enter(&entry)?;
    }
    let outcome = attempt.outcome(ended, summary, Some(plan.report));
    Ok(Finished::Ended(Box::new(outcome)))
}

/// Plans made before a run gives up because others keep writing about its orders.
const PLANS: u32 = 3;

/// Makes plans and takes them to their end until one is not overtaken by others. `plan` is called
/// anew on a fresh snapshot each time. A plan that was announced is tried once, since another one
/// would not be what was announced.
pub(crate) fn finish_undisturbed(
    attempt: &mut Attempt<'_>,
    is_announced: bool,
    is_dry: bool,
    observer: &mut dyn Observer,
    mut plan_and_finish: impl FnMut(&mut Attempt<'_>, &mut dyn Observer) -> Result<Finished, RunError>,
) -> Result<RunOutcome, RunError> {
    let mut plans = 0;
    loop {
        // First of all, so that nothing of a predecessor comes behind the snapshot. A rehearsal
        // excludes nobody, so the transaction that it would end may be somebody's.
        if !is_dry {
            attempt.writer.fence()?;
        }
        match plan_and_finish(attempt, observer)? {
            Finished::Ended(outcome) => return Ok(*outcome),
            Finished::Conflict { order_id } => {
                plans += 1;
                if is_announced || plans == PLANS {
                    return Err(RunError::Conflict { order_id });
                }
                tracing::warn!(run = %attempt.run, order_id, plans, "others wrote; planning again");
            }
        }
    }
}

/// What became of a plan.
pub(crate) enum Finished {
    /// The run has ended with it.
    Ended(Box<RunOutcome>),
    /// It was given up before its commit: others wrote about this order meanwhile.
    Conflict {
        /// One of the orders.
        order_id: String,
    },
}

/// How a transaction ended.
enum Written {
    /// With these ends of the log.
    Committed(Vec<Offset>),
    /// The observer stopped it, and nothing has changed.
    Stopped(RunState),
    /// Others wrote about an order of the plan, and nothing has changed.
    Conflict { order_id: String },
}

/// Writes the plan as one transaction.
fn write(
    attempt: &mut Attempt<'_>,
    log: &LogFacts,
    plan: &Plan,
    rejects: u64,
    observer: &mut dyn Observer,
) -> Result<Written, RunError> {
    let mut running = attempt.entry(RunState::Running);
    running.first = Some(plan.base.clone());
    attempt.enter(&running)?;
    attempt.writer.begin(&attempt.tag, &plan.parts)?;
    let written = write_records(attempt, log, plan, rejects, observer);
    let written = written.and_then(|stopped| match stopped {
        Some(stopped) => Ok(Some(Written::Stopped(stopped))),
        None => Ok(overtaken(attempt, log, plan)?.map(|order_id| Written::Conflict { order_id })),
    });
    match written {
        Ok(None) => {}
        Ok(Some(stopped)) => {
            attempt.writer.abort()?;
            return Ok(stopped);
        }
        Err(error) => {
            // The first error says more than one about the abort, which the next writer makes up
            // for.
            let _ = attempt.writer.abort();
            return Err(error);
        }
    }
    let mut committed = attempt.entry(RunState::Committed);
    committed.first = Some(plan.base.clone());
    committed
        .counts
        .insert("events".to_owned(), plan.report.events);
    committed
        .counts
        .insert("tombstones".to_owned(), plan.report.tombstones);
    attempt.commit(&committed).map(Written::Committed)
}

/// An order of the plan that others wrote about since its snapshot. What they append after this
/// look is later than the run and stands.
fn overtaken(
    attempt: &mut Attempt<'_>,
    log: &LogFacts,
    plan: &Plan,
) -> Result<Option<String>, RunError> {
    let mut packer = Packer::new(Arc::clone(log.packer.dictionary()));
    let partitions = plan.parts.len() as u32;
    let mut found = None;
    attempt
        .writer
        .appended_by_others(&plan.base, &mut |record| {
            if let Some(change) = packed(&mut packer, partitions, &record) {
                let order = order_of(change);
                if plan.covered.contains(&order) {
                    found.get_or_insert(order);
                }
            }
        })?;
    Ok(found.map(|order| log.order_id(order)))
}

/// Appends all records of the plan. Gives how the run ends when the observer stops it half way.
fn write_records(
    attempt: &mut Attempt<'_>,
    log: &LogFacts,
    plan: &Plan,
    rejects: u64,
    observer: &mut dyn Observer,
) -> Result<Option<RunState>, RunError> {
    let total = Some(plan.records());
    let mut progress = Progress {
        total,
        rejects,
        ..Progress::of(Phase::Writing)
    };
    let mut regions = RegionTexts::new(log);
    for orders in plan.orders.chunks(ORDERS_A_LOOK) {
        observer.progress(&progress);
        if let Some(stopped) = stop(observer) {
            return Ok(Some(stopped));
        }
        for order in orders {
            progress.records += write_order(attempt, log, order, &mut regions)?;
            let last = order.after.iter().rev().flatten().next();
            progress.event_time = last.map(|fact| fact.event_at);
        }
    }
    progress.phase = Phase::Committing;
    observer.progress(&progress);
    Ok(None)
}

fn write_order(
    attempt: &mut Attempt<'_>,
    log: &LogFacts,
    plan: &OrderPlan,
    regions: &mut RegionTexts,
) -> Result<u64, RunError> {
    let order_id = log.order_id(plan.order);
    let mut records = 0;
    if plan.tombstone {
        let tombstone = NewRecord::tombstone(order_id.as_bytes());
        attempt.writer.append(Some(&attempt.tag), tombstone)?;
        records += 1;
    }
    for (rank, fact) in plan.after.iter().enumerate() {
        let Some(fact) = fact.filter(|_| plan.write[rank]) else {
            continue;
        };
        let seller_region = regions.text(fact.seller_region).to_owned();
        let event = Event {
            event_type: EventType::ALL[rank],
            event_at: fact.event_at,
            order_id: Cow::Borrowed(&order_id),
            seller_region: Cow::Owned(seller_region),
            customer_region: Cow::Borrowed(regions.text(fact.customer_region)),
            estimated_delivery_at: fact.estimated_delivery_at,
        };
        attempt
            .writer
            .append_event(Some(&attempt.tag), &event, None)?;
        records += 1;
    }
    Ok(records)
}

/// Fills a `planned` entry in.
fn describe(entry: &mut LedgerEntry, plan: &Plan, summary: &RunSummary) {
    let report = &plan.report;
    entry.plan = Some(report.token.to_string());
    entry.guard = guard_figures(report.figures);
    let left = [
        ("orders_left_rejected_orders", report.rejected_orders.count),
        ("orders_left_pushed_orders", report.pushed_orders.count),
        (
            "orders_left_swallowed_orders",
            report.swallowed_orders.count,
        ),
        ("orders_left_swallowed_items", report.swallowed_items.count),
    ];
    let orders_left = left.iter().map(|(_, count)| count).sum();
    let counts = [
        ("orders_covered", report.orders_covered),
        ("facts_added", report.facts.added),
        ("facts_changed", report.facts.changed),
        ("facts_retracted", report.facts.retracted),
        ("facts_same", report.facts.same),
        ("facts_left", report.left_count),
        ("events_planned", report.events),
        ("tombstones_planned", report.tombstones),
        ("orders_left", orders_left),
        ("orders_losing_region", report.losing_regions.count),
        ("orders_losing_items", report.losing_items.count),
        ("rows_rejected", summary.rows_rejected()),
    ];
    for (name, count) in counts.into_iter().chain(left) {
        entry.counts.insert(name.to_owned(), count);
    }
}
