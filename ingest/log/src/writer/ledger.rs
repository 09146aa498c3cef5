//! The ledger's entries, written by the same writer into the same journal.

use super::JournalWriter;
use super::transaction::ONE_OPEN;
use crate::error::LogError;
use crate::ledger::{LedgerEntry, RunState, RunSummary, is_run_id};
use crate::line::{push_number, seal};

impl JournalWriter {
    /// Appends an entry and gives its position in the ledger. As with a record, it is on the disk
    /// after the next [`JournalWriter::sync`].
    pub fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<u64, LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        if self.block.is_some() {
            return Err(ONE_OPEN);
        }
        if !is_run_id(&entry.run_id) {
            return Err(LogError::BadRunId(entry.run_id.clone()));
        }
        let position = self.ledger;
        self.push_entry(entry);
        self.note_entry(entry.clone());
        Ok(position)
    }

    /// Claims a run: appends its first entry, on the disk when this returns. Refused when the run
    /// is under way, or when it excludes others and one of these is. Since the journal has one
    /// writer, whom it finds here is whom reading back would find.
    pub fn claim(&mut self, entry: &LedgerEntry) -> Result<u64, LogError> {
        let in_the_way = self.live.iter().find(|run| {
            let excluded = entry.excludes_others() && run.last.excludes_others();
            run.run_id() == entry.run_id || excluded
        });
        if let Some(run) = in_the_way {
            return Err(LogError::Claimed {
                run_id: run.run_id().to_owned(),
                attempt: run.last.attempt,
            });
        }
        let position = self.append_ledger(entry)?;
        self.sync()?;
        Ok(position)
    }

    /// The runs that have not ended, in the order of their claims. Each begins with the first entry
    /// of its present attempt.
    pub fn live_runs(&self) -> Vec<RunSummary> {
        self.live.clone()
    }

    /// Ends the runs that have not ended and that `is_left_behind` says are nobody's as interrupted,
    /// and gives them. For a writer that was just opened these are all of them: whoever ran them held
    /// the lock and is gone.
    pub fn interrupt_unfinished(
        &mut self,
        now_ms: i64,
        is_left_behind: impl Fn(&str) -> bool,
    ) -> Result<Vec<RunSummary>, LogError> {
        let mut unfinished = self.live.clone();
        unfinished.retain(|run| is_left_behind(run.run_id()));
        for run in &unfinished {
            let tag = run.last.tag();
            let entry = LedgerEntry::new(&tag, run.kind(), RunState::Interrupted, now_ms);
            self.append_ledger(&entry)?;
        }
        if !unfinished.is_empty() {
            self.sync()?;
        }
        Ok(unfinished)
    }

    pub(super) fn push_entry(&mut self, entry: &LedgerEntry) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(b"{\"ledger\":");
        serde_json::to_writer(&mut self.buffer, entry).expect("an entry is plain data");
        self.buffer.extend_from_slice(b",\"n\":");
        push_number(&mut self.buffer, self.ledger);
        seal(&mut self.buffer, start);
    }

    /// Counts an entry that is in the ledger for good.
    pub(super) fn note_entry(&mut self, entry: LedgerEntry) {
        note(&mut self.live, self.ledger, entry);
        self.ledger += 1;
    }
}

/// Keeps the list of runs that have not ended.
pub(super) fn note(live: &mut Vec<RunSummary>, position: u64, entry: LedgerEntry) {
    match live.iter().position(|run| run.run_id() == entry.run_id) {
        Some(place) => {
            live[place].add(position, entry);
            if !live[place].is_live() {
                live.remove(place);
            }
        }
        None if entry.state.is_live() => live.push(RunSummary::new(position, entry)),
        None => {}
    }
}
