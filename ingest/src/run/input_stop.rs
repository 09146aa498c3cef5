//! The stop before the first record, when the input itself cannot be meant (semantics, section 5):
//! too many rejected rows, no order at all, or a default asOf that one wrong date sets.

use std::fmt;

use eip_contract::{EventTime, Reject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input_report::{AsOfRow, InputReport};
use super::limits::{Limit, stops_rejected};

/// How much later than the wall clock asOf's default may be.
const MOST_AHEAD_SECONDS: i64 = 86_400;
/// How much later than the 99.9th percentile of all times, once there are [`FEWEST_TIMES`].
const MOST_APART_SECONDS: i64 = 366 * 86_400;
const FEWEST_TIMES: u64 = 1_000;
/// The table of the orders.
const ORDERS: &str = "orders";

/// Why a run does not begin with this input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "stop")]
pub enum InputStop {
    /// No row of the orders is accepted.
    NoOrders {
        /// Rows of the orders.
        rows: u64,
        /// The first rejected one.
        #[schema(value_type = Option<Object>)]
        sample: Option<Box<Reject>>,
    },
    /// Too large a share of a table's rows is rejected.
    Rejected {
        /// The table.
        table: String,
        /// Its rows.
        rows: u64,
        /// Its rejected rows, without those that repeat another.
        rejected: u64,
        /// The first.
        #[schema(value_type = Vec<Object>)]
        samples: Vec<Reject>,
    },
    /// asOf's default is far from all other times.
    AsOf {
        /// The row that sets it.
        row: Box<AsOfRow>,
        /// The wall clock, when it is later than that; else it is apart from the other times.
        #[schema(value_type = Option<i64>)]
        now: Option<EventTime>,
    },
}

impl InputStop {
    /// Whether a run with this input stops. `max_rejected`: the explicit limit, if there is one;
    /// `now_ms`: the wall clock.
    pub(crate) fn check(
        report: &InputReport,
        max_rejected: Option<Limit>,
        now_ms: i64,
    ) -> Option<Self> {
        Self::all(report, max_rejected, now_ms).into_iter().next()
    }

    /// All reasons to stop; a run reports the first.
    pub(crate) fn all(report: &InputReport, max_rejected: Option<Limit>, now_ms: i64) -> Vec<Self> {
        let no_orders = (report.orders == 0).then(|| {
            let orders = report.tables.iter().find(|table| table.table == ORDERS);
            Self::NoOrders {
                rows: orders.map_or(0, |table| table.rows),
                sample: samples(report, ORDERS).first().cloned().map(Box::new),
            }
        });
        // The orders last: most of their rejects may only go with those of another table.
        let others = report.tables.iter().filter(|table| table.table != ORDERS);
        let orders = report.tables.iter().filter(|table| table.table == ORDERS);
        let rejected = others
            .chain(orders)
            .filter(|table| stops_rejected(max_rejected, table.rejected, table.rows))
            .map(|table| Self::Rejected {
                table: table.table.clone(),
                rows: table.rows,
                rejected: table.rejected,
                samples: samples(report, &table.table),
            });
        let as_of = Self::as_of(report, now_ms);
        no_orders.into_iter().chain(rejected).chain(as_of).collect()
    }

    fn as_of(report: &InputReport, now_ms: i64) -> Option<Self> {
        let row = report.as_of_row.as_ref()?;
        let now = EventTime::from_seconds(now_ms.div_euclid(1_000));
        let is_after =
            |time: EventTime, seconds: i64| row.time.seconds() - time.seconds() > seconds;
        let ahead = now.filter(|&now| is_after(now, MOST_AHEAD_SECONDS));
        let is_apart = row.times >= FEWEST_TIMES && is_after(row.usual, MOST_APART_SECONDS);
        (ahead.is_some() || is_apart).then(|| Self::AsOf {
            row: Box::new(row.clone()),
            now: ahead,
        })
    }

    /// Why, without what to do about it.
    pub fn cause(&self) -> impl fmt::Display {
        Cause(self)
    }

    /// All that there is to say. `hint`: what shows the files, see [`Source::check_hint`].
    ///
    /// [`Source::check_hint`]: super::Source::check_hint
    pub fn text(&self, hint: &str) -> String {
        let cause = self.cause();
        let text = format!("stopped before the first record: {cause}; {hint}");
        match self.flag() {
            Some(flag) => format!("{text}; if that is meant, run again with {flag}"),
            None => text,
        }
    }

    /// The flag of `eip replay` that would let this run through.
    pub fn flag(&self) -> Option<String> {
        match self {
            Self::NoOrders { .. } => None,
            Self::Rejected { rejected, .. } => Some(format!("--max-rejected {rejected}")),
            Self::AsOf { row, .. } => Some(format!("--as-of {}", row.usual)),
        }
    }
}

/// The first rejects of a table that are worth a look, one of each reason first.
fn samples(report: &InputReport, table: &str) -> Vec<Reject> {
    let counts = || {
        let counts = report.rejects.iter();
        counts.filter(move |count| {
            count.table == table
                && !count
                    .samples
                    .iter()
                    .any(|sample| sample.reason.is_harmless())
        })
    };
    let firsts = counts().filter_map(|count| count.samples.first());
    let others = counts().flat_map(|count| count.samples.iter().skip(1));
    firsts.chain(others).take(3).cloned().collect()
}

struct Cause<'a>(&'a InputStop);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            InputStop::NoOrders { rows: 0, .. } => f.write_str("the orders have no row")?,
            InputStop::NoOrders { rows, sample } => {
                write!(f, "none of the {rows} rows of the orders is accepted")?;
                if let Some(sample) = sample {
                    write!(f, ": {sample}")?;
                }
            }
            InputStop::Rejected {
                table,
                rows,
                rejected,
                samples,
            } => {
                let permille = u128::from(*rejected) * 1_000 / u128::from((*rows).max(1));
                let (whole, tenths) = (permille / 10, permille % 10);
                write!(
                    f,
                    "{rejected} of {rows} rows of the {table} ({whole}.{tenths} %) are rejected"
                )?;
                for (i, sample) in samples.iter().enumerate() {
                    write!(f, "{}{sample}", if i == 0 { ": " } else { "; " })?;
                }
            }
            InputStop::AsOf { row, now } => {
                let AsOfRow {
                    order_id,
                    field,
                    place,
                    time,
                    times,
                    usual,
                } = &**row;
                write!(
                    f,
                    "asOf would be {time}, from {field} of order {order_id} ({place}), "
                )?;
                match now {
                    Some(now) => write!(f, "which is after the wall clock ({now})")?,
                    None => write!(
                        f,
                        "which is more than a year later than 99.9 % of the {times} times ({usual})"
                    )?,
                }
                f.write_str("; every open order would count as late")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for InputStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text("`eip data check DIR` shows what the files are"))
    }
}

#[cfg(test)]
mod tests {
    use eip_contract::{RejectReason, RowPlace};
    use eip_olist::TableCounts;

    use super::super::input_report::RejectCount;
    use super::*;

    fn report(rejected: u64, rows: u64) -> InputReport {
        let sample = Reject {
            file: "items.csv".to_owned(),
            line: 2,
            last_line: None,
            field: "order_item_id".to_owned(),
            reason: RejectReason::NotANumber,
            value: Some("one".to_owned()),
            order_id: None,
            because_of: None,
        };
        InputReport {
            rejects: vec![RejectCount {
                table: "items".to_owned(),
                file: "items.csv".to_owned(),
                reason: "not_a_number".to_owned(),
                rows: rejected,
                samples: vec![sample],
            }],
            tables: vec![TableCounts {
                table: "items".to_owned(),
                rows,
                rejected,
                ..TableCounts::default()
            }],
            orders: 5,
            ..InputReport::default()
        }
    }

    #[test]
    fn a_share_and_ten_rows_stop_and_a_limit_lets_through() {
        let stops = |rejected, rows, limit: Option<&str>| {
            let limit = limit.map(|text| text.parse().unwrap());
            InputStop::check(&report(rejected, rows), limit, 0).map(|stop| stop.to_string())
        };
        assert_eq!(stops(9, 10, None), None);
        assert_eq!(stops(10, 200, None), None);
        insta::assert_snapshot!(stops(10, 199, None).unwrap(), @r#"stopped before the first record: 10 of 199 rows of the items (5.0 %) are rejected: items.csv line 2: order_item_id "one" is not a whole number from 0 on; `eip data check DIR` shows what the files are; if that is meant, run again with --max-rejected 10"#);
        assert_eq!(stops(10, 199, Some("10")), None);
        assert_eq!(stops(10, 199, Some("6%")), None);
        assert!(stops(1, 1_000, Some("0")).is_some());
    }

    #[test]
    fn no_order_stops_whatever_the_limit() {
        let mut report = report(0, 0);
        report.orders = 0;
        let stop = InputStop::check(&report, Some(Limit::Percent(10_000)), 0).unwrap();
        insta::assert_snapshot!(stop, @"stopped before the first record: the orders have no row; `eip data check DIR` shows what the files are");
    }

    #[test]
    fn a_date_in_the_future_or_far_from_all_others_stops() {
        let time = |text: &str| text.parse::<EventTime>().unwrap();
        let mut report = report(0, 10);
        let now = time("2018-10-20T00:00:00Z").seconds() * 1_000;
        let mut stops = |at: &str, usual: &str, times| {
            report.as_of_row = Some(AsOfRow {
                order_id: "a1".to_owned(),
                field: "order_delivered_customer_date".to_owned(),
                place: RowPlace {
                    file: "orders.csv".to_owned(),
                    line: 2,
                },
                time: time(at),
                times,
                usual: time(usual),
            });
            InputStop::check(&report, None, now).map(|stop| stop.to_string())
        };
        assert_eq!(
            stops("2018-10-21T00:00:00Z", "2018-10-01T00:00:00Z", 4),
            None
        );
        insta::assert_snapshot!(stops("2018-10-21T00:00:01Z", "2018-10-01T00:00:00Z", 4).unwrap(), @"stopped before the first record: asOf would be 2018-10-21T00:00:01Z, from order_delivered_customer_date of order a1 (orders.csv line 2), which is after the wall clock (2018-10-20T00:00:00Z); every open order would count as late; `eip data check DIR` shows what the files are; if that is meant, run again with --as-of 2018-10-01T00:00:00Z");
        assert_eq!(
            stops("2017-10-01T00:00:00Z", "2015-10-01T00:00:00Z", 999),
            None
        );
        assert_eq!(
            stops("2017-10-02T00:00:00Z", "2016-10-01T00:00:00Z", 1_000),
            None
        );
        insta::assert_snapshot!(stops("2017-10-02T00:00:01Z", "2016-10-01T00:00:00Z", 1_000).unwrap(), @"stopped before the first record: asOf would be 2017-10-02T00:00:01Z, from order_delivered_customer_date of order a1 (orders.csv line 2), which is more than a year later than 99.9 % of the 1000 times (2016-10-01T00:00:00Z); every open order would count as late; `eip data check DIR` shows what the files are; if that is meant, run again with --as-of 2016-10-01T00:00:00Z");
    }
}
