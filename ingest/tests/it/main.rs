//! Laws of the runs: what they write, what they leave alone, and what survives a crash.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as the tests do"
)]

mod bench;
mod cached;
mod crash;
mod damage;
mod data;
mod events_digest;
mod fast;
mod forms;
mod guards;
mod histories;
mod http;
mod input_stops;
mod oracle;
mod pushing;
mod revert;
mod rows;
mod rows_http;
mod rows_kafka;
mod scaled;
mod window;
mod windows_of_real_data;
