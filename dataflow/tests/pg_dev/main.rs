//! Scratch: the PostgreSQL tests alone.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]
mod conformance_stats;
mod postgres;
