//! The run ledger: who asked for what, and how it ended. Never needed to compute a view.
//!
//! An entry is one line of the journal. A run's entries are folded to its latest state by
//! [`LedgerView`]; [`LedgerReader`] follows a ledger that somebody else writes.

mod clock;
mod entry;
mod reader;
mod view;

pub use clock::RunClock;
pub(crate) use entry::is_run_id;
pub use entry::{LedgerEntry, RunKind, RunParameters, RunState, RunTag};
pub use reader::{LedgerReader, read_ledger};
pub use view::{LedgerView, RunSummary};
