//! Which shipments are wanted: the parameters, and the condition that they make.

use std::collections::BTreeMap;

use eip_contract::reject::has_control;
use eip_contract::{EventTime, EventType};
use eip_stores::query::{Condition, TIMES};
use eip_views::{SHIPMENTS, Value};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::v1::parameters::{DAY, instant, number, seconds, truth};
use crate::v1::regions::{region, regions};

/// A prefix is looked for from so many characters on.
const PREFIX: usize = 4;
/// Longest order id, in bytes (semantics, section 1).
const LONGEST: usize = 512;

/// The filter as it is written; what is not given lets everything through.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Filter {
    order_id: Option<String>,
    q: Option<String>,
    status: Option<String>,
    seller_region: Option<String>,
    customer_region: Option<String>,
    route: Option<String>,
    delayed: Option<String>,
    late_at_least: Option<String>,
    at_risk: Option<String>,
    at_risk_hours: Option<String>,
    stalled: Option<String>,
    stalled_days: Option<String>,
    placed_from: Option<String>,
    placed_to: Option<String>,
    approved_from: Option<String>,
    approved_to: Option<String>,
    assigned_from: Option<String>,
    assigned_to: Option<String>,
    handed_from: Option<String>,
    handed_to: Option<String>,
    delayed_from: Option<String>,
    delayed_to: Option<String>,
    delivered_from: Option<String>,
    delivered_to: Option<String>,
    deadline_from: Option<String>,
    deadline_to: Option<String>,
}

/// What relative conditions count with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// A deadline within so many hours is at risk.
    pub(crate) at_risk_hours: u32,
    /// An order without an event for so many days is stalled.
    pub(crate) stalled_days: u32,
}

impl Window {
    /// From the parameters `at_risk_hours` (48) and `stalled_days` (14).
    pub(crate) fn of(hours: Option<&str>, days: Option<&str>) -> Result<Self, Problem> {
        Ok(Self {
            at_risk_hours: number("at_risk_hours", hours, 48, 24 * 366)?,
            stalled_days: number("stalled_days", days, 14, 3_660)?,
        })
    }

    /// Open, not delayed, and the promise ends within the hours from `now` on.
    pub(crate) fn at_risk(self, now: EventTime) -> Condition {
        let until = later(now, i64::from(self.at_risk_hours) * 3_600);
        Condition::All(vec![
            Condition::unknown(place("deliveredAt")),
            Condition::unknown(place("delayedAt")),
            Condition::Range {
                column: place("estimatedDeliveryAt"),
                from: Some(now.into()),
                below: Some(until.into()),
            },
        ])
    }

    /// Open past its promise without a `DELIVERY_DELAYED`, or open and without an event for the days
    /// before `now`.
    pub(crate) fn stalled(self, now: EventTime) -> Condition {
        let silent_since = later(now, -i64::from(self.stalled_days) * DAY);
        let silent = TIMES
            .map(|time| Condition::Not(Box::new(Condition::at_least(place(time), silent_since))));
        Condition::All(vec![
            Condition::unknown(place("deliveredAt")),
            Condition::Any(vec![
                Condition::All(vec![
                    Condition::unknown(place("delayedAt")),
                    Condition::below(place("estimatedDeliveryAt"), now),
                ]),
                Condition::All(silent.into()),
            ]),
        ])
    }
}

impl Filter {
    /// What the shipments must be; relative conditions count from `now`.
    pub(crate) fn condition(&self, now: Option<EventTime>) -> Result<Condition, Problem> {
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
        let window = Window::of(self.at_risk_hours.as_deref(), self.stalled_days.as_deref())?;
        let relative = [
            ("at_risk", &self.at_risk, now.map(|now| window.at_risk(now))),
            ("stalled", &self.stalled, now.map(|now| window.stalled(now))),
        ];
        for (field, given, condition) in relative {
            if let Some(wanted) = truth(field, given.as_deref())? {
                // Without any event nothing is at risk.
                let condition = condition.unwrap_or(Condition::Any(Vec::new()));
                all.push(if wanted {
                    condition
                } else {
                    Condition::Not(Box::new(condition))
                });
            }
        }
        Ok(Condition::All(all))
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

    /// What is given, for the name of a query.
    pub(super) fn given(&self) -> BTreeMap<String, String> {
        let fields = serde_json::to_value(self).expect("texts are JSON");
        let fields = fields.as_object().into_iter().flatten();
        fields
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
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
    let mut any = vec![Condition::OneOf(0, vec![text(wanted), text(&lower)])];
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

fn statuses(given: &str) -> Result<Vec<Value<'static>>, Problem> {
    given
        .split(',')
        .map(|name| {
            let status = EventType::from_name(&name.trim().to_uppercase());
            status.map(Value::EventType).ok_or_else(|| {
                let names = EventType::ALL.map(EventType::name).join(", ");
                let form = format!("status must be of {names}, not {name:?}");
                Problem::bad_field("status", form)
            })
        })
        .collect()
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

fn later(time: EventTime, seconds: i64) -> EventTime {
    let bounds = (EventTime::MIN.seconds(), EventTime::MAX.seconds());
    EventTime::from_seconds((time.seconds() + seconds).clamp(bounds.0, bounds.1))
        .expect("between the first and the last")
}

fn text(text: &str) -> Value<'static> {
    Value::from(text).into_owned()
}

fn place(column: &str) -> usize {
    SHIPMENTS.place(column).expect("a column of shipments")
}
