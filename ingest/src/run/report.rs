//! The rehearsal: what a window or revert run would do, in figures, by name, and as a token.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use eip_contract::{Day, EventTime, EventType};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{GuardFigures, GuardStop};
use super::id::PlanToken;
use super::input_stop::InputStop;
use super::route_figures::RouteComparison;
use super::text::{self, Grouped};

/// How many names of one sort a report keeps; the counts are always whole.
pub(crate) const MAX_NAMED: usize = 1_000;
/// How many changed facts a report shows whole.
pub(crate) const MAX_SAMPLES: usize = 20;
/// How many names of one sort a person is shown; the JSON has what is kept.
const SHOWN_NAMES: usize = 5;
/// How many of the days with most changes a person is shown; the JSON has all.
const SHOWN_DAYS: usize = 10;

/// Facts of covered orders, compared by (orderId, eventType).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Deltas {
    /// There was none of this identity.
    pub added: u64,
    /// There was one with another content.
    pub changed: u64,
    /// None of this identity remains.
    pub retracted: u64,
    /// As before.
    pub same: u64,
}

impl Deltas {
    /// Facts that do not stay as they are.
    pub fn differing(&self) -> u64 {
        self.added + self.changed + self.retracted
    }
}

impl AddAssign for Deltas {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.changed += other.changed;
        self.retracted += other.retracted;
        self.same += other.same;
    }
}

impl fmt::Display for Deltas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "changed {}, added {}, retracted {}, same {}",
            Grouped(self.changed),
            Grouped(self.added),
            Grouped(self.retracted),
            Grouped(self.same)
        )
    }
}

/// A count with the first names of what was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Named {
    /// How many there are.
    pub count: u64,
    /// The first thousand of them.
    pub names: Vec<String>,
}

impl Named {
    pub(crate) fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.names.len() < MAX_NAMED {
            self.names.push(name());
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Grouped(self.count))?;
        for (i, name) in self.names.iter().take(SHOWN_NAMES).enumerate() {
            f.write_str(if i == 0 { ": " } else { ", " })?;
            f.write_str(name)?;
        }
        if self.count > SHOWN_NAMES as u64 {
            f.write_str(", …")?;
        }
        Ok(())
    }
}

/// The content of a fact, as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactText {
    /// When it happened.
    #[serde(serialize_with = "text::time")]
    #[schema(value_type = String, format = DateTime)]
    pub event_at: EventTime,
    /// State of the seller.
    pub seller_region: String,
    /// State of the customer.
    pub customer_region: String,
    /// What was promised.
    #[serde(serialize_with = "text::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub estimated_delivery_at: Option<EventTime>,
}

/// One fact that would not stay as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The order.
    pub order_id: String,
    /// The type.
    #[schema(value_type = String)]
    pub event_type: EventType,
    /// What the log says now.
    pub before: Option<FactText>,
    /// What it would say.
    pub after: Option<FactText>,
}

/// A fact that a revert leaves alone because a later run changed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftFact {
    /// The order.
    pub order_id: String,
    /// The type.
    #[schema(value_type = String)]
    pub event_type: EventType,
    /// The run that changed it last; empty for records without a run.
    pub changed_by: String,
}

/// What happens to the rows of `route_stats_daily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RouteChange {
    /// Rows that there were not.
    pub added: u64,
    /// Rows that there are no more.
    pub removed: u64,
    /// Rows with other figures.
    pub changed: u64,
}

/// What happens to the facts of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayDeltas {
    /// The day (UTC) of the facts' eventAt; of a changed fact, of its new one.
    #[serde(serialize_with = "text::day")]
    #[schema(value_type = String, format = Date)]
    pub day: Day,
    /// By type.
    #[schema(value_type = BTreeMap<String, Deltas>)]
    pub by_type: BTreeMap<EventType, Deltas>,
}

impl DayDeltas {
    fn total(&self) -> Deltas {
        let mut total = Deltas::default();
        for deltas in self.by_type.values() {
            total += *deltas;
        }
        total
    }
}

/// What a window or revert run would do. [`fmt::Display`] prints it for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rehearsal {
    /// A run that carries it does exactly this, or refuses.
    #[schema(value_type = String)]
    pub token: PlanToken,
    /// Orders covered.
    pub orders_covered: u64,
    /// Digest of all facts that the log holds, before: 32 hex digits.
    pub facts_before: String,
    /// And after. A revert brings back the digest from before.
    pub facts_after: String,
    /// Their facts.
    pub facts: Deltas,
    /// Their facts by type.
    #[schema(value_type = BTreeMap<String, Deltas>)]
    pub by_type: BTreeMap<EventType, Deltas>,
    /// Their facts by day and type, days ascending.
    pub by_day: Vec<DayDeltas>,
    /// Some of the facts that would not stay as they are.
    pub samples: Vec<Sample>,
    /// Orders of which nothing would remain.
    pub vanishing: Named,
    /// Orders that lose some of their facts.
    pub losing_facts: Named,
    /// Orders whose seller or customer falls from a known region to `ZZ`.
    pub losing_regions: Named,
    /// Orders that had an item and have none in the data.
    pub losing_items: Named,
    /// Orders left as they are, because their row was rejected, or one that they need.
    pub rejected_orders: Named,
    /// Rejected order rows that do not name their order, as `file:line`.
    pub rejected_unnamed: Named,
    /// Orders left as they are: their facts came last from pushed rows, and the data has no row.
    pub pushed_orders: Named,
    /// Orders left as they are: the data has no row, and rows of the orders may have swallowed theirs.
    pub swallowed_orders: Named,
    /// Orders left as they are: the data has no item of theirs, and rows of the items may have
    /// swallowed them.
    pub swallowed_items: Named,
    /// Of a revert: how many facts it leaves alone because a later run changed them.
    pub left_count: u64,
    /// Of a revert: the first of them.
    pub left_facts: Vec<LeftFact>,
    /// The change to `route_stats_daily`.
    pub route_stats_daily: RouteChange,
    /// Its figures before and after.
    pub route_figures: RouteComparison,
    /// Events it would write.
    pub events: u64,
    /// Tombstones it would write.
    pub tombstones: u64,
    /// What the guards look at.
    pub figures: GuardFigures,
    /// Why a run with these limits would stop, if it would.
    pub guard: Option<GuardStop>,
    /// Why a run with this input would not begin, if it would not.
    pub input_stop: Option<InputStop>,
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "orders covered     {}", Grouped(self.orders_covered))?;
        writeln!(f, "facts              {}", self.facts)?;
        for (event_type, deltas) in &self.by_type {
            if deltas.differing() > 0 {
                writeln!(f, "  {event_type:<18} {deltas}")?;
            }
        }
        self.show_days(f)?;
        let RouteChange {
            added,
            removed,
            changed,
        } = self.route_stats_daily;
        writeln!(
            f,
            "route_stats_daily  rows added {}, removed {}, changed {}",
            Grouped(added),
            Grouped(removed),
            Grouped(changed)
        )?;
        write!(f, "{}", self.route_figures)?;
        writeln!(
            f,
            "to write           {} events, {} tombstones",
            Grouped(self.events),
            Grouped(self.tombstones)
        )?;
        for (label, named) in [
            ("vanishing orders   ", &self.vanishing),
            ("lose their region  ", &self.losing_regions),
            ("lose all items     ", &self.losing_items),
            ("rejected, left     ", &self.rejected_orders),
            ("rejected, no name  ", &self.rejected_unnamed),
            ("pushed rows, left  ", &self.pushed_orders),
            ("swallowed, left    ", &self.swallowed_orders),
            ("items gone, left   ", &self.swallowed_items),
        ] {
            if named.count > 0 {
                writeln!(f, "{label}{named}")?;
            }
        }
        if self.left_count > 0 {
            writeln!(f, "changed since, left  {} facts", Grouped(self.left_count))?;
            for left in self.left_facts.iter().take(SHOWN_NAMES) {
                let by = if left.changed_by.is_empty() {
                    "no run"
                } else {
                    &left.changed_by
                };
                writeln!(f, "  {} {} (by {by})", left.order_id, left.event_type)?;
            }
        }
        if let Some(stop) = &self.input_stop {
            writeln!(f, "would stop         {stop}")?;
        }
        if let Some(guard) = &self.guard {
            writeln!(f, "would stop         {guard}")?;
        }
        write!(f, "plan               {}", self.token)
    }
}

impl Rehearsal {
    fn show_days(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut days: Vec<_> = self
            .by_day
            .iter()
            .map(|day| (day.day, day.total()))
            .filter(|(_, deltas)| deltas.differing() > 0)
            .collect();
        let Some(((first, _), (last, _))) = days.first().copied().zip(days.last().copied()) else {
            return Ok(());
        };
        writeln!(
            f,
            "days with changes  {} from {first} to {last}",
            days.len()
        )?;
        days.sort_by_key(|(day, deltas)| (std::cmp::Reverse(deltas.differing()), *day));
        days.truncate(SHOWN_DAYS);
        days.sort_by_key(|(day, _)| *day);
        for (day, deltas) in days {
            writeln!(f, "  {day}         {deltas}")?;
        }
        Ok(())
    }
}
