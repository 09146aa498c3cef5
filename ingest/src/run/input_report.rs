//! What the input of a run is like: rows, rejects, what does not join, where asOf comes from. The
//! summary, the ledger and the receipt show the same report.

use std::fmt;

use eip_contract::{EventTime, Reject, RowPlace};
use eip_olist::{Joins, SwallowingRows, TableCounts, Unmatched};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::text::Grouped;

/// Most reject counts that a report lists one by one; those with the fewest rows are put together.
const MAX_COUNTS: usize = 60;
/// Name of the files of those.
const OTHER_FILES: &str = "other files";

/// Rejected rows of one file for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectCount {
    /// The table; empty for pushed rows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table: String,
    /// The file.
    pub file: String,
    /// Short fixed name of the reason.
    pub reason: String,
    /// How many rows.
    pub rows: u64,
    /// The first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Reject>,
}

/// The row that sets asOf's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AsOfRow {
    /// Its order.
    pub order_id: String,
    /// The column of its greatest time.
    pub field: String,
    /// Where it is.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub place: RowPlace,
    /// The time, as seconds since the epoch.
    #[schema(value_type = i64)]
    pub time: EventTime,
    /// How many times were compared.
    pub times: u64,
    /// Their 99.9th percentile (nearest rank).
    #[schema(value_type = i64)]
    pub usual: EventTime,
}

/// What the input of a run is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InputReport {
    /// Rows rejected, by file and reason.
    pub rejects: Vec<RejectCount>,
    /// Rows of each table; none of pushed rows.
    pub tables: Vec<TableCounts>,
    /// Orders accepted.
    pub orders: u64,
    /// What does not join.
    pub joins: Joins,
    /// Rows of the orders that may have swallowed others.
    pub swallowing_orders: SwallowingRows,
    /// Rows of the items that may have swallowed others.
    pub swallowing_items: SwallowingRows,
    /// Where asOf comes from, when it was not given.
    pub as_of_row: Option<AsOfRow>,
    /// What an operator should know beside the figures.
    pub notes: Vec<String>,
}

impl InputReport {
    /// Rows rejected, repeated ones too.
    pub fn rows_rejected(&self) -> u64 {
        self.rejects.iter().map(|count| count.rows).sum()
    }

    /// Takes the counts of rejects in, so many that every one can be looked at.
    pub(crate) fn set_rejects(&mut self, mut rejects: Vec<RejectCount>) {
        if rejects.len() > MAX_COUNTS {
            let mut by_rows: Vec<u64> = rejects.iter().map(|count| count.rows).collect();
            by_rows.sort_unstable_by(|a, b| b.cmp(a));
            let least = by_rows[MAX_COUNTS - 1];
            let (kept, others): (Vec<_>, Vec<_>) =
                rejects.into_iter().partition(|count| count.rows > least);
            rejects = kept;
            for other in others {
                let same = |count: &&mut RejectCount| {
                    count.file == OTHER_FILES
                        && count.table == other.table
                        && count.reason == other.reason
                };
                match rejects.iter_mut().find(same) {
                    Some(count) => count.rows += other.rows,
                    None => rejects.push(RejectCount {
                        file: OTHER_FILES.to_owned(),
                        ..other
                    }),
                }
            }
        }
        self.rejects = rejects;
    }

    /// The report as the ledger keeps it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is plain data")
    }

    /// The report of a ledger's entry; an older program's may have none.
    pub fn of_json(value: Option<&serde_json::Value>) -> Option<Self> {
        serde_json::from_value(value?.clone()).ok()
    }
}

impl fmt::Display for InputReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for count in &self.rejects {
            let RejectCount {
                file,
                reason,
                rows,
                samples,
                ..
            } = count;
            writeln!(
                f,
                "rejected    {:>11} rows of {file}: {reason}",
                Grouped(*rows)
            )?;
            for sample in samples {
                writeln!(f, "                          {sample}")?;
            }
        }
        let Joins {
            orders_without_customer,
            items_without_seller,
            items_without_order,
            orders_without_items,
            orders_of_unknown_region,
            customers_without_order,
            sellers_without_item,
        } = &self.joins;
        show_unmatched(
            f,
            orders_without_customer,
            "orders whose customer_id matches no customer",
        )?;
        show_unmatched(
            f,
            items_without_seller,
            "items whose seller_id matches no seller",
        )?;
        show_unmatched(
            f,
            items_without_order,
            "items whose order_id matches no order",
        )?;
        for (count, what) in [
            (orders_without_items, "orders without an item"),
            (
                orders_of_unknown_region,
                "orders with an unknown region (ZZ)",
            ),
            (customers_without_order, "customers without an order"),
            (sellers_without_item, "sellers without an item"),
        ] {
            if *count > 0 {
                writeln!(f, "found       {:>11} {what}", Grouped(*count))?;
            }
        }
        for (rows, table) in [
            (&self.swallowing_orders, "orders"),
            (&self.swallowing_items, "items"),
        ] {
            if let Some(first) = rows.places.first() {
                let count = Grouped(rows.count);
                writeln!(
                    f,
                    "damaged     {count:>11} rows of the {table} may have swallowed others, the first \
                     at {first}"
                )?;
            }
        }
        for note in &self.notes {
            writeln!(f, "note        {note}")?;
        }
        Ok(())
    }
}

fn show_unmatched(f: &mut fmt::Formatter<'_>, of: &Unmatched, what: &str) -> fmt::Result {
    if of.count == 0 {
        return Ok(());
    }
    write!(f, "unmatched   {:>11} {what}", Grouped(of.count))?;
    if of.alike > 0 {
        write!(f, ", {} by case or blanks alone", Grouped(of.alike))?;
    }
    let sample = of
        .samples
        .iter()
        .find(|sample| of.alike == 0 || sample.alike.is_some());
    if let Some(sample) = sample {
        write!(f, ": {} has {:?}", sample.place, sample.value)?;
        if let Some(alike) = &sample.alike {
            write!(f, ", there is {alike:?}")?;
        }
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_comes_back_from_the_ledger_and_lists_no_more_than_can_be_looked_at() {
        let count = |file: usize, rows: u64| RejectCount {
            table: "orders".to_owned(),
            file: format!("{file}.csv"),
            reason: "ragged".to_owned(),
            rows,
            samples: Vec::new(),
        };
        let mut report = InputReport::default();
        report.set_rejects(
            (0..500)
                .map(|file| count(file, 1 + file as u64 / 450))
                .collect(),
        );
        assert_eq!(report.rows_rejected(), 550);
        assert!(
            report.rejects.len() <= MAX_COUNTS + 1,
            "{}",
            report.rejects.len()
        );
        assert_eq!(InputReport::of_json(Some(&report.to_json())), Some(report));
    }
}
