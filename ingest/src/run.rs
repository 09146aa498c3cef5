//! Runs: one request to put facts into the log, from its claim to its end in the run ledger.
//!
//! ```text
//! requested ──► running ─────────────► committed         fast: asserts, never retracts
//!     │            │
//!     └─► planned ─┼─► rehearsed                         window, revert: a plan first, then either
//!                  └─► running ──────► committed         the report alone or one transaction
//!
//! any of them that has not ended ──► cancelled | failed | interrupted
//! ```
//! A [`Runner`] holds the journal's writer and executes one run at a time. What it promises: a run
//! that does not end as `committed` and is no fast run has changed no fact; a fast run that was cut
//! off has asserted some of its facts, and asserting them again changes nothing.

mod apply;
mod error;
mod fast;
mod guard;
mod id;
mod ledger;
mod limits;
mod log_facts;
mod observer;
mod outcome;
mod plan;
mod provenance;
mod report;
mod request;
mod revert;
mod routes;
mod run_files;
mod runner;
mod source;
mod state;
mod text;
mod view;
mod window;

pub use error::RunError;
pub use guard::{GuardFigures, GuardStop};
pub(crate) use id::hex;
pub use id::{PlanToken, RunId};
pub(crate) use ledger::{Ledger, is_same_request};
pub use limits::{GuardLimits, Limit};
pub use observer::{Observer, Phase, Progress, Silent};
pub use outcome::{FileSummary, RejectCount, RunOutcome, RunSummary};
pub use report::{DayDeltas, Deltas, FactText, LeftFact, Named, Rehearsal, RouteChange, Sample};
pub use request::{DayRange, Emit, FastTask, RevertTask, RunRequest, Source, Task, WindowTask};
pub use runner::{Clock, Runner};
pub use state::{RunKind, RunState, may_follow};
pub use view::{RunView, list_runs, run_view};
