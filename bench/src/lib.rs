//! Benchmarks, each printing the figures that the project claims. None asserts a time.

pub mod engine;
mod figures;
pub mod ingest;

pub use engine::{EngineOptions, engine};
pub use ingest::{IngestOptions, ingest, write_events};
