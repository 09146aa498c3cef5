//! Both stores in memory, strict about what may be written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use eip_contract::Day;
use eip_stores::{
    DocumentStore, DocumentView, DocumentWrite, Fault, Look, Progress, RefusedDocument, Retry,
    RouteKey, StatsStore, StoreError, StoredDeadLetter, TICK_BITS, TickCommit,
};
use eip_views::RouteStatsRow;

use crate::plain::Expected;

#[derive(Clone, Debug)]
pub(crate) struct StoredDocument {
    pub(crate) rev: u64,
    pub(crate) version: u64,
    pub(crate) doc: String,
}

#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) documents: [BTreeMap<String, StoredDocument>; 2],
    pub(crate) rows: BTreeMap<(Day, String, String), RouteStatsRow>,
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
        let contents = self.contents();
        let documents = |view: usize| {
            let mut lines: Vec<String> = contents.documents[view]
                .values()
                .map(|stored| stored.doc.clone())
                .collect();
            lines.sort_unstable();
            lines
        };
        let mut rows: Vec<String> = contents
            .rows
            .values()
            .map(|row| {
                let mut line = Vec::new();
                row.encode(&mut line);
                String::from_utf8(line).unwrap()
            })
            .collect();
        rows.sort_unstable();
        Expected {
            views: [documents(0), documents(1), rows],
            dead_letters: contents.dead_letters.len(),
        }
    }
}

impl Contents {
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

    fn greatest_epoch(&mut self) -> Result<u64, StoreError> {
        let contents = self.contents();
        let versions = contents.documents.iter().flat_map(BTreeMap::values);
        Ok(versions.map(|stored| stored.version).max().unwrap_or(0) >> TICK_BITS)
    }

    fn take_over(&mut self, _epoch: u64, _writers: usize) -> Result<(), StoreError> {
        Ok(())
    }

    fn write_as(&mut self, _epoch: u64, _writer: usize) -> Result<(), StoreError> {
        Ok(())
    }

    fn refresh(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn bulk(
        &mut self,
        view: DocumentView,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError> {
        let mut contents = self.contents();
        for write in writes.drain(..) {
            contents.wrote()?;
            let documents = &mut contents.documents[view as usize];
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
                }
            }
        }
        Ok(Vec::new())
    }

    fn scan(
        &mut self,
        view: DocumentView,
        _look: Look,
        each: &mut dyn FnMut(eip_stores::StoredDocument<'_>),
    ) -> Result<(), StoreError> {
        for (id, stored) in &self.contents().documents[view as usize] {
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

    fn rows(&mut self) -> Result<Vec<RouteStatsRow>, StoreError> {
        Ok(self.contents().rows.values().cloned().collect())
    }

    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError> {
        let mut contents = self.contents();
        for row in tick.upserts {
            contents.wrote()?;
            let key = (
                row.stat_date,
                row.seller_region.clone(),
                row.customer_region.clone(),
            );
            let old = contents.rows.insert(key, row.clone());
            assert!(old.as_ref() != Some(row), "no write without a change");
        }
        for RouteKey {
            stat_date,
            seller_region,
            customer_region,
        } in tick.deletes
        {
            contents.wrote()?;
            let key = (*stat_date, seller_region.clone(), customer_region.clone());
            assert!(
                contents.rows.remove(&key).is_some(),
                "what is deleted was there"
            );
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
