//! Which shipments are wanted: the parameters, what they mean in one spelling, and the condition that they
//! make at a moment.

#![expect(
    clippy::large_stack_arrays,
    reason = "the derived description of the many parameters, made once"
)]

use std::collections::BTreeSet;

use eip_contract::reject::has_control;
use eip_contract::{EventTime, EventType};
use eip_stores::query::Condition;
use eip_views::Value;
use serde::Deserialize;
use utoipa::IntoParams;

use super::window::{Window, place};
use crate::problem::Problem;
use crate::v1::parameters::{instant, seconds, truth};
use crate::v1::regions::{region, regions};

/// A prefix is looked for from so many characters on.
const PREFIX: usize = 4;
/// Longest order id, in bytes (semantics, section 1).
const LONGEST: usize = 512;

/// The filter as it is written; what is not given lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// The order's id.
    order_id: Option<String>,
    /// The order's id, or at least the first 4 characters of one; blanks, quotes and upper case as
    /// pasted.
    q: Option<String>,
    /// Types of the last event, separated by commas: `ORDER_PLACED`, `ORDER_APPROVED`,
    /// `WAREHOUSE_ASSIGNED`, `HANDED_TO_CARRIER`, `DELIVERY_DELAYED`, `DELIVERED`.
    status: Option<String>,
    /// Regions of sellers, separated by commas: codes, or names of Brazilian states.
    seller_region: Option<String>,
    /// Regions of customers, separated by commas.
    customer_region: Option<String>,
    /// Seller and customer region: `SP-RJ`.
    route: Option<String>,
    /// Whether there is a `DELIVERY_DELAYED`.
    #[param(value_type = Option<bool>)]
    delayed: Option<String>,
    /// Delivered at least so much after the deadline: seconds, or a number with `d`, `h`, `m` or `s`.
    #[param(pattern = "^[0-9]+[dhms]?$")]
    late_at_least: Option<String>,
    /// Open, not delayed, and the promise ends within `at_risk_hours`.
    #[param(value_type = Option<bool>)]
    at_risk: Option<String>,
    /// What `at_risk` counts with.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 8784, default = 48)]
    at_risk_hours: Option<String>,
    /// Open past its promise without `DELIVERY_DELAYED`, or without an event for `stalled_days`.
    #[param(value_type = Option<bool>)]
    stalled: Option<String>,
    /// What `stalled` counts with.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3660, default = 14)]
    stalled_days: Option<String>,
    /// Open and without an event for `quiet_days`.
    #[param(value_type = Option<bool>)]
    quiet: Option<String>,
    /// What `quiet` counts with.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 3660, default = 14)]
    quiet_days: Option<String>,
    /// Placed from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    placed_from: Option<String>,
    /// Placed before.
    placed_to: Option<String>,
    /// Approved from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    approved_from: Option<String>,
    /// Approved before.
    approved_to: Option<String>,
    /// Assigned to a warehouse from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    assigned_from: Option<String>,
    /// Assigned to a warehouse before.
    assigned_to: Option<String>,
    /// Handed to the carrier from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    handed_from: Option<String>,
    /// Handed to the carrier before.
    handed_to: Option<String>,
    /// Reported as delayed from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    delayed_from: Option<String>,
    /// Reported as delayed before.
    delayed_to: Option<String>,
    /// Delivered from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    delivered_from: Option<String>,
    /// Delivered before.
    delivered_to: Option<String>,
    /// Promised to be delivered from then on: `2018-03-01` or `2018-03-01T12:00:00Z`.
    deadline_from: Option<String>,
    /// Promised to be delivered before.
    deadline_to: Option<String>,
}

/// What a filter means: two filters that want the same are the same (as `Debug` shows them too). Relative
/// conditions have no moment yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What does not depend on the moment.
    fixed: Vec<Condition>,
    /// Whether at risk or not, with the hours.
    at_risk: Option<(bool, u32)>,
    /// Whether stalled or not, with the days.
    stalled: Option<(bool, u32)>,
    /// Whether quiet or not, with the days.
    quiet: Option<(bool, u32)>,
}

impl Wanted {
    /// What the shipments must be, where that does not depend on the moment.
    pub(crate) fn lasting(&self) -> Option<Condition> {
        let relative = [self.at_risk, self.stalled, self.quiet];
        let is_relative = relative.iter().any(Option::is_some);
        (!is_relative).then(|| Condition::All(self.fixed.clone()))
    }

    /// What the shipments must be; relative conditions count from `now`.
    pub(crate) fn condition(&self, now: Option<EventTime>) -> Condition {
        let mut all = self.fixed.clone();
        let window = Window {
            at_risk_hours: self.at_risk.map_or(0, |(_, hours)| hours),
            stalled_days: self.stalled.map_or(0, |(_, days)| days),
            quiet_days: self.quiet.map_or(0, |(_, days)| days),
        };
        let relative = [
            (self.at_risk, now.map(|now| window.at_risk(now))),
            (self.stalled, now.map(|now| window.stalled(now))),
            (self.quiet, now.map(|now| window.quiet(now))),
        ];
        for (given, condition) in relative {
            if let Some((wanted, _)) = given {
                // Without any event nothing is at risk.
                let condition = condition.unwrap_or(Condition::Any(Vec::new()));
                all.push(if wanted {
                    condition
                } else {
                    Condition::Not(Box::new(condition))
                });
            }
        }
        Condition::All(all)
    }
}

impl Filter {
    /// What it means.
    pub(crate) fn wanted(&self) -> Result<Wanted, Problem> {
        let mut all = Vec::new();
        if let Some(order_id) = &self.order_id {
            all.push(Condition::OneOf(0, vec![text(order_id)]));
        }
        if let Some(q) = &self.q {
            all.push(search_for("q", q)?);
        }
        if let Some(status) = &self.status {
            all.push(Condition::OneOf(place("status"), statuses(status)?));
        }
        for (column, field, given) in [
            ("sellerRegion", "seller_region", &self.seller_region),
            ("customerRegion", "customer_region", &self.customer_region),
        ] {
            if given.is_some() {
                let regions = regions(field, given.as_deref())?;
                let values = regions.iter().map(|region| text(region)).collect();
                all.push(Condition::OneOf(place(column), values));
            }
        }
        if let Some(route) = &self.route {
            all.push(of_route(route)?);
        }
        if let Some(delayed) = truth("delayed", self.delayed.as_deref())? {
            all.push(Condition::OneOf(
                place("delayed"),
                vec![Value::Boolean(delayed)],
            ));
        }
        if let Some(late) = &self.late_at_least {
            let late = seconds("late_at_least", late)?;
            all.push(Condition::at_least(place("lateSeconds"), late));
        }
        for (column, fields, from, to) in self.ranges() {
            let bound = |field: &'static str, text: &Option<String>| {
                text.as_deref().map(|text| instant(field, text)).transpose()
            };
            let (from, below) = (bound(fields[0], from)?, bound(fields[1], to)?);
            if let (Some(from), Some(below)) = (from, below)
                && from >= below
            {
                let form = format!("{} must be after {}", fields[1], fields[0]);
                return Err(Problem::bad_field(fields[1], form));
            }
            if from.is_some() || below.is_some() {
                all.push(Condition::Range {
                    column: place(column),
                    from: from.map(Value::from),
                    below: below.map(Value::from),
                });
            }
        }
        let window = Window::of(
            self.at_risk_hours.as_deref(),
            self.stalled_days.as_deref(),
            self.quiet_days.as_deref(),
        )?;
        let at_risk = truth("at_risk", self.at_risk.as_deref())?;
        let stalled = truth("stalled", self.stalled.as_deref())?;
        let quiet = truth("quiet", self.quiet.as_deref())?;
        Ok(Wanted {
            fixed: all,
            at_risk: at_risk.map(|wanted| (wanted, window.at_risk_hours)),
            stalled: stalled.map(|wanted| (wanted, window.stalled_days)),
            quiet: quiet.map(|wanted| (wanted, window.quiet_days)),
        })
    }

    #[expect(
        clippy::type_complexity,
        reason = "one row a range, and nobody else sees it"
    )]
    fn ranges(
        &self,
    ) -> [(
        &'static str,
        [&'static str; 2],
        &Option<String>,
        &Option<String>,
    ); 7] {
        [
            (
                "placedAt",
                ["placed_from", "placed_to"],
                &self.placed_from,
                &self.placed_to,
            ),
            (
                "approvedAt",
                ["approved_from", "approved_to"],
                &self.approved_from,
                &self.approved_to,
            ),
            (
                "warehouseAssignedAt",
                ["assigned_from", "assigned_to"],
                &self.assigned_from,
                &self.assigned_to,
            ),
            (
                "handedToCarrierAt",
                ["handed_from", "handed_to"],
                &self.handed_from,
                &self.handed_to,
            ),
            (
                "delayedAt",
                ["delayed_from", "delayed_to"],
                &self.delayed_from,
                &self.delayed_to,
            ),
            (
                "deliveredAt",
                ["delivered_from", "delivered_to"],
                &self.delivered_from,
                &self.delivered_to,
            ),
            (
                "estimatedDeliveryAt",
                ["deadline_from", "deadline_to"],
                &self.deadline_from,
                &self.deadline_to,
            ),
        ]
    }
}

/// What people paste: blanks and quotes around it do not count.
pub(crate) fn pasted(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace() || matches!(character, '"' | '\'' | '`' | ',' | ';')
    })
}

/// An id, or a prefix of one of at least [`PREFIX`] characters; upper case is tried in lower case too.
pub(crate) fn search_for(field: &'static str, given: &str) -> Result<Condition, Problem> {
    let wanted = pasted(given);
    if !is_id(wanted) {
        let form = format!(
            "{field}: an order id or the beginning of one, 1 to {LONGEST} bytes without control \
             characters"
        );
        return Err(Problem::bad_field(field, form));
    }
    let lower = wanted.to_lowercase();
    let mut ids = vec![text(wanted), text(&lower)];
    ids.dedup();
    let mut any = vec![Condition::OneOf(0, ids)];
    if wanted.chars().count() >= PREFIX {
        any.push(Condition::Prefix(0, wanted.to_owned()));
        if lower != wanted {
            any.push(Condition::Prefix(0, lower));
        }
    }
    Ok(Condition::Any(any))
}

/// Whether this can be an order's id.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && !has_control(text.as_bytes())
}

/// Each once, in their order.
fn statuses(given: &str) -> Result<Vec<Value<'static>>, Problem> {
    let statuses: Result<BTreeSet<Value<'static>>, Problem> = given
        .split(',')
        .map(|name| {
            let status = EventType::from_name(&name.trim().to_uppercase());
            status.map(Value::EventType).ok_or_else(|| {
                let names = EventType::ALL.map(EventType::name).join(", ");
                let form = format!("status must be of {names}, not {name:?}");
                Problem::bad_field("status", form)
            })
        })
        .collect();
    Ok(statuses?.into_iter().collect())
}

/// `SP-RJ`: seller, then customer.
fn of_route(route: &str) -> Result<Condition, Problem> {
    let Some((seller, customer)) = route.split_once('-') else {
        let form = format!("route must be seller and customer region like SP-RJ, not {route:?}");
        return Err(Problem::bad_field("route", form));
    };
    Ok(Condition::All(vec![
        Condition::OneOf(place("sellerRegion"), vec![text(&region("route", seller)?)]),
        Condition::OneOf(
            place("customerRegion"),
            vec![text(&region("route", customer)?)],
        ),
    ]))
}

fn text(text: &str) -> Value<'static> {
    Value::from(text).into_owned()
}
