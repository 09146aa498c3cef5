//! The dataflow against a plain recomputation, with stores in memory and with SQLite.

mod harness;
mod histories;
mod memory;
mod plain;
mod real;
mod restart;
mod spawned;
