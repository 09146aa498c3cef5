//! The position in a partition of the log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A position in one partition: of a record, its own; of a reader, a range or a progress row, the
/// next one to read. So committed offsets, resume offsets and lag need no correction by one.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The position behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
