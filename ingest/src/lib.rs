//! The event factory: what the data says under the rules, and the runs that put it into the log.
//!
//! [`convert`] is pure. [`check`] says whether a run would begin with a folder of data. [`run`] holds the runs, in process; [`server`] offers them over HTTP. Ingest
//! never looks into a view: whatever it decides, it decides on the log, the data and the rules.

pub mod check;
pub mod convert;
pub mod rules;
pub mod run;
pub mod server;

pub use check::{DataCheck, check_dataset};
pub use rules::Rules;
pub use run::{Observer, RunError, RunId, RunOutcome, RunRequest, Runner};
