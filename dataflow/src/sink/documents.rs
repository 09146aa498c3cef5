//! Sink of the two document views of one worker: changes → rendered documents → the writer.
//!
//! Changes are taken as they come, since the fold sends a tick only when it is closed, and each
//! order's changes together. What has come is written as soon as the writer has nothing of this
//! worker to do, or when it has become much: so a small tick is on its way at once, ticks that
//! close meanwhile are written as one, and a big tick streams through in pieces. The capability of
//! a tick is held until all of it is acknowledged; the output carries nothing but that frontier.
//!
//! The first tick reconciles: what is stored as it should be is not written again, and what was
//! stored and is not wanted is deleted, before any worker's first tick counts as acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use eip_contract::{Dictionary, OrderKey};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::consolidate::{Change, Keyed, consolidate};
use super::writer::{Desk, Job, Line, Writer};
use crate::control::Control;
use crate::fold::Backlog;
use crate::tick::{Rows, Tick, Update};
use eip_stores::{DocumentView, DocumentWrite, content_hash};
use eip_views::shipment_events::{EventKey, OrderFact};
use eip_views::shipments::Shipment;

/// Changes of one view that are written although the writer is still busy with earlier ones.
const MUCH: usize = 1 << 13;
/// How long to wait before a full writer is asked again.
const PAUSE: Duration = Duration::from_millis(1);

/// What the sink works with.
pub struct Parts {
    /// Where the documents go.
    pub writer: Writer,
    /// Which of this process's workers this is.
    pub worker: usize,
    /// Where the fold sees how many wait.
    pub backlog: Backlog,
    /// The texts.
    pub dictionary: Arc<Dictionary>,
    /// Where what is done is counted.
    pub control: Arc<Control>,
}

/// A document in packed form that can be rendered.
trait Document: Keyed + Ord {
    /// Its view.
    const VIEW: DocumentView;
    /// Appends its JSON and gives its `_id`.
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String;
}

impl Keyed for OrderFact {
    type Key = EventKey;
    fn key(&self) -> EventKey {
        OrderFact::key(self)
    }
}

impl Document for OrderFact {
    const VIEW: DocumentView = DocumentView::ShipmentEvents;
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        OrderFact::encode(self, dictionary, out)
    }
}

impl Keyed for (OrderKey, Shipment) {
    type Key = OrderKey;
    fn key(&self) -> OrderKey {
        self.0
    }
}

impl Document for (OrderKey, Shipment) {
    const VIEW: DocumentView = DocumentView::Shipments;
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        self.1.encode(self.0, dictionary, out)
    }
}

/// Writes both views; gives the stream whose frontier is what this worker's store acknowledged.
pub fn write<'scope>(
    events: Rows<'scope, OrderFact>,
    shipments: Rows<'scope, (OrderKey, Shipment)>,
    parts: Parts,
) -> StreamVec<'scope, Tick, ()> {
    let scope = events.inner.scope();
    let mut builder = OperatorBuilder::new("Documents".to_owned(), scope);
    let address = builder.operator_info().address;
    let activator = scope.activator_for(Rc::clone(&address));
    let wake = scope.worker().sync_activator_for(address.to_vec());
    let line = parts.writer.line(parts.worker, Desk::Documents, wake);
    let mut events_input = builder.new_input(events.inner, Pipeline);
    let mut shipments_input = builder.new_input(shipments.inner, Pipeline);
    let (output, acknowledged) = builder.new_output();
    let _output = OutputBuilder::<Tick, CapacityContainerBuilder<Vec<()>>>::from(output);
    builder.build(move |mut capabilities| {
        let mut sink = Sink {
            line,
            parts,
            reconciling: capabilities.pop(),
            events: Vec::new(),
            shipments: Vec::new(),
            pending: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            jobs: VecDeque::new(),
            waiting: 0,
        };
        move |frontiers| {
            events_input.for_each(|capability, updates: &mut Vec<Update<OrderFact>>| {
                let tick = *capability.least().expect("sent under a capability");
                sink.pending
                    .entry(tick)
                    .or_insert_with(|| capability.delayed(&tick, 0));
                sink.events
                    .extend(updates.drain(..).map(|(fact, _, diff)| (fact, diff)));
            });
            shipments_input.for_each(
                |capability, updates: &mut Vec<Update<(OrderKey, Shipment)>>| {
                    let tick = *capability.least().expect("sent under a capability");
                    sink.pending
                        .entry(tick)
                        .or_insert_with(|| capability.delayed(&tick, 0));
                    sink.shipments.extend(
                        updates
                            .drain(..)
                            .map(|(shipment, _, diff)| (shipment, diff)),
                    );
                },
            );
            let is_closed = |tick: &Tick| frontiers.iter().all(|input| !input.less_equal(tick));
            if !sink.advance(is_closed) {
                activator.activate_after(PAUSE);
            }
        }
    });
    acknowledged
}

struct Sink {
    line: Line,
    parts: Parts,
    /// Held until what nobody wants is deleted.
    reconciling: Option<Capability<Tick>>,
    events: Vec<(OrderFact, i64)>,
    shipments: Vec<((OrderKey, Shipment), i64)>,
    /// Ticks of what waits here.
    pending: BTreeMap<Tick, Capability<Tick>>,
    /// Ticks of what the writer has not acknowledged.
    in_flight: BTreeMap<Tick, Capability<Tick>>,
    /// Rendered and not handed over yet.
    jobs: VecDeque<Job>,
    /// Documents handed over or about to be.
    waiting: usize,
}

impl Sink {
    /// Does what can be done now; gives false when the writer took less than there is.
    fn advance(&mut self, is_closed: impl Fn(&Tick) -> bool) -> bool {
        if self.parts.control.beginning().is_none() && is_closed(&Tick::MAX) {
            // It was stopped before there was a tick: nothing to reconcile, and nobody waits.
            self.reconciling = None;
            return true;
        }
        if self.line.stored().is_none() {
            // Nothing may be written before it is known what is there; the writer wakes us.
            self.parts.backlog.set(self.events.len());
            return true;
        }
        // Each step may be the last one that somebody wakes us for, so they are taken until none is
        // left: where all documents are as they should be, nothing is sent and nobody answers.
        loop {
            if !self.hand_over() {
                self.parts.backlog.set(self.waiting);
                return false;
            }
            if self.line.is_idle() {
                self.in_flight.clear();
                self.waiting = 0;
            }
            let much = self.events.len().max(self.shipments.len()) >= MUCH;
            if !self.pending.is_empty() && (self.line.is_idle() || much) {
                self.render_pending();
            } else if !self.reconcile(&is_closed) {
                self.parts.backlog.set(self.waiting + self.events.len());
                return true;
            }
        }
    }

    /// Makes jobs of all that waits here.
    fn render_pending(&mut self) {
        let tick = *self.pending.keys().next_back().expect("not empty");
        self.in_flight.append(&mut self.pending);
        let jobs = [
            render(&mut self.events, tick, &self.line, &self.parts),
            render(&mut self.shipments, tick, &self.line, &self.parts),
        ];
        for job in jobs.into_iter().flatten() {
            if let Job::Bulk { writes, .. } = &job {
                self.waiting += writes.len();
            }
            self.jobs.push_back(job);
        }
    }

    /// Once, when all of the first tick has been written: what is left in the lists is nobody's.
    /// Gives whether this was the moment.
    fn reconcile(&mut self, is_closed: impl Fn(&Tick) -> bool) -> bool {
        let is_first_written = self.pending.is_empty()
            && self.line.is_idle()
            && self
                .parts
                .control
                .beginning()
                .is_some_and(|first| is_closed(&first.tick));
        if !is_first_written {
            return false;
        }
        let (Some(capability), Some(first)) =
            (self.reconciling.take(), self.parts.control.beginning())
        else {
            return false;
        };
        for view in DocumentView::ALL {
            self.jobs.extend(unclaimed(&self.line, view, first.tick));
        }
        if !self.jobs.is_empty() {
            let capability = capability.delayed(&first.tick);
            self.in_flight.insert(first.tick, capability);
        }
        true
    }

    fn hand_over(&mut self) -> bool {
        while let Some(job) = self.jobs.pop_front() {
            if let Err(job) = self.line.send(job) {
                self.jobs.push_front(job);
                return false;
            }
        }
        true
    }
}

/// Takes all updates and renders what they write, without what is stored already.
fn render<D: Document>(
    updates: &mut Vec<(D, i64)>,
    tick: Tick,
    line: &Line,
    parts: &Parts,
) -> Option<Job> {
    let stored = line.stored()?;
    let mut writes = Vec::with_capacity(updates.len());
    let mut unchanged = 0;
    let mut text = Vec::new();
    consolidate(updates, |change| match change {
        Change::Index(document) => {
            text.clear();
            let id = document.encode(&parts.dictionary, &mut text);
            let rev = content_hash(&text);
            if stored.claim(line.worker(), D::VIEW, &id, rev) {
                unchanged += 1;
            } else {
                let doc = String::from_utf8(text.clone()).expect("made of texts");
                writes.push(DocumentWrite::Index { id, rev, doc });
            }
        }
        Change::Delete(document) => {
            text.clear();
            writes.push(DocumentWrite::Delete {
                id: document.encode(&parts.dictionary, &mut text),
            });
        }
    });
    if unchanged > 0 {
        parts
            .control
            .count(|counts| counts.documents(D::VIEW).unchanged += unchanged);
    }
    (!writes.is_empty()).then_some(Job::Bulk {
        view: D::VIEW,
        tick,
        writes,
    })
}

/// Deletes what was stored of this worker's orders and nobody wanted.
fn unclaimed(line: &Line, view: DocumentView, tick: Tick) -> Option<Job> {
    let ids = line.stored()?.take_unclaimed(line.worker(), view);
    let writes: Vec<_> = ids
        .into_iter()
        .map(|id| DocumentWrite::Delete { id })
        .collect();
    (!writes.is_empty()).then_some(Job::Bulk { view, tick, writes })
}
