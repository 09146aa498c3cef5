//! Daily statistics of each route, over shipments.
//!
//! ```sql
//! SELECT day, seller_region, customer_region,
//!        count(*) FILTER (WHERE type = 'ORDER_PLACED') AS placed, …,    -- the six counts
//!        count(*) FILTER (WHERE late_seconds > 0) AS delivered_late,
//!        count(lead_time_seconds) AS lead_count, sum(lead_time_seconds) AS lead_seconds_sum,
//!        percentile_disc(0.5) WITHIN GROUP (ORDER BY lead_time_seconds) AS lead_seconds_p50, …,
//!        sum(late_seconds) AS late_seconds_sum
//! FROM shipments, LATERAL (six times) AS t(type, day)    -- from lead_count on: delivered only
//! WHERE day IS NOT NULL GROUP BY day, seller_region, customer_region
//! ```

use eip_contract::{Day, EventType};

use crate::columns::{Column, Kind, Row, Value};
use crate::shipments::Shipment;
use crate::view::{Kept, View};

/// The view.
pub static ROUTE_STATS_DAILY: View = View {
    name: "route_stats_daily",
    kept: Kept::Rows { key: 3 },
    columns: &[
        Column::new("stat_date", Kind::Day),
        Column::new("seller_region", Kind::Text),
        Column::new("customer_region", Kind::Text),
        Column::count("placed"),
        Column::count("approved"),
        Column::count("assigned"),
        Column::count("handed"),
        Column::count("delayed"),
        Column::count("delivered"),
        Column::count("delivered_late"),
        Column::count("lead_count"),
        Column::seconds("lead_seconds_sum"),
        Column::seconds("lead_seconds_p50").or_null(),
        Column::seconds("lead_seconds_p90").or_null(),
        Column::seconds("lead_seconds_p99").or_null(),
        Column::seconds("late_seconds_sum"),
    ],
    // All of it once more, in the order of the routes.
    indexes: &[&[
        "seller_region",
        "customer_region",
        "stat_date",
        "placed",
        "approved",
        "assigned",
        "handed",
        "delayed",
        "delivered",
        "delivered_late",
        "lead_count",
        "lead_seconds_sum",
        "lead_seconds_p50",
        "lead_seconds_p90",
        "lead_seconds_p99",
        "late_seconds_sum",
    ]],
    format: 1,
};

/// The index in the order of the routes.
pub const ROUTES_INDEX: usize = 0;

/// What adds up over the shipments of a route's day.
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
pub struct RouteSums {
    /// Facts of each type by rank.
    pub counts: [i64; 6],
    /// Deliveries later than their deadline.
    pub delivered_late: i64,
    /// Deliveries with a lead time.
    pub lead_count: i64,
    /// Sum of the lead times.
    pub lead_seconds_sum: i64,
    /// Sum of the seconds late.
    pub late_seconds_sum: i64,
}

/// Where sums are found by their day, for the route of one shipment.
pub trait Days {
    /// The sums of that day; zero where there were none.
    fn of(&mut self, day: Day) -> &mut RouteSums;
}

impl RouteSums {
    /// Adds a shipment `times` times (−1 takes it away) to the days that its facts fall on. Gives
    /// the day and lead time of its delivery, when it has both.
    #[inline]
    pub fn add(shipment: &Shipment, times: i64, days: &mut impl Days) -> Option<(Day, i64)> {
        let facts = &shipment.times;
        let mut rank = 0;
        while rank < facts.len() {
            let Some(day) = facts[rank].map(eip_contract::EventTime::day) else {
                rank += 1;
                continue;
            };
            // Neighbouring facts often share their day, and then one look-up.
            let sums = days.of(day);
            sums.counts[rank] += times;
            rank += 1;
            while rank < facts.len() && facts[rank].is_none_or(|time| time.day() == day) {
                sums.counts[rank] += if facts[rank].is_some() { times } else { 0 };
                rank += 1;
            }
        }
        let day = shipment.time(EventType::Delivered)?.day();
        let sums = days.of(day);
        let late = shipment.late_seconds().unwrap_or(0);
        sums.delivered_late += if late > 0 { times } else { 0 };
        sums.late_seconds_sum += late * times;
        let lead = shipment.lead_time_seconds()?;
        sums.lead_count += times;
        sums.lead_seconds_sum += lead * times;
        Some((day, lead))
    }

    /// Whether there is a row: one exists only while one of its six counts is above 0.
    pub fn has_row(&self) -> bool {
        self.counts.iter().any(|&count| count > 0)
    }
}

/// One row of the view; its key is the first three fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteStatsRow {
    /// The day (UTC) on which all that is counted here fell.
    pub stat_date: Day,
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
    /// Facts of each type on that day, by rank.
    pub counts: [i64; 6],
    /// Deliveries later than their deadline.
    pub delivered_late: i64,
    /// Deliveries with a lead time.
    pub lead_count: i64,
    /// Sum of the lead times.
    pub lead_seconds_sum: i64,
    /// Nearest-rank percentiles of the lead time: 50, 90, 99; null when there is none.
    pub lead_seconds_percentiles: [Option<i64>; 3],
    /// Sum of the seconds late.
    pub late_seconds_sum: i64,
}

impl RouteStatsRow {
    /// The integers in the order of their columns.
    pub fn integers(&self) -> [Option<i64>; 13] {
        let [placed, approved, assigned, handed, delayed, delivered] = self.counts.map(Some);
        let [p50, p90, p99] = self.lead_seconds_percentiles;
        [
            placed,
            approved,
            assigned,
            handed,
            delayed,
            delivered,
            Some(self.delivered_late),
            Some(self.lead_count),
            Some(self.lead_seconds_sum),
            p50,
            p90,
            p99,
            Some(self.late_seconds_sum),
        ]
    }

    /// The row that these values say; none when they are none of the view's.
    pub fn from_values(values: &[Value<'_>]) -> Option<Self> {
        let (Value::Day(stat_date), Value::Text(seller), Value::Text(customer)) =
            (values.first()?, values.get(1)?, values.get(2)?)
        else {
            return None;
        };
        let mut integers = [None; 13];
        for (integer, value) in integers.iter_mut().zip(values.get(3..)?) {
            *integer = value.as_integer();
        }
        let [
            placed,
            approved,
            assigned,
            handed,
            delayed,
            delivered,
            late,
            count,
            sum,
            p50,
            p90,
            p99,
            late_sum,
        ] = integers;
        Some(Self {
            stat_date: *stat_date,
            seller_region: seller.as_ref().to_owned(),
            customer_region: customer.as_ref().to_owned(),
            counts: [placed?, approved?, assigned?, handed?, delayed?, delivered?],
            delivered_late: late?,
            lead_count: count?,
            lead_seconds_sum: sum?,
            lead_seconds_percentiles: [p50, p90, p99],
            late_seconds_sum: late_sum?,
        })
    }

    /// The values, one a column.
    pub fn values(&self) -> Vec<Value<'_>> {
        let key = [
            Value::Day(self.stat_date),
            Value::from(self.seller_region.as_str()),
            Value::from(self.customer_region.as_str()),
        ];
        key.into_iter()
            .chain(self.integers().map(Value::from))
            .collect()
    }

    /// The row as stores take it.
    pub fn into_row(self) -> Row {
        let integers = self.integers();
        let mut row = Vec::with_capacity(ROUTE_STATS_DAILY.columns.len());
        row.extend([
            Value::Day(self.stat_date),
            Value::from(self.seller_region),
            Value::from(self.customer_region),
        ]);
        row.extend(integers.map(Value::from));
        row
    }

    /// Appends the canonical line, without a line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        ROUTE_STATS_DAILY.encode(&self.values(), out);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use eip_contract::{EventTime, RegionCode};

    impl Days for BTreeMap<Day, RouteSums> {
        fn of(&mut self, day: Day) -> &mut RouteSums {
            self.entry(day).or_default()
        }
    }

    #[test]
    fn a_shipment_that_is_added_and_taken_away_leaves_nothing() {
        let time = |day: i64| EventTime::from_seconds(day * 86_400 + 5);
        let shipment = Shipment {
            times: [time(1), time(1), None, time(1), time(3), time(4)],
            estimated_delivery_at: None,
            seller_region: RegionCode(1),
            customer_region: RegionCode(2),
        };
        let mut days = BTreeMap::new();
        let lead = RouteSums::add(&shipment, 1, &mut days);
        let day = |day| Day::from_days(day).unwrap();
        assert_eq!(lead, Some((day(4), 3 * 86_400)));
        assert_eq!(days[&day(1)].counts, [1, 1, 0, 1, 0, 0]);
        assert_eq!(days[&day(3)].counts, [0, 0, 0, 0, 1, 0]);
        let delivered = RouteSums {
            counts: [0, 0, 0, 0, 0, 1],
            delivered_late: 1,
            lead_count: 1,
            lead_seconds_sum: 3 * 86_400,
            late_seconds_sum: 86_400,
        };
        assert_eq!(days[&day(4)], delivered);
        RouteSums::add(&shipment, -1, &mut days);
        assert!(days.values().all(|sums| *sums == RouteSums::default()));
        assert!(days.values().all(|sums| !sums.has_row()));
    }
}
