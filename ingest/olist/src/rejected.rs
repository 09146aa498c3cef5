//! Keys of rejected rows, each with the position of the first such row.

use crate::keyed::{Entry, Form, Key, KeyBits, Keyed, Probe, from_bits, to_bits};

/// The keys: 28 bytes and an index slot each.
#[derive(Default)]
pub(crate) struct RejectedKeys(Keyed<Rejected>);

struct Rejected {
    bits: KeyBits,
    /// Low half first.
    position: [u32; 2],
    form: Form,
}

impl Entry for Rejected {
    fn key(&self) -> Key {
        Key {
            form: self.form,
            bits: from_bits(self.bits),
        }
    }
}

impl RejectedKeys {
    /// Adds the key of a row unless it is there.
    pub(crate) fn add(&mut self, key: Probe<'_>, position: u64) {
        self.0.insert(key, 0, |Key { form, bits }| Rejected {
            bits: to_bits(bits),
            position: [position as u32, (position >> 32) as u32],
            form,
        });
    }

    /// The number of a key.
    pub(crate) fn find(&self, key: Probe<'_>) -> Option<u32> {
        self.0.find(key, 0)
    }

    /// The position of the first row with the key of this number.
    pub(crate) fn position(&self, number: u32) -> u64 {
        let [low, high] = self.0.entries().get(number as usize).position;
        u64::from(high) << 32 | u64::from(low)
    }

    /// All keys.
    pub(crate) fn texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.0.texts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_of_a_key_is_known() {
        assert_eq!(size_of::<Rejected>(), 28);
        let mut keys = RejectedKeys::default();
        keys.add(Probe::of_text(b"a"), 1 << 40 | 7);
        keys.add(Probe::of_text(b"a"), 9);
        let number = keys.find(Probe::of_text(b"a")).unwrap();
        assert_eq!(keys.position(number), 1 << 40 | 7);
        assert_eq!(keys.find(Probe::of_text(b"b")), None);
    }
}
