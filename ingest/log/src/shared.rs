//! Several writers of one journal in one process: handles onto one locked [`JournalWriter`].
//!
//! The folder's lock keeps other processes out. Within this one, whoever asks for a writer gets a
//! handle; the first opens the journal, the last to go closes it. A transaction is one block of
//! lines, so while a handle has one open the others wait with what they append until its end; a
//! sync waits for nobody. A handle owns the runs that it has claimed: only those that no handle
//! owns are taken for left behind.
//!
//! A handle that goes with an open transaction aborts it, unless it is the last one: then the next
//! writer does, as after a crash.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use eip_contract::{Event, Offset};

use crate::error::LogError;
use crate::event_log::LogWriter;
use crate::ledger::{LedgerEntry, RunSummary, RunTag};
use crate::reader::{JournalReader, RecordRef};
use crate::state::StateDir;
use crate::writer::{JournalWriter, NewRecord};

/// The journals that this process writes, by the path of their folder.
static OPEN: Mutex<BTreeMap<PathBuf, Weak<Shared>>> = Mutex::new(BTreeMap::new());

/// Records taken at once.
const MOST: usize = 1 << 16;

struct Shared {
    journal: Mutex<Journal>,
    /// A transaction has ended.
    ended: Condvar,
}

struct Journal {
    writer: JournalWriter,
    /// The handle whose transaction is open.
    transaction: Option<u64>,
    /// The handle that claimed each live run.
    owners: BTreeMap<String, u64>,
    next_handle: u64,
}

/// One of the writers of a journal.
pub(crate) struct SharedWriter {
    /// `None` only while it is being dropped.
    shared: Option<Arc<Shared>>,
    path: PathBuf,
    id: u64,
}

impl SharedWriter {
    /// A handle onto the journal of `state`, which is opened if this process does not write it yet.
    pub(crate) fn open(state: &StateDir, holder: &str) -> Result<Self, LogError> {
        let folder = state.journal_path();
        let path = folder
            .canonicalize()
            .map_err(LogError::io("open", &folder))?;
        // Held while the journal is opened, and below while it is closed, so that nobody finds the
        // folder's lock taken by this very process.
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = if let Some(shared) = open.get(&path).and_then(Weak::upgrade) {
            shared
        } else {
            let shared = Arc::new(Shared {
                journal: Mutex::new(Journal {
                    writer: JournalWriter::open(state, holder)?,
                    transaction: None,
                    owners: BTreeMap::new(),
                    next_handle: 0,
                }),
                ended: Condvar::new(),
            });
            open.insert(path.clone(), Arc::downgrade(&shared));
            shared
        };
        let id = {
            let mut journal = shared.journal.lock().map_err(|_| LogError::Poisoned)?;
            journal.next_handle += 1;
            journal.next_handle
        };
        let shared = Some(shared);
        Ok(Self { shared, path, id })
    }

    fn shared(&self) -> &Shared {
        self.shared
            .as_deref()
            .expect("a handle lives until it is dropped")
    }

    /// The journal, whoever has a transaction open.
    fn journal(&self) -> Result<MutexGuard<'_, Journal>, LogError> {
        // Somebody panicked half way through a line.
        self.shared().journal.lock().map_err(|_| LogError::Poisoned)
    }

    /// The journal, once no other handle has a transaction open.
    fn mine(&self) -> Result<MutexGuard<'_, Journal>, LogError> {
        let mut journal = self.journal()?;
        while journal.transaction.is_some_and(|owner| owner != self.id) {
            let waited = self.shared().ended.wait(journal);
            journal = waited.map_err(|_| LogError::Poisoned)?;
        }
        Ok(journal)
    }

    /// Lets the others go on.
    fn end_transaction(&self, journal: &mut Journal) {
        journal.transaction = None;
        self.shared().ended.notify_all();
    }
}

impl Journal {
    /// Notes what an entry says about whose run it is.
    fn note(&mut self, entry: &LedgerEntry) {
        if !entry.state.is_live() {
            self.owners.remove(&entry.run_id);
        }
    }
}

impl Drop for SharedWriter {
    fn drop(&mut self) {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shared) = self.shared.take() else {
            return;
        };
        if Arc::strong_count(&shared) > 1
            && let Ok(mut journal) = shared.journal.lock()
        {
            let id = self.id;
            journal.owners.retain(|_, owner| *owner != id);
            if journal.transaction == Some(id) {
                if let Err(error) = journal.writer.abort() {
                    tracing::error!(%error, "a transaction left open could not be aborted");
                }
                journal.transaction = None;
                shared.ended.notify_all();
            }
        }
        drop(shared);
        if open
            .get(&self.path)
            .is_some_and(|weak| weak.strong_count() == 0)
        {
            open.remove(&self.path);
        }
    }
}

impl LogWriter for SharedWriter {
    fn append(&mut self, tag: Option<&RunTag>, record: NewRecord<'_>) -> Result<(), LogError> {
        self.mine()?.writer.append(tag, record).map(|_position| ())
    }

    fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(), LogError> {
        let mut journal = self.mine()?;
        let appended = journal.writer.append_event(tag, event, due_micros);
        appended.map(|_position| ())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.journal()?.writer.sync()
    }

    fn ends(&mut self) -> Result<Vec<Offset>, LogError> {
        let mut journal = self.journal()?;
        // Whoever reads up to these ends finds all records before them, also those of others.
        journal.writer.sync()?;
        Ok(journal.writer.ends())
    }

    fn fence(&mut self) -> Result<(), LogError> {
        // Opening the journal has aborted what a predecessor left.
        Ok(())
    }

    fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError> {
        let mut journal = self.mine()?;
        journal.writer.begin(tag, parts)?;
        journal.transaction = Some(self.id);
        Ok(())
    }

    fn appended_by_others(
        &mut self,
        base: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        let (state, ends) = {
            let mut journal = self.mine()?;
            let ends = journal.writer.ends();
            if ends == base {
                return Ok(());
            }
            // Readers see what is in the file.
            journal.writer.sync()?;
            (journal.writer.state().clone(), ends)
        };
        // What was appended between the snapshot and the begin; behind that, others wait.
        let all = (0..state.partitions()).collect();
        let mut reader = JournalReader::open(&state, all, base.to_vec())?;
        while reader.poll(Some(&ends), MOST, each)? > 0 {}
        Ok(())
    }

    fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError> {
        let mut journal = self.mine()?;
        let ends = journal.writer.commit(committed)?;
        journal.note(committed);
        self.end_transaction(&mut journal);
        Ok(ends)
    }

    fn abort(&mut self) -> Result<(), LogError> {
        let mut journal = self.mine()?;
        let aborted = journal.writer.abort();
        // After a failed write nobody can append, and all are told so.
        self.end_transaction(&mut journal);
        aborted
    }

    fn claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        let mut journal = self.mine()?;
        journal.writer.claim(entry)?;
        journal.owners.insert(entry.run_id.clone(), self.id);
        Ok(())
    }

    fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<(), LogError> {
        let mut journal = self.mine()?;
        journal.writer.append_ledger(entry)?;
        journal.note(entry);
        Ok(())
    }

    fn check_claim(&mut self, _tag: &RunTag) -> Result<(), LogError> {
        // Whoever holds the lock is not taken for dead.
        Ok(())
    }

    fn interrupt_unfinished(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError> {
        let mut journal = self.mine()?;
        let Journal { writer, owners, .. } = &mut *journal;
        writer.interrupt_unfinished(now_ms, |run| !owners.contains_key(run))
    }
}
