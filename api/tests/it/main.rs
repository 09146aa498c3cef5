//! The real router over a real SQLite file, and over real servers; the files follow the paths of the URLs.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod cache;
mod healthz;
mod metrics;
mod problems;
mod readyz;
mod serving;
mod support;
mod switch;
mod v1;
