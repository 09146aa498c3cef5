//! A restart writes only what differs: what the stores hold against what the first tick wants.
//!
//! Before anything is written the stores' documents are listed by id with the hash of their
//! content. While the first tick (hydration) is written, every wanted document takes its entry out
//! of the list: an equal one is not written again. What the list still holds when all workers have
//! written the first tick is nobody's any more and is deleted. Rows are compared whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

use eip_contract::document::RouteStatsRow;
use eip_contract::hex;
use hashbrown::HashMap;

use crate::store::{DocumentStore, DocumentView, StoreError};

/// What the stores held when the dataflow started and nobody has claimed yet.
#[derive(Default)]
pub struct Stored {
    documents: [Mutex<Listed>; 2],
    rows: Mutex<Vec<RouteStatsRow>>,
}

/// The documents of one view: most ids are 32 hex digits and need no text.
#[derive(Default)]
struct Listed {
    numbers: HashMap<u128, u64>,
    texts: HashMap<String, u64>,
}

impl Stored {
    /// Lists what the stores hold. Also gives the greatest version of any document.
    pub fn read(
        documents: &mut dyn DocumentStore,
        rows: Vec<RouteStatsRow>,
    ) -> Result<(Self, u64), StoreError> {
        let stored = Self {
            rows: Mutex::new(rows),
            ..Self::default()
        };
        let mut greatest = 0;
        for view in DocumentView::ALL {
            let mut listed = stored.listed(view);
            documents.scan(view, &mut |id, rev, version| {
                greatest = greatest.max(version);
                match number(id) {
                    Some(number) => listed.numbers.insert(number, rev),
                    None => listed.texts.insert(id.to_owned(), rev),
                };
            })?;
        }
        Ok((stored, greatest))
    }

    /// Takes a wanted document out of the list; gives whether it is stored as it should be.
    pub fn claim(&self, view: DocumentView, id: &str, rev: u64) -> bool {
        let mut listed = self.listed(view);
        let found = match number(id) {
            Some(number) => listed.numbers.remove(&number),
            None => listed.texts.remove(id),
        };
        found == Some(rev)
    }

    /// Takes the ids that nobody has claimed.
    pub fn take_unclaimed(&self, view: DocumentView) -> Vec<String> {
        let Listed { numbers, texts } = std::mem::take(&mut *self.listed(view));
        let numbers = numbers.into_keys().map(|number| {
            String::from_utf8(hex::format_32(number).to_vec()).expect("hex is ASCII")
        });
        let mut ids: Vec<String> = numbers.chain(texts.into_keys()).collect();
        ids.sort_unstable();
        ids
    }

    /// Takes the rows.
    pub fn take_rows(&self) -> Vec<RouteStatsRow> {
        std::mem::take(&mut *self.rows.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn listed(&self, view: DocumentView) -> MutexGuard<'_, Listed> {
        // A map is whole between any two of these calls.
        self.documents[view as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(id: &str) -> Option<u128> {
    hex::parse_32(id.as_bytes().try_into().ok()?)
}
