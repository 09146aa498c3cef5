//! What a plan does to the figures of `route_stats_daily`: each row that changes, before and after, and
//! sums by route, region and day.
//!
//! Counts and sums add up, so every sum here is exact. Percentiles do not: only rows have them, computed
//! from all lead times of the row.

use std::fmt;
use std::ops::AddAssign;

use eip_contract::Day;
use eip_views::route_stats_daily::RouteSums;
use serde::Serialize;
use utoipa::ToSchema;

use super::text::{self, Change, Grouped};

/// Most entries of one list; what is left out is summed up.
pub const MAX_LISTED: usize = 1_000;
/// How many routes and days a person is shown; the JSON has what is listed.
const SHOWN: usize = 5;

/// Figures of `route_stats_daily` that add up over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Figures {
    /// Orders placed.
    pub placed: i64,
    /// Orders approved.
    pub approved: i64,
    /// Orders that a warehouse took.
    pub assigned: i64,
    /// Orders handed to a carrier.
    pub handed: i64,
    /// Deadlines missed.
    pub delayed: i64,
    /// Orders delivered.
    pub delivered: i64,
    /// Deliveries later than their deadline.
    pub delivered_late: i64,
    /// Deliveries with a lead time.
    pub lead_count: i64,
    /// Sum of the lead times.
    pub lead_seconds_sum: i64,
    /// Sum of the seconds late.
    pub late_seconds_sum: i64,
}

impl From<RouteSums> for Figures {
    fn from(sums: RouteSums) -> Self {
        let [placed, approved, assigned, handed, delayed, delivered] = sums.counts;
        Self {
            placed,
            approved,
            assigned,
            handed,
            delayed,
            delivered,
            delivered_late: sums.delivered_late,
            lead_count: sums.lead_count,
            lead_seconds_sum: sums.lead_seconds_sum,
            late_seconds_sum: sums.late_seconds_sum,
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.placed += other.placed;
        self.approved += other.approved;
        self.assigned += other.assigned;
        self.handed += other.handed;
        self.delayed += other.delayed;
        self.delivered += other.delivered;
        self.delivered_late += other.delivered_late;
        self.lead_count += other.lead_count;
        self.lead_seconds_sum += other.lead_seconds_sum;
        self.late_seconds_sum += other.late_seconds_sum;
    }
}

impl Figures {
    /// How many counted things differ.
    fn distance(&self, other: &Self) -> u64 {
        let counts = |of: &Self| {
            [
                of.placed,
                of.approved,
                of.assigned,
                of.handed,
                of.delayed,
                of.delivered,
                of.delivered_late,
            ]
        };
        let pairs = counts(self).into_iter().zip(counts(other));
        pairs.map(|(one, other)| one.abs_diff(other)).sum()
    }

    /// Late deliveries of all, in basis points rounded down; none without a delivery.
    fn late_basis_points(&self) -> Option<i64> {
        (self.delivered_late * 10_000).checked_div(self.delivered)
    }
}

/// The figures of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowFigures {
    /// What adds up.
    #[serde(flatten)]
    pub sums: Figures,
    /// Median of the lead times; null without any, as those below.
    pub lead_seconds_p50: Option<i64>,
    /// Their 90th percentile.
    pub lead_seconds_p90: Option<i64>,
    /// Their 99th percentile.
    pub lead_seconds_p99: Option<i64>,
}

/// A row that the plan adds, removes or changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowChange {
    /// The day (UTC).
    #[serde(serialize_with = "text::day")]
    #[schema(value_type = String, format = Date)]
    pub day: Day,
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
    /// As the facts of the log make it; null where there is no such row.
    pub before: Option<RowFigures>,
    /// As it would be; null where there would be no such row.
    pub after: Option<RowFigures>,
}

/// Several rows added up, before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Compared {
    /// How many of them are added, removed or changed.
    pub rows: u64,
    /// As the facts of the log make them.
    pub before: Figures,
    /// As they would be.
    pub after: Figures,
}

impl AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.before += other.before;
        self.after += other.after;
    }
}

/// The rows of one route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteCompared {
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
    /// All its rows of the days.
    #[serde(flatten)]
    pub compared: Compared,
}

/// The rows of one region, of its sellers or of its customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegionCompared {
    /// The region.
    pub region: String,
    /// All its rows of the days.
    #[serde(flatten)]
    pub compared: Compared,
}

/// The rows of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayCompared {
    /// The day (UTC).
    #[serde(serialize_with = "text::day")]
    #[schema(value_type = String, format = Date)]
    pub day: Day,
    /// All its rows.
    #[serde(flatten)]
    pub compared: Compared,
}

/// Those that change most, at most a thousand ([`MAX_LISTED`]), and the sum of the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listed<T> {
    /// By how much changes, the greatest change first.
    pub listed: Vec<T>,
    /// How many are not listed.
    pub left_out: u64,
    /// Their sum.
    pub others: Compared,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            listed: Vec::new(),
            left_out: 0,
            others: Compared::default(),
        }
    }
}

/// Something that changes, with what it is known by.
pub(crate) trait Compares {
    /// Its rows added up.
    fn compared(&self) -> Compared;
    /// Orders those that change equally.
    fn key(&self) -> impl Ord;
}

/// A list of all that have a row that changes.
pub(crate) fn listed<T: Compares>(all: impl Iterator<Item = T>) -> Listed<T> {
    let mut listed: Vec<T> = all.filter(|one| one.compared().rows > 0).collect();
    listed.sort_by(|a, b| {
        let change = |of: &T| {
            let Compared { before, after, .. } = of.compared();
            before.distance(&after)
        };
        let by_change = change(b).cmp(&change(a));
        by_change.then_with(|| a.key().cmp(&b.key()))
    });
    let left = listed.split_off(listed.len().min(MAX_LISTED));
    let mut others = Compared::default();
    for one in &left {
        others += one.compared();
    }
    Listed {
        listed,
        left_out: left.len() as u64,
        others,
    }
}

impl Compares for RowChange {
    fn compared(&self) -> Compared {
        let sums = |of: Option<RowFigures>| of.map_or_else(Figures::default, |row| row.sums);
        Compared {
            rows: 1,
            before: sums(self.before),
            after: sums(self.after),
        }
    }

    fn key(&self) -> impl Ord {
        (self.day, &self.seller_region, &self.customer_region)
    }
}

impl Compares for RouteCompared {
    fn compared(&self) -> Compared {
        self.compared
    }

    fn key(&self) -> impl Ord {
        (&self.seller_region, &self.customer_region)
    }
}

impl Compares for RegionCompared {
    fn compared(&self) -> Compared {
        self.compared
    }

    fn key(&self) -> impl Ord {
        &self.region
    }
}

impl Compares for DayCompared {
    fn compared(&self) -> Compared {
        self.compared
    }

    fn key(&self) -> impl Ord {
        self.day
    }
}

/// The figures of `route_stats_daily` before and after a plan.
///
/// Sums are over all rows from the first to the last day on which a row changes, those too that stay as
/// they are, so that a rate is that of these days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteComparison {
    /// First day on which a row changes; null when none does.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub first_day: Option<Day>,
    /// The last one.
    #[serde(serialize_with = "text::optional_day")]
    #[schema(value_type = Option<String>, format = Date)]
    pub last_day: Option<Day>,
    /// All rows of these days.
    pub all: Compared,
    /// By route; only those with a row that changes.
    pub by_route: Listed<RouteCompared>,
    /// By the sellers' region; only those with a row that changes.
    pub by_seller: Listed<RegionCompared>,
    /// By the customers' region; only those with a row that changes.
    pub by_customer: Listed<RegionCompared>,
    /// By day; only those with a row that changes.
    pub by_day: Listed<DayCompared>,
    /// The rows that change.
    pub rows: Listed<RowChange>,
}

impl fmt::Display for RouteComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(first), Some(last)) = (self.first_day, self.last_day) else {
            return Ok(());
        };
        writeln!(f, "figures            {first} to {last}")?;
        writeln!(
            f,
            "  {:<16} {:>21} {:>17} {:>19}",
            "", "delivered", "late", "late rate"
        )?;
        line(f, "all routes", &self.all)?;
        for route in self.by_route.listed.iter().take(SHOWN) {
            let name = format!("{}-{}", route.seller_region, route.customer_region);
            line(f, &name, &route.compared)?;
        }
        more(f, &self.by_route, "routes")?;
        for day in self.by_day.listed.iter().take(SHOWN) {
            line(f, &day.day.to_string(), &day.compared)?;
        }
        more(f, &self.by_day, "days")
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, of: &Compared) -> fmt::Result {
    let Compared { before, after, .. } = of;
    let count = |of: i64| Grouped(of.unsigned_abs());
    let rate = |of: &Figures| Rate(of.late_basis_points()).to_string();
    let delivered = Change(count(before.delivered), count(after.delivered)).to_string();
    let late = Change(count(before.delivered_late), count(after.delivered_late)).to_string();
    let rates = Change(rate(before), rate(after)).to_string();
    writeln!(f, "  {name:<16} {delivered:>21} {late:>17} {rates:>19}")
}

fn more<T>(f: &mut fmt::Formatter<'_>, of: &Listed<T>, what: &str) -> fmt::Result {
    let all = of.listed.len() as u64 + of.left_out;
    match all.saturating_sub(SHOWN as u64) {
        0 => Ok(()),
        more => writeln!(f, "  … and {} more {what}", Grouped(more)),
    }
}

/// A rate in basis points as percent.
struct Rate(Option<i64>);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(points) => write!(f, "{}.{:02} %", points / 100, points % 100),
            None => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: u32, late_before: i64, late_after: i64) -> DayCompared {
        let figures = |delivered_late| Figures {
            delivered: 10,
            delivered_late,
            ..Figures::default()
        };
        DayCompared {
            day: Day::from_days(days).unwrap(),
            compared: Compared {
                rows: u64::from(late_before != late_after),
                before: figures(late_before),
                after: figures(late_after),
            },
        }
    }

    #[test]
    fn what_changes_most_comes_first_and_what_does_not_change_not_at_all() {
        let listed = listed([day(1, 5, 4), day(2, 3, 3), day(3, 1, 4), day(0, 5, 6)].into_iter());
        let days: Vec<u32> = listed.listed.iter().map(|one| one.day.days()).collect();
        assert_eq!(days, [3, 0, 1]);
        assert_eq!((listed.left_out, listed.others), (0, Compared::default()));
    }

    #[test]
    fn what_is_left_out_of_a_list_is_counted_and_summed_up() {
        let many = MAX_LISTED as u32 + 3;
        let listed = listed((0..many).map(|at| day(at, 0, 1)));
        assert_eq!((listed.listed.len(), listed.left_out), (MAX_LISTED, 3));
        let Compared {
            rows,
            before,
            after,
        } = listed.others;
        assert_eq!((rows, before.delivered, before.delivered_late), (3, 30, 0));
        assert_eq!((after.delivered, after.delivered_late), (30, 3));
    }

    #[test]
    fn rates_are_percent_rounded_down() {
        let rate = |delivered_late, delivered| {
            let figures = Figures {
                delivered,
                delivered_late,
                ..Figures::default()
            };
            Rate(figures.late_basis_points()).to_string()
        };
        assert_eq!(rate(2, 3), "66.66 %");
        assert_eq!(rate(1, 1_000), "0.10 %");
        assert_eq!(rate(0, 0), "-");
    }
}
