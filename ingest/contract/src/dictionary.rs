//! Texts ↔ the small numbers that stand for them inside the engine.
//!
//! An `order_id` of 32 lower-case hex digits *is* a number and costs nothing; any other text is
//! interned once a process. Regions are few and always interned. Codes mean something only beside
//! their [`Dictionary`]; they are never stored or sent to another process.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::dead_letter::DeadLetter;
use crate::hex;

/// Hex ids under this prefix are interned like any other text, so that the numbers below it are
/// free to stand for interned texts.
const INTERNED_PREFIX: u128 = 0x00e1_b0e1_b0e1_b0e1_b0e1_b0e1 << 32;
const PREFIX_MASK: u128 = !0xffff_ffff;

/// Stands for an `order_id`, one to one within a [`Dictionary`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct OrderKey(u128);

impl OrderKey {
    /// The key of a 32-digit lower-case hex id; `None` under the prefix reserved for other texts.
    #[inline]
    pub fn from_number(number: u128) -> Option<Self> {
        (number & PREFIX_MASK != INTERNED_PREFIX).then_some(Self(number))
    }

    fn interned(self) -> Option<usize> {
        (self.0 & PREFIX_MASK == INTERNED_PREFIX).then_some((self.0 & !PREFIX_MASK) as usize)
    }

    /// The bits, as something to hash or to sort by.
    #[inline]
    pub fn bits(self) -> u128 {
        self.0
    }
}

/// Stands for a region, one to one within a [`Dictionary`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RegionCode(pub u32);

impl RegionCode {
    /// Every code is below 2 to the power of this.
    pub const BITS: u32 = 23;
}

/// Most regions that a dictionary takes: a day and two codes fit into one word. Which ones are too
/// many depends on what was read first, so the limit lies far above what any log is expected to hold.
pub const MAX_REGIONS: usize = 1 << RegionCode::BITS;

/// The texts behind the codes of one process. Shared by all its workers.
#[derive(Debug)]
pub struct Dictionary {
    orders: RwLock<Interner>,
    regions: RwLock<Interner>,
    most_regions: usize,
}

#[derive(Debug, Default)]
struct Interner {
    codes: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Interner {
    fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = u32::try_from(self.texts.len()).expect("fewer than 2^32 texts fit into memory");
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        code
    }
}

impl Default for Dictionary {
    fn default() -> Self {
        Self::with_most_regions(MAX_REGIONS)
    }
}

impl Dictionary {
    /// A dictionary that takes at most this many regions, of [`MAX_REGIONS`] possible ones.
    pub fn with_most_regions(most: usize) -> Self {
        Self {
            orders: RwLock::default(),
            regions: RwLock::default(),
            most_regions: most.min(MAX_REGIONS),
        }
    }

    /// The key of an `order_id`.
    pub fn order_key(&self, order_id: &str) -> OrderKey {
        let number = order_id.as_bytes().try_into().ok().and_then(hex::parse_32);
        if let Some(key) = number.and_then(OrderKey::from_number) {
            return key;
        }
        if let Some(&code) = read(&self.orders).codes.get(order_id) {
            return OrderKey(INTERNED_PREFIX | u128::from(code));
        }
        OrderKey(INTERNED_PREFIX | u128::from(write(&self.orders).code(order_id)))
    }

    /// The `order_id` of a key that this dictionary gave.
    pub fn order_id(&self, key: OrderKey) -> Cow<'static, str> {
        match key.interned() {
            Some(code) => Cow::Owned(read(&self.orders).texts[code].as_ref().to_owned()),
            None => {
                Cow::Owned(String::from_utf8(hex::format_32(key.0).to_vec()).expect("hex is ASCII"))
            }
        }
    }

    /// The code of a region; a dead letter when as many others as possible are there already.
    pub fn region_code(&self, region: &str) -> Result<RegionCode, DeadLetter> {
        if let Some(&code) = read(&self.regions).codes.get(region) {
            return Ok(RegionCode(code));
        }
        let mut regions = write(&self.regions);
        if regions.texts.len() >= self.most_regions && !regions.codes.contains_key(region) {
            return Err(DeadLetter::TooManyRegions);
        }
        Ok(RegionCode(regions.code(region)))
    }

    /// The region of a code that this dictionary gave.
    pub fn region(&self, code: RegionCode) -> Arc<str> {
        Arc::clone(&read(&self.regions).texts[code.0 as usize])
    }

    /// All regions so far, by code.
    pub fn regions(&self) -> Vec<Arc<str>> {
        read(&self.regions).texts.clone()
    }
}

// A panic while one of these locks is held leaves the interner whole: both its steps only add.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_come_back_as_they_were() {
        let dictionary = Dictionary::default();
        let reserved = format!("{:032x}", INTERNED_PREFIX | 1);
        let ids = [
            "00112233445566778899aabbccddeeff",
            "00112233445566778899AABBCCDDEEFF",
            "new-5",
            "é",
            &reserved,
            "00000000000000000000000000000000",
        ];
        let keys: Vec<_> = ids.iter().map(|id| dictionary.order_key(id)).collect();
        for (id, key) in ids.iter().zip(&keys) {
            assert_eq!(dictionary.order_id(*key), *id);
            assert_eq!(dictionary.order_key(id), *key);
        }
        assert_eq!(
            keys.iter().collect::<std::collections::HashSet<_>>().len(),
            ids.len()
        );
    }

    #[test]
    fn a_region_beyond_the_limit_is_a_dead_letter_and_the_known_ones_stay() {
        let dictionary = Dictionary::with_most_regions(70_000);
        for n in 0..70_000 {
            dictionary.region_code(&n.to_string()).unwrap();
        }
        assert_eq!(
            dictionary.region_code("one more"),
            Err(DeadLetter::TooManyRegions)
        );
        let code = dictionary.region_code("69999").unwrap();
        assert_eq!(&*dictionary.region(code), "69999");
    }
}
