//! The dataflow against a plain recomputation, with stores in memory and with SQLite.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod conformance_changes;
mod conformance_documents;
mod conformance_stats;
mod content;
mod elasticsearch;
mod harness;
mod histories;
mod journal_histories;
mod memory;
mod own_view;
mod plain;
mod postgres;
mod real;
mod restart;
mod spawned;
