//! Changes of a view that is kept as rows.

use std::collections::BTreeMap;

use differential_dataflow::ExchangeData;
use eip_stores::RowChanges as Written;
use eip_views::{Row, View};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::consolidate::{Change, consolidate};
use super::{Counted, count};
use crate::tick::{Rows, Tick, Update};

/// The changes of one view, of whatever type.
pub trait RowChanges<'scope> {
    /// The view.
    fn view(&self) -> &'static View;

    /// Counts the updates and drops them.
    fn count(self: Box<Self>, counted: Counted) -> StreamVec<'scope, Tick, ()>;

    /// Makes them an input, on worker 0, of the operator that `builder` builds.
    fn into_inbox(
        self: Box<Self>,
        builder: &mut OperatorBuilder<'scope, Tick>,
    ) -> Box<dyn RowInbox>;
}

/// Where the changes of one view arrive in an operator.
pub trait RowInbox {
    /// Takes what has come.
    fn receive(&mut self);

    /// What all updates up to `tick`, which is closed, change; they are taken.
    fn take(&mut self, tick: Tick) -> Written;
}

/// The collection of a view's rows, by key.
pub(crate) struct KeyedRows<'scope, K: Clone + 'static, V: Clone + 'static> {
    pub(crate) view: &'static View,
    pub(crate) rows: Rows<'scope, (K, V)>,
    /// Makes the row as stores take it.
    pub(crate) row: fn(&K, &V) -> Row,
}

impl<'scope, K: ExchangeData, V: ExchangeData> RowChanges<'scope> for KeyedRows<'scope, K, V> {
    fn view(&self) -> &'static View {
        self.view
    }

    fn count(self: Box<Self>, counted: Counted) -> StreamVec<'scope, Tick, ()> {
        count(self.rows.inner, counted)
    }

    fn into_inbox(
        self: Box<Self>,
        builder: &mut OperatorBuilder<'scope, Tick>,
    ) -> Box<dyn RowInbox> {
        let to_the_first = Exchange::new(|_: &Update<(K, V)>| 0);
        let mut input = builder.new_input(self.rows.inner, to_the_first);
        Box::new(Inbox {
            view: self.view,
            row: self.row,
            receive: move |waiting: &mut BTreeMap<Tick, Vec<_>>| {
                input.for_each(|_, updates: &mut Vec<Update<(K, V)>>| {
                    for (row, tick, diff) in updates.drain(..) {
                        waiting.entry(tick).or_default().push((row, diff));
                    }
                });
            },
            waiting: BTreeMap::new(),
        })
    }
}

/// Updates by tick, as they came.
type Waiting<K, V> = BTreeMap<Tick, Vec<((K, V), i64)>>;

struct Inbox<K, V, R> {
    view: &'static View,
    row: fn(&K, &V) -> Row,
    receive: R,
    waiting: Waiting<K, V>,
}

impl<K: Ord, V: Ord, R: FnMut(&mut Waiting<K, V>)> RowInbox for Inbox<K, V, R> {
    fn receive(&mut self) {
        (self.receive)(&mut self.waiting);
    }

    fn take(&mut self, tick: Tick) -> Written {
        let later = self.waiting.split_off(&(tick + 1));
        let closed = std::mem::replace(&mut self.waiting, later);
        let mut updates: Vec<_> = closed.into_values().flatten().collect();
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        consolidate(&mut updates, |change| match change {
            Change::Index((key, value)) => upserts.push((self.row)(&key, &value)),
            Change::Delete((key, value)) => {
                let mut row = (self.row)(&key, &value);
                row.truncate(self.view.key().len());
                deletes.push(row);
            }
        });
        Written {
            view: self.view,
            upserts,
            deletes,
        }
    }
}
