//! Laws of the log, each told by the name of its test. `support` reads journals the naive way.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod appended;
mod conformance;
mod damage;
mod histories;
mod kafka;
mod ledger;
mod lock;
mod records;
mod rolls;
mod support;
mod transactions;
mod transfer;
