//! Window backfill: the orders of a window made again, whole, under the present data and rules.
//!
//! Covered is every order with a fact in the window, before (in the log) or after (in the data).
//! An order whose row was rejected, or that was pushed and that the data does not have, stays as it
//! is and is named. So does one that would vanish or lose all its items while rows of their files may
//! have swallowed others.

use eip_contract::reject::UNKNOWN_REGION;
use eip_contract::{EventType, Fact, OrderKey, Packer};
use eip_log::{LedgerView, Log, RunKind};
use eip_olist::SwallowingRows;
use hashbrown::HashSet;

use super::apply::{Terms, finish, finish_undisturbed};
use super::error::RunError;
use super::input_stop::InputStop;
use super::ledger::Attempt;
use super::log_facts::{FactsByRank, LogFacts};
use super::observer::{Observer, Phase, Progress};
use super::outcome::RunOutcome;
use super::plan::{LeftAlone, Plan, PlanBuilder, RegionTexts};
use super::request::WindowTask;
use super::run_files;
use super::source::Input;
use crate::convert::Facts;

pub(crate) fn execute(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    task: &WindowTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    let phase = |phase, rejects| Progress {
        rejects,
        ..Progress::of(phase)
    };
    observer.progress(&phase(Phase::Reading, 0));
    let input = Input::open(&task.source)?;
    input.describe(&mut attempt.parameters);
    let mut summary = input.summary(task.range);
    attempt.input = Some(summary.input.to_json());
    attempt.check_same_input()?;

    summary.rejects_file = run_files::write_rejects(event_log, &attempt.run, &input)?;
    let stop = InputStop::check(&summary.input, task.source.max_rejected, started);
    if let Some(stop) = stop.as_ref().filter(|_| !task.dry_run) {
        return Err(RunError::InputStop(Box::new(stop.clone())));
    }
    let terms = Terms {
        input_stop: stop.as_ref(),
        limits: Some(task.limits),
        dry_run: task.dry_run,
        announced: task.plan.as_ref(),
        rejects: input.reject_count(),
    };
    let is_announced = task.plan.is_some();
    let mut outcome = finish_undisturbed(
        attempt,
        is_announced,
        task.dry_run,
        observer,
        |attempt, observer| {
            observer.progress(&phase(Phase::Comparing, input.reject_count()));
            let base = attempt.writer.ends()?;
            // A run is in the ledger before its first record is in the log.
            let pushing = pushing_runs(&event_log.runs()?);
            let mut log = LogFacts::read(event_log, &base, &pushing)?;
            let inputs = inputs(attempt)?;
            let mut builder = PlanBuilder::new(event_log.partitions(), task.emit, &inputs);
            let left = cover(&mut builder, &input, &mut log, task)?;
            let plan: Plan = builder.finish(&log, base, left);
            finish(
                event_log,
                attempt,
                &log,
                plan,
                summary.clone(),
                &terms,
                observer,
            )
        },
    )?;
    outcome.summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(outcome)
}

/// Adds every covered order to the plan: those of the data in its order, then those that it lacks by
/// their ids.
fn cover(
    builder: &mut PlanBuilder,
    input: &Input,
    log: &mut LogFacts,
    task: &WindowTask,
) -> Result<LeftAlone, RunError> {
    let range = task.range;
    let may_be_swallowed = |rows: &SwallowingRows| rows.count > 0 && !task.trust_damaged_files;
    let orders_swallowed = may_be_swallowed(input.swallowing_orders());
    let items_swallowed = may_be_swallowed(input.swallowing_items());
    let mut left = LeftAlone::default();
    let touches = |facts: &FactsByRank| facts.iter().flatten().any(|f| range.contains(f.event_at));
    let mut regions = RegionTexts::new(log);
    let mut in_data: HashSet<OrderKey> = HashSet::new();
    input.for_each_order(&mut |facts| {
        let order = log.packer.dictionary().order_key(facts.order_id);
        in_data.insert(order);
        let before = log.of(order);
        let in_window = facts
            .times
            .iter()
            .flatten()
            .any(|&time| range.contains(time));
        if in_window || touches(&before) {
            if items_swallowed && !facts.has_item && had_item(&before, &mut regions) {
                let order_id = facts.order_id.to_owned();
                left.swallowed_items.add(|| order_id);
                return Ok(());
            }
            let after = pack(&mut log.packer, facts)?;
            builder.add(order, facts.order_id, &before, &after, &mut regions);
        }
        Ok(())
    })?;

    let mut missing: Vec<(String, OrderKey, FactsByRank)> = log
        .iter()
        .filter(|(order, facts)| touches(facts) && !in_data.contains(order))
        .map(|(order, facts)| (log.order_id(order), order, *facts))
        .collect();
    missing.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for (order_id, order, before) in missing {
        if input.is_rejected(&order_id) {
            left.rejected_orders.add(|| order_id);
        } else if log.is_pushed(order) {
            left.pushed_orders.add(|| order_id);
        } else if orders_swallowed {
            left.swallowed_orders.add(|| order_id);
        } else {
            builder.add(order, &order_id, &before, &[None; 6], &mut regions);
        }
    }
    left.rejected_unnamed = input.unnamed_rejects();
    Ok(left)
}

/// Whether the facts of an order show that it had an item: a warehouse took it on, or its seller was
/// known.
fn had_item(facts: &FactsByRank, regions: &mut RegionTexts) -> bool {
    let mut known = facts.iter().flatten();
    facts[EventType::WarehouseAssigned.rank()].is_some()
        || known.any(|fact| regions.text(fact.seller_region) != UNKNOWN_REGION)
}

/// Packs the facts of one order of the data.
fn pack(packer: &mut Packer, facts: &Facts<'_>) -> Result<FactsByRank, RunError> {
    let mut region = |text: &str| {
        packer
            .region(text.as_bytes())
            .map_err(|source| RunError::Packing {
                order_id: facts.order_id.to_owned(),
                source,
            })
    };
    let (seller_region, customer_region) =
        (region(facts.seller_region)?, region(facts.customer_region)?);
    Ok(facts.times.map(|time| {
        time.map(|event_at| Fact {
            event_at,
            estimated_delivery_at: facts.estimated_delivery_at,
            seller_region,
            customer_region,
        })
    }))
}

/// The runs that pushed rows.
fn pushing_runs(ledger: &LedgerView) -> HashSet<String> {
    let runs = ledger
        .runs()
        .iter()
        .filter(|run| run.kind() == RunKind::Rows);
    runs.map(|run| run.run_id().to_owned()).collect()
}

/// What the plan is made from, as one text: data, rules, asOf, range and emit. Limits are no part of
/// it: they only say whether the same plan may be applied.
fn inputs(attempt: &Attempt<'_>) -> Result<String, RunError> {
    let parameters = &attempt.parameters;
    let text = serde_json::to_string(&(
        "window",
        &parameters.files,
        parameters.reader,
        parameters.limits.get("trust_damaged_files"),
        &parameters.rules_sha256,
        parameters.as_of,
        parameters.start,
        parameters.end,
        &parameters.emit,
    ));
    text.map_err(|error| RunError::BadRequest(format!("parameters that are no JSON: {error}")))
}
