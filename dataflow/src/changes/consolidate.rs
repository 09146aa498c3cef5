//! Changes of documents or rows → one write a key.

use std::cmp::Ordering;

/// A document or row of a view, in packed form.
pub trait Keyed {
    /// Compares what names them, which is all that is written of them at most once a tick.
    fn cmp_key(&self, other: &Self) -> Ordering;
}

impl<K: Ord, V> Keyed for (K, V) {
    fn cmp_key(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

/// What is to become of one document or row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<D> {
    /// It is this from now on.
    Index(D),
    /// The one that this was is gone.
    Delete(D),
}

/// Takes all `updates` and gives one change a key, in the order of the keys: what remains with +1
/// is an index, only a lone −1 a delete, and what cancels out is nothing. Updates of one tick or
/// of several, in any order, as long as they are all of these ticks for their keys.
pub fn consolidate<D: Keyed + Ord>(updates: &mut Vec<(D, i64)>, mut each: impl FnMut(Change<D>)) {
    updates.sort_unstable_by(|(left, _), (right, _)| {
        left.cmp_key(right).then_with(|| left.cmp(right))
    });
    let mut updates = updates.drain(..).peekable();
    while let Some((first, mut diff)) = updates.next() {
        let mut document = first;
        let (mut added, mut removed) = (None, None);
        loop {
            let next = updates.next_if(|(next, _)| next.cmp_key(&document).is_eq());
            if let Some((next, more)) = &next
                && *next == document
            {
                diff += more;
                continue;
            }
            match diff {
                0 => {}
                1 => {
                    let other = added.replace(document);
                    assert!(other.is_none(), "a document has one content after a tick");
                }
                -1 => removed = Some(document),
                _ => panic!("a document is there once or not at all"),
            }
            let Some(next) = next else { break };
            (document, diff) = next;
        }
        match (added, removed) {
            (Some(document), _) => each(Change::Index(document)),
            (None, Some(document)) => each(Change::Delete(document)),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Document(u8, u8);

    impl Keyed for Document {
        fn cmp_key(&self, other: &Self) -> Ordering {
            self.0.cmp(&other.0)
        }
    }

    proptest! {
        /// Histories of a few documents, cut into writes anywhere between ticks.
        #[test]
        fn applying_the_changes_gives_what_stands_and_touches_each_document_once(
            ticks in prop::collection::vec(
                prop::collection::btree_map(0..5_u8, prop::option::of(0..3_u8), 0..5), 1..8),
            cuts in prop::collection::vec(any::<bool>(), 8),
            shuffle in any::<u64>(),
        ) {
            let mut stands: BTreeMap<u8, u8> = BTreeMap::new();
            let mut stored: BTreeMap<u8, u8> = BTreeMap::new();
            let mut pending: Vec<(Document, i64)> = Vec::new();
            for (tick, cut) in ticks.iter().zip(cuts.iter().chain(std::iter::repeat(&true))) {
                for (&id, &content) in tick {
                    if let Some(old) = stands.remove(&id) {
                        pending.push((Document(id, old), -1));
                    }
                    if let Some(new) = content {
                        stands.insert(id, new);
                        pending.push((Document(id, new), 1));
                    }
                }
                if *cut {
                    let middle = shuffle as usize % pending.len().max(1);
                    pending.rotate_left(middle);
                    let before = stored.clone();
                    let mut touched = Vec::new();
                    consolidate(&mut pending, |change| match change {
                        Change::Index(Document(id, content)) => {
                            touched.push(id);
                            stored.insert(id, content);
                        }
                        Change::Delete(Document(id, _)) => {
                            touched.push(id);
                            stored.remove(&id);
                        }
                    });
                    prop_assert_eq!(&stored, &stands);
                    let changed: Vec<u8> = (0..5).filter(|id| before.get(id) != stands.get(id)).collect();
                    prop_assert_eq!(touched, changed, "once each, in order, and only what differs");
                }
            }
        }
    }
}
