//! Scaled replay: all events of a range when they are due, whatever the log does meanwhile.
//!
//! ```text
//!  ordering ──► pacing threads ─── what is due, and when it was ────► this thread ──► log
//!  (days by     sleep, never wait  (a queue of 32 bytes an event,     appends, syncs,
//!   days)       for the log         at most all that was ordered)     measures, tells
//!                   ▲ Controls: pause, resume, speed, stop
//! ```
//! Open loop: a slow log does not slow the schedule. What is due while the log stalls waits in the
//! queue, nothing is dropped, and the latency of each event counts from its due time. Lateness is
//! how long after it an event was handed over to the queue.
//!
//! An attempt that goes on with an interrupted run begins its schedule at the last event up to which
//! nothing is missing; what is there behind that is left out.

mod handover;
mod latency;
mod pacing;
mod punctual;
mod times;
mod writing;

pub use latency::{Latency, PaceFigures, Quantiles};
pub use punctual::be_punctual;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use eip_contract::{Day, EventTime};
use eip_log::Log;
use eip_runs::coverage;

use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Phase, Progress};
use super::order::{DayCounts, MAX_EVENTS_AT_ONCE};
use super::outcome::RunOutcome;
use super::pacer::{Pacer, ScaleFactor};
use super::replay_input::ReplayInput;
use super::request::{DayRange, ScaledTask, Speed};
use super::resume::Done;
use super::{provenance, run_files};
use pacing::{Chunk, Pacing, StopOnDrop, WallClock};
use writing::Writing;

/// Refuses what cannot be meant.
pub(crate) fn check(task: &ScaledTask) -> Result<(), RunError> {
    let bad = |text: &str| Err(RunError::BadRequest(text.to_owned()));
    if task.is_main && task.amplify.copies() > 1 {
        return bad("amplify makes orders that never were; take a space of its own, not main");
    }
    if task.bounds.max_events_per_second == Some(0) {
        return bad("max_events_per_second is 0; it is at least 1");
    }
    if task
        .bounds
        .max_gap_seconds
        .is_some_and(|seconds| seconds < 1)
    {
        return bad("max_gap is less than a second of event time");
    }
    Ok(())
}

pub(crate) fn execute(
    event_log: &Log,
    attempt: &mut Attempt<'_>,
    task: &ScaledTask,
    observer: &mut dyn Observer,
) -> Result<RunOutcome, RunError> {
    let started = attempt.now();
    observer.progress(&Progress::of(Phase::Reading));
    let input = ReplayInput::open(event_log, attempt, &task.source, (task.range, task.amplify))?;
    input.describe(&mut attempt.parameters);
    attempt.input = Some(input.report().to_json());
    attempt.check_same_input()?;
    if !task.mix {
        provenance::check(&attempt.ledger, &attempt.parameters, task.range)?;
    }
    let mut summary = input.summary(event_log, attempt, (&task.source.rules, task.range))?;
    input.check(&task.source, started)?;
    if let Some(note) = held_already(attempt, task.range) {
        observer.note(&note);
        summary.input.notes.push(note);
        attempt.input = Some(summary.input.to_json());
    }
    summary.first_offsets = attempt.writer.ends()?;

    let order = input.order(task.amplify);
    let days = DayCounts::of(&order, task.range);
    let (start, end) = span(task.range, &days);
    let scale = scale_factor(task.speed, start, end)?;
    observer.progress(&Progress::of(Phase::Comparing));
    let done = Done::find(event_log, attempt, &summary.first_offsets)?;

    let known = [
        ("events_planned", days.total()),
        ("events_before", done.len()),
        ("rows_rejected", summary.rows_rejected()),
    ];
    attempt.start_asserting(&summary, &known)?;

    let clock = WallClock::start();
    let controls = observer.controls().unwrap_or_default();
    let mut writing = Writing::new(clock, end);
    writing.progress.total = Some(days.total());
    writing.progress.rejects = input.reject_count();
    writing.progress.records = done.len();
    if task.record_times {
        writing.record_times(event_log, &attempt.run)?;
    }
    let ended = thread::scope(|scope| {
        // However this ends, the threads beside do too.
        let _stop = StopOnDrop(&controls);
        let (ordered, chunks) = mpsc::sync_channel(1);
        let (handed, queue) = handover::queue();
        let (order, days, done) = (&order, &days, &done);
        scope.spawn(move || {
            let mut rest = done.rest();
            for range in days.ranges(MAX_EVENTS_AT_ONCE) {
                let events = rest.of(order, order.events(range));
                let begin = rest.begin();
                if ordered.send(Chunk { events, begin }).is_err() {
                    return;
                }
            }
        });
        let pacing = Pacing {
            clock,
            controls: Arc::clone(&controls),
            queue: handed,
        };
        let (bounds, asked) = (task.bounds, scale);
        scope.spawn(move || {
            pacing.run(chunks, asked, |begin, now| {
                Pacer::new(begin.unwrap_or(start), now, asked, bounds)
            });
        });
        writing.run(attempt, order, &queue, observer)
    })?;
    writing.progress.phase = Phase::Committing;
    observer.progress(&writing.progress);
    attempt.writer.sync()?;

    summary.events = writing.events();
    summary.end_offsets = attempt.writer.ends()?;
    summary.pace = Some(writing.latency.pace());
    run_files::write_latency(event_log, &attempt.run, &writing.latency)?;
    writing.finish_times()?;
    writing.end(attempt, ended, &summary)?;
    summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(attempt.outcome(ended, summary, None))
}

/// Says so when the log holds facts of the range already: equal facts change no view, so that nobody
/// would see the replay there.
fn held_already(attempt: &Attempt<'_>, range: DayRange) -> Option<String> {
    let covered = coverage(&attempt.ledger, attempt.entries);
    let (start, end) = range.bounds();
    let held = covered.iter().find(|days| {
        let days = DayRange {
            start: days.start,
            end: days.end,
        };
        let (first, last) = days.bounds();
        start.max(first) < end.min(last)
    })?;
    Some(format!(
        "the log already holds facts of this range (run {}, {}): equal facts change no view; replay \
         into a space of its own to see them come in",
        held.run, held.kind
    ))
}

/// The stretch of simulated time: what the range leaves open, the days of the data fill in.
fn span(range: DayRange, days: &DayCounts) -> (EventTime, EventTime) {
    let (first, last) = days.first_and_last().unwrap_or_else(|| {
        let (start, _) = range.bounds();
        (start, start)
    });
    let start = range.start.unwrap_or(first).start();
    let end = range.end.or_else(|| last.next()).and_then(Day::start);
    (
        start.unwrap_or(EventTime::MIN),
        end.unwrap_or(EventTime::MAX),
    )
}

fn scale_factor(speed: Speed, start: EventTime, end: EventTime) -> Result<ScaleFactor, RunError> {
    let micros = match speed {
        Speed::Factor(factor) => return Ok(factor),
        Speed::DurationMicros(micros) => micros,
    };
    let span = end.seconds() - start.seconds();
    ScaleFactor::of_duration(span, micros).ok_or_else(|| {
        RunError::BadRequest(format!(
            "duration: {start} to before {end} in {} s would take no scale factor from 1 to \
             1000000; it may last from {} s to {span} s",
            micros as f64 / 1e6,
            span as f64 / 1e6,
        ))
    })
}
