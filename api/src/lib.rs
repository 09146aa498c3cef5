//! The Ops Search API: one order's shipment and its events, the routes' figures by day.
//!
//! It reads what a dataflow wrote, without writing to it: from the SQLite file of a state folder, or
//! from PostgreSQL and Elasticsearch. It may start before the dataflow and then says so (503). Every
//! error is a problem of RFC 9457. Tokens say who may ask; what all services share is in `eip-http`.
//! `router.rs` is the table of contents.

mod api;
mod asked;
mod cache;
mod config;
mod dataflow_client;
mod diff;
mod health;
mod hub;
mod ingest;
mod ingest_client;
mod lag;
mod ledger;
mod log;
mod memory;
mod metrics;
mod openapi;
mod present;
mod problem;
mod router;
mod run;
mod spaces;
mod v1;
mod views;
mod web;

pub use api::Api;
pub use cache::ping_redis;
pub use config::{ApiConfig, CacheConfig, RedisConfig, ViewsConfig};
pub use log::LogConfig;
pub use router::router;
pub use run::{ApiError, run};
pub use views::OpenError;
