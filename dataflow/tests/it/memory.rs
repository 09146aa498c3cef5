//! Both stores in memory, strict about what may be written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use eip_stores::{
    DocumentStore, DocumentWrite, Fault, Look, Progress, RefusedDocument, Retry, RowChanges,
    StatsStore, StoreError, StoredDeadLetter, TICK_BITS, TickCommit, tick_of,
};
use eip_views::{Row, SHIPMENTS, VIEWS, View};

use crate::plain::Expected;

#[derive(Clone, Debug)]
pub(crate) struct StoredDocument {
    pub(crate) rev: u64,
    pub(crate) version: u64,
    pub(crate) doc: String,
}

#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) documents: BTreeMap<&'static str, BTreeMap<String, StoredDocument>>,
    /// Shipments that a tick has said it deletes.
    pub(crate) deleted: BTreeMap<String, u64>,
    /// By view and key.
    pub(crate) rows: BTreeMap<&'static str, BTreeMap<Row, Row>>,
    pub(crate) dead_letters: BTreeMap<(u32, u64), StoredDeadLetter>,
    pub(crate) progress: Option<Progress>,
    /// Documents and rows written or deleted.
    pub(crate) writes: usize,
    /// The write after which the store fails.
    pub(crate) fails_after: Option<usize>,
}

/// Clones share the contents, as connections to one server do.
#[derive(Clone, Default)]
pub(crate) struct MemoryStore(Arc<Mutex<Contents>>);

impl MemoryStore {
    pub(crate) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// What the views hold, in the form of the recomputation.
    pub(crate) fn views(&self) -> Expected {
        let mut contents = self.contents();
        let views = VIEWS.map(|view| {
            let mut lines: Vec<String> = if view.is_documents() {
                let stored = contents.documents(view).values();
                stored.map(|stored| stored.doc.clone()).collect()
            } else {
                let line = |row: &Row| {
                    let mut line = Vec::new();
                    view.encode(row, &mut line);
                    String::from_utf8(line).unwrap()
                };
                contents.rows(view).values().map(line).collect()
            };
            lines.sort_unstable();
            lines
        });
        Expected {
            views,
            dead_letters: contents.dead_letters.len(),
        }
    }
}

impl Contents {
    /// The documents of a view.
    pub(crate) fn documents(&mut self, view: &View) -> &mut BTreeMap<String, StoredDocument> {
        self.documents.entry(view.name).or_default()
    }

    /// The rows of a view by key.
    pub(crate) fn rows(&mut self, view: &View) -> &mut BTreeMap<Row, Row> {
        self.rows.entry(view.name).or_default()
    }

    fn wrote(&mut self) -> Result<(), StoreError> {
        self.writes += 1;
        match self.fails_after {
            Some(most) if self.writes > most => Err(StoreError::new(
                Fault::External,
                Retry::Never,
                "the disk is full",
            )),
            _ => Ok(()),
        }
    }
}

impl DocumentStore for MemoryStore {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn keep(&mut self, _views: &[&'static View]) {}

    fn greatest_epoch(&mut self) -> Result<u64, StoreError> {
        let contents = self.contents();
        let versions = contents.documents.values().flat_map(BTreeMap::values);
        Ok(versions.map(|stored| stored.version).max().unwrap_or(0) >> TICK_BITS)
    }

    fn take_over(&mut self, _epoch: u64, _writers: usize) -> Result<(), StoreError> {
        Ok(())
    }

    fn lineage(&mut self) -> Result<Option<String>, StoreError> {
        Ok(Some("memory".to_owned()))
    }

    fn write_as(&mut self, _epoch: u64, _writer: usize) -> Result<(), StoreError> {
        Ok(())
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn bulk(
        &mut self,
        view: &'static View,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        let mut contents = self.contents();
        for write in writes.drain(..) {
            contents.wrote()?;
            let documents = contents.documents(view);
            let stored = documents.get(write.id());
            assert!(
                stored.is_none_or(|stored| stored.version < version),
                "written once a tick"
            );
            match &write {
                DocumentWrite::Index { id, rev, doc } => {
                    assert!(
                        stored.is_none_or(|stored| stored.rev != *rev),
                        "no write without a change"
                    );
                    let stored = StoredDocument {
                        rev: *rev,
                        version,
                        doc: doc.clone(),
                    };
                    documents.insert(id.clone(), stored);
                }
                DocumentWrite::Delete { id } => {
                    assert!(documents.remove(id).is_some(), "what is deleted was there");
                    assert!(
                        *view != SHIPMENTS || contents.deleted.get(id) == Some(&tick_of(version)),
                        "no deletion without its entry"
                    );
                }
            }
        }
        Ok(Vec::new())
    }

    fn scan(
        &mut self,
        view: &'static View,
        _look: Look,
        each: &mut dyn FnMut(eip_stores::StoredDocument<'_>),
    ) -> Result<(), StoreError> {
        for (id, stored) in &*self.contents().documents(view) {
            // Events carry their order; a shipment's id is one.
            let value = serde_json::from_str::<serde_json::Value>(&stored.doc).unwrap_or_default();
            each(eip_stores::StoredDocument {
                id,
                order_id: value["orderId"].as_str().unwrap_or(id),
                rev: Some(stored.rev),
            });
        }
        Ok(())
    }
}

impl StatsStore for MemoryStore {
    fn keep(&mut self, _views: &[&'static View]) {}

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        Ok(self.contents().progress.clone())
    }

    fn name(&self) -> &'static str {
        "memory"
    }

    fn refuse(&mut self, documents: &[RefusedDocument]) -> Result<(), StoreError> {
        assert!(documents.is_empty(), "memory refuses nothing");
        Ok(())
    }

    fn take_epoch(&mut self, least: u64) -> Result<u64, StoreError> {
        let mut contents = self.contents();
        let progress = contents.progress.get_or_insert_with(|| Progress {
            epoch: 0,
            tick: 0,
            offsets: Vec::new(),
            last: Vec::new(),
            topic_id: String::new(),
        });
        progress.epoch = least.max(progress.epoch + 1);
        Ok(progress.epoch)
    }

    fn begin_again(&mut self, _epoch: u64) -> Result<(), StoreError> {
        let mut contents = self.contents();
        contents.dead_letters.clear();
        let progress = contents.progress.as_mut().expect("an epoch was taken");
        (progress.offsets, progress.last) = (Vec::new(), Vec::new());
        Ok(())
    }

    fn note_deleted(
        &mut self,
        _epoch: u64,
        view: &'static View,
        tick: u64,
        ids: &[&str],
    ) -> Result<(), StoreError> {
        assert_eq!(*view, SHIPMENTS);
        let entries = ids.iter().map(|&id| (id.to_owned(), tick));
        self.contents().deleted.extend(entries);
        Ok(())
    }

    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError> {
        Ok(self.contents().rows(view).values().cloned().collect())
    }

    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError> {
        let mut contents = self.contents();
        for RowChanges {
            view,
            upserts,
            deletes,
        } in tick.rows
        {
            for row in upserts {
                contents.wrote()?;
                let key = row[..view.key().len()].to_vec();
                let old = contents.rows(view).insert(key, row.clone());
                assert!(old.as_ref() != Some(row), "no write without a change");
            }
            for key in deletes {
                contents.wrote()?;
                let gone = contents.rows(view).remove(key);
                assert!(gone.is_some(), "what is deleted was there");
            }
        }
        if tick.all_dead_letters {
            contents.dead_letters.clear();
        }
        for letter in tick.dead_letters {
            contents
                .dead_letters
                .insert((letter.partition, letter.offset.0), letter.clone());
        }
        let progress = contents.progress.as_mut().expect("an epoch was taken");
        assert!(
            progress.tick < tick.tick && progress.epoch <= tick.epoch,
            "time goes on"
        );
        progress.epoch = tick.epoch;
        progress.tick = tick.tick;
        progress.offsets = tick.offsets.to_vec();
        progress.last = tick.last.to_vec();
        Ok(())
    }
}
