//! Where records come from: one source a worker, for the partitions that are its own.
//!
//! Partition p belongs to worker p modulo W, and every order lives in one partition, so records
//! are never exchanged. The clock says how far to read ([`crate::clock`]); the operator reads up to
//! there under the tick's capability, a piece at a time, and mints no tick of its own. A record
//! that is no canonical event is data on a second output. Any [`RecordSource`] feeds the same
//! graph: the journal with the cache before it ([`log`]), the cache alone, files, a vector.

pub mod ends;
pub mod log;

use std::collections::VecDeque;
use std::sync::Arc;

use eip_contract::{Offset, PackedChange};
use eip_log::Mark;
use timely::container::{CapacityContainerBuilder, NoopBuilder};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use crate::clock::TickEnds;
use crate::control::Control;
use crate::crash::CrashPoint;
use crate::latency::Appended;
use crate::tick::Tick;
use eip_stores::StoredDeadLetter;

/// One record that counts: where it stands in its partition and what it says.
pub type Record = (Offset, PackedChange);

/// What went wrong in a source or a clock, for people; it stops the dataflow.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Records read at once.
const PIECE: usize = 1_024;

/// A piece of the log.
#[derive(Default)]
pub struct Batch {
    /// Records in the order in which they were read.
    pub records: Vec<Record>,
    /// Those that were no canonical events.
    pub dead_letters: Vec<StoredDeadLetter>,
    /// The last record read of a partition, from a source that knows it, with the last piece below
    /// `upto`.
    pub last: Vec<LastRecord>,
    /// When these records were appended, of a source that knows it.
    pub appended: Vec<Appended>,
}

/// The last record that was read of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LastRecord {
    /// The partition.
    pub partition: u32,
    /// Where it is and what it says.
    pub mark: Mark,
}

/// The records of one worker's partitions.
pub trait RecordSource {
    /// Appends about `most` more records below `upto` (by partition) to `batch` and gives whether
    /// there may be more of them. Between two calls with the same `upto` records may come in any
    /// order and repeatedly; under a later `upto` only what was at or behind the earlier one.
    fn read(
        &mut self,
        upto: &[Offset],
        most: usize,
        batch: &mut Batch,
    ) -> Result<bool, SourceError>;
}

/// The partitions of one worker.
pub fn partitions_of(worker: usize, workers: usize, partitions: u32) -> Vec<u32> {
    (0..partitions)
        .filter(|partition| *partition as usize % workers == worker)
        .collect()
}

/// What the sources of all workers have read, tick by tick.
pub struct Sourced<'scope> {
    /// The records of this worker's partitions.
    pub records: StreamVec<'scope, Tick, Record>,
    /// Its dead letters.
    pub dead_letters: StreamVec<'scope, Tick, StoredDeadLetter>,
    /// The last record of each partition.
    pub last: StreamVec<'scope, Tick, LastRecord>,
}

/// A tick that is being read.
struct Reading {
    epoch: u64,
    upto: Vec<Offset>,
    records: Capability<Tick>,
    dead_letters: Capability<Tick>,
    last: Capability<Tick>,
}

/// Reads each tick of `ticks` up to its ends.
pub fn read(
    ticks: StreamVec<'_, Tick, TickEnds>,
    mut source: Box<dyn RecordSource>,
    control: Arc<Control>,
) -> Sourced<'_> {
    type Whole = NoopBuilder<Vec<Record>>;
    type Letters = CapacityContainerBuilder<Vec<StoredDeadLetter>>;
    type Lasts = CapacityContainerBuilder<Vec<LastRecord>>;
    let scope = ticks.scope();
    let mut builder = OperatorBuilder::new("Source".to_owned(), scope);
    let activator = scope.activator_for(builder.operator_info().address);
    let mut input = builder.new_input(ticks, Exchange::new(|ends: &TickEnds| ends.worker));
    let (records_output, records) = builder.new_output();
    let (letters_output, dead_letters) = builder.new_output();
    let (last_output, last) = builder.new_output();
    let mut records_output = OutputBuilder::<Tick, Whole>::from(records_output);
    let mut letters_output = OutputBuilder::<Tick, Letters>::from(letters_output);
    let mut last_output = OutputBuilder::<Tick, Lasts>::from(last_output);
    builder.build(move |_capabilities| {
        let mut reading: VecDeque<Reading> = VecDeque::new();
        let mut batch = Batch::default();
        move |_frontiers| {
            input.for_each(|capability, ticks: &mut Vec<TickEnds>| {
                let tick = *capability.least().expect("sent under a capability");
                reading.extend(ticks.drain(..).map(|ends| Reading {
                    epoch: ends.epoch,
                    upto: ends.upto,
                    records: capability.delayed(&tick, 0),
                    dead_letters: capability.delayed(&tick, 1),
                    last: capability.delayed(&tick, 2),
                }));
            });
            let Some(first) = reading.front() else { return };
            control.begin(first.epoch, *first.records.time());
            batch.records.reserve(PIECE);
            let more = match source.read(&first.upto, PIECE, &mut batch) {
                Ok(more) => more,
                Err(error) => {
                    control.fail(&*error);
                    return;
                }
            };
            if !batch.records.is_empty() {
                control.comes_to(CrashPoint::AfterPoll);
            }
            control.read(*first.records.time(), &batch.appended);
            batch.appended.clear();
            control.count(|counts| {
                counts.records += (batch.records.len() + batch.dead_letters.len()) as u64;
                for letter in &batch.dead_letters {
                    *counts.dead_letters.entry(letter.code.clone()).or_default() += 1;
                }
            });
            letters_output
                .activate()
                .session(&first.dead_letters)
                .give_iterator(batch.dead_letters.drain(..));
            last_output
                .activate()
                .session(&first.last)
                .give_iterator(batch.last.drain(..));
            records_output
                .activate()
                .session_with_builder(&first.records)
                .give_container(&mut batch.records);
            batch.records.clear();
            if !more {
                reading.pop_front();
            }
            if !reading.is_empty() {
                activator.activate();
            }
        }
    });
    Sourced {
        records,
        dead_letters,
        last,
    }
}
