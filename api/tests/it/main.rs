//! The real router over a real SQLite file, and over real servers; the files follow the paths of the URLs.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod access;
mod away;
mod browsers;
mod cache;
mod conditional;
mod generated;
mod headers;
mod injection;
mod limits;
mod metrics;
mod openapi;
mod problems;
mod readyz;
mod redis_faults;
mod serving;
mod support;
mod switch;
mod v1;
mod web;
