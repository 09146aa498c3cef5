//! What a plan does to `route_stats_daily`, recomputed plainly by the view's own rule
//! ([`eip_views::route_stats_daily`]).
//!
//! Only the rows that an order with other facts touches, before or after, can change. Those rows are
//! computed twice over all orders of the log: as they are, and with the plan.

use eip_contract::{Day, OrderKey, RegionCode};
use eip_views::nearest_ranks;
use eip_views::route_stats_daily::{Days, RouteSums};
use eip_views::shipments::Shipment;
use hashbrown::HashMap;

use super::log_facts::{FactsByRank, LogFacts};
use super::report::{MAX_ROUTES, RouteChange, RouteRows};

/// Key of a row.
type Route = (Day, RegionCode, RegionCode);

/// What a row is made from.
#[derive(Clone, Debug, Default)]
struct Group {
    sums: RouteSums,
    lead_seconds: Vec<i64>,
}

/// The figures of a row.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    sums: RouteSums,
    percentiles: [Option<i64>; 3],
}

impl Group {
    fn row(mut self) -> Option<Row> {
        self.lead_seconds.sort_unstable();
        self.sums.has_row().then(|| Row {
            sums: self.sums,
            percentiles: nearest_ranks(self.lead_seconds.iter().map(|lead| (lead, 1))),
        })
    }
}

/// The rows that are computed, before the plan and with it.
#[derive(Default)]
struct Groups(HashMap<Route, [Group; 2]>);

/// Which of the two.
#[derive(Clone, Copy)]
enum Side {
    Before,
    WithPlan,
}

/// The days of one shipment's route on one side; `aside` takes what is not computed.
struct RouteDays<'a> {
    groups: &'a mut Groups,
    shipment: &'a Shipment,
    side: Side,
    aside: RouteSums,
}

impl RouteDays<'_> {
    fn group(&mut self, day: Day) -> Option<&mut Group> {
        let Shipment {
            seller_region,
            customer_region,
            ..
        } = *self.shipment;
        let sides = self
            .groups
            .0
            .get_mut(&(day, seller_region, customer_region));
        sides.map(|sides| &mut sides[self.side as usize])
    }
}

impl Days for RouteDays<'_> {
    fn of(&mut self, day: Day) -> &mut RouteSums {
        let route = (
            day,
            self.shipment.seller_region,
            self.shipment.customer_region,
        );
        match self.groups.0.get_mut(&route) {
            Some(sides) => &mut sides[self.side as usize].sums,
            None => &mut self.aside,
        }
    }
}

impl Groups {
    /// Computes the rows of these facts from now on.
    fn wants(&mut self, facts: &FactsByRank) {
        let Some(shipment) = Shipment::of(facts) else {
            return;
        };
        for time in shipment.times.into_iter().flatten() {
            let route = (time.day(), shipment.seller_region, shipment.customer_region);
            self.0.entry(route).or_default();
        }
    }

    /// Adds an order.
    fn add(&mut self, facts: &FactsByRank, side: Side) {
        let Some(shipment) = Shipment::of(facts) else {
            return;
        };
        let mut days = RouteDays {
            groups: self,
            shipment: &shipment,
            side,
            aside: RouteSums::default(),
        };
        if let Some((day, lead)) = RouteSums::add(&shipment, 1, &mut days)
            && let Some(group) = days.group(day)
        {
            group.lead_seconds.push(lead);
        }
    }
}

/// The change that the orders in `differing`, with their facts after it, make, and the routes that
/// it is greatest for.
pub(crate) fn change(
    log: &LogFacts,
    differing: &[(OrderKey, FactsByRank)],
) -> (RouteChange, Vec<RouteRows>) {
    let after: HashMap<OrderKey, &FactsByRank> = differing
        .iter()
        .map(|(order, facts)| (*order, facts))
        .collect();
    let mut groups = Groups::default();
    for (order, facts) in differing {
        groups.wants(&log.of(*order));
        groups.wants(facts);
    }
    for (order, facts) in log.iter() {
        groups.add(facts, Side::Before);
        if !after.contains_key(&order) {
            groups.add(facts, Side::WithPlan);
        }
    }
    for (_, facts) in differing {
        groups.add(facts, Side::WithPlan);
    }
    let mut change = RouteChange::default();
    let mut by_route: HashMap<(RegionCode, RegionCode), u64> = HashMap::new();
    for ((_, seller, customer), [before, with_plan]) in groups.0 {
        match (before.row(), with_plan.row()) {
            (before, after) if before == after => continue,
            (None, _) => change.added += 1,
            (_, None) => change.removed += 1,
            (Some(_), Some(_)) => change.changed += 1,
        }
        *by_route.entry((seller, customer)).or_default() += 1;
    }
    let text = |code| log.packer.dictionary().region(code).to_string();
    let mut routes: Vec<RouteRows> = by_route
        .into_iter()
        .map(|((seller, customer), rows)| RouteRows {
            seller_region: text(seller),
            customer_region: text(customer),
            rows,
        })
        .collect();
    routes.sort_by(|a, b| {
        let key = |route: &RouteRows| (route.seller_region.clone(), route.customer_region.clone());
        b.rows.cmp(&a.rows).then_with(|| key(a).cmp(&key(b)))
    });
    routes.truncate(MAX_ROUTES);
    (change, routes)
}
