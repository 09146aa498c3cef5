//! What a plan does to `route_stats_daily`, recomputed plainly by the view's own rule
//! ([`eip_views::route_stats_daily`]).
//!
//! Only the rows that an order with other facts touches, before or after, can change. Those rows are
//! computed twice over all orders of the log: as they are, and with the plan. Of the other rows the sums
//! are enough, and the same on both sides.

use eip_contract::{Day, OrderKey, RegionCode};
use eip_views::nearest_ranks;
use eip_views::route_stats_daily::{Days, RouteSums};
use eip_views::shipments::Shipment;
use hashbrown::HashMap;

use super::log_facts::{FactsByRank, LogFacts};
use super::report::RouteChange;
use super::route_figures::{
    Compared, DayCompared, RegionCompared, RouteCompared, RouteComparison, RowChange, RowFigures,
    listed,
};

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

impl Row {
    fn figures(&self) -> RowFigures {
        let [p50, p90, p99] = self.percentiles;
        RowFigures {
            sums: self.sums.into(),
            lead_seconds_p50: p50,
            lead_seconds_p90: p90,
            lead_seconds_p99: p99,
        }
    }
}

/// All rows.
#[derive(Default)]
struct Groups {
    /// Those that may change, before the plan and with it.
    touched: HashMap<Route, [Group; 2]>,
    /// The others.
    untouched: HashMap<Route, RouteSums>,
}

/// Which of the two.
#[derive(Clone, Copy)]
enum Side {
    Before,
    WithPlan,
}

/// The days of one shipment's route on one side; `aside` takes what the other side has counted.
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
            .touched
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
        match (self.groups.touched.get_mut(&route), self.side) {
            (Some(sides), side) => &mut sides[side as usize].sums,
            (None, Side::Before) => self.groups.untouched.entry(route).or_default(),
            (None, Side::WithPlan) => &mut self.aside,
        }
    }
}

impl Groups {
    /// The rows of these facts may change.
    fn touches(&mut self, facts: &FactsByRank) {
        let Some(shipment) = Shipment::of(facts) else {
            return;
        };
        for time in shipment.times.into_iter().flatten() {
            let route = (time.day(), shipment.seller_region, shipment.customer_region);
            self.touched.entry(route).or_default();
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

/// Rows added up, by what they have in common.
#[derive(Default)]
struct Sums {
    all: Compared,
    by_route: HashMap<(RegionCode, RegionCode), Compared>,
    by_seller: HashMap<RegionCode, Compared>,
    by_customer: HashMap<RegionCode, Compared>,
    by_day: HashMap<Day, Compared>,
}

impl Sums {
    fn add(&mut self, (day, seller, customer): Route, row: Compared) {
        self.all += row;
        *self.by_route.entry((seller, customer)).or_default() += row;
        *self.by_seller.entry(seller).or_default() += row;
        *self.by_customer.entry(customer).or_default() += row;
        *self.by_day.entry(day).or_default() += row;
    }
}

/// The change that the orders in `differing`, with their facts after it, make: in rows and in figures.
pub(crate) fn change(
    log: &LogFacts,
    differing: &[(OrderKey, FactsByRank)],
) -> (RouteChange, RouteComparison) {
    let after: HashMap<OrderKey, &FactsByRank> = differing
        .iter()
        .map(|(order, facts)| (*order, facts))
        .collect();
    let mut groups = Groups::default();
    for (order, facts) in differing {
        groups.touches(&log.of(*order));
        groups.touches(facts);
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
    compare(groups, |code| {
        log.packer.dictionary().region(code).to_string()
    })
}

fn compare(groups: Groups, text: impl Fn(RegionCode) -> String) -> (RouteChange, RouteComparison) {
    let mut change = RouteChange::default();
    let mut rows = Vec::new();
    // The rows with their sums; whether it changes.
    let mut all: Vec<(Route, [RouteSums; 2], bool)> = Vec::new();
    for (route, sums) in groups.untouched {
        all.push((route, [sums; 2], false));
    }
    for (route, [before, with_plan]) in groups.touched {
        let sums = [before.sums, with_plan.sums];
        let (before, after) = (before.row(), with_plan.row());
        let changes = before != after;
        all.push((route, sums, changes));
        match (&before, &after) {
            _ if !changes => continue,
            (None, _) => change.added += 1,
            (_, None) => change.removed += 1,
            (Some(_), Some(_)) => change.changed += 1,
        }
        let (day, seller, customer) = route;
        rows.push(RowChange {
            day,
            seller_region: text(seller),
            customer_region: text(customer),
            before: before.as_ref().map(Row::figures),
            after: after.as_ref().map(Row::figures),
        });
    }
    let first_day = rows.iter().map(|row| row.day).min();
    let last_day = rows.iter().map(|row| row.day).max();
    let mut sums = Sums::default();
    for (route, [before, after], changes) in all {
        if (first_day..=last_day).contains(&Some(route.0)) {
            let compared = Compared {
                rows: u64::from(changes),
                before: before.into(),
                after: after.into(),
            };
            sums.add(route, compared);
        }
    }
    let regions = |of: HashMap<RegionCode, Compared>| {
        listed(of.into_iter().map(|(region, compared)| RegionCompared {
            region: text(region),
            compared,
        }))
    };
    let routes = sums.by_route.into_iter();
    let days = sums.by_day.into_iter();
    let comparison = RouteComparison {
        first_day,
        last_day,
        all: sums.all,
        by_route: listed(routes.map(|((seller, customer), compared)| RouteCompared {
            seller_region: text(seller),
            customer_region: text(customer),
            compared,
        })),
        by_seller: regions(sums.by_seller),
        by_customer: regions(sums.by_customer),
        by_day: listed(days.map(|(day, compared)| DayCompared { day, compared })),
        rows: listed(rows.into_iter()),
    };
    (change, comparison)
}
