//! Sink of the document views of one worker: changes → rendered documents → the writer.
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

use eip_contract::Dictionary;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::{Scope, StreamVec};

use super::writer::{Desk, Job, Line, Writer};
use crate::changes::documents::{DocumentChanges, DocumentInbox, Rendered};
use crate::control::Control;
use crate::fold::Backlog;
use crate::tick::Tick;
use eip_stores::{DocumentWrite, content_hash};

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

/// Writes the views; returns the stream whose frontier is what this worker's store acknowledged.
pub fn write<'scope>(
    scope: Scope<'scope, Tick>,
    views: Vec<Box<dyn DocumentChanges<'scope> + 'scope>>,
    parts: Parts,
) -> StreamVec<'scope, Tick, ()> {
    let mut builder = OperatorBuilder::new("Documents".to_owned(), scope);
    let address = builder.operator_info().address;
    let activator = scope.activator_for(Rc::clone(&address));
    let wake = scope.worker().sync_activator_for(address.to_vec());
    let line = parts.writer.line(parts.worker, Desk::Documents, wake);
    let inboxes = views.into_iter().map(|view| view.into_inbox(&mut builder));
    let inboxes = inboxes.collect();
    let (output, acknowledged) = builder.new_output();
    let _output = OutputBuilder::<Tick, CapacityContainerBuilder<Vec<()>>>::from(output);
    builder.build(move |mut capabilities| {
        let mut sink = Sink {
            line,
            parts,
            reconciling: capabilities.pop(),
            inboxes,
            pending: BTreeMap::new(),
            in_flight: BTreeMap::new(),
            jobs: VecDeque::new(),
            waiting: 0,
        };
        move |frontiers| {
            for inbox in &mut sink.inboxes {
                inbox.receive(&mut sink.pending);
            }
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
    /// One a view, in the order in which stores list them.
    inboxes: Vec<Box<dyn DocumentInbox>>,
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
            self.parts.backlog.set(self.most_changes());
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
            let much = self.most_changes() >= MUCH;
            if !self.pending.is_empty() && (self.line.is_idle() || much) {
                self.render_pending();
            } else if !self.reconcile(&is_closed) {
                self.parts.backlog.set(self.waiting + self.most_changes());
                return true;
            }
        }
    }

    /// Changes that wait here, of the view that has most.
    fn most_changes(&self) -> usize {
        let waiting = self.inboxes.iter().map(|inbox| inbox.waiting());
        waiting.max().unwrap_or(0)
    }

    /// Makes jobs of all that waits here.
    fn render_pending(&mut self) {
        let tick = *self.pending.keys().next_back().expect("not empty");
        self.in_flight.append(&mut self.pending);
        for (place, inbox) in self.inboxes.iter_mut().enumerate() {
            let writes = render(&mut **inbox, place, &self.line, &self.parts);
            if !writes.is_empty() {
                self.waiting += writes.len();
                let view = inbox.view();
                self.jobs.push_back(Job::Bulk { view, tick, writes });
            }
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
        for (place, inbox) in self.inboxes.iter().enumerate() {
            let writes = unclaimed(&self.line, place);
            if !writes.is_empty() {
                let (view, tick) = (inbox.view(), first.tick);
                self.jobs.push_back(Job::Bulk { view, tick, writes });
            }
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

/// Takes all changes of the view at `place` and renders what they write, without what is stored already.
fn render(
    inbox: &mut dyn DocumentInbox,
    place: usize,
    line: &Line,
    parts: &Parts,
) -> Vec<DocumentWrite> {
    let stored = line.stored().expect("seen before anything is rendered");
    let mut writes = Vec::with_capacity(inbox.waiting());
    let mut unchanged = 0;
    inbox.render(&parts.dictionary, &mut |rendered| match rendered {
        Rendered::Index { id, line: text } => {
            let rev = content_hash(text);
            if stored.claim(line.worker(), place, &id, rev) {
                unchanged += 1;
            } else {
                let doc = String::from_utf8(text.to_vec()).expect("made of texts");
                writes.push(DocumentWrite::Index { id, rev, doc });
            }
        }
        Rendered::Delete { id } => writes.push(DocumentWrite::Delete { id }),
    });
    if unchanged > 0 {
        let view = inbox.view();
        parts
            .control
            .count(|counts| counts.view(view).unchanged += unchanged);
    }
    writes
}

/// Deletes what was stored of this worker's orders and nobody wanted.
fn unclaimed(line: &Line, place: usize) -> Vec<DocumentWrite> {
    let stored = line.stored().expect("seen before anything is rendered");
    let ids = stored.take_unclaimed(line.worker(), place);
    ids.into_iter()
        .map(|id| DocumentWrite::Delete { id })
        .collect()
}
