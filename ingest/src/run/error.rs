//! Why a run did not do what it was asked to.

use std::path::PathBuf;

use super::guard::GuardStop;
use super::id::{PlanToken, RunId};
use super::input_stop::InputStop;
use super::state::RunState;

/// Why a run was refused, or failed. Its text says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The request cannot be meant.
    #[error("{0}")]
    BadRequest(String),
    /// The input cannot be read to its end.
    #[error("the input cannot be used ({hint})")]
    Input {
        /// What shows more about it.
        hint: String,
        /// What is wrong.
        #[source]
        source: eip_olist::OlistError,
    },
    /// The log failed.
    #[error("the log failed")]
    Log(#[from] eip_log::LogError),
    /// A file of the state folder failed.
    #[error("{} cannot be written", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
    /// An input that cannot be meant.
    #[error("{0}")]
    InputStop(Box<InputStop>),
    /// A plan that goes beyond its limits.
    #[error("{0}")]
    Guard(Box<GuardStop>),
    /// Facts of the range were made under other rules or from other data.
    #[error(
        "the log already holds facts of {range} made {difference} (run {run}); to assert over them \
         would leave a mixture: use a window backfill or another folder, or --mix if that is meant"
    )]
    OtherSource {
        /// The run that made them.
        run: String,
        /// The days in question.
        range: String,
        /// What differs.
        difference: String,
    },
    /// The run names another dataset than the space has.
    #[error(
        "this space holds the dataset {space}, which run {run} fixed, and {asked} is another one: use \
         another space, or mix if both are meant to be in this one"
    )]
    OtherDataset {
        /// The run that fixed it.
        run: String,
        /// The space's.
        space: String,
        /// The run's.
        asked: String,
    },
    /// The plan is not the one that was announced.
    #[error(
        "conflict: what would be done now (plan {found}) is not what was announced (plan \
         {announced}), because the log, the data or the rules have changed since; rehearse again"
    )]
    PlanChanged {
        /// The token in the request.
        announced: PlanToken,
        /// The token of the plan as it is now.
        found: PlanToken,
    },
    /// Others kept writing about orders that this run decides about.
    #[error(
        "conflict: others wrote about order {order_id}, which this run covers, while it was being \
         written; nothing of it counts; run it again when they have ended"
    )]
    Conflict {
        /// One of the orders.
        order_id: String,
    },
    /// A window or revert run is live.
    #[error("run {winner} is live and excludes this one; wait until it has ended")]
    Excluded {
        /// The run that goes first.
        winner: RunId,
    },
    /// The Idempotency-Key belongs to a request with another content.
    #[error("run {run} was asked for with other parameters; use a new key for another request")]
    KeyReused {
        /// The run of the key.
        run: RunId,
    },
    /// The run of this key has ended.
    #[error("run {run} has ended already: {state}")]
    Ended {
        /// The run.
        run: RunId,
        /// How.
        state: RunState,
    },
    /// An interrupted run can only go on with the same input.
    #[error(
        "run {run} cannot go on: {what} changed since its last attempt; start a new run instead"
    )]
    OtherInput {
        /// The run.
        run: RunId,
        /// What differs.
        what: String,
    },
    /// The ledger has no such run.
    #[error("the ledger has no run {0}")]
    NoSuchRun(RunId),
    /// The run cannot be reverted.
    #[error("run {run} cannot be reverted: {why}")]
    NotRevertible {
        /// The run.
        run: RunId,
        /// Why not.
        why: String,
    },
    /// The engine's limit on regions.
    #[error("order {order_id} cannot be packed")]
    Packing {
        /// The order.
        order_id: String,
        /// Why.
        #[source]
        source: eip_contract::DeadLetter,
    },
}

impl RunError {
    /// A short fixed name, for the ledger and for answers over HTTP.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::Input { .. } | Self::Packing { .. } => "input",
            Self::Log(_) => "log",
            Self::File { .. } => "file",
            Self::Guard(_) | Self::InputStop(_) => "guard",
            Self::OtherSource { .. } => "other_source",
            Self::OtherDataset { .. } => "other_dataset",
            Self::PlanChanged { .. } | Self::Conflict { .. } => "conflict",
            Self::Excluded { .. } => "excluded",
            Self::KeyReused { .. } => "key_reused",
            Self::Ended { .. } => "ended",
            Self::OtherInput { .. } => "other_input",
            Self::NoSuchRun(_) => "no_such_run",
            Self::NotRevertible { .. } => "not_revertible",
        }
    }

    /// The error with its whole chain of sources, for the ledger.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            text.push_str(": ");
            text.push_str(&error.to_string());
            source = error.source();
        }
        text
    }
}
