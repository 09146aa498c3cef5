//! The incrementally maintained views over the event log: a timely and differential dataflow from
//! records to `shipment_events`, `shipments`, `route_stats_daily` and whatever other views it is given.
//!
//! [`graph`] tells the story on one screen; [`run`] starts it over a log and two stores.

pub mod changes;
pub mod clock;
pub mod cluster;
pub mod control;
pub mod crash;
pub mod engine;
pub mod fold;
pub mod graph;
pub mod latency;
pub mod run;
pub mod sink;
pub mod source;
pub mod tick;
pub mod views;

pub use run::{
    Cluster, DataflowConfig, DataflowError, DataflowHandle, Summary, Watch, departures, spawn,
};
