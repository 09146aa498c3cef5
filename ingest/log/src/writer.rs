//! The journal's one writer: append, make durable, roll. (`shared.rs` lets several in one process use it.)
//!
//! Lines gather in one buffer and go out with one write when it is full; [`JournalWriter::sync`]
//! writes what is left and waits for the disk. After a failed write nobody knows what the file
//! holds, so the writer refuses all else: opening it again finds out.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use eip_contract::{Event, Offset, partition_of};

use crate::clock::now_ms;
use crate::error::LogError;
use crate::files::{self, Header};
use crate::ledger::{RunSummary, RunTag};
use crate::line::{self, MAX_RECORD_BYTES, RecordLine};
use crate::lock::WriterLock;
use crate::state::{FORMAT, StateDir};

mod ledger;
mod recover;
mod transaction;

/// A record to be appended.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRecord<'a> {
    /// The key; any bytes.
    pub key: Option<&'a [u8]>,
    /// The value; any bytes. `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// When it was due, in microseconds since the epoch.
    pub due_micros: Option<i64>,
    /// When it was appended, in milliseconds since the epoch, if that was earlier and elsewhere; `None`:
    /// now.
    pub appended_ms: Option<i64>,
    /// Its partition; `None`: that of its key, or 0 without a key.
    pub partition: Option<u32>,
    /// The value was made by [`Event::encode`], so it need not be looked at.
    pub canonical: bool,
}

impl<'a> NewRecord<'a> {
    /// An event in the contract's encoding under its own key.
    pub fn event(order_id: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            key: Some(order_id),
            value: Some(value),
            canonical: true,
            ..Self::default()
        }
    }

    /// Any value under any key.
    pub fn foreign(key: Option<&'a [u8]>, value: &'a [u8]) -> Self {
        Self {
            key,
            value: Some(value),
            ..Self::default()
        }
    }

    /// Takes an order away.
    pub fn tombstone(order_id: &'a [u8]) -> Self {
        Self {
            key: Some(order_id),
            ..Self::default()
        }
    }

    /// The same with the time it was due.
    #[must_use]
    pub fn with_due(mut self, micros: i64) -> Self {
        self.due_micros = Some(micros);
        self
    }
}

/// Sizes; the defaults are right for all but tests.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// A file of this size or more is followed by a new one.
    pub roll_bytes: u64,
    /// So much gathers before it is written.
    pub flush_bytes: usize,
    /// Whether to wait for the disk at all. Without it nothing outlives a crash of the machine, and
    /// tests are many times faster.
    pub durable: bool,
    /// The wall clock in milliseconds since the epoch, which records are stamped with. It is read once
    /// for all that is written at once.
    pub clock: fn() -> i64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            roll_bytes: 64 << 20,
            flush_bytes: 1 << 20,
            durable: true,
            clock: now_ms,
        }
    }
}

/// A transaction under way.
struct Block {
    run: RunTag,
    announced: Vec<u64>,
    appended: Vec<u64>,
}

/// The only writer of a journal for as long as it lives.
///
/// Dropped without [`JournalWriter::sync`], what was not acknowledged may be lost. A transaction
/// that is open then is aborted by the next writer.
pub struct JournalWriter {
    state: StateDir,
    options: WriterOptions,
    file: File,
    path: PathBuf,
    number: u64,
    /// Bytes written to the file.
    file_bytes: u64,
    /// Lines not yet written to it.
    buffer: Vec<u8>,
    /// Whether the file has bytes that may not be on the disk.
    unsynced: bool,
    poisoned: bool,
    /// When what gathers now is appended; none before its first record.
    stamp: Option<i64>,
    next: Vec<u64>,
    /// As `next`, without an open transaction.
    ends: Vec<u64>,
    /// The position of the next ledger entry.
    ledger: u64,
    live: Vec<RunSummary>,
    block: Option<Block>,
    /// `headers` is made for this run.
    headers_of: Option<RunTag>,
    headers: Vec<u8>,
    _lock: WriterLock,
}

impl JournalWriter {
    /// Takes the writer's lock and brings the journal's end in order: a torn tail is cut, a
    /// transaction without end aborted. `holder` is the program as others shall see it.
    pub fn open(state: &StateDir, holder: &str) -> Result<Self, LogError> {
        Self::open_with(state, holder, WriterOptions::default())
    }

    /// As [`JournalWriter::open`] with other sizes.
    pub fn open_with(
        state: &StateDir,
        holder: &str,
        options: WriterOptions,
    ) -> Result<Self, LogError> {
        let lock = WriterLock::take(&state.journal_path().join("writer.lock"), holder)?;
        recover::open(state, lock, options)
    }

    /// Appends a record and says where it is. Inside of a transaction it is a part of it, and `tag`
    /// is that of the transaction or left out.
    #[inline]
    pub fn append(
        &mut self,
        tag: Option<&RunTag>,
        record: NewRecord<'_>,
    ) -> Result<(u32, Offset), LogError> {
        let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        if size > MAX_RECORD_BYTES {
            return Err(LogError::TooLarge(size));
        }
        let decodes = |value| eip_contract::decode(value).is_ok();
        debug_assert!(
            !record.canonical || record.value.is_none_or(decodes),
            "a value is called canonical only when the contract made it"
        );
        let partition = self.partition(record.key, record.partition)?;
        self.prepare(tag)?;
        let appended_ms = record.appended_ms.unwrap_or_else(|| self.stamp());
        let line = RecordLine {
            partition,
            offset: self.next[partition as usize],
            key: record.key,
            headers: &self.headers,
            appended_ms,
            due_micros: record.due_micros,
        };
        line::write_record(&mut self.buffer, &line, record.value, record.canonical);
        self.appended(partition)
    }

    /// Appends an event under its own key, encoded where it will stand.
    #[inline]
    pub fn append_event(
        &mut self,
        tag: Option<&RunTag>,
        event: &Event<'_>,
        due_micros: Option<i64>,
    ) -> Result<(u32, Offset), LogError> {
        let key = event.order_id.as_bytes();
        let partition = self.partition(Some(key), None)?;
        self.prepare(tag)?;
        let appended_ms = self.stamp();
        let line = RecordLine {
            partition,
            offset: self.next[partition as usize],
            key: Some(key),
            headers: &self.headers,
            appended_ms,
            due_micros,
        };
        line::write_event(&mut self.buffer, &line, event);
        self.appended(partition)
    }

    /// The time of what is appended now.
    #[inline]
    fn stamp(&mut self) -> i64 {
        *self.stamp.get_or_insert_with(self.options.clock)
    }

    pub(crate) fn state(&self) -> &StateDir {
        &self.state
    }

    #[inline]
    fn partition(&self, key: Option<&[u8]>, given: Option<u32>) -> Result<u32, LogError> {
        let partitions = self.state.partitions();
        match (given, key) {
            (Some(partition), _) if partition >= partitions => Err(LogError::BadPartitions(
                format!("there is no partition {partition} among {partitions}"),
            )),
            (Some(partition), _) => Ok(partition),
            (None, Some(key)) => Ok(partition_of(key, partitions)),
            (None, None) => Ok(0),
        }
    }

    /// Sees that a record may be appended and that its headers are those of `tag`.
    #[inline]
    fn prepare(&mut self, tag: Option<&RunTag>) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        if self.headers_of.as_ref() == tag {
            Ok(())
        } else {
            self.prepare_headers(tag)
        }
    }

    #[cold]
    fn prepare_headers(&mut self, tag: Option<&RunTag>) -> Result<(), LogError> {
        if self.block.is_some() {
            return match tag {
                None => Ok(()),
                Some(_) => Err(LogError::Transaction(
                    "a record of another run cannot go into this transaction",
                )),
            };
        }
        let headers = tag.map(|tag| transaction::headers(tag, &[])).transpose()?;
        self.headers = headers.unwrap_or_default();
        self.headers_of = tag.cloned();
        Ok(())
    }

    #[inline]
    fn appended(&mut self, partition: u32) -> Result<(u32, Offset), LogError> {
        let place = partition as usize;
        let offset = self.next[place];
        self.next[place] += 1;
        match &mut self.block {
            Some(block) => block.appended[place] += 1,
            None => self.ends[place] = self.next[place],
        }
        if self.buffer.len() >= self.options.flush_bytes {
            self.flush()?;
            self.roll_if_full()?;
        }
        Ok((partition, Offset(offset)))
    }

    /// Waits until all that was appended is on the disk: it is acknowledged then. One call serves
    /// any number of records.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.flush()?;
        self.sync_file()?;
        self.roll_if_full()
    }

    /// The next offset of each partition, without the records of an open transaction; with those
    /// that are not acknowledged yet.
    pub fn ends(&self) -> Vec<Offset> {
        self.ends.iter().copied().map(Offset).collect()
    }

    /// Writes out what has gathered.
    fn flush(&mut self) -> Result<(), LogError> {
        self.stamp = None;
        self.attempt(|writer| {
            if writer.buffer.is_empty() {
                return Ok(());
            }
            let written = writer.file.write_all(&writer.buffer);
            written.map_err(LogError::io("write", &writer.path))?;
            writer.file_bytes += writer.buffer.len() as u64;
            writer.unsynced = true;
            writer.buffer.clear();
            Ok(())
        })
    }

    fn sync_file(&mut self) -> Result<(), LogError> {
        self.attempt(|writer| {
            if writer.unsynced && writer.options.durable {
                writer
                    .file
                    .sync_data()
                    .map_err(LogError::io("sync", &writer.path))?;
            }
            writer.unsynced = false;
            Ok(())
        })
    }

    /// Begins the next file when this one is full and no block is open. The old one is on the disk
    /// before the new one is there, and is never written again.
    fn roll_if_full(&mut self) -> Result<(), LogError> {
        if self.file_bytes < self.options.roll_bytes || self.block.is_some() {
            return Ok(());
        }
        self.roll()
    }

    /// Begins the next file; no block is open.
    fn roll(&mut self) -> Result<(), LogError> {
        self.flush()?;
        self.sync_file()?;
        self.attempt(|writer| {
            writer.number += 1;
            let header = Header {
                journal: FORMAT,
                topic: writer.state.topic_id(),
                file: writer.number,
                next: writer.next.clone(),
                ledger: writer.ledger,
                live: writer.live.clone(),
                before: Some(writer.file_bytes),
            };
            (writer.file, writer.file_bytes) =
                files::begin(&writer.state, &header, writer.options.durable)?;
            writer.path = files::path_of(&writer.state, writer.number);
            Ok(())
        })
    }

    /// Does something that leaves the file in an unknown state when it fails.
    fn attempt(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        if self.poisoned {
            return Err(LogError::Poisoned);
        }
        let result = step(self);
        self.poisoned = result.is_err();
        result
    }
}
