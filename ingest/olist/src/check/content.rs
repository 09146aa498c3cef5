//! What the rows say once they are read: times and their ranges, what does not join, what is
//! rejected, and how many orders each problem touches.

use std::convert::Infallible;
use std::fmt;

use eip_contract::{Day, EventTime, RowPlace};
use serde::Serialize;

use crate::dataset::{Dataset, ORDERS_AT, SwallowingRows, TableCounts};
use crate::files::{COLUMNS, TABLES};
use crate::joins::Joins;
use crate::rejects::RejectCount;
use crate::row::OrderRow;

/// Most samples of one kind.
const MAX_SAMPLES: usize = 3;
/// One value in so many is left out at either end of what is usual, and at least one.
const UNUSUAL: u64 = 1_000;
/// Fewest values of which some are unusual.
const FEWEST: u64 = 5;
/// How far outside of what is usual a time is an outlier.
const FAR_DAYS: i64 = 366;
/// The columns of times are the last five.
const TIMES: usize = 5;
const PURCHASED: usize = 0;
const DELIVERED: usize = 3;

/// A data set as it was read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Content {
    /// Accepted orders.
    pub orders: u64,
    /// Rejected rows, without repeated and replaced ones.
    pub rows_rejected: u64,
    /// Rows of each table.
    pub tables: Vec<TableCounts>,
    /// Rejected rows by file and reason, with samples.
    pub rejects: Vec<RejectCount>,
    /// What does not join.
    pub joins: Joins,
    /// Rows of the orders that may have swallowed others.
    pub swallowing_orders: SwallowingRows,
    /// Rows of the items that may have swallowed others.
    pub swallowing_items: SwallowingRows,
    /// The times of the accepted orders, column by column.
    pub times: Vec<TimeRange>,
    /// Orders that were delivered before they were purchased.
    pub delivered_before_purchase: Unusual,
    /// How many orders each problem touches, the most first.
    pub touched: Vec<Touched>,
}

/// The times of one column.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TimeRange {
    /// Olist's name of the column.
    pub column: &'static str,
    /// Orders that have it.
    pub filled: u64,
    /// Orders that do not.
    pub empty: u64,
    /// The least time.
    pub first: Option<Shown<EventTime>>,
    /// The greatest.
    pub last: Option<Shown<EventTime>>,
    /// The days between which all but one in a thousand at either end lie.
    pub usual: Option<(Shown<Day>, Shown<Day>)>,
    /// Times more than 366 days outside of these.
    pub outliers: Unusual,
}

/// A time or a day, in JSON the text that a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown<T>(pub T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Orders with something unusual.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Unusual {
    /// How many.
    pub orders: u64,
    /// The first.
    pub samples: Vec<UnusualSample>,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub struct UnusualSample {
    /// The order.
    pub order_id: String,
    /// Where its row is.
    #[serde(flatten)]
    pub place: Option<RowPlace>,
    /// The time.
    pub time: Shown<EventTime>,
}

/// A problem and the orders that it touches.
#[derive(Clone, Debug, Serialize)]
pub struct Touched {
    /// In words.
    pub problem: String,
    /// How many orders.
    pub orders: u64,
}

impl Content {
    /// Looks at a data set: two passes over its orders.
    pub(super) fn of(data: &Dataset) -> Self {
        let mut content = Self {
            orders: data.order_count(),
            rows_rejected: rows_rejected(data),
            tables: data.table_counts().to_vec(),
            rejects: rejects(data),
            joins: data.joins().clone(),
            swallowing_orders: data.swallowing_orders().clone(),
            swallowing_items: data.swallowing_items().clone(),
            ..Self::default()
        };
        content.times = ranges(data);
        content.find_unusual(data);
        content.touched = content.touched(data);
        content
    }

    fn find_unusual(&mut self, data: &Dataset) {
        let Self {
            times,
            delivered_before_purchase: early,
            ..
        } = self;
        for_each(data, |row| {
            let all = times_of(row);
            for (range, time) in times.iter_mut().zip(all) {
                if let (Some((from, to)), Some(time)) = (range.usual, time)
                    && (days(time) > i64::from(to.0.days()) + FAR_DAYS
                        || days(time) < i64::from(from.0.days()) - FAR_DAYS)
                {
                    range.outliers.add(data, row, time);
                }
            }
            if let (Some(purchased), Some(delivered)) = (all[PURCHASED], all[DELIVERED])
                && delivered < purchased
            {
                early.add(data, row, delivered);
            }
        });
    }

    fn touched(&self, data: &Dataset) -> Vec<Touched> {
        let mut touched = Vec::new();
        let mut add = |problem: String, orders: u64| {
            if orders > 0 {
                touched.push(Touched { problem, orders });
            }
        };
        for count in &self.rejects {
            let is_orders = count.table == TABLES[ORDERS_AT];
            let is_own = is_orders && count.reason != eip_contract::RejectReason::DependsOnRejected;
            if is_own && !count.reason.is_harmless() {
                add(
                    format!("rejected: {} ({})", count.reason, count.file),
                    count.rows,
                );
            }
        }
        let dependent = data.dependent_orders();
        for (table, orders) in [
            ("item", dependent.items),
            ("customer", dependent.customers),
            ("seller", dependent.sellers),
        ] {
            add(format!("rejected with a rejected {table} row"), orders);
        }
        let Joins {
            orders_without_customer,
            orders_without_items,
            orders_of_unknown_region,
            ..
        } = &self.joins;
        add(
            "customer_id matches no customer".to_owned(),
            orders_without_customer.count,
        );
        add("without an item".to_owned(), *orders_without_items);
        add(
            "with an unknown region (ZZ) of seller or customer".to_owned(),
            *orders_of_unknown_region,
        );
        for range in &self.times {
            add(
                format!("{} far outside of what is usual", range.column),
                range.outliers.orders,
            );
        }
        add(
            "delivered before the purchase".to_owned(),
            self.delivered_before_purchase.orders,
        );
        touched.sort_by_key(|touched| std::cmp::Reverse(touched.orders));
        touched
    }
}

/// The counts of rejected rows, those last that say nothing that is lost.
fn rejects(data: &Dataset) -> Vec<RejectCount> {
    let mut rejects: Vec<RejectCount> = data.rejects_by_reason().collect();
    for count in rejects
        .iter_mut()
        .filter(|count| count.reason.is_harmless())
    {
        count.samples.truncate(1);
    }
    rejects.sort_by_key(|count| count.reason.is_harmless());
    rejects
}

/// Rejected rows that say something that is lost.
pub(super) fn rows_rejected(data: &Dataset) -> u64 {
    data.table_counts().iter().map(|table| table.rejected).sum()
}

impl Unusual {
    fn add(&mut self, data: &Dataset, row: &OrderRow<'_>, time: EventTime) {
        self.orders += 1;
        if self.samples.len() < MAX_SAMPLES {
            self.samples.push(UnusualSample {
                order_id: row.order_id.to_owned(),
                place: data.place_of(row.order_id),
                time: Shown(time),
            });
        }
    }
}

/// Counts the times of each column by their days, which takes the same memory whatever their number.
fn ranges(data: &Dataset) -> Vec<TimeRange> {
    let mut by_day = vec![[0_u64; TIMES]; Day::END.days() as usize + 1];
    let mut ranges: Vec<TimeRange> = COLUMNS[ORDERS_AT][3..]
        .iter()
        .map(|&column| TimeRange {
            column,
            ..TimeRange::default()
        })
        .collect();
    for_each(data, |row| {
        for (at, (range, time)) in ranges.iter_mut().zip(times_of(row)).enumerate() {
            let Some(time) = time else {
                range.empty += 1;
                continue;
            };
            range.filled += 1;
            by_day[days(time) as usize][at] += 1;
            range.first = Some(Shown(range.first.map_or(time, |first| first.0.min(time))));
            range.last = Some(Shown(range.last.map_or(time, |last| last.0.max(time))));
        }
    });
    for (at, range) in ranges.iter_mut().enumerate() {
        if range.filled < FEWEST {
            continue;
        }
        let left_out = (range.filled / UNUSUAL).max(1);
        let counts = || by_day.iter().map(|counts| counts[at]).enumerate();
        let from = nth_day(counts(), left_out);
        let to = nth_day(counts(), range.filled - left_out - 1);
        range.usual = from.zip(to);
    }
    ranges
}

/// The day of the value with this number, from 0, in their order.
fn nth_day(counts: impl Iterator<Item = (usize, u64)>, number: u64) -> Option<Shown<Day>> {
    let mut before = 0;
    for (day, count) in counts {
        before += count;
        if before > number {
            return Day::from_days(day as u32).map(Shown);
        }
    }
    None
}

fn for_each(data: &Dataset, mut f: impl FnMut(&OrderRow<'_>)) {
    let Ok(()) = data.for_each_order(|_, row| {
        f(row);
        Ok::<(), Infallible>(())
    });
}

fn times_of(row: &OrderRow<'_>) -> [Option<EventTime>; TIMES] {
    [
        Some(row.purchased),
        row.approved,
        row.carried,
        row.delivered,
        row.estimated,
    ]
}

fn days(time: EventTime) -> i64 {
    i64::from(time.day().days())
}
