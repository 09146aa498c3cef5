//! The dataflow's time and the type of a collection.

use std::sync::Arc;

use differential_dataflow::VecCollection;

/// The dataflow's time: milliseconds of the wall clock when the clock issued it, or one more than
/// the tick before, whichever is greater ([`crate::clock`]). Neither event time nor logical date.
pub type Tick = u64;

/// Milliseconds of the wall clock, since the epoch.
pub type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How often a record is there; −1 takes one away.
pub type Diff = i64;

/// A changing collection of records.
pub type Rows<'scope, D> = VecCollection<'scope, Tick, D, Diff>;

/// One change of a collection, as operators hand it on.
pub type Update<D> = (D, Tick, Diff);
