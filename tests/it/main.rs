//! The whole project, driven through its binary as a user drives it.
//!
//! Fault and random tests repeat a few times here and, with `EIP_SOAK=1`, as often as the project's
//! claims say; each prints its seed, and `EIP_SEED` repeats one.

#![allow(
    clippy::unwrap_used,
    clippy::duration_suboptimal_units,
    clippy::format_push_string,
    clippy::needless_pass_by_value,
    clippy::too_many_lines,
    reason = "helpers of tests fail the test as the tests do, and none of their cost matters"
)]

mod api;
mod cache;
mod choices;
mod cli;
mod correction;
mod crash;
mod data_check;
mod data_document;
mod demo;
mod edited;
mod figures;
mod guards;
mod ingest;
mod log_files;
mod olist;
mod output;
mod replays;
mod servers;
mod service;
mod support;
