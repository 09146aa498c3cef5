//! Runs: one request to put facts into the log, from its claim to its end in the run ledger.
//!
//! ```text
//! requested ──► running ⇄ paused ────► committed         fast, scaled, rows: assert, never retract
//!     │            │
//!     └─► planned ─┼─► rehearsed                         window, revert: a plan first, then either
//!                  └─► running ──────► committed         the report alone or one transaction
//!
//! any of them that has not ended ──► cancelled | failed | interrupted
//! ```
//! A [`Runner`] holds a writer of the log and executes one run at a time. What it promises: a window
//! or revert run that does not end as `committed` has changed no fact; one of the others that was cut
//! off has asserted some of its facts, and asserting them again changes nothing.

mod amplify;
mod apply;
mod asked;
mod asserting;
mod cached;
mod controls;
mod dataset;
mod error;
mod facts_digest;
mod fast;
mod guard;
mod id;
mod input_report;
mod input_stop;
mod ledger;
mod limits;
mod log_facts;
mod observer;
mod order;
mod outcome;
mod pacer;
mod plan;
mod provenance;
mod reason;
mod replay_input;
mod report;
mod request;
mod resume;
mod revert;
mod route_figures;
mod routes;
mod rows;
mod run_files;
mod runner;
mod scaled;
mod source;
mod state;
mod text;
mod window;

pub use amplify::{Amplify, BadAmplify};
pub(crate) use asked::{is_same_request, waiting};
pub use controls::Controls;
pub use eip_runs::{RunView, list_runs, run_view};
pub use error::RunError;
pub use guard::{GuardFigures, GuardNames, GuardStop};
pub use id::{PlanToken, RunId};
pub use input_report::{AsOfRow, InputReport, RejectCount};
pub use input_stop::InputStop;
pub use limits::{GuardLimits, Limit};
pub use observer::{Observer, Pace, Phase, Progress, Silent};
pub use outcome::{FileSummary, MadeBefore, RunOutcome, RunSummary};
pub use pacer::{BadScaleFactor, Bounds, ScaleFactor, parse_seconds};
pub use reason::{BadReason, Reason};
pub use report::{DayDeltas, Deltas, FactText, LeftFact, Named, Rehearsal, RouteChange, Sample};
pub use request::{
    DayRange, Emit, FastTask, RevertTask, RunRequest, ScaledTask, Source, Speed, Task, WindowTask,
};
pub use route_figures::{
    Compared, DayCompared, Figures, Listed, MAX_LISTED, RegionCompared, RouteCompared,
    RouteComparison, RowChange, RowFigures,
};
pub use rows::{Rows, RowsError, RowsLimits, RowsTask, RowsTerms, VerdictCounts};
pub(crate) use run_files::REJECTS;
pub use run_files::run_file;
pub(crate) use runner::check;
pub use runner::{Clock, Runner};
pub use scaled::{Latency, PaceFigures, Quantiles, be_punctual};
pub(crate) use source::Input;
pub use state::{RunKind, RunState, may_follow};
pub(crate) use text::Grouped;
