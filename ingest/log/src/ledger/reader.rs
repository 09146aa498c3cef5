//! Reading the ledger out of the journal.

use super::entry::LedgerEntry;
use crate::error::LogError;
use crate::scan::Scan;
use crate::state::StateDir;

/// Follows the ledger; reads what is new and nothing twice, and of the journal only files that have an entry.
pub struct LedgerReader {
    scan: Scan,
}

impl LedgerReader {
    /// Begins with the first entry.
    pub fn open(state: &StateDir) -> Result<Self, LogError> {
        Ok(Self {
            scan: Scan::from_start(state),
        })
    }

    /// Hands over each entry that came since, with its position in the ledger. An entry inside of a
    /// transaction counts from its commit on. Gives their number.
    pub fn poll(&mut self, f: &mut dyn FnMut(u64, LedgerEntry)) -> Result<usize, LogError> {
        let before = self.scan.ledger;
        while self.scan.advance_file(f)? {}
        Ok((self.scan.ledger - before) as usize)
    }
}

/// All entries.
pub fn read_ledger(state: &StateDir) -> Result<Vec<LedgerEntry>, LogError> {
    let mut entries = Vec::new();
    LedgerReader::open(state)?.poll(&mut |_, entry| entries.push(entry))?;
    Ok(entries)
}
