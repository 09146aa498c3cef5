//! What an interrupted fast or scaled run has in the log already, found in the log itself.
//!
//! What is acknowledged is there, and what was sent and never acknowledged may be there too, of some
//! partitions more than of others. So each event of the run's own records counts, and the next
//! attempt leaves out exactly these.

use eip_contract::{EventId, EventTime, Offset, decode};
use eip_log::Log;
use hashbrown::HashSet;

use super::error::RunError;
use super::ledger::Attempt;
use super::log_facts::{for_each_record, run_id};
use super::order::{Due, Order, Room};

/// The events of earlier attempts.
#[derive(Default)]
pub(crate) struct Done(HashSet<EventId>);

impl Done {
    /// Reads the log from where the run began. Costs nothing for a first attempt.
    pub(crate) fn find(
        event_log: &Log,
        attempt: &Attempt<'_>,
        upto: &[Offset],
    ) -> Result<Self, RunError> {
        let mut done = Self::default();
        let run = attempt.run.as_str();
        let earlier = attempt.entries.iter().filter(|entry| entry.run_id == run);
        let from = earlier
            .filter_map(|entry| entry.first.clone())
            .reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a.min(b)).collect());
        let Some(from) = from else { return Ok(done) };
        for_each_record(event_log, &from, upto, |record| {
            if record.run.is_some_and(|header| run_id(header) == run)
                && let Some(Ok(decoded)) = record.value.map(decode)
            {
                done.0.insert(decoded.event.event_id());
            }
        })?;
        Ok(done)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Goes through the events of a run in their order.
    pub(crate) fn rest(&self) -> Rest<'_> {
        Rest {
            done: self,
            has_gap: false,
            begin: None,
        }
    }
}

/// What is left to do, as far as the events have been gone through.
pub(crate) struct Rest<'a> {
    done: &'a Done,
    has_gap: bool,
    begin: Option<EventTime>,
}

impl Rest<'_> {
    /// Takes out what is done.
    pub(crate) fn of(&mut self, order: &Order<'_>, mut events: Vec<Due>) -> Vec<Due> {
        if self.done.0.is_empty() {
            return events;
        }
        let mut room = Room::default();
        events.retain(|&due| {
            let is_done = self
                .done
                .0
                .contains(&order.event(due, &mut room).event_id());
            if !is_done {
                self.has_gap = true;
            } else if !self.has_gap {
                self.begin = Some(due.event_at);
            }
            !is_done
        });
        events
    }

    /// The last event up to which nothing is missing: where the schedule of the next attempt begins.
    pub(crate) fn begin(&self) -> Option<EventTime> {
        self.begin
    }
}
