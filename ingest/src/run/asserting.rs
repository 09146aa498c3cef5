//! What the runs that assert share: counting what was written, and appending as fast as the log takes.

use std::collections::BTreeMap;

use eip_contract::EventType;

use super::error::RunError;
use super::ledger::Attempt;
use super::observer::{Observer, Progress, stop};
use super::order::{Due, Order, Room};
use super::state::RunState;

/// Events between two looks at the observer.
pub(crate) const EVENTS_A_LOOK: u64 = 16_384;

/// Events written, by type.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written([u64; 6]);

impl Written {
    pub(crate) fn add(&mut self, event_type: EventType) {
        self.0[event_type.rank()] += 1;
    }

    /// Those that there are any of.
    pub(crate) fn by_type(self) -> BTreeMap<EventType, u64> {
        let counts = EventType::ALL.into_iter().zip(self.0);
        counts.filter(|&(_, count)| count > 0).collect()
    }
}

/// Appends events. Every `events_a_sync` of them, a multiple of [`EVENTS_A_LOOK`], it waits for the
/// log and sees that the run is still this attempt's. Gives how the run ends when the observer stops
/// it half way.
pub(crate) fn append(
    attempt: &mut Attempt<'_>,
    order: &Order<'_>,
    events: &[Due],
    (written, progress): (&mut Written, &mut Progress),
    events_a_sync: u64,
    observer: &mut dyn Observer,
) -> Result<Option<RunState>, RunError> {
    let mut room = Room::default();
    for &due in events {
        if progress.records.is_multiple_of(EVENTS_A_LOOK) {
            observer.progress(progress);
            if let Some(stopped) = stop(observer) {
                return Ok(Some(stopped));
            }
            if progress.records.is_multiple_of(events_a_sync) {
                attempt.writer.sync()?;
                attempt.writer.check_claim(&attempt.tag)?;
            }
        }
        let event = order.event(due, &mut room);
        attempt
            .writer
            .append_event(Some(&attempt.tag), &event, None)?;
        written.add(due.event_type());
        progress.records += 1;
        progress.event_time = Some(due.event_at);
    }
    Ok(None)
}
