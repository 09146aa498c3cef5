//! Sink of the views that are rows, the dead letters and the progress, on worker 0.
//!
//! Rows and dead letters of all workers meet here. A tick is committed when nothing of it can come
//! any more and every worker's documents of it are acknowledged; ticks that got there while a
//! commit was under way are committed as one. The first commit reconciles: rows that are stored as
//! they should be are left out, stored rows and dead letters that nobody wants are taken away.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use eip_contract::Offset;
use eip_log::Mark;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::{Capability, Probe, probe};

use super::reconcile::difference;
use super::writer::{Commit, Desk, Job, Line, Writer};
use crate::changes::rows::{RowChanges, RowInbox};
use crate::clock::TickEnds;
use crate::source::LastRecord;
use crate::tick::Tick;
use eip_stores::StoredDeadLetter;

/// How long to wait before a full writer is asked again.
const PAUSE: Duration = Duration::from_millis(1);

/// What meets in this sink.
pub struct Inputs<'scope> {
    /// The rows of each view.
    pub rows: Vec<Box<dyn RowChanges<'scope> + 'scope>>,
    /// The dead letters.
    pub dead_letters: StreamVec<'scope, Tick, StoredDeadLetter>,
    /// The last record of each partition.
    pub last: StreamVec<'scope, Tick, LastRecord>,
    /// How far each tick reads.
    pub ticks: StreamVec<'scope, Tick, TickEnds>,
    /// Carries nothing; its frontier is what the document stores acknowledged.
    pub acknowledged: StreamVec<'scope, Tick, ()>,
}

/// Commits ticks through `writer`; `written` follows. `worker` is which of this process's it is.
pub fn write(inputs: Inputs<'_>, written: &probe::Handle<Tick>, writer: &Writer, worker: usize) {
    let scope = inputs.ticks.scope();
    let mut builder = OperatorBuilder::new("Stats".to_owned(), scope);
    let address = builder.operator_info().address;
    let activator = scope.activator_for(Rc::clone(&address));
    let wake = scope.worker().sync_activator_for(address.to_vec());
    let line = writer.line(worker, Desk::Stats, wake);
    let rows = inputs.rows.into_iter();
    let rows = rows.map(|view| view.into_inbox(&mut builder)).collect();
    let mut letters =
        builder.new_input(inputs.dead_letters, Exchange::new(|_: &StoredDeadLetter| 0));
    let mut last = builder.new_input(inputs.last, Exchange::new(|_: &LastRecord| 0));
    let mut ticks = builder.new_input(inputs.ticks, Exchange::new(|_: &TickEnds| 0));
    let mut acknowledged = builder.new_input(inputs.acknowledged, Pipeline);
    let (output, stream) = builder.new_output();
    let _output = OutputBuilder::<Tick, CapacityContainerBuilder<Vec<()>>>::from(output);
    builder.build(move |_capabilities| {
        let mut sink = Sink {
            line,
            rows,
            dead_letters: BTreeMap::new(),
            last: BTreeMap::new(),
            marks: Vec::new(),
            ticks: BTreeMap::new(),
            in_flight: Vec::new(),
            job: None,
            reconciled: false,
        };
        move |frontiers| {
            sink.rows.iter_mut().for_each(|inbox| inbox.receive());
            letters.for_each(|capability, letters: &mut Vec<StoredDeadLetter>| {
                let tick = *capability.least().expect("sent under a capability");
                sink.dead_letters.entry(tick).or_default().append(letters);
            });
            last.for_each(|capability, last: &mut Vec<LastRecord>| {
                let tick = *capability.least().expect("sent under a capability");
                sink.last.entry(tick).or_default().append(last);
            });
            ticks.for_each(|capability, ends: &mut Vec<TickEnds>| {
                let tick = *capability.least().expect("sent under a capability");
                if let Some(ends) = ends.drain(..).find(|ends| ends.worker == 0) {
                    sink.ticks
                        .insert(tick, (ends.upto, capability.delayed(&tick, 0)));
                }
            });
            acknowledged.for_each(|_, _: &mut Vec<()>| {});
            let is_closed = |tick: &Tick| frontiers.iter().all(|input| !input.less_equal(tick));
            if !sink.advance(is_closed) {
                activator.activate_after(PAUSE);
            }
        }
    });
    stream.probe_with(written);
}

struct Sink {
    line: Line,
    rows: Vec<Box<dyn RowInbox>>,
    dead_letters: BTreeMap<Tick, Vec<StoredDeadLetter>>,
    last: BTreeMap<Tick, Vec<LastRecord>>,
    /// By partition, the last record of all that was committed so far.
    marks: Vec<Option<Mark>>,
    ticks: BTreeMap<Tick, (Vec<Offset>, Capability<Tick>)>,
    /// Ticks of the commit that the writer has not acknowledged.
    in_flight: Vec<Capability<Tick>>,
    /// Made and not handed over yet.
    job: Option<Job>,
    /// Whether the first commit has been made.
    reconciled: bool,
}

impl Sink {
    /// Does what can be done now; gives false when the writer took less than there is.
    fn advance(&mut self, is_closed: impl Fn(&Tick) -> bool) -> bool {
        if self.line.stored().is_none() {
            // Nothing may be written before it is known what is there; the writer wakes us.
            return true;
        }
        if self.job.is_none() && self.line.is_idle() {
            self.in_flight.clear();
            if let Some(tick) = self
                .ticks
                .keys()
                .rev()
                .find(|tick| is_closed(tick))
                .copied()
            {
                self.make_commit(tick);
            }
        }
        if let Some(job) = self.job.take()
            && let Err(job) = self.line.send(job)
        {
            self.job = Some(job);
            return false;
        }
        true
    }

    /// Makes the job that writes everything up to `tick`, which is closed.
    fn make_commit(&mut self, tick: Tick) {
        let dead_letters = up_to(&mut self.dead_letters, tick);
        let ticks = up_to(&mut self.ticks, tick);
        let mut offsets = Vec::new();
        for (upto, capability) in ticks.into_values() {
            offsets = upto;
            self.in_flight.push(capability);
        }
        self.marks.resize(offsets.len(), None);
        for LastRecord { partition, mark } in up_to(&mut self.last, tick).into_values().flatten() {
            self.marks[partition as usize] = Some(mark);
        }
        let is_first = !std::mem::replace(&mut self.reconciled, true);
        let mut rows = Vec::with_capacity(self.rows.len());
        for inbox in &mut self.rows {
            let mut changes = inbox.take(tick);
            if is_first {
                let stored = self.line.stored().expect("seen before anything is written");
                let stored = stored.take_rows(changes.view);
                let (wanted, key) = (changes.upserts, changes.view.key().len());
                (changes.upserts, changes.deletes) = difference(stored, wanted, key);
            }
            if !changes.upserts.is_empty() || !changes.deletes.is_empty() {
                rows.push(changes);
            }
        }
        let dead_letters = dead_letters.into_values().flatten().collect();
        self.job = Some(Job::Commit(Box::new(Commit {
            tick,
            offsets,
            last: self.marks.clone(),
            rows,
            dead_letters,
            all_dead_letters: is_first,
        })));
    }
}

/// Takes the entries up to `tick`.
fn up_to<V>(entries: &mut BTreeMap<Tick, V>, tick: Tick) -> BTreeMap<Tick, V> {
    let later = entries.split_off(&(tick + 1));
    std::mem::replace(entries, later)
}
