//! Order → its place: open addressing over eight-byte slots, so that a look-up costs one cache line.
//!
//! A slot holds 32 bits of the key's hash beside the place. A slot's home follows from these bits
//! alone, so the table grows without the keys, in one pass from front to back.

use eip_contract::OrderKey;

/// A slot without an entry; places stay below.
const FREE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Slot {
    tag: u32,
    place: u32,
}

/// Where each order is. Whether a found place is really the order's is for the caller to say.
pub(super) struct Index {
    slots: Vec<Slot>,
    entries: usize,
    /// Secret of this process: whoever picks order ids cannot make them collide.
    seed: [u64; 2],
}

impl Index {
    pub(super) fn new(seed: [u64; 2]) -> Self {
        Self {
            slots: vec![
                Slot {
                    tag: 0,
                    place: FREE
                };
                64
            ],
            entries: 0,
            seed,
        }
    }

    /// The bits of a key that the table works with: a folded multiplication, as in wyhash.
    #[inline]
    pub(super) fn tag(&self, key: OrderKey) -> u32 {
        let bits = key.bits();
        let low = bits as u64 ^ self.seed[0];
        let high = (bits >> 64) as u64 ^ self.seed[1];
        let product = u128::from(low) * u128::from(high);
        ((product >> 64) as u64 ^ product as u64) as u32
    }

    /// The place of the entry with this tag that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, tag: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = home(tag, self.slots.len());
        loop {
            let slot = self.slots[at];
            if slot.place == FREE {
                return None;
            }
            if slot.tag == tag && is_it(slot.place) {
                return Some(slot.place);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds an entry that is not there yet.
    pub(super) fn insert(&mut self, tag: u32, place: u32) {
        assert!(place != FREE, "a worker holds fewer than 2^32 − 1 orders");
        if (self.entries + 1) * 8 > self.slots.len() * 5 {
            let grown = vec![
                Slot {
                    tag: 0,
                    place: FREE
                };
                self.slots.len() * 2
            ];
            for slot in std::mem::replace(&mut self.slots, grown) {
                if slot.place != FREE {
                    self.put(slot);
                }
            }
        }
        self.put(Slot { tag, place });
        self.entries += 1;
    }

    fn put(&mut self, slot: Slot) {
        let mut at = home(slot.tag, self.slots.len());
        while self.slots[at].place != FREE {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }
}

/// The first slot to look at: the tag's upper bits, so that a grown table keeps the order.
#[inline]
fn home(tag: u32, slots: usize) -> usize {
    ((u64::from(tag) * slots as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use eip_contract::Dictionary;

    #[test]
    fn every_order_is_found_at_its_place_and_no_other_is() {
        let dictionary = Dictionary::default();
        let keys: Vec<_> = (0..20_000_u128)
            .map(|n| match n % 3 {
                0 => OrderKey::from_number(n).unwrap(),
                1 => OrderKey::from_number(n << 96).unwrap(),
                _ => dictionary.order_key(&format!("order {n}")),
            })
            .collect();
        let mut index = Index::new([3, 5]);
        for (place, key) in keys.iter().enumerate() {
            let tag = index.tag(*key);
            assert_eq!(index.find(tag, |at| keys[at as usize] == *key), None);
            index.insert(tag, place as u32);
        }
        for (place, key) in keys.iter().enumerate() {
            let found = index.find(index.tag(*key), |at| keys[at as usize] == *key);
            assert_eq!(found, Some(place as u32));
        }
    }
}
