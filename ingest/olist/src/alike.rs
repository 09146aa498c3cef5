//! Keys that a reference would match if case and blanks did not count. Ids stay opaque: this only
//! explains why something does not join.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashMap;

use crate::keyed::{Entry, Keyed};

/// An index of a table by what its keys have in common with such references: made when it is first
/// asked for, 16 bytes a key while it lives. The table must not grow afterwards.
#[derive(Default)]
pub(crate) struct Alike {
    hasher: RandomState,
    index: Option<HashMap<u64, u32>>,
}

impl Alike {
    /// A key of the table that is like the reference and not the same.
    #[cold]
    pub(crate) fn find<T: Entry>(&mut self, table: &Keyed<T>, reference: &[u8]) -> Option<String> {
        let hasher = &self.hasher;
        let index = self.index.get_or_insert_with(|| {
            let keys = (0..).zip(table.texts());
            keys.map(|(number, key)| (hasher.hash_one(bare(&key)), number))
                .collect()
        });
        let reference = std::str::from_utf8(reference).ok()?;
        let wanted = bare(reference);
        if wanted.is_empty() {
            return None;
        }
        let number = *index.get(&hasher.hash_one(&wanted))?;
        let key = table.text_of(number);
        (key != reference && bare(&key) == wanted).then_some(key)
    }
}

fn bare(key: &str) -> String {
    key.trim().to_lowercase()
}
