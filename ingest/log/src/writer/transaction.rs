//! Transactions: one block of lines, shown to nobody before its last one.

use eip_contract::Offset;

use super::{Block, JournalWriter};
use crate::error::LogError;
use crate::ledger::is_run_id;
use crate::ledger::{LedgerEntry, RunTag};
use crate::line::{push_number, seal, write_switch};

const NONE_OPEN: LogError = LogError::Transaction("no transaction is open");
pub(super) const ONE_OPEN: LogError =
    LogError::Transaction("a transaction is open: commit or abort it first");

/// `,"run":"…"` and, when there are parts, `,"parts":"…"`.
pub(super) fn headers(tag: &RunTag, parts: &[u64]) -> Result<Vec<u8>, LogError> {
    if !is_run_id(&tag.run_id) {
        return Err(LogError::BadRunId(tag.run_id.clone()));
    }
    let mut out = format!(",\"run\":\"{tag}\"").into_bytes();
    for (partition, &count) in parts.iter().enumerate() {
        out.extend_from_slice(if partition == 0 {
            b",\"parts\":\""
        } else {
            b","
        });
        push_number(&mut out, count);
    }
    if !parts.is_empty() {
        out.push(b'"');
    }
    Ok(out)
}

impl JournalWriter {
    /// Begins a transaction. Until its end, records go into it and nothing else can be appended.
    /// `parts` is how many records it will have in each partition, or empty when nobody says; each
    /// of its records carries them.
    pub fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        if self.block.is_some() {
            return Err(ONE_OPEN);
        }
        if !parts.is_empty() && parts.len() != self.next.len() {
            return Err(LogError::BadPartitions(format!(
                "{} counts for {} partitions",
                parts.len(),
                self.next.len()
            )));
        }
        self.headers = headers(tag, parts)?;
        self.headers_of = Some(tag.clone());
        let start = self.buffer.len();
        self.buffer
            .extend_from_slice(format!("{{\"begin\":\"{tag}\"").as_bytes());
        seal(&mut self.buffer, start);
        self.block = Some(Block {
            run: tag.clone(),
            announced: parts.to_vec(),
            appended: vec![0; self.next.len()],
        });
        Ok(())
    }

    /// Makes all of the transaction count, with `committed` as an entry of the ledger, at one
    /// instant, and gives the new ends. When it returns, it is on the disk. `committed.ends` is
    /// filled in when it is left out.
    ///
    /// Refused, and still open, when the records are not those announced. After any other error
    /// the outcome is unknown: open the journal again and read the ledger.
    pub fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        let block = self.block.as_ref().ok_or(NONE_OPEN)?;
        if !block.announced.is_empty() && block.announced != block.appended {
            return Err(LogError::PartsMismatch {
                announced: block.announced.clone(),
                appended: block.appended.clone(),
            });
        }
        let run = block.run.to_string();
        // The records first: a disk that writes in another order must not make the commit durable
        // and lose a record.
        self.flush()?;
        self.sync_file()?;
        let ends: Vec<Offset> = self.next.iter().copied().map(Offset).collect();
        let mut entry = committed.clone();
        entry.ends.get_or_insert_with(|| ends.clone());
        self.push_entry(&entry);
        write_switch(&mut self.buffer, "commit", &run, &self.next);
        self.flush()?;
        self.sync_file()?;
        self.end_block();
        self.note_entry(entry);
        self.roll_if_full()?;
        Ok(ends)
    }

    /// Gives the transaction up. Its records count for nobody, its offsets are not used again.
    pub fn abort(&mut self) -> Result<(), LogError> {
        let run = self.block.as_ref().ok_or(NONE_OPEN)?.run.to_string();
        write_switch(&mut self.buffer, "abort", &run, &self.next);
        // Not synced: without this line on the disk the next writer writes it again.
        self.flush()?;
        self.end_block();
        self.roll_if_full()
    }

    fn end_block(&mut self) {
        self.block = None;
        self.headers_of = None;
        self.headers.clear();
        self.ends.clone_from(&self.next);
    }
}
