//! The views that are more than the fold: [`eip_views`] says what they mean, a file each here how they
//! are kept up to date. The documents of `shipment_events` and `shipments` are what the fold emits.

pub mod route_stats_daily;
