//! Fast backfill: all events of a range, in the order in which they happened, as fast as possible.
//!
//! The log then reads like history: (eventAt, orderId, rank). An attempt that goes on with an
//! interrupted run leaves out what the log has of it.

use eip_contract::EventType;
use eip_log::Log;

use super::amplify::Amplify;
use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Phase, Progress, stop};
use super::order::{DayCounts, Due, MAX_EVENTS_AT_ONCE, Order, Room};
use super::outcome::RunOutcome;
use super::request::FastTask;
use super::resume::Done;
use super::source::Input;
use super::state::RunState;
use super::{provenance, run_files};

/// Events between two looks at the observer.
const EVENTS_A_LOOK: u64 = 16_384;
/// Events between two acknowledgements of the log.
const EVENTS_A_SYNC: u64 = 16 * EVENTS_A_LOOK;

pub(crate) fn execute(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    task: &FastTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    let mut progress = Progress::of(Phase::Reading);
    observer.progress(&progress);
    let input = Input::open(&task.source)?;
    input.describe(&mut attempt.parameters);
    attempt.check_same_input()?;
    if !task.mix {
        provenance::check(&attempt.ledger, &attempt.parameters, task.range)?;
    }
    let mut summary = input.summary(task.range);
    summary.rejects_file = run_files::write_rejects(event_log, &attempt.run, &input)?;
    summary.first_offsets = attempt.writer.ends()?;

    let order = Order::new(&input, Amplify::NONE);
    let days = DayCounts::of(&order, task.range);
    let done = Done::find(event_log, attempt, &summary.first_offsets)?;
    progress.records = done.len();
    progress.phase = Phase::Writing;
    progress.total = Some(days.total());
    progress.rejects = input.reject_count();
    let mut running = attempt.entry_with_parameters(RunState::Running);
    running.first = Some(summary.first_offsets.clone());
    for (name, count) in [
        ("events_planned", days.total()),
        ("events_before", done.len()),
        ("rows_rejected", summary.rows_rejected()),
    ] {
        running.counts.insert(name.to_owned(), count);
    }
    attempt.enter(&running)?;

    let mut by_type = [0; 6];
    let mut ended = RunState::Committed;
    let mut rest = done.rest();
    for range in days.ranges(MAX_EVENTS_AT_ONCE) {
        let events = rest.of(&order, order.events(range));
        let stopped = write(
            attempt,
            &order,
            &events,
            &mut by_type,
            &mut progress,
            observer,
        )?;
        if let Some(stopped) = stopped {
            ended = stopped;
            break;
        }
    }
    progress.phase = Phase::Committing;
    observer.progress(&progress);
    attempt.writer.sync()?;

    let written = EventType::ALL
        .into_iter()
        .zip(by_type)
        .filter(|&(_, count)| count > 0);
    summary.events = written.collect();
    summary.end_offsets = attempt.writer.ends()?;
    let entry = attempt.end_of_asserting(ended, &summary);
    attempt.enter(&entry)?;
    summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(attempt.outcome(ended, summary, None))
}

/// Appends the events. Gives how the run ends when the observer stops it half way.
fn write(
    attempt: &mut Attempt<'_>,
    order: &Order<'_>,
    events: &[Due],
    by_type: &mut [u64; 6],
    progress: &mut Progress,
    observer: &mut dyn Observer,
) -> Result<Option<RunState>, RunError> {
    let mut room = Room::default();
    for &due in events {
        if progress.records.is_multiple_of(EVENTS_A_LOOK) {
            observer.progress(progress);
            if let Some(stopped) = stop(observer) {
                return Ok(Some(stopped));
            }
            if progress.records.is_multiple_of(EVENTS_A_SYNC) {
                attempt.writer.sync()?;
                attempt.writer.check_claim(&attempt.tag)?;
            }
        }
        let event = order.event(due, &mut room);
        attempt
            .writer
            .append_event(Some(&attempt.tag), &event, None)?;
        by_type[due.event_type().rank()] += 1;
        progress.records += 1;
        progress.event_time = Some(due.event_at);
    }
    Ok(None)
}
