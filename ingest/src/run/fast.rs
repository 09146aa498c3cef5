//! Fast backfill: all events of a range, in the order in which they happened, as fast as possible.
//!
//! The log then reads like history: (eventAt, orderId, rank). An attempt that goes on with an
//! interrupted run leaves out what the log has of it.

use eip_log::Log;

use super::amplify::Amplify;
use super::asserting::{EVENTS_A_LOOK, Written, append};
use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Phase, Progress};
use super::order::{DayCounts, MAX_EVENTS_AT_ONCE};
use super::outcome::RunOutcome;
use super::provenance;
use super::replay_input::ReplayInput;
use super::request::FastTask;
use super::resume::Done;
use super::state::RunState;

/// Events between two acknowledgements of the log.
const EVENTS_A_SYNC: u64 = 16 * EVENTS_A_LOOK;

/// The note of a fast run over a log that holds facts.
const ONLY_ASSERTS: &str = "facts are already in the log, and a fast run only asserts: those that this input lacks stay; a \
     window backfill of the same data shows them with --dry-run, and retracts them";

pub(crate) fn execute(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    task: &FastTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    let mut progress = Progress::of(Phase::Reading);
    observer.progress(&progress);
    let input = ReplayInput::open(
        event_log,
        attempt,
        &task.source,
        (task.range, Amplify::NONE),
    )?;
    input.describe(&mut attempt.parameters);
    attempt.input = Some(input.report().to_json());
    attempt.check_same_input()?;
    if !task.mix {
        provenance::check(&attempt.ledger, &attempt.parameters, task.range)?;
    }
    let mut summary = input.summary(event_log, attempt, (&task.source.rules, task.range))?;
    summary.first_offsets = attempt.writer.ends()?;
    input.check(&task.source, started)?;
    if summary.first_offsets.iter().any(|end| end.0 > 0) {
        observer.note(ONLY_ASSERTS);
        summary.input.notes.push(ONLY_ASSERTS.to_owned());
        attempt.input = Some(summary.input.to_json());
    }

    let order = input.order(Amplify::NONE);
    let days = DayCounts::of(&order, task.range);
    let done = Done::find(event_log, attempt, &summary.first_offsets)?;
    progress.records = done.len();
    progress.phase = Phase::Writing;
    progress.total = Some(days.total());
    progress.rejects = input.reject_count();
    let known = [
        ("events_planned", days.total()),
        ("events_before", done.len()),
        ("rows_rejected", summary.rows_rejected()),
    ];
    attempt.start_asserting(&summary, &known)?;

    let mut written = Written::default();
    let mut ended = RunState::Committed;
    let mut rest = done.rest();
    for range in days.ranges(MAX_EVENTS_AT_ONCE) {
        let events = rest.of(&order, order.events(range));
        let counts = (&mut written, &mut progress);
        let stopped = append(attempt, &order, &events, counts, EVENTS_A_SYNC, observer)?;
        if let Some(stopped) = stopped {
            ended = stopped;
            break;
        }
    }
    progress.phase = Phase::Committing;
    observer.progress(&progress);
    attempt.writer.sync()?;

    summary.events = written.by_type();
    summary.end_offsets = attempt.writer.ends()?;
    let entry = attempt.end_of_asserting(ended, &summary);
    attempt.enter(&entry)?;
    summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(attempt.outcome(ended, summary, None))
}
