//! What the run ledger says, for all who look: runs, the days that they cover, and what time it is in a
//! replay.
//!
//! Everything here is read off the ledger's entries and is the same for all who ask: Ingest, the Ops Search
//! API, the command line. What happens to a run is the business of `eip-ingest`.

mod clock;
mod coverage;
mod ledger;
pub mod text;
mod undone;
mod view;

pub use clock::{LIFE_SIGN, replay_clock};
pub use coverage::{CoveredDays, LeftOrders, RejectedRows, Rejects, coverage};
pub use ledger::Ledger;
pub use undone::undone;
pub use view::{RunView, list_runs, run_view};
