//! The embedded store: both seams over one SQLite file, `<state>/views.sqlite`.
//!
//! Documents, rows, dead letters and progress share the file, so a reader's snapshot is one moment
//! of all of them. The journal is a write-ahead log: readers never wait for the writer. Writers
//! are kept apart twice: by a lock file (one dataflow a state folder), and by the epoch in the
//! progress row, which every write transaction checks.
//!
//! Losing power may lose the last transactions (`synchronous = NORMAL`), never the order in which
//! they were made: progress is then as old as the rest, and the next start writes the difference.

mod schema;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eip_contract::document::RouteStatsRow;
use eip_log::{LogError, WriterLock};
use sqlx::{Connection as _, SqliteConnection};

use super::error::{Fault, Retry, StoreError};
use super::{DocumentStore, DocumentView, DocumentWrite, Progress, StatsStore, TickCommit};

pub use schema::FORMAT;
pub(super) use schema::{FILE, check_format, read_options, read_progress, read_rows, sql_error};

/// Bits of a document's version that hold the tick; the epoch is above them.
const TICK_BITS: u32 = 42;

/// The one writer of a state folder's views. Clones share one connection: SQLite has one writer
/// at a time anyway.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    /// None only while the store is being dropped.
    connection: Option<SqliteConnection>,
    runtime: tokio::runtime::Runtime,
    _lock: WriterLock,
}

impl SqliteStore {
    /// Opens or makes the views of the log `topic_id` in the folder `state`, and holds their lock
    /// (under the name `holder`) until the last clone is gone.
    ///
    /// Refused: another dataflow at work there, views of another log, views of a newer format.
    /// Must not be called, used or dropped inside an async task: it waits on a runtime of its own.
    pub fn open(state: &Path, topic_id: &str, holder: &str) -> Result<Self, StoreError> {
        let lock = WriterLock::take(&state.join("views.lock"), holder).map_err(|error| {
            let fault = match error {
                LogError::Locked { .. } => Fault::User,
                _ => Fault::External,
            };
            let message = format!(
                "the views in {} cannot be written: {error}",
                state.display()
            );
            StoreError::new(fault, Retry::Backoff, message)
        })?;
        let runtime = new_runtime()?;
        let connection = runtime.block_on(schema::open(&state.join(FILE), topic_id))?;
        let inner = Inner {
            connection: Some(connection),
            runtime,
            _lock: lock,
        };
        Ok(Self {
            inner: Arc::new(Mutex::new(inner)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves at most an open transaction, which the next one rolls back.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn parts(&mut self) -> (&tokio::runtime::Runtime, &mut SqliteConnection) {
        (
            &self.runtime,
            self.connection.as_mut().expect("open until dropped"),
        )
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closing the last connection folds the write-ahead log into the file.
        if let Some(connection) = self.connection.take()
            && let Err(error) = self.runtime.block_on(connection.close())
        {
            tracing::warn!(%error, "the views were not closed in order; nothing is lost");
        }
    }
}

impl DocumentStore for SqliteStore {
    fn bulk(
        &mut self,
        view: DocumentView,
        version: u64,
        writes: &[DocumentWrite],
    ) -> Result<(), StoreError> {
        if writes.is_empty() {
            return Ok(());
        }
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(write::documents(connection, view, version, writes))
    }

    fn scan(
        &mut self,
        view: DocumentView,
        each: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(schema::scan(connection, view, each))
    }
}

impl StatsStore for SqliteStore {
    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(read_progress(connection))
    }

    fn take_epoch(&mut self) -> Result<u64, StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(write::take_epoch(connection))
    }

    fn rows(&mut self) -> Result<Vec<RouteStatsRow>, StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(read_rows(connection))
    }

    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(write::tick(connection, tick))
    }
}

/// The version with which a dataflow of `epoch` writes documents at `tick`.
pub fn version_of(epoch: u64, tick: u64) -> u64 {
    assert!(
        tick >> TICK_BITS == 0,
        "a tick is milliseconds and fits 42 bits until 2109"
    );
    epoch << TICK_BITS | tick
}

/// A runtime for one connection, on the caller's own thread.
pub(super) fn new_runtime() -> Result<tokio::runtime::Runtime, StoreError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| {
            StoreError::new(
                Fault::External,
                Retry::Backoff,
                "cannot start the store's runtime",
            )
            .because(error)
        })
}
