//! One joined order → its facts under the rules (semantics, section 2). Pure: asOf comes in.
//!
//! The derived times are the eventAt of `WAREHOUSE_ASSIGNED` and the deadline. When one of them leaves
//! 1970 to 2199 the whole row is rejected, as for a time of the input; so a promise on 2199-12-31
//! is rejected under `end_of_day`. An `approved + assignment_delay` behind 2199 that a carrier date
//! cuts short is no derived time of any fact and does no harm. The reader does not know the rules: a
//! second row of such an order stays a duplicate.

use std::borrow::Cow;

use eip_contract::{Event, EventTime, EventType, RejectReason};
use eip_olist::OrderRow;

use crate::rules::{Promise, Rules};

/// All facts of one order under one set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The order.
    pub order_id: &'a str,
    /// When each type happened, by rank; `None` when there is no such fact.
    pub times: [Option<EventTime>; 6],
    /// What was promised, as in the data.
    pub estimated_delivery_at: Option<EventTime>,
    /// State of the seller.
    pub seller_region: &'a str,
    /// State of the customer.
    pub customer_region: &'a str,
    /// Whether the order has an item.
    pub has_item: bool,
}

impl<'a> Facts<'a> {
    /// The events, by rank.
    pub fn events(&self) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let facts = *self;
        EventType::ALL
            .into_iter()
            .zip(facts.times)
            .filter_map(move |(event_type, time)| {
                Some(Event {
                    event_type,
                    event_at: time?,
                    order_id: Cow::Borrowed(facts.order_id),
                    seller_region: Cow::Borrowed(facts.seller_region),
                    customer_region: Cow::Borrowed(facts.customer_region),
                    estimated_delivery_at: facts.estimated_delivery_at,
                })
            })
    }

    /// How many facts there are.
    pub fn count(&self) -> usize {
        self.times.iter().flatten().count()
    }
}

/// Why an accepted row has no facts under these rules; the row is then a reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct NotConvertible {
    /// The column that the derived time comes from.
    pub field: &'static str,
    /// What is wrong.
    pub reason: RejectReason,
}

/// Makes the facts of one order.
///
/// `as_of` decides only about `DELIVERY_DELAYED` of orders that are not delivered; `None` (a data set
/// without an accepted order has no default) is before every deadline.
pub fn convert<'a>(
    row: &OrderRow<'a>,
    rules: &Rules,
    as_of: Option<EventTime>,
) -> Result<Facts<'a>, NotConvertible> {
    let out_of_range = |field| NotConvertible {
        field,
        reason: RejectReason::DerivedTimeOutOfRange,
    };
    let assigned = assigned(row, rules).map_err(|Behind2199| out_of_range("order_approved_at"))?;
    let deadline =
        deadline(row, rules).map_err(|Behind2199| out_of_range("order_estimated_delivery_date"))?;
    let delayed = deadline.filter(|&deadline| match row.delivered {
        Some(delivered) => delivered > deadline,
        None => row.status.awaits_delivery() && as_of.is_some_and(|as_of| as_of > deadline),
    });
    Ok(Facts {
        order_id: row.order_id,
        times: [
            Some(row.purchased),
            row.approved,
            assigned,
            row.carried,
            delayed,
            row.delivered,
        ],
        estimated_delivery_at: row.estimated,
        seller_region: row.seller_region,
        customer_region: row.customer_region,
        has_item: row.has_item,
    })
}

struct Behind2199;

/// When a warehouse took the order on: `assignment_delay` after the approval, but not after the
/// carrier had it, and never before the approval.
fn assigned(row: &OrderRow<'_>, rules: &Rules) -> Result<Option<EventTime>, Behind2199> {
    let Some(approved) = row.approved.filter(|_| row.has_item) else {
        return Ok(None);
    };
    let after_delay = approved.plus_seconds(rules.assignment_delay_seconds());
    match (after_delay, row.carried) {
        (Some(after_delay), Some(carried)) => Ok(Some(approved.max(after_delay.min(carried)))),
        // The carrier's time is in range, so it is the lesser of the two.
        (None, Some(carried)) => Ok(Some(approved.max(carried))),
        (Some(after_delay), None) => Ok(Some(after_delay)),
        (None, None) => Err(Behind2199),
    }
}

/// The time by which the customer was to have it.
fn deadline(row: &OrderRow<'_>, rules: &Rules) -> Result<Option<EventTime>, Behind2199> {
    let Some(estimated) = row.estimated else {
        return Ok(None);
    };
    match rules.promise() {
        Promise::Instant => Ok(Some(estimated)),
        Promise::EndOfDay => {
            let next_day = estimated.day().next().ok_or(Behind2199)?;
            // The day behind the last has a number but no time.
            next_day.start().map(Some).ok_or(Behind2199)
        }
    }
}

#[cfg(test)]
mod tests;
