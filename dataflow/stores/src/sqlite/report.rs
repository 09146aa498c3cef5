//! Figures for people: shipments by status, and what happened on the routes over a range of days.
//!
//! Counts over a range are sums of the daily rows. Percentiles are no sums: they are taken anew
//! over the lead times of the shipments delivered in the range, by nearest rank.

use std::collections::HashMap;

use eip_contract::{Day, EventType};
use eip_views::nearest_ranks;
use sqlx::Row as _;

use super::super::error::StoreError;
use super::views::SqliteViews;

/// What happened over a range of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeStats {
    /// Facts of each type, by rank.
    pub counts: [i64; 6],
    /// Deliveries later than their deadline.
    pub delivered_late: i64,
    /// Sum of the seconds late.
    pub late_seconds_sum: i64,
    /// Nearest-rank percentiles of the lead times of the shipments delivered in the range, in
    /// seconds: 50, 90, 99; none where nothing with a lead time was delivered.
    pub lead_seconds_percentiles: [Option<i64>; 3],
}

impl RangeStats {
    /// Deliveries in time, in basis points (100 are one percent) of all deliveries.
    pub fn on_time_basis_points(&self) -> Option<i64> {
        let delivered = self.counts[EventType::Delivered.rank()];
        (delivered > 0).then(|| (delivered - self.delivered_late) * 10_000 / delivered)
    }
}

/// One route over a range of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusyRoute {
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
    /// What happened on it.
    pub stats: RangeStats,
}

type Route = (String, String);

impl SqliteViews {
    /// How many shipments have each status, by rank; a status that none has is left out.
    pub fn shipments_by_status(&mut self) -> Result<Vec<(EventType, u64)>, StoreError> {
        let mut counts = Vec::new();
        let sql = "SELECT status, count(*) FROM shipments GROUP BY status";
        self.for_each_row(sqlx::query(sql), |row| {
            let rank: Option<u8> = row.try_get(0)?;
            if let Some(status) = rank.and_then(|rank| EventType::from_rank(rank.into())) {
                counts.push((status, row.try_get::<i64, _>(1)? as u64));
            }
            Ok(())
        })?;
        counts.sort_unstable();
        Ok(counts)
    }

    /// All routes together over the days of the half-open range, or over all days.
    pub fn range_stats(&mut self, range: Option<(Day, Day)>) -> Result<RangeStats, StoreError> {
        let (from, to) = texts(range);
        let sql = "SELECT '', '', coalesce(sum(placed), 0), coalesce(sum(approved), 0), coalesce(sum(assigned), 0), coalesce(sum(handed), 0),
                          coalesce(sum(delayed), 0), coalesce(sum(delivered), 0), coalesce(sum(delivered_late), 0),
                          coalesce(sum(late_seconds_sum), 0)
                   FROM route_stats_daily WHERE stat_date >= ?1 AND stat_date < ?2";
        let mut stats = RangeStats::default();
        self.for_each_row(sqlx::query(sql).bind(from).bind(to), |row| {
            stats = sums(row)?.1;
            Ok(())
        })?;
        let mut lead_times = Vec::new();
        self.lead_times(range, |_route, seconds| lead_times.push(seconds))?;
        stats.lead_seconds_percentiles = percentiles(&mut lead_times);
        Ok(stats)
    }

    /// The routes with the most orders placed in the half-open range (or ever), at most `limit`.
    pub fn busiest_routes(
        &mut self,
        range: Option<(Day, Day)>,
        limit: usize,
    ) -> Result<Vec<BusyRoute>, StoreError> {
        let (from, to) = texts(range);
        let sql = "SELECT seller_region, customer_region, coalesce(sum(placed), 0) AS orders,
                          coalesce(sum(approved), 0), coalesce(sum(assigned), 0), coalesce(sum(handed), 0), coalesce(sum(delayed), 0),
                          coalesce(sum(delivered), 0), coalesce(sum(delivered_late), 0), coalesce(sum(late_seconds_sum), 0)
                   FROM route_stats_daily WHERE stat_date >= ?1 AND stat_date < ?2
                   GROUP BY 1, 2 ORDER BY orders DESC, 1, 2 LIMIT ?3";
        let mut routes = Vec::new();
        let query = sqlx::query(sql).bind(from).bind(to).bind(limit as i64);
        self.for_each_row(query, |row| {
            routes.push(sums(row)?);
            Ok(())
        })?;
        let mut lead_times: HashMap<Route, Vec<i64>> = routes
            .iter()
            .map(|(route, _stats)| (route.clone(), Vec::new()))
            .collect();
        self.lead_times(range, |route, seconds| {
            if let Some(lead_times) = lead_times.get_mut(&route) {
                lead_times.push(seconds);
            }
        })?;
        let finished = routes.into_iter().map(|(route, mut stats)| {
            let lead_times = lead_times.get_mut(&route).map(Vec::as_mut_slice);
            stats.lead_seconds_percentiles = percentiles(lead_times.unwrap_or_default());
            BusyRoute {
                seller_region: route.0,
                customer_region: route.1,
                stats,
            }
        });
        Ok(finished.collect())
    }

    /// Route and lead time of every shipment delivered in the range.
    fn lead_times(
        &mut self,
        range: Option<(Day, Day)>,
        mut each: impl FnMut(Route, i64),
    ) -> Result<(), StoreError> {
        let (from, to) = range.unwrap_or((Day::MIN, Day::END));
        let [from, to] = [from, to].map(|day| i64::from(day.days()) * 86_400);
        let sql = "SELECT seller_region, customer_region, lead_time_seconds FROM shipments
                   WHERE delivered_at >= ?1 AND delivered_at < ?2
                     AND lead_time_seconds IS NOT NULL";
        self.for_each_row(sqlx::query(sql).bind(from).bind(to), |row| {
            each((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?);
            Ok(())
        })
    }
}

fn texts(range: Option<(Day, Day)>) -> (String, String) {
    let (from, to) = range.unwrap_or((Day::MIN, Day::END));
    (from.to_string(), to.to_string())
}

fn sums(row: &sqlx::sqlite::SqliteRow) -> Result<(Route, RangeStats), sqlx::Error> {
    let mut sums = [0; 8];
    for (place, sum) in sums.iter_mut().enumerate() {
        *sum = row.try_get::<i64, _>(place + 2)?;
    }
    let [
        placed,
        approved,
        assigned,
        handed,
        delayed,
        delivered,
        delivered_late,
        late,
    ] = sums;
    let stats = RangeStats {
        counts: [placed, approved, assigned, handed, delayed, delivered],
        delivered_late,
        late_seconds_sum: late,
        lead_seconds_percentiles: [None; 3],
    };
    Ok(((row.try_get(0)?, row.try_get(1)?), stats))
}

fn percentiles(values: &mut [i64]) -> [Option<i64>; 3] {
    values.sort_unstable();
    nearest_ranks(values.iter().map(|value| (value, 1)))
}
