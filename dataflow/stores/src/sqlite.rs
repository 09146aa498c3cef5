//! The embedded store: both seams over one SQLite file, `<state>/views.sqlite`.
//!
//! Documents, rows, dead letters and progress share the file, so a reader's snapshot is one moment
//! of all of them. The journal is a write-ahead log: readers never wait for the writer. Writers
//! are kept apart twice: by a lock file (one dataflow a state folder), and by the epoch in the
//! progress row, which every write transaction checks.
//!
//! Documents are rows of their columns (`documents.rs`).
//!
//! Losing power may lose the last transactions (`synchronous = NORMAL`), never the order in which
//! they were made: progress is then as old as the rest, and the next start writes the difference.

mod documents;
mod failure;
mod report;
mod schema;
mod views;
mod write;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eip_log::{LogError, WriterLock};
use eip_views::{Row, VIEWS, View};
use sqlx::{Connection as _, SqliteConnection};

use super::error::{Fault, Retry, StoreError};
use super::{
    DocumentStore, DocumentWrite, Look, Progress, RefusedDocument, StatsStore, StoredDocument,
    TickCommit, new_runtime,
};

pub(crate) use documents::{select, value as stored_value, values as stored_values};
pub(crate) use failure::FILE;
pub use report::{BusyRoute, RangeStats};
pub use schema::FORMAT;
#[cfg(test)]
pub(crate) use schema::MIGRATIONS;
use schema::read_rows;
pub(crate) use schema::{TICK, read_progress};
pub use views::SqliteViews;
use write::Upsert;

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
    views: Vec<&'static View>,
    /// By view.
    upserts: HashMap<&'static str, Arc<Upsert>>,
    /// Whether the indexes for searches are there: they are made once what was missing is written.
    has_indexes: bool,
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
            views: VIEWS.to_vec(),
            upserts: HashMap::new(),
            has_indexes: false,
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
    fn upsert(&mut self, view: &'static View) -> Arc<Upsert> {
        let upsert = self.upserts.entry(view.name);
        Arc::clone(upsert.or_insert_with(|| Arc::new(Upsert::of(view))))
    }

    fn keep(&mut self, views: &[&'static View]) {
        self.views = views.to_vec();
        self.upserts.clear();
        self.has_indexes = false;
    }

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
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn keep(&mut self, views: &[&'static View]) {
        self.lock().keep(views);
    }

    fn greatest_epoch(&mut self) -> Result<u64, StoreError> {
        let mut inner = self.lock();
        let views = inner.views.clone();
        let (runtime, connection) = inner.parts();
        runtime.block_on(schema::greatest_epoch(connection, &views))
    }

    fn take_over(&mut self, _epoch: u64, writers: usize) -> Result<(), StoreError> {
        // The file's lock keeps others out, and each transaction looks at the epoch.
        assert!(writers == 1, "the embedded store has one process");
        Ok(())
    }

    fn lineage(&mut self) -> Result<Option<String>, StoreError> {
        // Rows, progress and documents are one file.
        Ok(Some(String::new()))
    }

    fn write_as(&mut self, _epoch: u64, _writer: usize) -> Result<(), StoreError> {
        Ok(())
    }

    fn bulk(
        &mut self,
        view: &'static View,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        if !writes.is_empty() {
            let mut inner = self.lock();
            let upsert = inner.upsert(view);
            let (runtime, connection) = inner.parts();
            runtime.block_on(write::documents(connection, view, &upsert, version, writes))?;
            writes.clear();
        }
        Ok(Vec::new())
    }

    fn scan(
        &mut self,
        view: &'static View,
        look: Look,
        each: &mut dyn FnMut(StoredDocument<'_>),
    ) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(schema::scan(connection, view, look, each))
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl StatsStore for SqliteStore {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn keep(&mut self, views: &[&'static View]) {
        self.lock().keep(views);
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(read_progress(connection))
    }

    fn take_epoch(&mut self, least: u64) -> Result<u64, StoreError> {
        let mut inner = self.lock();
        let views = inner.views.clone();
        let (runtime, connection) = inner.parts();
        runtime.block_on(schema::keep_tables(connection, &views))?;
        runtime.block_on(write::take_epoch(connection, least))
    }

    fn begin_again(&mut self, epoch: u64) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(write::begin_again(connection, epoch))
    }

    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError> {
        let mut inner = self.lock();
        let (runtime, connection) = inner.parts();
        runtime.block_on(read_rows(connection, view))
    }

    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError> {
        let mut inner = self.lock();
        let changed = tick.rows.iter();
        let upserts: Vec<_> = changed.map(|changes| inner.upsert(changes.view)).collect();
        let (runtime, connection) = inner.parts();
        runtime.block_on(write::tick(connection, &upserts, tick))
    }

    fn publish_visible(&mut self, _epoch: u64, _tick: u64) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if !inner.has_indexes {
            let views = inner.views.clone();
            let (runtime, connection) = inner.parts();
            runtime.block_on(schema::make_indexes(connection, &views))?;
            inner.has_indexes = true;
        }
        Ok(())
    }

    fn refuse(&mut self, documents: &[RefusedDocument]) -> Result<(), StoreError> {
        assert!(
            documents.is_empty(),
            "SQLite refuses no document for what it says"
        );
        Ok(())
    }
}
