//! The routes: their statistics over days, weeks and months, one of them, the worst, all of them.
//!
//! Counts and sums add up; rates are computed here, in basis points (100 are one percent), rounded down.
//! Percentiles are given only where they are exact: those of several days do not follow from those of
//! each, and are never averaged.

mod filter;
mod matrix;
mod series;
mod stats;
mod worst;

pub(crate) use matrix::matrix;
pub(crate) use series::series;
pub(crate) use stats::stats;
pub(crate) use worst::worst;

use eip_stores::query::StatsGroup;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON object whose members stay in their order.
struct Fields(Vec<(&'static str, Value)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A group's figures with its rates.
fn figures(group: &StatsGroup) -> Vec<(&'static str, Value)> {
    let mut fields: Vec<(&'static str, Value)> = vec![("rows", group.rows.into())];
    for (column, sum) in StatsGroup::summed().zip(&group.sums) {
        fields.push((column.name, (*sum).into()));
    }
    let names = ["lead_seconds_p50", "lead_seconds_p90", "lead_seconds_p99"];
    for (name, percentile) in names.into_iter().zip(group.percentiles) {
        fields.push((name, percentile.into()));
    }
    fields.extend(rates(group));
    fields
}

/// Rates are null where there is nothing to have a rate of.
fn rates(group: &StatsGroup) -> [(&'static str, Value); 2] {
    let (delivered, late) = (group.sum("delivered"), group.sum("delivered_late"));
    let (leads, lead_sum) = (group.sum("lead_count"), group.sum("lead_seconds_sum"));
    let on_time = (delivered > 0).then(|| (delivered - late) * 10_000 / delivered);
    let average = (leads > 0).then(|| lead_sum / leads);
    [
        ("on_time_basis_points", on_time.into()),
        ("lead_seconds_average", average.into()),
    ]
}
