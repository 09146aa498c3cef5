//! The real router over a real SQLite file; the files follow the paths of the URLs.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod healthz;
mod problems;
mod readyz;
mod serving;
mod support;
mod v1;
