//! Fast backfill: all events of a range, in the order in which they happened, as fast as possible.
//!
//! The log then reads like history: (eventAt, orderId, rank). Ordering takes 16 bytes an event; when
//! there are more events than [`MAX_EVENTS_AT_ONCE`], they are gathered days by days in several
//! passes over the orders, so that memory stays bounded and the order the same.

use std::borrow::Cow;

use eip_contract::{Day, Event, EventTime, EventType};
use eip_log::Log;

use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Phase, Progress, stop};
use super::outcome::{RunOutcome, RunSummary};
use super::request::{DayRange, FastTask};
use super::source::Input;
use super::state::RunState;
use super::{provenance, run_files};

/// Most events that are ordered at once: 128 MiB.
const MAX_EVENTS_AT_ONCE: u64 = 8 << 20;
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
    let mut progress = Progress {
        phase: Phase::Reading,
        records: 0,
        total: None,
        event_time: None,
        rejects: 0,
    };
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

    let days = DayCounts::of(&input, task.range);
    progress.phase = Phase::Writing;
    progress.total = Some(days.total());
    progress.rejects = input.reject_count();
    let mut running = attempt.entry_with_parameters(RunState::Running);
    running.first = Some(summary.first_offsets.clone());
    running
        .counts
        .insert("events_planned".to_owned(), days.total());
    running
        .counts
        .insert("rows_rejected".to_owned(), summary.rows_rejected());
    attempt.enter(&running)?;

    let mut by_type = [0; 6];
    let mut ended = RunState::Committed;
    for range in days.ranges(MAX_EVENTS_AT_ONCE) {
        let events = in_order(&input, range);
        let stopped = write(
            attempt,
            &input,
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
    end(attempt, ended, &summary)?;
    summary.elapsed_ms = attempt.now().saturating_sub(started) as u64;
    Ok(attempt.outcome(ended, summary, None))
}

/// Writes the last entry of the attempt.
fn end(attempt: &mut Attempt<'_>, state: RunState, summary: &RunSummary) -> Result<(), RunError> {
    let mut entry = attempt.entry(state);
    entry.first = Some(summary.first_offsets.clone());
    entry.ends = Some(summary.end_offsets.clone());
    entry
        .counts
        .insert("events".to_owned(), summary.events_written());
    for (event_type, &count) in &summary.events {
        entry.counts.insert(
            format!("events_{}", event_type.name().to_lowercase()),
            count,
        );
    }
    attempt.enter(&entry)
}

/// Events of each day in a range.
struct DayCounts {
    range: DayRange,
    counts: Vec<u64>,
}

impl DayCounts {
    fn of(input: &Input, range: DayRange) -> Self {
        let mut counts = vec![0; Day::END.days() as usize + 1];
        input.for_each_place(|_, times| {
            for &time in times.iter().flatten().filter(|&&time| range.contains(time)) {
                counts[time.day().days() as usize] += 1;
            }
        });
        Self { range, counts }
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The range in parts of at most `most` events, or of one day where that has more.
    fn ranges(&self, most: u64) -> Vec<DayRange> {
        let (first, end) = self.range.bounds();
        let (mut ranges, mut start, mut sum) = (Vec::new(), first, 0);
        for days in first.days()..end.days() {
            let count = self.counts[days as usize];
            let day = Day::from_days(days).expect("between two days");
            if sum + count > most && sum > 0 {
                ranges.push(DayRange {
                    start: Some(start),
                    end: Some(day),
                });
                (start, sum) = (day, 0);
            }
            sum += count;
        }
        ranges.push(DayRange {
            start: Some(start),
            end: Some(end),
        });
        ranges
    }
}

/// One event, to be ordered.
#[derive(Clone, Copy)]
struct Due {
    event_at: EventTime,
    place: u32,
    rank: u8,
}

/// All events of a range by (eventAt, orderId, rank).
fn in_order(input: &Input, range: DayRange) -> Vec<Due> {
    let mut events = Vec::new();
    input.for_each_place(|place, times| {
        for (rank, time) in times.iter().enumerate() {
            if let Some(event_at) = time.filter(|&time| range.contains(time)) {
                events.push(Due {
                    event_at,
                    place,
                    rank: rank as u8,
                });
            }
        }
    });
    events.sort_unstable_by_key(|due| due.event_at);
    // Few events share their second, so the texts of the orders are rarely needed.
    for tied in events.chunk_by_mut(|a, b| a.event_at == b.event_at) {
        if tied.len() > 1 {
            tied.sort_unstable_by(|a, b| {
                let (mut room_a, mut room_b) = ([0; 32], [0; 32]);
                let a_id = input.row(a.place, &mut room_a).order_id;
                let b_id = input.row(b.place, &mut room_b).order_id;
                a_id.cmp(b_id).then(a.rank.cmp(&b.rank))
            });
        }
    }
    events
}

/// Appends the events. Gives how the run ends when the observer stops it half way.
fn write(
    attempt: &mut Attempt<'_>,
    input: &Input,
    events: &[Due],
    by_type: &mut [u64; 6],
    progress: &mut Progress,
    observer: &mut dyn Observer,
) -> Result<Option<RunState>, RunError> {
    let mut room = [0; 32];
    for due in events {
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
        let row = input.row(due.place, &mut room);
        let event = Event {
            event_type: EventType::ALL[usize::from(due.rank)],
            event_at: due.event_at,
            order_id: Cow::Borrowed(row.order_id),
            seller_region: Cow::Borrowed(row.seller_region),
            customer_region: Cow::Borrowed(row.customer_region),
            estimated_delivery_at: row.estimated,
        };
        attempt
            .writer
            .append_event(Some(&attempt.tag), &event, None)?;
        by_type[usize::from(due.rank)] += 1;
        progress.records += 1;
        progress.event_time = Some(due.event_at);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_range_join_without_a_gap_and_hold_no_more_than_they_may() {
        let day = |days| Day::from_days(days).expect("a small number");
        let mut counts = vec![0; Day::END.days() as usize + 1];
        for (days, count) in [(10, 4), (11, 4), (12, 9), (13, 1), (30, 5), (31, 1)] {
            counts[days] = count;
        }
        let range = DayRange {
            start: Some(day(10)),
            end: Some(day(40)),
        };
        let days = DayCounts { range, counts };
        assert_eq!(days.total(), 24);
        let ranges = days.ranges(8);
        let bounds: Vec<_> = ranges
            .iter()
            .map(|part| (part.bounds().0.days(), part.bounds().1.days()))
            .collect();
        assert_eq!(bounds, [(10, 12), (12, 13), (13, 40)]);
        assert_eq!(days.ranges(1_000), [range]);
    }
}
