//! `route_stats_daily` as a dataflow; what its rows say is in [`eip_views::route_stats_daily`].
//!
//! Per tick the changes are summed by (day, route) before they are exchanged, so what is arranged
//! is one record a group whose *difference* is the sums; only the lead times, which percentiles
//! need one by one, are arranged as values.

mod exchange;
mod sums;

use differential_dataflow::operators::CountTotal as _;
use eip_contract::{Day, OrderKey, RegionCode};
use eip_views::nearest_ranks;
use eip_views::route_stats_daily::{RouteStatsRow, RouteSums};
use eip_views::shipments::Shipment;

use self::exchange::{arrange_keys_here_named, by_route, reduce_here_named};
use crate::tick::{Diff, Rows};

pub use exchange::{DayRoute, Regions};

/// The key of a row, packed; sorts by day, seller, customer code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct RouteDay(u64);

/// The bits of one region. The last day takes 17 bits more than two of them.
const REGION: u32 = (1 << RegionCode::BITS) - 1;

impl RouteDay {
    /// Packs a day and a route.
    #[inline]
    pub fn new(day: Day, seller: RegionCode, customer: RegionCode) -> Self {
        Self(
            u64::from(day.days()) << (2 * RegionCode::BITS)
                | u64::from(seller.0) << RegionCode::BITS
                | u64::from(customer.0),
        )
    }

    /// The day.
    pub fn day(self) -> Day {
        Day::from_days((self.0 >> (2 * RegionCode::BITS)) as u32).expect("packed from a day")
    }

    /// The seller's region.
    pub fn seller(self) -> RegionCode {
        RegionCode((self.0 >> RegionCode::BITS) as u32 & REGION)
    }

    /// The customer's region.
    pub fn customer(self) -> RegionCode {
        RegionCode(self.0 as u32 & REGION)
    }
}

/// What a row says of its key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RouteStats {
    /// Counts and sums.
    pub sums: RouteSums,
    /// Lead time at 50, 90 and 99 %, nearest rank; none where no lead time is known.
    pub percentiles: [Option<i64>; 3],
}

impl RouteStats {
    /// The row with its texts.
    pub fn row(&self, key: &DayRoute) -> RouteStatsRow {
        RouteStatsRow {
            stat_date: key.day(),
            seller_region: key.seller().to_owned(),
            customer_region: key.customer().to_owned(),
            counts: self.sums.counts,
            delivered_late: self.sums.delivered_late,
            lead_count: self.sums.lead_count,
            lead_seconds_sum: self.sums.lead_seconds_sum,
            lead_seconds_percentiles: self.percentiles,
            late_seconds_sum: self.sums.late_seconds_sum,
        }
    }
}

/// What the last reduce joins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
enum Part {
    Sums(RouteSums),
    Percentiles([Option<i64>; 3]),
}

/// The rows by day and route, each on the worker of its route.
pub fn render<'scope>(
    shipments: Rows<'scope, (OrderKey, Shipment)>,
    regions: &Regions,
) -> Rows<'scope, (DayRoute, RouteStats)> {
    let changes = sums::by_route_day(shipments);
    let counted = by_route(changes.sums.map(|key| (key, ())), regions);
    let sums = arrange_keys_here_named(counted, "RouteSums")
        .count_total_core::<Diff>()
        .map(|(key, sums)| (key, Part::Sums(sums.0)));
    let percentiles = reduce_here_named(
        by_route(changes.leads, regions),
        "LeadPercentiles",
        |_key, leads, output| {
            let counted = leads.iter().map(|(lead, times)| (*lead, *times as usize));
            output.push((nearest_ranks(counted), 1));
        },
    )
    .map(|(key, percentiles)| (key, Part::Percentiles(percentiles)));
    reduce_here_named(
        sums.concat(percentiles),
        "RouteStatsDaily",
        |_key, parts, output| {
            // Sums sort first; where they are gone or count nothing, there is no row.
            if let (Part::Sums(sums), _) = parts[0]
                && sums.has_row()
            {
                let percentiles = match parts.get(1) {
                    Some((Part::Percentiles(percentiles), _)) => *percentiles,
                    _ => [None; 3],
                };
                output.push((
                    RouteStats {
                        sums: *sums,
                        percentiles,
                    },
                    1,
                ));
            }
        },
    )
    .map({
        let regions = regions.clone();
        move |(key, stats)| (regions.texts(key), stats)
    })
}

#[cfg(test)]
mod tests;
