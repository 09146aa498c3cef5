//! The journal of a state folder as one side of the seam. Only names meet here; the work is done in
//! the writers, the readers and the watcher.

use std::path::Path;

use eip_contract::Offset;

use crate::ends::{EndsWatcher, committed_ends};
use crate::error::LogError;
use crate::event_log::{EventLog, LedgerSource, Log, LogEnds, LogReader, LogWriter};
use crate::files;
use crate::joints;
use crate::ledger::{LedgerEntry, LedgerReader};
use crate::mark::{self, Marks, Stretch};
use crate::reader::{JournalReader, RecordRef};
use crate::shared::SharedWriter;
use crate::state::{StateDir, TopicId};

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
        Ok(Box::new(SharedWriter::open(self, holder)?))
    }

    fn reader(&self, partitions: &[u32], from: &[Offset]) -> Result<Box<dyn LogReader>, LogError> {
        let reader = JournalReader::open(self, partitions.to_vec(), from.to_vec())?;
        Ok(Box::new(reader))
    }

    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError> {
        joints::check(self)?;
        Ok(Box::new(EndsWatcher::open(self)?))
    }

    fn committed_ends(&self) -> Result<Vec<Offset>, LogError> {
        committed_ends(self)
    }

    fn marks(&self, stretches: &[Stretch]) -> Result<Vec<Marks>, LogError> {
        // A reader begins at the beginning of a file, so each is read once.
        mark::read(self, stretches, &files::rounds(self, stretches)?)
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
