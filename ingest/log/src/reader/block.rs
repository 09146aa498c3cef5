//! How a block ends, found out ahead of reading it.

use crate::error::LogError;
use crate::line::{Kind, Switch};
use crate::state::StateDir;
use crate::tail::{Place, Tail};

/// The end of a block.
pub(super) enum End {
    /// It has none yet.
    Open,
    Committed,
    /// Its records count for nobody.
    Aborted {
        /// The place in the file behind it.
        byte: u64,
        /// The next offset of each partition behind it.
        next: Vec<u64>,
    },
}

/// Looks for the end of one block, and goes on from where it stopped.
pub(super) struct LookAhead {
    begin: Place,
    tail: Tail,
}

impl LookAhead {
    /// From the line with which the block begins.
    pub(super) fn open(state: &StateDir, begin: Place) -> Result<Self, LogError> {
        let tail = Tail::open(state, begin)?
            .ok_or_else(|| LogError::MissingFile(crate::files::path_of(state, begin.file)))?;
        Ok(Self { begin, tail })
    }

    /// The place before the block.
    pub(super) fn begin(&self) -> Place {
        self.begin
    }

    /// Reads on.
    pub(super) fn advance(&mut self, state: &StateDir) -> Result<End, LogError> {
        let tail = &mut self.tail;
        while let Some(range) = tail.peek(state)? {
            let line = tail.line(&range);
            match Kind::of(line) {
                Kind::Begin if tail.place() == self.begin => {}
                Kind::Record | Kind::Ledger => {}
                Kind::Commit => return Ok(End::Committed),
                Kind::Abort => {
                    let switch = serde_json::from_slice::<Switch>(line);
                    let Switch { next } =
                        switch.map_err(|error| tail.corrupt(error.to_string()))?;
                    tail.consume(&range);
                    return Ok(End::Aborted {
                        byte: tail.place().byte,
                        next,
                    });
                }
                _ => return Err(tail.corrupt("a line that does not belong in a transaction")),
            }
            tail.consume(&range);
        }
        Ok(End::Open)
    }
}
