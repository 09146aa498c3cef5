//! How much of an input is taken. Beyond its join tables the reader's memory hangs on these alone.

use serde::{Deserialize, Serialize};

/// Bounds of one table's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Most bytes of one row; a longer one is rejected.
    pub max_row_bytes: usize,
    /// Most columns of a header; a row has as many as its header or is rejected.
    pub max_columns: usize,
    /// Most rows of a table, all its files together; one more fails the run. At most 2²⁸ − 1 whatever
    /// is asked for.
    pub max_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_row_bytes: 1 << 20,
            max_columns: 64,
            max_rows: 200_000_000,
        }
    }
}

impl Limits {
    pub(crate) fn rows(&self) -> u64 {
        // Rows and states are numbered in 28 bits.
        self.max_rows.min((1 << 28) - 1)
    }
}
