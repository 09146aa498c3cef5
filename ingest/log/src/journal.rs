//! The journal of a state folder as one side of the seam. Only names meet here; the work is done in
//! the writer, the readers and the watcher.

use std::path::Path;

use eip_contract::{Event, Offset};

use crate::ends::{EndsWatcher, committed_ends};
use crate::error::LogError;
use crate::event_log::{EventLog, LedgerSource, Log, LogEnds, LogReader, LogWriter};
use crate::ledger::{LedgerEntry, LedgerReader, RunSummary, RunTag};
use crate::reader::{JournalReader, RecordRef};
use crate::state::{StateDir, TopicId};
use crate::writer::{JournalWriter, NewRecord};

impl EventLog for StateDir {
    fn partitions(&self) -> u32 {
        StateDir::partitions(self)
    }

    fn topic_id(&self) -> TopicId {
        StateDir::topic_id(self)
    }

    fn folder(&self) -> &Path {
        self.path()
    }

    fn place(&self) -> String {
        format!("the journal in {}", self.path().display())
    }

    fn writer(&self, holder: &str) -> Result<Box<dyn LogWriter>, LogError> {
        Ok(Box::new(JournalWriter::open(self, holder)?))
    }

    fn reader(&self, partitions: &[u32], from: &[Offset]) -> Result<Box<dyn LogReader>, LogError> {
        let reader = JournalReader::open(self, partitions.to_vec(), from.to_vec())?;
        Ok(Box::new(reader))
    }

    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError> {
        Ok(Box::new(EndsWatcher::open(self)?))
    }

    fn committed_ends(&self) -> Result<Vec<Offset>, LogError> {
        committed_ends(self)
    }

    fn ledger(&self) -> Result<Box<dyn LedgerSource>, LogError> {
        Ok(Box::new(LedgerReader::open(self)?))
    }
}

impl From<&StateDir> for Log {
    fn from(state: &StateDir) -> Self {
        Self::new(state.clone())
    }
}

impl LogWriter for JournalWriter {
    fn append(&mut self, tag: Option<&RunTag>, record: NewRecord<'_>) -> Result<(), LogError> {
        JournalWriter::append(self, tag, record).map(|_position| ())
    }

    fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(), LogError> {
        JournalWriter::append_event(self, tag, event, due_micros).map(|_position| ())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        JournalWriter::sync(self)
    }

    fn ends(&mut self) -> Result<Vec<Offset>, LogError> {
        Ok(JournalWriter::ends(self))
    }

    fn fence(&mut self) -> Result<(), LogError> {
        // Opening the journal has aborted what a predecessor left.
        Ok(())
    }

    fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError> {
        JournalWriter::begin(self, tag, parts)
    }

    fn appended_by_others(
        &mut self,
        _base: &[Offset],
        _each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        Ok(())
    }

    fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        JournalWriter::commit(self, committed)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        JournalWriter::abort(self)
    }

    fn claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        JournalWriter::claim(self, entry).map(|_position| ())
    }

    fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        JournalWriter::append_ledger(self, entry).map(|_position| ())
    }

    fn check_claim(&mut self, _tag: &RunTag) -> Result<(), LogError> {
        // Whoever holds the lock is not taken for dead.
        Ok(())
    }

    fn interrupt_unfinished(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError> {
        JournalWriter::interrupt_unfinished(self, now_ms)
    }
}

impl LogReader for JournalReader {
    fn positions(&self) -> &[Offset] {
        JournalReader::positions(self)
    }

    fn poll(
        &mut self,
        upto: &[Offset],
        max_records: usize,
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        JournalReader::poll(self, Some(upto), max_records, each)
    }

    fn waits(&self) -> bool {
        false
    }
}

impl LogEnds for EndsWatcher {
    fn poll(&mut self) -> Result<Vec<Offset>, LogError> {
        EndsWatcher::poll(self)
    }

    fn report(&mut self, _written: &[Offset]) {}
}

impl LedgerSource for LedgerReader {
    fn poll(&mut self, each: &mut dyn FnMut(u64, LedgerEntry)) -> Result<usize, LogError> {
        LedgerReader::poll(self, each)
    }
}
