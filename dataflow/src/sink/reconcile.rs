//! A restart writes only what differs: what the stores hold against what the first tick wants.
//!
//! Before anything is written the stores' documents are listed by id with the hash of their
//! content, for each worker those of the orders in its partitions. While the first tick (hydration)
//! is written, every wanted document takes its entry out of the list: an equal one is not written
//! again. What a worker's list still holds when it has rendered all of the first tick is nobody's
//! any more and is deleted. Rows are compared whole, on worker 0.

use std::sync::{Mutex, MutexGuard, PoisonError};

use eip_contract::{hex, partition_of};
use eip_views::{Row, View};
use hashbrown::HashMap;

use eip_stores::{DocumentStore, Look, StoreError};

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
    /// By worker of this process and by document view.
    documents: Vec<Vec<Mutex<Listed>>>,
    rows: Mutex<Vec<(&'static View, Vec<Row>)>>,
}

/// The documents of one view: most ids are 32 hex digits and need no text.
#[derive(Default)]
struct Listed {
    numbers: HashMap<u128, Option<u64>>,
    texts: HashMap<String, Option<u64>>,
}

impl Stored {
    /// Lists what the store holds of this process's orders in `views`, those that are documents.
    pub fn read(
        documents: &mut dyn DocumentStore,
        views: &[&'static View],
        look: Look,
        placement: Placement,
    ) -> Result<Self, StoreError> {
        let of_worker = || views.iter().map(|_| Listed::default()).collect();
        let mut lists: Vec<Vec<Listed>> = (0..placement.workers).map(|_| of_worker()).collect();
        for (place, view) in views.iter().enumerate() {
            documents.scan(view, look, &mut |document| {
                let Some(worker) = placement.worker_of(document.order_id) else {
                    return;
                };
                let listed = &mut lists[worker][place];
                match number(document.id) {
                    Some(number) => listed.numbers.insert(number, document.rev),
                    None => listed.texts.insert(document.id.to_owned(), document.rev),
                };
            })?;
        }
        let documents = lists.into_iter();
        Ok(Self {
            documents: documents
                .map(|views| views.into_iter().map(Mutex::new).collect())
                .collect(),
            rows: Mutex::default(),
        })
    }

    /// The same with the rows of each view, which worker 0 compares.
    #[must_use]
    pub fn with_rows(self, rows: Vec<(&'static View, Vec<Row>)>) -> Self {
        Self {
            rows: Mutex::new(rows),
            ..self
        }
    }

    /// Takes a wanted document of the view at `place` out of a worker's list; gives whether it is
    /// stored as it should be.
    pub fn claim(&self, worker: usize, place: usize, id: &str, rev: u64) -> bool {
        let mut listed = self.listed(worker, place);
        let found = match number(id) {
            Some(number) => listed.numbers.remove(&number),
            None => listed.texts.remove(id),
        };
        found.flatten() == Some(rev)
    }

    /// Takes the ids of the view at `place` that a worker has not claimed.
    pub fn take_unclaimed(&self, worker: usize, place: usize) -> Vec<String> {
        let Listed { numbers, texts } = std::mem::take(&mut *self.listed(worker, place));
        let numbers = numbers.into_keys().map(|number| {
            String::from_utf8(hex::format_32(number).to_vec()).expect("hex is ASCII")
        });
        let mut ids: Vec<String> = numbers.chain(texts.into_keys()).collect();
        ids.sort_unstable();
        ids
    }

    /// Takes the rows of a view.
    pub fn take_rows(&self, view: &View) -> Vec<Row> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rows.iter_mut().find(|(known, _)| *known == view);
        found.map_or_else(Vec::new, |(_, rows)| std::mem::take(rows))
    }

    fn listed(&self, worker: usize, place: usize) -> MutexGuard<'_, Listed> {
        // A map is whole between any two of these calls.
        self.documents[worker][place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What makes the `wanted` rows of the `stored` ones: rows to write, and keys, the first `key` values,
/// to take away.
pub fn difference(mut stored: Vec<Row>, mut wanted: Vec<Row>, key: usize) -> (Vec<Row>, Vec<Row>) {
    for rows in [&mut stored, &mut wanted] {
        if !rows.is_sorted() {
            rows.sort_unstable();
        }
    }
    let mut stored = stored.into_iter().peekable();
    let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
    let mut gone = |mut row: Row| {
        row.truncate(key);
        deletes.push(row);
    };
    for row in wanted {
        while let Some(before) = stored.next_if(|before| before[..key] < row[..key]) {
            gone(before);
        }
        let same_key = stored.next_if(|before| before[..key] == row[..key]);
        if same_key.as_ref() != Some(&row) {
            upserts.push(row);
        }
    }
    stored.for_each(gone);
    (upserts, deletes)
}

fn number(id: &str) -> Option<u128> {
    hex::parse_32(id.as_bytes().try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use eip_views::Value;

    use super::*;

    #[test]
    fn the_difference_of_rows_is_what_has_to_be_written() {
        let row = |key: i64, value: i64| vec![Value::Integer(key), Value::Integer(value)];
        let key = |key: i64| vec![Value::Integer(key)];
        let stored = vec![row(1, 1), row(2, 2), row(4, 4), row(5, 5)];
        let wanted = vec![row(6, 6), row(2, 2), row(4, 5), row(3, 3)];
        let (upserts, deletes) = difference(stored.clone(), wanted, 1);
        assert_eq!(upserts, [row(3, 3), row(4, 5), row(6, 6)]);
        assert_eq!(deletes, [key(1), key(5)]);
        let (upserts, deletes) = difference(stored.clone(), stored, 1);
        assert!(upserts.is_empty() && deletes.is_empty());
    }
}
