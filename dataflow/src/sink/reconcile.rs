//! A restart writes only what differs: what the stores hold against what the first tick wants.
//!
//! Before anything is written the stores' documents are listed by id with the hash of their
//! content, for each worker those of the orders in its partitions. While the first tick (hydration)
//! is written, every wanted document takes its entry out of the list: an equal one is not written
//! again. What a worker's list still holds when it has rendered all of the first tick is nobody's
//! any more and is deleted. Rows are compared whole, on worker 0.

use std::sync::{Mutex, MutexGuard, PoisonError};

use eip_contract::{hex, partition_of};
use eip_views::RouteStatsRow;
use hashbrown::HashMap;

use eip_stores::{DocumentStore, DocumentView, Look, StoreError};

/// Which workers are in this process, among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Which process this is.
    pub process: usize,
    /// How many processes there are.
    pub processes: usize,
    /// Workers in each of them.
    pub workers: usize,
    /// Partitions of the log.
    pub partitions: u32,
}

impl Placement {
    /// Workers in all processes.
    pub fn peers(&self) -> usize {
        self.processes * self.workers
    }

    /// The worker of this process whose order this is; none when it is another process's.
    fn worker_of(&self, order_id: &str) -> Option<usize> {
        let partition = partition_of(order_id.as_bytes(), self.partitions) as usize;
        (partition % self.peers())
            .checked_sub(self.process * self.workers)
            .filter(|&worker| worker < self.workers)
    }
}

/// What the stores held when the dataflow started and nobody has claimed yet.
pub struct Stored {
    /// By worker of this process and by view.
    documents: Vec<[Mutex<Listed>; 2]>,
    rows: Mutex<Vec<RouteStatsRow>>,
}

/// The documents of one view: most ids are 32 hex digits and need no text.
#[derive(Default)]
struct Listed {
    numbers: HashMap<u128, Option<u64>>,
    texts: HashMap<String, Option<u64>>,
}

impl Stored {
    /// Lists what the stores hold of this process's orders; `rows` are those of worker 0.
    pub fn read(
        documents: &mut dyn DocumentStore,
        look: Look,
        placement: Placement,
        rows: Vec<RouteStatsRow>,
    ) -> Result<Self, StoreError> {
        let mut lists: Vec<[Listed; 2]> = Vec::new();
        lists.resize_with(placement.workers, Default::default);
        for view in DocumentView::ALL {
            documents.scan(view, look, &mut |document| {
                let Some(worker) = placement.worker_of(document.order_id) else {
                    return;
                };
                let listed = &mut lists[worker][view as usize];
                match number(document.id) {
                    Some(number) => listed.numbers.insert(number, document.rev),
                    None => listed.texts.insert(document.id.to_owned(), document.rev),
                };
            })?;
        }
        let documents = lists.into_iter().map(|views| views.map(Mutex::new));
        Ok(Self {
            documents: documents.collect(),
            rows: Mutex::new(rows),
        })
    }

    /// Takes a wanted document out of a worker's list; gives whether it is stored as it should be.
    pub fn claim(&self, worker: usize, view: DocumentView, id: &str, rev: u64) -> bool {
        let mut listed = self.listed(worker, view);
        let found = match number(id) {
            Some(number) => listed.numbers.remove(&number),
            None => listed.texts.remove(id),
        };
        found.flatten() == Some(rev)
    }

    /// Takes the ids that a worker has not claimed.
    pub fn take_unclaimed(&self, worker: usize, view: DocumentView) -> Vec<String> {
        let Listed { numbers, texts } = std::mem::take(&mut *self.listed(worker, view));
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

    fn listed(&self, worker: usize, view: DocumentView) -> MutexGuard<'_, Listed> {
        // A map is whole between any two of these calls.
        self.documents[worker][view as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn number(id: &str) -> Option<u128> {
    hex::parse_32(id.as_bytes().try_into().ok()?)
}
