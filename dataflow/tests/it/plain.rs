//! The views by plain code: decode everything from the beginning, keep what counts, list it.

use std::collections::BTreeMap;

use eip_contract::{Change, Event, EventType, Offset, decode_record};
use eip_views::{RouteStatsRow, ShipmentDocument};

/// One record of a test's log.
#[derive(Clone, Debug)]
pub(crate) struct LogRecord {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

/// A log: records by partition, the position is the offset.
pub(crate) type Log = Vec<Vec<LogRecord>>;

/// What the views must hold, and how many dead letters there are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Canonical lines of the three views, sorted by bytes.
    pub(crate) views: [Vec<String>; 3],
    pub(crate) dead_letters: usize,
}

pub(crate) fn recompute(log: &Log, upto: &[Offset]) -> Expected {
    let mut orders: BTreeMap<String, BTreeMap<usize, Event<'static>>> = BTreeMap::new();
    let mut dead_letters = 0;
    for (partition, records) in log.iter().enumerate() {
        for record in &records[..upto[partition].0 as usize] {
            let key = record.key.as_deref();
            match decode_record(
                log.len() as u32,
                partition as u32,
                key,
                record.value.as_deref(),
            ) {
                Ok(Change::Assert(decoded)) => {
                    let event = decoded.event.into_owned();
                    let facts = orders.entry(event.order_id.to_string()).or_default();
                    facts.insert(event.event_type.rank(), event);
                }
                Ok(Change::Retract(order)) => drop(orders.remove(order)),
                Err(_) => dead_letters += 1,
            }
        }
    }
    let mut views = [const { Vec::new() }; 3];
    let mut routes: BTreeMap<(u32, String, String), (RouteStatsRow, Vec<i64>)> = BTreeMap::new();
    for (order, facts) in &orders {
        for event in facts.values() {
            views[0].push(event.to_json());
        }
        let Some(last) = facts.values().next_back() else {
            continue;
        };
        let time = |event_type: EventType| facts.get(&event_type.rank()).map(|fact| fact.event_at);
        let delivered = time(EventType::Delivered);
        let lead = delivered
            .zip(time(EventType::OrderPlaced))
            .map(|(delivered, placed)| delivered.seconds() - placed.seconds());
        let late = delivered.map(|delivered| {
            let deadline = time(EventType::DeliveryDelayed).unwrap_or(delivered);
            (delivered.seconds() - deadline.seconds()).max(0)
        });
        let document = ShipmentDocument {
            order_id: order,
            seller_region: &last.seller_region,
            customer_region: &last.customer_region,
            estimated_delivery_at: last.estimated_delivery_at,
            status: last.event_type,
            times: EventType::ALL.map(time),
            event_count: facts.len() as i64,
            lead_time_seconds: lead,
            late_seconds: late,
        };
        let mut line = Vec::new();
        document.encode(&mut line);
        views[1].push(String::from_utf8(line).unwrap());
        for event in facts.values() {
            let day = event.event_at.day();
            let (seller, customer) = (
                last.seller_region.to_string(),
                last.customer_region.to_string(),
            );
            let key = (day.days(), seller.clone(), customer.clone());
            let (row, leads) = routes.entry(key).or_insert_with(|| {
                let row = RouteStatsRow {
                    stat_date: day,
                    seller_region: seller,
                    customer_region: customer,
                    counts: [0; 6],
                    delivered_late: 0,
                    lead_count: 0,
                    lead_seconds_sum: 0,
                    lead_seconds_percentiles: [None; 3],
                    late_seconds_sum: 0,
                };
                (row, Vec::new())
            });
            row.counts[event.event_type.rank()] += 1;
            if event.event_type == EventType::Delivered {
                row.delivered_late += i64::from(late > Some(0));
                row.late_seconds_sum += late.unwrap_or(0);
                leads.extend(lead);
            }
        }
    }
    views[2] = routes
        .into_values()
        .map(|(row, leads)| route_line(row, leads))
        .collect();
    for view in &mut views {
        view.sort_unstable();
    }
    Expected {
        views,
        dead_letters,
    }
}

/// The line of a row whose counts are made, with what its lead times say.
fn route_line(mut row: RouteStatsRow, mut leads: Vec<i64>) -> String {
    leads.sort_unstable();
    row.lead_count = leads.len() as i64;
    row.lead_seconds_sum = leads.iter().sum();
    row.lead_seconds_percentiles = [50, 90, 99].map(|percent: usize| {
        let rank = (percent * leads.len()).div_ceil(100);
        leads.get(rank.wrapping_sub(1)).copied()
    });
    let mut line = Vec::new();
    row.encode(&mut line);
    String::from_utf8(line).unwrap()
}
