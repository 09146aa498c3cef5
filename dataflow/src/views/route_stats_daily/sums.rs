//! What shipments add to their routes' days, summed once a tick before anything is exchanged.

use differential_dataflow::AsCollection as _;
use differential_dataflow::consolidation::consolidate;
use differential_dataflow::difference::{Abelian, IsZero, Monoid, Semigroup};
use differential_dataflow::{Collection, VecCollection};
use eip_contract::{Day, OrderKey, RegionCode};
use eip_views::route_stats_daily::{Days, RouteSums};
use eip_views::shipments::Shipment;
use hashbrown::HashMap;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use super::RouteDay;
use crate::tick::{Diff, Rows, Tick, Update};

/// The sums of one route's day as a *difference*: two of them add up.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub(super) struct Difference(pub(super) RouteSums);

impl IsZero for Difference {
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Semigroup for Difference {
    fn plus_equals(&mut self, Self(other): &Self) {
        let Self(sums) = self;
        for (count, more) in sums.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        sums.delivered_late += other.delivered_late;
        sums.lead_count += other.lead_count;
        sums.lead_seconds_sum += other.lead_seconds_sum;
        sums.late_seconds_sum += other.late_seconds_sum;
    }
}

impl Monoid for Difference {
    fn zero() -> Self {
        Self::default()
    }
}

impl Abelian for Difference {
    fn negate(&mut self) {
        let Self(sums) = self;
        for count in &mut sums.counts {
            *count = -*count;
        }
        sums.delivered_late = -sums.delivered_late;
        sums.lead_count = -sums.lead_count;
        sums.lead_seconds_sum = -sums.lead_seconds_sum;
        sums.late_seconds_sum = -sums.late_seconds_sum;
    }
}

/// What one tick changes, by day and route.
pub(super) struct Changes<'scope> {
    /// One record a key, the sums as its difference.
    pub(super) sums: VecCollection<'scope, Tick, RouteDay, Difference>,
    /// The lead times that came and went.
    pub(super) leads: Rows<'scope, (RouteDay, i64)>,
}

/// The sums of one tick of one worker.
#[derive(Default)]
struct Accumulator {
    sums: HashMap<RouteDay, Difference>,
    leads: Vec<((RouteDay, i64), Diff)>,
    /// Length of `leads` at which equal ones are summed: twice what was left the last time.
    full: usize,
}

/// The days of one route in an accumulator.
struct RouteDays<'a> {
    sums: &'a mut HashMap<RouteDay, Difference>,
    seller: RegionCode,
    customer: RegionCode,
}

impl Days for RouteDays<'_> {
    #[inline]
    fn of(&mut self, day: Day) -> &mut RouteSums {
        let key = RouteDay::new(day, self.seller, self.customer);
        &mut self.sums.entry(key).or_default().0
    }
}

impl Accumulator {
    /// Adds a shipment, or takes it away.
    fn add(&mut self, shipment: &Shipment, diff: Diff) {
        let (seller, customer) = (shipment.seller_region, shipment.customer_region);
        let mut days = RouteDays {
            sums: &mut self.sums,
            seller,
            customer,
        };
        if let Some((day, lead)) = RouteSums::add(shipment, diff, &mut days) {
            let key = RouteDay::new(day, seller, customer);
            self.leads.push(((key, lead), diff));
            if self.leads.len() >= self.full.max(1 << 14) {
                consolidate(&mut self.leads);
                self.full = self.leads.len() * 2;
            }
        }
    }
}

/// A tick that is not closed yet: its sums so far and the right to send them.
struct Open {
    accumulator: Accumulator,
    sums: Capability<Tick>,
    leads: Capability<Tick>,
}

/// Sums by day and route what each tick changes. Sends nothing of a tick before it is closed.
pub(super) fn by_route_day(shipments: Rows<'_, (OrderKey, Shipment)>) -> Changes<'_> {
    type Sent<D, R> = CapacityContainerBuilder<Vec<(D, Tick, R)>>;
    let stream = shipments.inner;
    let mut builder = OperatorBuilder::new("RouteDayChanges".to_owned(), stream.scope());
    let mut input = builder.new_input(stream, Pipeline);
    let (sums_output, sums) = builder.new_output();
    let (leads_output, leads) = builder.new_output();
    let mut sums_output = OutputBuilder::<Tick, Sent<RouteDay, Difference>>::from(sums_output);
    let mut leads_output = OutputBuilder::<Tick, Sent<(RouteDay, i64), Diff>>::from(leads_output);
    builder.build(move |_capabilities| {
        let mut open: Vec<Open> = Vec::new();
        move |frontiers| {
            input.for_each(
                |capability, updates: &mut Vec<Update<(OrderKey, Shipment)>>| {
                    let tick = *capability.least().expect("sent under a capability");
                    let at = open.iter().position(|open| *open.sums.time() == tick);
                    let at = at.unwrap_or_else(|| {
                        open.push(Open {
                            accumulator: Accumulator::default(),
                            sums: capability.delayed(&tick, 0),
                            leads: capability.delayed(&tick, 1),
                        });
                        open.len() - 1
                    });
                    for ((_order, shipment), _tick, diff) in updates.iter() {
                        open[at].accumulator.add(shipment, *diff);
                    }
                },
            );
            let mut sums_output = sums_output.activate();
            let mut leads_output = leads_output.activate();
            for mut closed in open.extract_if(.., |open| !frontiers[0].less_equal(open.sums.time()))
            {
                let tick = *closed.sums.time();
                let mut session = sums_output.session(&closed.sums);
                for (key, sums) in closed
                    .accumulator
                    .sums
                    .drain()
                    .filter(|(_, s)| !s.is_zero())
                {
                    session.give((key, tick, sums));
                }
                consolidate(&mut closed.accumulator.leads);
                let mut session = leads_output.session(&closed.leads);
                for (lead, diff) in closed.accumulator.leads.drain(..) {
                    session.give((lead, tick, diff));
                }
            }
        }
    });
    Changes {
        sums: Collection::new(sums),
        leads: leads.as_collection(),
    }
}
