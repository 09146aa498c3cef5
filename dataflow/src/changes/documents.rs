//! Changes of a view that is kept as documents.

use std::collections::BTreeMap;

use eip_contract::Dictionary;
use eip_views::View;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::consolidate::{Change, Keyed, consolidate};
use super::{Counted, count};
use crate::tick::{Rows, Tick, Update};

/// A document in packed form that can be rendered. It is on the worker of its order's partition.
pub trait Document: Keyed + Ord + Clone + 'static {
    /// Appends its canonical line and returns its `_id`.
    fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String;
}

/// What is to become of one document.
pub enum Rendered<'a> {
    /// It is this from now on.
    Index {
        /// Its `_id`.
        id: String,
        /// Its canonical line.
        line: &'a [u8],
    },
    /// It is gone.
    Delete {
        /// Its `_id`.
        id: String,
    },
}

/// The changes of one view, of whatever type.
pub trait DocumentChanges<'scope> {
    /// The view.
    fn view(&self) -> &'static View;

    /// Counts the updates and drops them.
    fn count(self: Box<Self>, counted: Counted) -> StreamVec<'scope, Tick, ()>;

    /// Makes them an input of the operator that `builder` builds.
    fn into_inbox(
        self: Box<Self>,
        builder: &mut OperatorBuilder<'scope, Tick>,
    ) -> Box<dyn DocumentInbox>;
}

/// Where the changes of one view arrive in an operator.
pub trait DocumentInbox {
    /// The view.
    fn view(&self) -> &'static View;

    /// Takes what has come; `pending` gets a capability of each tick of it.
    fn receive(&mut self, pending: &mut BTreeMap<Tick, Capability<Tick>>);

    /// Updates that wait here.
    fn waiting(&self) -> usize;

    /// Takes all that waits, and calls `each` once for every document that it changes.
    fn render(&mut self, dictionary: &Dictionary, each: &mut dyn FnMut(Rendered<'_>));
}

/// The collection of a view's documents.
pub(crate) struct Documents<'scope, D: Clone + 'static> {
    pub(crate) view: &'static View,
    pub(crate) documents: Rows<'scope, D>,
}

impl<'scope, D: Document> DocumentChanges<'scope> for Documents<'scope, D> {
    fn view(&self) -> &'static View {
        self.view
    }

    fn count(self: Box<Self>, counted: Counted) -> StreamVec<'scope, Tick, ()> {
        count(self.documents.inner, counted)
    }

    fn into_inbox(
        self: Box<Self>,
        builder: &mut OperatorBuilder<'scope, Tick>,
    ) -> Box<dyn DocumentInbox> {
        let mut input = builder.new_input(self.documents.inner, Pipeline);
        Box::new(Inbox {
            view: self.view,
            receive: move |waiting: &mut Vec<_>, pending: &mut BTreeMap<_, _>| {
                input.for_each(|capability, updates: &mut Vec<Update<D>>| {
                    let tick = *capability.least().expect("sent under a capability");
                    pending
                        .entry(tick)
                        .or_insert_with(|| capability.delayed(&tick, 0));
                    waiting.extend(
                        updates
                            .drain(..)
                            .map(|(document, _, diff)| (document, diff)),
                    );
                });
            },
            waiting: Vec::new(),
        })
    }
}

struct Inbox<D, R> {
    view: &'static View,
    receive: R,
    waiting: Vec<(D, i64)>,
}

impl<D, R> DocumentInbox for Inbox<D, R>
where
    D: Document,
    R: FnMut(&mut Vec<(D, i64)>, &mut BTreeMap<Tick, Capability<Tick>>),
{
    fn view(&self) -> &'static View {
        self.view
    }

    fn receive(&mut self, pending: &mut BTreeMap<Tick, Capability<Tick>>) {
        (self.receive)(&mut self.waiting, pending);
    }

    fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn render(&mut self, dictionary: &Dictionary, each: &mut dyn FnMut(Rendered<'_>)) {
        let mut line = Vec::new();
        consolidate(&mut self.waiting, |change| {
            line.clear();
            match change {
                Change::Index(document) => {
                    let id = document.encode(dictionary, &mut line);
                    each(Rendered::Index { id, line: &line });
                }
                Change::Delete(document) => {
                    let id = document.encode(dictionary, &mut line);
                    each(Rendered::Delete { id });
                }
            }
        });
    }
}
