//! The routes: their statistics over days, weeks and months, one of them, the worst, all of them.
//!
//! Counts and sums add up; rates are computed here, in basis points (100 are one percent), rounded down.
//! Percentiles are given only where they are exact: those of several days do not follow from those of
//! each, and are never averaged.

mod filter;
pub(crate) mod matrix;
pub(crate) mod series;
pub(crate) mod stats;
pub(crate) mod worst;

use std::borrow::Cow;

use eip_stores::query::StatsGroup;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use utoipa::openapi::{RefOr, schema::Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::openapi::views;

/// A group's figures: sums, percentiles where they are exact, rates.
struct Figures(StatsGroup);

impl Serialize for Figures {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(group) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rows", &group.rows)?;
        for (column, sum) in StatsGroup::summed().zip(&group.sums) {
            map.serialize_entry(column.name, sum)?;
        }
        let names = ["lead_seconds_p50", "lead_seconds_p90", "lead_seconds_p99"];
        for (name, percentile) in names.into_iter().zip(group.percentiles) {
            map.serialize_entry(name, &percentile)?;
        }
        let rates = Rates::of(group);
        map.serialize_entry("on_time_basis_points", &rates.on_time_basis_points)?;
        map.serialize_entry("lead_seconds_average", &rates.lead_seconds_average)?;
        map.end()
    }
}

impl PartialSchema for Figures {
    fn schema() -> RefOr<Schema> {
        views::figures()
    }
}

impl ToSchema for Figures {
    fn name() -> Cow<'static, str> {
        "Figures".into()
    }
}

/// What is computed from a group's sums; null where there is nothing to have a rate of.
#[derive(serde::Serialize, ToSchema)]
struct Rates {
    /// Of the deliveries; null without one.
    on_time_basis_points: Option<i64>,
    /// Rounded down; null without a lead time.
    lead_seconds_average: Option<i64>,
}

impl Rates {
    fn of(group: &StatsGroup) -> Self {
        let (delivered, late) = (group.sum("delivered"), group.sum("delivered_late"));
        let (leads, lead_sum) = (group.sum("lead_count"), group.sum("lead_seconds_sum"));
        Self {
            on_time_basis_points: (delivered > 0).then(|| (delivered - late) * 10_000 / delivered),
            lead_seconds_average: (leads > 0).then(|| lead_sum / leads),
        }
    }
}
