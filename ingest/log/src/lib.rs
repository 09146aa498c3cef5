//! The event log and the run ledger, behind one seam ([`Log`]): Kafka, or a journal in a folder.
//!
//! [`event_log`] has the seam and its picture; `kafka.rs` one side of it. The other is a state
//! folder with one append-only journal of NDJSON lines:
//!
//! ```text
//! <state>/eip-state.json                     format, partitions, topic id          [state]
//! <state>/journal/writer.lock                who writes                            [lock]
//! <state>/journal/0000000000000001.ndjson    header, then lines; rolled by size    [files, line]
//!
//! JournalWriter ── append, sync, begin/commit/abort, ledger ──► lines ──► JournalReader (records)
//!   one, shared by a process's writers; recovers on opening       │  ├──► EndsWatcher (how far)
//!                                                                 │  └──► LedgerReader (runs)
//!                                                     tail: lines as they come; scan: all of them
//! ```
//!
//! Promises: acknowledged ([`JournalWriter::sync`], [`JournalWriter::commit`]) means on the disk;
//! nobody is shown a record of a transaction before its commit; an offset means one record for
//! ever, and the offsets of what was aborted are not used again; damage is reported, not skipped.

mod clock;
mod ends;
mod error;
mod event_log;
mod files;
mod joints;
mod journal;
#[cfg_attr(not(feature = "kafka"), path = "no_kafka.rs")]
pub mod kafka;
mod ledger;
mod line;
mod lock;
mod mark;
mod reader;
mod scan;
mod shared;
mod spaces;
mod state;
mod tail;
mod transfer;
mod writer;

pub use ends::{EndsWatcher, committed_ends};
pub use error::LogError;
pub use event_log::{EventLog, LedgerSource, Log, LogEnds, LogReader, LogWriter};
pub use ledger::{
    LedgerEntry, LedgerReader, LedgerView, RunClock, RunKind, RunParameters, RunState, RunSummary,
    RunTag, read_ledger,
};
pub use line::parse_parts;
pub use lock::WriterLock;
pub use mark::{BadDigest, LastRecords, Mark, Marks, RecordDigest, Stretch};
pub use reader::{JournalReader, RecordRef};
pub use spaces::list_spaces;
pub use state::{BadTopicId, DEFAULT_PARTITIONS, FORMAT, MAX_PARTITIONS, StateDir, TopicId};
pub use transfer::{ExportSummary, ImportSummary, export, export_facts, export_with_times, import};
pub use writer::{JournalWriter, NewRecord, WriterOptions};
