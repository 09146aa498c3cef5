//! What a plan does to `route_stats_daily`, recomputed plainly (semantics, section 4).
//!
//! Only the rows that an order with other facts touches, before or after, can change. Those rows are
//! computed twice over all orders of the log: as they are, and with the plan.

use eip_contract::{Day, EventType, OrderKey, RegionCode};
use hashbrown::HashMap;

use super::log_facts::{FactsByRank, LogFacts};
use super::report::{MAX_ROUTES, RouteChange, RouteRows};

/// Key of a row.
type Route = (Day, RegionCode, RegionCode);

/// What a row is made from.
#[derive(Clone, Debug, Default)]
struct Group {
    counts: [i64; 6],
    delivered_late: i64,
    late_seconds: i64,
    lead_seconds: Vec<i64>,
}

/// The figures of a row.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    counts: [i64; 6],
    delivered_late: i64,
    late_seconds: i64,
    lead_count: usize,
    lead_sum: i64,
    percentiles: [Option<i64>; 3],
}

impl Group {
    fn row(mut self) -> Option<Row> {
        if self.counts == [0; 6] {
            return None;
        }
        self.lead_seconds.sort_unstable();
        let count = self.lead_seconds.len();
        let nearest_rank = |percent: usize| {
            let rank = (count * percent).div_ceil(100);
            rank.checked_sub(1).map(|place| self.lead_seconds[place])
        };
        Some(Row {
            counts: self.counts,
            delivered_late: self.delivered_late,
            late_seconds: self.late_seconds,
            lead_count: count,
            lead_sum: self.lead_seconds.iter().sum(),
            percentiles: [50, 90, 99].map(nearest_rank),
        })
    }
}

/// The rows that a shipment adds to: one for each of its facts.
fn routes(facts: &FactsByRank) -> impl Iterator<Item = (EventType, Route)> {
    let top = facts.iter().rev().flatten().next().copied();
    EventType::ALL
        .into_iter()
        .zip(facts)
        .filter_map(move |(event_type, fact)| {
            let (fact, top) = ((*fact)?, top?);
            Some((
                event_type,
                (fact.event_at.day(), top.seller_region, top.customer_region),
            ))
        })
}

fn add(group: &mut Group, event_type: EventType, facts: &FactsByRank) {
    group.counts[event_type.rank()] += 1;
    if event_type != EventType::Delivered {
        return;
    }
    let seconds =
        |event_type: EventType| facts[event_type.rank()].map(|fact| fact.event_at.seconds());
    let Some(delivered) = seconds(EventType::Delivered) else {
        return;
    };
    if let Some(placed) = seconds(EventType::OrderPlaced) {
        group.lead_seconds.push(delivered - placed);
    }
    let late =
        seconds(EventType::DeliveryDelayed).map_or(0, |delayed| (delivered - delayed).max(0));
    group.delivered_late += i64::from(late > 0);
    group.late_seconds += late;
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
    let mut groups: HashMap<Route, [Group; 2]> = HashMap::new();
    for (order, facts) in differing {
        for (_, route) in routes(&log.of(*order)).chain(routes(facts)) {
            groups.entry(route).or_default();
        }
    }
    for (order, facts) in log.iter() {
        for (event_type, route) in routes(facts) {
            if let Some([before, with_plan]) = groups.get_mut(&route) {
                add(before, event_type, facts);
                if !after.contains_key(&order) {
                    add(with_plan, event_type, facts);
                }
            }
        }
    }
    for (_, facts) in differing {
        for (event_type, route) in routes(facts) {
            let [_, with_plan] = groups.get_mut(&route).expect("made above for every route");
            add(with_plan, event_type, facts);
        }
    }
    let mut change = RouteChange::default();
    let mut by_route: HashMap<(RegionCode, RegionCode), u64> = HashMap::new();
    for ((_, seller, customer), [before, with_plan]) in groups {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let row = |lead_seconds: Vec<i64>| {
            let counts = [0, 0, 0, 0, 0, lead_seconds.len() as i64];
            Group {
                counts,
                lead_seconds,
                ..Group::default()
            }
            .row()
            .unwrap()
        };
        assert_eq!(row(vec![7]).percentiles, [Some(7); 3]);
        assert_eq!(
            row((1..=10).rev().collect()).percentiles,
            [Some(5), Some(9), Some(10)]
        );
        assert_eq!(
            row((1..=200).collect()).percentiles,
            [Some(100), Some(180), Some(198)]
        );
        let placed_only = Group {
            counts: [1, 0, 0, 0, 0, 0],
            ..Group::default()
        };
        assert_eq!(placed_only.row().unwrap().percentiles, [None; 3]);
        assert_eq!(
            Group::default().row(),
            None,
            "a row exists only while a count is above 0"
        );
    }
}
