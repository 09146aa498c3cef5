//! The seam between what works with a log and what keeps it: a handle and three small traits.
//!
//! ```text
//!                 ┌─ StateDir: one journal of NDJSON lines              [state, writer, reader]
//!  Log ─EventLog──┤
//!                 └─ KafkaLog: `fulfillment-events`, `fulfillment-runs`  [kafka]
//!     ├─ writer()  ─► LogWriter: records, transactions, claims, ledger entries
//!     ├─ reader()  ─► LogReader: committed records of chosen partitions
//!     ├─ ends()    ─► LogEnds: how far a consumer may go so that it sees transactions whole
//!     └─ ledger()  ─► LedgerSource: the entries of the run ledger
//! ```
//!
//! Nothing above this seam knows which of the two it has. The same tests run against both
//! (`tests/it/conformance`).

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eip_contract::{Event, Offset};

use crate::error::LogError;
use crate::ledger::{LedgerEntry, LedgerView, RunSummary, RunTag};
use crate::mark::{self, Marks, Stretch};
use crate::reader::RecordRef;
use crate::state::TopicId;
use crate::writer::NewRecord;

/// Records taken at once.
const MOST: usize = 1 << 16;
/// How long a log that should have more may give nothing: longer than a broker's restart.
const PATIENCE: Duration = Duration::from_mins(2);

/// One event log with its run ledger.
pub trait EventLog: fmt::Debug + Send + Sync {
    /// How many partitions it has, for its whole life.
    fn partitions(&self) -> u32;

    /// Which log this is: another one, even at the same place, has another.
    fn topic_id(&self) -> TopicId;

    /// The local folder for what is derived from it: the Parquet cache, the files of runs.
    fn folder(&self) -> &Path;

    /// Where it is, for people.
    fn place(&self) -> String;

    /// Takes the part of a writer. `holder` is the program as others shall see it. A process may
    /// have any number of writers at once; one that has a transaction open may keep the others
    /// waiting until its end. The journal has the writers of one process at a time; those of Kafka
    /// exclude one another by claims.
    fn writer(&self, holder: &str) -> Result<Box<dyn LogWriter>, LogError>;

    /// Reads `partitions`, each from its place in `from`, which has one for every partition.
    fn reader(&self, partitions: &[u32], from: &[Offset]) -> Result<Box<dyn LogReader>, LogError>;

    /// Follows the ends.
    fn ends(&self) -> Result<Box<dyn LogEnds>, LogError>;

    /// The next offset of each partition behind all that is committed and durable now. Like
    /// [`LogEnds::poll`] it never points into a transaction.
    fn committed_ends(&self) -> Result<Vec<Offset>, LogError>;

    /// What the log holds in each of some stretches, for who keeps marks of it: see [`Marks`]. Reads a
    /// few records of each and takes a bounded time.
    fn marks(&self, stretches: &[Stretch]) -> Result<Vec<Marks>, LogError> {
        mark::read(self, stretches, &mark::near_rounds(stretches))
    }

    /// Reads the ledger from its first entry on.
    fn ledger(&self) -> Result<Box<dyn LedgerSource>, LogError>;
}

/// Appends records, transactions and ledger entries.
pub trait LogWriter: Send {
    /// Appends a record. Inside of a transaction it is a part of it, and `tag` is that of the
    /// transaction or left out. It is acknowledged by the next [`LogWriter::sync`] or
    /// [`LogWriter::commit`].
    fn append(&mut self, tag: Option<&RunTag>, record: NewRecord<'_>) -> Result<(), LogError>;

    /// Appends an event under its own key in the contract's encoding.
    fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(), LogError>;

    /// Waits until all that was appended is acknowledged: it survives any crash then.
    fn sync(&mut self) -> Result<(), LogError>;

    /// The next offset of each partition behind what is committed, without the records of an open
    /// transaction. What this writer has appended outside of one and not synced counts only where
    /// the writer itself gives out offsets.
    fn ends(&mut self) -> Result<Vec<Offset>, LogError>;

    /// Makes sure that no transaction of a predecessor is open, and that none of its records can
    /// come any more. Called before the snapshot that a transaction is planned on.
    fn fence(&mut self) -> Result<(), LogError>;

    /// Begins a transaction. Until its end, records go into it and nothing else can be appended.
    /// `parts` is how many records it will have in each partition, or empty when nobody says; each
    /// of its records carries them. On Kafka the ledger has the attempt as `running`, with `first`,
    /// before; when it has not, this enters it.
    fn begin(&mut self, tag: &RunTag, parts: &[u64]) -> Result<(), LogError>;

    /// Hands over what others appended behind `base` while the transaction was being written, but
    /// for records of window and revert attempts: called before the commit, once all records are
    /// appended. Where others wait for the transaction's end, these are the ones that were
    /// appended before it began.
    fn appended_by_others(
        &mut self,
        base: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError>;

    /// Makes all of the transaction count, with `committed` as an entry of the ledger, at one
    /// instant, and gives the ends behind it. When it returns, it is durable. `committed.ends` is
    /// filled in when it is left out.
    ///
    /// Refused, and still open, when the records are not those announced. An outcome that is
    /// unknown is resolved by reading the ledger before this returns.
    fn commit(&mut self, committed: &LedgerEntry) -> Result<Vec<Offset>, LogError>;

    /// Gives the transaction up: its records count for nobody. Also after a commit that failed.
    fn abort(&mut self) -> Result<(), LogError>;

    /// Claims a run: appends its first entry, durable when this returns, and reads back. Refused
    /// ([`LogError::Claimed`]) when the run is under way, or when it excludes others and one of
    /// these has the earlier live claim; the refused attempt is then `failed` in the ledger.
    fn claim(&mut self, entry: &LedgerEntry) -> Result<(), LogError>;

    /// Appends an entry. As with a record, it is durable after the next [`LogWriter::sync`].
    fn append_ledger(&mut self, entry: &LedgerEntry) -> Result<(), LogError>;

    /// Fails ([`LogError::Superseded`]) when the ledger has a later attempt of this run: somebody
    /// took this one for dead.
    fn check_claim(&mut self, tag: &RunTag) -> Result<(), LogError>;

    /// Ends the runs whose owner is gone as interrupted and gives them. In the journal these are
    /// all that have not ended and that no writer of this process claimed; in Kafka those without a
    /// heartbeat for 30 s.
    fn interrupt_unfinished(&mut self, now_ms: i64) -> Result<Vec<RunSummary>, LogError>;
}

/// Reads committed records in offset order of each partition.
pub trait LogReader {
    /// The next offset of each partition; of one that was not chosen, as it was given. It passes
    /// over offsets that no committed record has.
    fn positions(&self) -> &[Offset];

    /// Hands over at most `max_records` that were not yet, of each partition only what lies before
    /// its offset in `upto`. Gives their number. 0 means nothing came within a short while, which
    /// is the end when [`LogReader::positions`] have reached `upto`.
    fn poll(
        &mut self,
        upto: &[Offset],
        max_records: usize,
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError>;

    /// Whether records that are in the log may take a while to come. Where they may not, a poll
    /// that gives none is the end.
    fn waits(&self) -> bool {
        true
    }
}

impl dyn LogReader + '_ {
    /// Hands over everything before `upto`. For a reader of all partitions.
    pub fn read_to(
        &mut self,
        upto: &[Offset],
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<(), LogError> {
        while self.poll_patiently(upto, MOST, each)? > 0 {}
        Ok(())
    }

    /// As [`LogReader::poll`] for a reader of all partitions, where 0 means the end: it waits for
    /// what is to come, for as long as a broker's restart may take.
    pub fn poll_patiently(
        &mut self,
        upto: &[Offset],
        max_records: usize,
        each: &mut dyn FnMut(RecordRef<'_>),
    ) -> Result<usize, LogError> {
        let begun = Instant::now();
        loop {
            let read = self.poll(upto, max_records, each)?;
            if read > 0 || self.has_reached(upto) || !self.waits() {
                return Ok(read);
            }
            if begun.elapsed() > PATIENCE {
                return Err(LogError::Silent {
                    positions: self.positions().to_vec(),
                    upto: upto.to_vec(),
                });
            }
        }
    }

    /// Whether the positions are at `upto` or behind it, of all partitions.
    pub fn has_reached(&self, upto: &[Offset]) -> bool {
        self.positions()
            .iter()
            .zip(upto)
            .all(|(at, upto)| at >= upto)
    }
}

/// Follows the ends of a log that somebody writes.
pub trait LogEnds: Send {
    /// Per partition the next offset behind what is committed now. Never one inside of a
    /// transaction: whoever reads exactly up to these offsets has read of each transaction all
    /// records or none. An error that [`LogError::is_passing`] says will pass leaves it usable.
    fn poll(&mut self) -> Result<Vec<Offset>, LogError>;

    /// Tells the log how far a consumer's views are written, where ordinary tools look for it (in
    /// Kafka the committed offsets of the space's group). It reports and decides nothing.
    fn report(&mut self, written: &[Offset]);
}

/// Reads the entries of the run ledger.
pub trait LedgerSource: Send {
    /// Hands over each entry that came since, with its position in the ledger. An entry inside of a
    /// transaction counts from its commit on. Gives their number; 0 means that there was none
    /// beyond what was committed when the call began.
    fn poll(&mut self, each: &mut dyn FnMut(u64, LedgerEntry)) -> Result<usize, LogError>;
}

/// A log, whichever it is. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<dyn EventLog>);

impl Log {
    /// A handle to `log`.
    pub fn new(log: impl EventLog + 'static) -> Self {
        Self(Arc::new(log))
    }

    /// The state of all runs now.
    pub fn runs(&self) -> Result<LedgerView, LogError> {
        let mut view = LedgerView::default();
        self.ledger()?
            .poll(&mut |position, entry| view.apply(position, entry))?;
        Ok(view)
    }

    /// A reader of all partitions from the first record on.
    pub fn read_all(&self) -> Result<Box<dyn LogReader>, LogError> {
        let partitions: Vec<u32> = (0..self.partitions()).collect();
        self.reader(&partitions, &vec![Offset(0); partitions.len()])
    }
}

impl Deref for Log {
    type Target = dyn EventLog;
    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<L: EventLog + 'static> From<L> for Log {
    fn from(log: L) -> Self {
        Self::new(log)
    }
}

impl From<&Self> for Log {
    fn from(log: &Self) -> Self {
        log.clone()
    }
}
