//! The shapes of the stored documents and rows, and their canonical lines (semantics, sections 4, 6).
//!
//! The line of a `shipment_events` document is the event's own JSON ([`crate::Event::encode`]).

use crate::event_type::EventType;
use crate::json::{write_day, write_integer, write_string, write_time};
use crate::time::{Day, EventTime};

/// Names of the three views, in the order in which they are always listed.
pub const VIEWS: [&str; 3] = ["shipment_events", "shipments", "route_stats_daily"];

/// One document of `shipments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentDocument<'a> {
    /// The `_id`.
    pub order_id: &'a str,
    /// Region of the seller, from the current fact of the highest rank.
    pub seller_region: &'a str,
    /// Region of the customer, from the same fact.
    pub customer_region: &'a str,
    /// The promise, from the same fact.
    pub estimated_delivery_at: Option<EventTime>,
    /// Type of the highest rank.
    pub status: EventType,
    /// When each type happened, by rank.
    pub times: [Option<EventTime>; 6],
    /// How many facts stand.
    pub event_count: i64,
    /// delivered − placed.
    pub lead_time_seconds: Option<i64>,
    /// How much later than the deadline; null unless delivered.
    pub late_seconds: Option<i64>,
}

impl ShipmentDocument<'_> {
    /// The keys of the six times, by rank.
    const TIME_KEYS: [&'static [u8]; 6] = [
        b",\"placedAt\":",
        b",\"approvedAt\":",
        b",\"warehouseAssignedAt\":",
        b",\"handedToCarrierAt\":",
        b",\"delayedAt\":",
        b",\"deliveredAt\":",
    ];

    /// Appends the canonical JSON, without a line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"orderId\":");
        write_string(out, self.order_id);
        out.extend_from_slice(b",\"sellerRegion\":");
        write_string(out, self.seller_region);
        out.extend_from_slice(b",\"customerRegion\":");
        write_string(out, self.customer_region);
        out.extend_from_slice(b",\"estimatedDeliveryAt\":");
        write_time(out, self.estimated_delivery_at);
        out.extend_from_slice(b",\"status\":\"");
        out.extend_from_slice(self.status.name().as_bytes());
        out.push(b'"');
        for (name, time) in Self::TIME_KEYS.into_iter().zip(self.times) {
            out.extend_from_slice(name);
            write_time(out, time);
        }
        let delayed = self.times[EventType::DeliveryDelayed.rank()].is_some();
        out.extend_from_slice(if delayed {
            b",\"delayed\":true"
        } else {
            b",\"delayed\":false"
        });
        out.extend_from_slice(b",\"eventCount\":");
        write_integer(out, Some(self.event_count));
        out.extend_from_slice(b",\"leadTimeSeconds\":");
        write_integer(out, self.lead_time_seconds);
        out.extend_from_slice(b",\"lateSeconds\":");
        write_integer(out, self.late_seconds);
        out.push(b'}');
    }
}

/// One row of `route_stats_daily`; its key is the first three fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteStatsRow {
    /// The day (UTC) on which all that is counted here fell.
    pub stat_date: Day,
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
    /// Facts of each type on that day, by rank.
    pub counts: [i64; 6],
    /// Deliveries later than their deadline.
    pub delivered_late: i64,
    /// Deliveries with a lead time.
    pub lead_count: i64,
    /// Sum of the lead times.
    pub lead_seconds_sum: i64,
    /// Nearest-rank percentiles of the lead time: 50, 90, 99; null when there is none.
    pub lead_seconds_percentiles: [Option<i64>; 3],
    /// Sum of the seconds late.
    pub late_seconds_sum: i64,
}

impl RouteStatsRow {
    /// Column names in their order: three of the key, then thirteen integers.
    pub const COLUMNS: [&str; 16] = [
        "stat_date",
        "seller_region",
        "customer_region",
        "placed",
        "approved",
        "assigned",
        "handed",
        "delayed",
        "delivered",
        "delivered_late",
        "lead_count",
        "lead_seconds_sum",
        "lead_seconds_p50",
        "lead_seconds_p90",
        "lead_seconds_p99",
        "late_seconds_sum",
    ];

    /// The integers in the order of their columns.
    pub fn integers(&self) -> [Option<i64>; 13] {
        let [placed, approved, assigned, handed, delayed, delivered] = self.counts.map(Some);
        let [p50, p90, p99] = self.lead_seconds_percentiles;
        [
            placed,
            approved,
            assigned,
            handed,
            delayed,
            delivered,
            Some(self.delivered_late),
            Some(self.lead_count),
            Some(self.lead_seconds_sum),
            p50,
            p90,
            p99,
            Some(self.late_seconds_sum),
        ]
    }

    /// A row from its integers; `None` when one that may not be null is.
    pub fn from_integers(
        stat_date: Day,
        seller_region: String,
        customer_region: String,
        integers: [Option<i64>; 13],
    ) -> Option<Self> {
        let [
            placed,
            approved,
            assigned,
            handed,
            delayed,
            delivered,
            late,
            count,
            sum,
            p50,
            p90,
            p99,
            late_sum,
        ] = integers;
        Some(Self {
            stat_date,
            seller_region,
            customer_region,
            counts: [placed?, approved?, assigned?, handed?, delayed?, delivered?],
            delivered_late: late?,
            lead_count: count?,
            lead_seconds_sum: sum?,
            lead_seconds_percentiles: [p50, p90, p99],
            late_seconds_sum: late_sum?,
        })
    }

    /// Appends the canonical JSON, without a line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"stat_date\":");
        write_day(out, self.stat_date);
        out.extend_from_slice(b",\"seller_region\":");
        write_string(out, &self.seller_region);
        out.extend_from_slice(b",\"customer_region\":");
        write_string(out, &self.customer_region);
        for (name, value) in Self::COLUMNS[3..].iter().zip(self.integers()) {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            write_integer(out, value);
        }
        out.push(b'}');
    }
}
