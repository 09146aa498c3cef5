//! Records → each order's current facts → what a tick changes, as differential collections.
//!
//! The one keyed operator of the dataflow. It replaces an upsert and a reduce, whose ordered queue
//! and arrangements cost several times as much: state is one hash index with a dense store behind
//! it ([`orders`]), and a tick's output is the difference between the facts before and after it.
//!
//! Promises: nothing of a tick is sent before the tick is closed; an order's changes of a tick are
//! sent together, each −old before its +new; a big tick is sent in pieces, with time between them
//! for what follows, and none while those who follow are behind ([`Backlog`]). So buffers are
//! reused and memory stays flat. Demands: the source hands records over tick after tick.

mod compact;
mod index;
mod orders;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use differential_dataflow::AsCollection as _;
use eip_contract::{EventType, OrderKey};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use self::orders::Orders;
use crate::source::Record;
use crate::tick::{Diff, Rows, Tick, Update};
use eip_views::shipment_events::OrderFact;
use eip_views::shipments::{Facts, Shipment};

/// Orders sent at once: their changes fit into the second-level cache.
const PIECE: usize = 1_024;
/// Documents that may wait for a store in one worker before the fold stops sending.
const MOST_WAITING: usize = 1 << 16;
/// How long it stops before it looks again.
const PAUSE: Duration = Duration::from_micros(500);

/// How many documents of this worker wait for a store; the sinks count, the fold looks.
#[derive(Clone, Default)]
pub struct Backlog(Rc<Cell<usize>>);

impl Backlog {
    /// Sets the count.
    pub fn set(&self, waiting: usize) {
        self.0.set(waiting);
    }

    fn is_full(&self) -> bool {
        self.0.get() > MOST_WAITING
    }
}

/// What stands, as collections.
pub struct Current<'scope> {
    /// Every current fact.
    pub facts: Rows<'scope, OrderFact>,
    /// The shipment of every order with a current fact.
    pub shipments: Rows<'scope, (OrderKey, Shipment)>,
}

/// A tick whose records are here and whose changes are not all sent yet.
struct Open {
    facts: Capability<Tick>,
    shipments: Capability<Tick>,
    /// Records that came while an earlier tick was open.
    waiting: Vec<Vec<Record>>,
}

/// Folds the records of this worker's partitions. `seed` is a secret of the process.
pub fn current(
    records: StreamVec<'_, Tick, Record>,
    seed: [u64; 2],
    backlog: Backlog,
) -> Current<'_> {
    type Sent<D> = CapacityContainerBuilder<Vec<Update<D>>>;
    let scope = records.scope();
    let mut builder = OperatorBuilder::new("Fold".to_owned(), scope);
    let activator = scope.activator_for(builder.operator_info().address);
    let mut input = builder.new_input(records, Pipeline);
    let (facts_output, facts) = builder.new_output();
    let (shipments_output, shipments) = builder.new_output();
    let mut facts_output = OutputBuilder::<Tick, Sent<OrderFact>>::from(facts_output);
    let mut shipments_output =
        OutputBuilder::<Tick, Sent<(OrderKey, Shipment)>>::from(shipments_output);
    builder.build(move |_capabilities| {
        let mut orders = Orders::new(seed);
        let mut open: VecDeque<Open> = VecDeque::new();
        move |frontiers| {
            input.for_each(|capability, records: &mut Vec<Record>| {
                let tick = *capability.least().expect("sent under a capability");
                let latest = open.back().map(|open| *open.facts.time());
                assert!(
                    latest.is_none_or(|latest| latest <= tick),
                    "the source goes tick by tick"
                );
                if latest != Some(tick) {
                    open.push_back(Open {
                        facts: capability.delayed(&tick, 0),
                        shipments: capability.delayed(&tick, 1),
                        waiting: Vec::new(),
                    });
                }
                if open.len() == 1 {
                    orders.apply(records);
                } else if let Some(latest) = open.back_mut() {
                    latest.waiting.push(std::mem::take(records));
                }
            });
            let mut facts_output = facts_output.activate();
            let mut shipments_output = shipments_output.activate();
            while let Some(first) = open.front()
                && !frontiers[0].less_equal(first.facts.time())
            {
                if backlog.is_full() {
                    activator.activate_after(PAUSE);
                    return;
                }
                let tick = *first.facts.time();
                let mut facts = facts_output.session(&first.facts);
                let mut shipments = shipments_output.session(&first.shipments);
                let more = orders.drain(PIECE, |order, before, after| {
                    each_fact_change(order, before, after, |fact, diff| {
                        facts.give((fact, tick, diff));
                    });
                    each_shipment_change(before, after, |shipment, diff| {
                        shipments.give(((order, shipment), tick, diff));
                    });
                });
                drop((facts, shipments));
                if more {
                    activator.activate();
                    return;
                }
                open.pop_front();
                for records in open
                    .front_mut()
                    .into_iter()
                    .flat_map(|next| next.waiting.drain(..))
                {
                    orders.apply(&records);
                }
            }
        }
    });
    Current {
        facts: facts.as_collection(),
        shipments: shipments.as_collection(),
    }
}

/// What makes the facts after of the facts before: of each type −old, then +new.
#[inline]
fn each_fact_change(
    order: OrderKey,
    before: &Facts,
    after: &Facts,
    mut each: impl FnMut(OrderFact, Diff),
) {
    for (event_type, (old, new)) in EventType::ALL.into_iter().zip(before.iter().zip(after)) {
        if old != new {
            let of = |fact| OrderFact {
                order,
                event_type,
                fact,
            };
            if let Some(fact) = *old {
                each(of(fact), -1);
            }
            if let Some(fact) = *new {
                each(of(fact), 1);
            }
        }
    }
}

/// What makes the shipment after of the shipment before.
#[inline]
fn each_shipment_change(before: &Facts, after: &Facts, mut each: impl FnMut(Shipment, Diff)) {
    let (old, new) = (Shipment::of(before), Shipment::of(after));
    if old != new {
        if let Some(shipment) = old {
            each(shipment, -1);
        }
        if let Some(shipment) = new {
            each(shipment, 1);
        }
    }
}
