//! Benchmarks, each printing the figures that the project claims. None asserts a time.

#![warn(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod say;

pub mod api;
pub mod engine;
mod figures;
pub mod ingest;
pub mod kafka;
pub mod pacing;
pub mod sinks;

pub use api::{ApiOptions, api};
pub use engine::{EngineOptions, engine};
pub use ingest::{IngestOptions, fast_backfill, ingest, write_events};
pub use kafka::{KafkaOptions, kafka};
pub use pacing::{PacingOptions, pacing};
pub use sinks::{SinksOptions, sinks};
