//! Tables by key: exact, and in a fixed number of bytes for each entry.
//!
//! A key takes 16 bytes and two bits that say which form they have: 32 lower-case hex digits are a
//! number, a text of up to 15 bytes stands there itself, a longer one in the table's arena. Two
//! keys are the same only if form and bytes are: nothing rests on a hash alone. Beside the entries
//! there is one index, 5 bytes a slot between 7/16 and 7/8 full: 5.7 to 11.4 bytes an entry, 17.1
//! while it grows.

use std::borrow::Cow;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use eip_contract::hex;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::arena::{Chunks, TextPlace, Texts};

/// How the 16 bytes of a key are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Form {
    /// The number that 32 lower-case hex digits write.
    Hex,
    /// A text of up to 15 bytes, its length in the last.
    Short,
    /// A place in the arena.
    Long,
    /// The index of another table's entry.
    Index,
}

/// A key as a table keeps it. The form lies beside other bits of the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) form: Form,
    pub(crate) bits: u128,
}

impl Form {
    /// From two bits.
    pub(crate) fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Hex,
            1 => Self::Short,
            2 => Self::Long,
            _ => Self::Index,
        }
    }
}

/// A key to look up: packed, or a text too long for that.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe<'a> {
    /// Not of the form [`Form::Long`].
    Packed(Key),
    /// More than 15 bytes and no number.
    Long(&'a [u8]),
}

impl<'a> Probe<'a> {
    #[inline]
    pub(crate) fn of_text(text: &'a [u8]) -> Self {
        if let Ok(digits) = text.try_into()
            && let Some(number) = hex::parse_32(digits)
        {
            return Self::Packed(Key {
                form: Form::Hex,
                bits: number,
            });
        }
        if text.len() < 16 {
            let mut bytes = [0; 16];
            bytes[..text.len()].copy_from_slice(text);
            bytes[15] = text.len() as u8;
            return Self::Packed(Key {
                form: Form::Short,
                bits: u128::from_le_bytes(bytes),
            });
        }
        Self::Long(text)
    }

    pub(crate) fn of_index(index: u32) -> Self {
        Self::Packed(Key {
            form: Form::Index,
            bits: u128::from(index),
        })
    }

    /// Whether it is 32 lower-case hex digits: then it is a valid key without a further look.
    pub(crate) fn is_hex(&self) -> bool {
        matches!(
            self,
            Self::Packed(Key {
                form: Form::Hex,
                ..
            })
        )
    }
}

/// An entry of a [`Keyed`] table.
pub(crate) trait Entry {
    /// Its key, as given to it.
    fn key(&self) -> Key;
    /// The second half of its key, for tables that have one.
    fn number(&self) -> u64 {
        0
    }
}

/// Entries in the order of their coming, each found by its key.
pub(crate) struct Keyed<T> {
    entries: Chunks<T>,
    texts: Texts,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self {
            entries: Chunks::default(),
            texts: Texts::default(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<T: Entry> Keyed<T> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> &Chunks<T> {
        &self.entries
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        self.entries.get_mut(index as usize)
    }

    /// The entry with this key.
    #[inline]
    pub(crate) fn find(&self, probe: Probe<'_>, number: u64) -> Option<u32> {
        let hash = hash(&self.hasher, probe, number);
        self.index
            .find(hash, |&index| self.is(index, probe, number))
            .copied()
    }

    /// Adds an entry; `None` when there is one with this key, which then stays as it is.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        probe: Probe<'_>,
        number: u64,
        entry: impl FnOnce(Key) -> T,
    ) -> Option<u32> {
        let hash = hash(&self.hasher, probe, number);
        if self
            .index
            .find(hash, |&index| self.is(index, probe, number))
            .is_some()
        {
            return None;
        }
        let key = match probe {
            Probe::Packed(key) => key,
            Probe::Long(text) => Key {
                form: Form::Long,
                bits: place_bits(self.texts.push(text)),
            },
        };
        // The reader takes at most 2³² − 1 rows of a file.
        let index = u32::try_from(self.entries.len()).expect("rows are numbered in 32 bits");
        self.entries.push(entry(key));
        let Self {
            entries,
            texts,
            hasher,
            ..
        } = self;
        self.index.insert_unique(hash, index, |&index| {
            let entry = entries.get(index as usize);
            hash_of(hasher, texts, entry.key(), entry.number())
        });
        Some(index)
    }

    #[inline]
    fn is(&self, index: u32, probe: Probe<'_>, number: u64) -> bool {
        let entry = self.entries.get(index as usize);
        let key = entry.key();
        entry.number() == number
            && match probe {
                Probe::Packed(wanted) => key == wanted,
                Probe::Long(text) => key.form == Form::Long && self.long(key) == text,
            }
    }

    fn long(&self, key: Key) -> &[u8] {
        self.texts.get(bits_place(key.bits))
    }

    /// The bytes of a key of this table; `room` holds those that stand nowhere.
    pub(crate) fn text<'a>(&'a self, key: Key, room: &'a mut [u8; 32]) -> &'a str {
        let bytes: &[u8] = match key.form {
            Form::Hex => {
                *room = hex::format_32(key.bits);
                room
            }
            Form::Short => {
                room[..16].copy_from_slice(&key.bits.to_le_bytes());
                let length = usize::from(room[15]);
                &room[..length]
            }
            Form::Long => self.long(key),
            Form::Index => unreachable!("the entry of another table has its text there"),
        };
        std::str::from_utf8(bytes).expect("keys are checked before they come in")
    }

    /// The text of the key of an entry.
    pub(crate) fn text_of(&self, index: u32) -> String {
        let key = self.entries.get(index as usize).key();
        self.text(key, &mut [0; 32]).to_owned()
    }

    /// The texts of all keys, in the order of their coming.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.entries.iter().map(|entry| match entry.key() {
            key @ Key {
                form: Form::Long, ..
            } => {
                let text = std::str::from_utf8(self.long(key));
                Cow::Borrowed(text.expect("keys are checked before they come in"))
            }
            key => Cow::Owned(self.text(key, &mut [0; 32]).to_owned()),
        })
    }
}

fn hash(hasher: &DefaultHashBuilder, probe: Probe<'_>, number: u64) -> u64 {
    match probe {
        Probe::Packed(key) => hash_packed(hasher, key, number),
        Probe::Long(text) => hash_long(hasher, text, number),
    }
}

fn hash_of(hasher: &DefaultHashBuilder, texts: &Texts, key: Key, number: u64) -> u64 {
    match key.form {
        Form::Long => hash_long(hasher, texts.get(bits_place(key.bits)), number),
        _ => hash_packed(hasher, key, number),
    }
}

#[inline]
fn hash_packed(hasher: &DefaultHashBuilder, key: Key, number: u64) -> u64 {
    let mut state = hasher.build_hasher();
    state.write_u128(key.bits);
    state.write_u64(number ^ (key.form as u64) << 62);
    state.finish()
}

fn hash_long(hasher: &DefaultHashBuilder, text: &[u8], number: u64) -> u64 {
    let mut state = hasher.build_hasher();
    text.hash(&mut state);
    state.write_u64(number);
    state.finish()
}

fn place_bits(place: TextPlace) -> u128 {
    let TextPlace {
        chunk,
        start,
        length,
    } = place;
    u128::from(chunk) << 64 | u128::from(start) << 32 | u128::from(length)
}

fn bits_place(bits: u128) -> TextPlace {
    TextPlace {
        chunk: (bits >> 64) as u32,
        start: (bits >> 32) as u32,
        length: bits as u32,
    }
}

/// 16 bytes of a key inside an entry that is aligned to four.
pub(crate) type KeyBits = [u32; 4];

pub(crate) fn to_bits(bits: u128) -> KeyBits {
    [
        bits as u32,
        (bits >> 32) as u32,
        (bits >> 64) as u32,
        (bits >> 96) as u32,
    ]
}

pub(crate) fn from_bits(bits: KeyBits) -> u128 {
    let [a, b, c, d] = bits.map(u128::from);
    a | b << 32 | c << 64 | d << 96
}

/// A key alone: an entry of 20 bytes.
#[derive(Debug)]
pub(crate) struct KeyOnly {
    bits: KeyBits,
    /// The form in the lowest two bits, 30 bits for whoever wants them.
    word: u32,
}

impl KeyOnly {
    pub(crate) fn new(key: Key, more: u32) -> Self {
        assert!(more < 1 << 30, "30 bits are left beside the form");
        Self {
            bits: to_bits(key.bits),
            word: more << 2 | key.form as u32,
        }
    }

    pub(crate) fn more(&self) -> u32 {
        self.word >> 2
    }

    pub(crate) fn set_more(&mut self, more: u32) {
        *self = Self::new(self.key(), more);
    }
}

impl Entry for KeyOnly {
    fn key(&self) -> Key {
        Key {
            form: Form::from_bits(self.word),
            bits: from_bits(self.bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_with_a_key_is_20_bytes() {
        assert_eq!(size_of::<KeyOnly>(), 20);
    }

    #[test]
    fn an_index_takes_at_most_17_bytes_an_entry_even_while_it_grows() {
        let mut table = Keyed::default();
        let mut before = 0;
        for i in 0..300_000_u128 {
            let probe = Probe::Packed(Key {
                form: Form::Hex,
                bits: i,
            });
            table.insert(probe, 0, |key| KeyOnly::new(key, 0));
            let now = table.index.allocation_size();
            if now != before {
                // The old index lives until all of it is in the new one.
                let an_entry = (before + now) as f64 / (i + 1) as f64;
                assert!(i < 1_000 || an_entry < 17.2, "{an_entry} bytes at {i}");
                before = now;
            }
        }
    }

    #[test]
    fn keys_that_look_alike_stay_apart() {
        let hex = "00000000000000000000000000000001";
        let alike = [
            hex,
            &hex.to_uppercase(),
            "1",
            "01",
            "a",
            "A",
            "a ",
            &hex[..31],
            &hex[..15],
        ];
        let upper = hex.replace('1', "f").to_uppercase();
        let mut table = Keyed::default();
        let mut kept = 0;
        for text in alike.into_iter().chain([upper.as_str(), "\u{1}\u{0}"]) {
            let inserted = table.insert(Probe::of_text(text.as_bytes()), 0, |key| {
                KeyOnly::new(key, kept)
            });
            // The digits alone have no case: that one is a second time the same.
            assert_eq!(
                inserted.is_none(),
                kept == 1 && text == hex && table.len() == 1,
                "{text}"
            );
            kept = table.len() as u32;
        }
    }

    proptest! {
        #[test]
        fn a_table_is_a_map(keys in prop::collection::vec("[0-9a-f]{32}|[a-c]{1,2}|[a-bé]{14,17}|[A-F]{30,600}", 1..200)) {
            let mut table = Keyed::default();
            let mut map = std::collections::BTreeMap::new();
            let mut order = Vec::new();
            for (i, key) in keys.iter().enumerate() {
                let inserted = table.insert(Probe::of_text(key.as_bytes()), 0, |packed| KeyOnly::new(packed, i as u32));
                prop_assert_eq!(inserted.is_some(), !map.contains_key(key));
                if inserted.is_some() {
                    map.insert(key.clone(), i as u32);
                    order.push(key.clone());
                }
            }
            for (key, i) in &map {
                let found = table.find(Probe::of_text(key.as_bytes()), 0).unwrap();
                prop_assert_eq!(table.entries().get(found as usize).more(), *i);
                let (mut room, packed) = ([0; 32], table.entries().get(found as usize).key());
                prop_assert_eq!(table.text(packed, &mut room), key);
            }
            prop_assert!(table.texts().eq(order.iter().map(String::as_str)));
            prop_assert_eq!(table.find(Probe::of_text(b"absent"), 0), None);
        }
    }
}
