//! The ledger as far as it has been read.

use eip_log::{LedgerEntry, LedgerSource, LedgerView, Log, LogError};

use crate::coverage::{CoveredDays, coverage};

/// The ledger as far as it has been read; reading on costs only what is new.
pub struct Ledger {
    source: Box<dyn LedgerSource>,
    entries: Vec<LedgerEntry>,
}

impl Ledger {
    /// The ledger of `log`, of which nothing is read yet.
    pub fn open(log: &Log) -> Result<Self, LogError> {
        Ok(Self {
            source: log.ledger()?,
            entries: Vec::new(),
        })
    }

    /// Reads on to the end. Blocks.
    pub fn read_on(&mut self) -> Result<(), LogError> {
        let entries = &mut self.entries;
        while self.source.poll(&mut |_, entry| entries.push(entry))? > 0 {}
        Ok(())
    }

    /// All entries, one by one.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// Which run last applied to each day.
    pub fn coverage(&self) -> Vec<CoveredDays> {
        coverage(&self.view(), &self.entries)
    }

    /// The entries folded to runs.
    pub fn view(&self) -> LedgerView {
        LedgerView::fold(self.entries.iter().cloned())
    }
}
