//! The three views, a file each: the question in SQL, the record, the pure function.

pub mod route_stats_daily;
pub mod shipment_events;
pub mod shipments;
