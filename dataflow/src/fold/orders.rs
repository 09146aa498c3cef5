//! The state of the fold: every order's current facts, and what the open tick has changed so far.

use eip_contract::{Offset, OrderFacts, OrderKey, PackedChange};

use super::index::Index;
use crate::source::Record;
use crate::views::shipments::Facts;

/// Orders in one slab: growing moves none, and no page is touched before it is needed.
const SLAB: usize = 1 << 12;

struct Order {
    key: OrderKey,
    /// Whether the open tick has met the order, which was there before.
    touched: bool,
    facts: OrderFacts,
}

/// An order that was there before the open tick, as it was then.
struct Before {
    place: u32,
    facts: Facts,
}

/// All orders of one worker.
///
/// Records of one tick may come in any order and any number of times. An order stays for good,
/// since its last tombstone's offset must outlive its facts.
pub(super) struct Orders {
    index: Index,
    slabs: Vec<Vec<Order>>,
    /// Orders so far.
    len: u32,
    /// Orders from here on are new in the open tick.
    first_new: u32,
    /// Older orders that the open tick has met.
    before: Vec<Before>,
    /// How many of these, and of the new ones, have been drained.
    drained: (usize, u32),
    /// Places of a batch's orders, kept for its allocation.
    places: Vec<Option<u32>>,
}

impl Orders {
    pub(super) fn new(seed: [u64; 2]) -> Self {
        Self {
            index: Index::new(seed),
            slabs: Vec::new(),
            len: 0,
            first_new: 0,
            before: Vec::new(),
            drained: (0, 0),
            places: Vec::new(),
        }
    }

    /// Applies records of the open tick.
    pub(super) fn apply(&mut self, records: &[Record]) {
        // First all look-ups, none of which waits for another: their cache misses overlap.
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        places.extend(records.iter().map(|(_, change)| self.find(key(change))));
        for ((offset, change), place) in records.iter().zip(&places) {
            let place = place.or_else(|| self.find(key(change)));
            self.change(place.unwrap_or(self.len), *offset, change);
        }
        self.places = places;
    }

    #[inline]
    fn find(&self, key: OrderKey) -> Option<u32> {
        self.index.find(self.index.tag(key), |place| {
            at(&self.slabs, place).key == key
        })
    }

    fn change(&mut self, place: u32, offset: Offset, change: &PackedChange) {
        if place == self.len {
            self.add(key(change));
        }
        let order = &mut self.slabs[place as usize / SLAB][place as usize % SLAB];
        if place < self.first_new && !order.touched {
            order.touched = true;
            self.before.push(Before {
                place,
                facts: *order.facts.current(),
            });
        }
        match *change {
            PackedChange::Assert(_, event_type, fact) => {
                order.facts.assert(event_type, fact, offset);
            }
            PackedChange::Retract(_) => {
                order.facts.retract(offset);
            }
        }
    }

    fn add(&mut self, key: OrderKey) {
        if (self.len as usize).is_multiple_of(SLAB) {
            self.slabs.push(Vec::with_capacity(SLAB));
        }
        let slab = self.slabs.last_mut().expect("a slab has been pushed");
        slab.push(Order {
            key,
            touched: false,
            facts: OrderFacts::default(),
        });
        self.index.insert(self.index.tag(key), self.len);
        self.len += 1;
    }

    /// Hands over the next orders that the tick has met, `most` of them at most: the facts before
    /// it and those after it. Gives false, and opens the next tick, once all have been.
    pub(super) fn drain(
        &mut self,
        most: usize,
        mut each: impl FnMut(OrderKey, &Facts, &Facts),
    ) -> bool {
        let (old, new) = self.drained;
        let old_end = self.before.len().min(old + most);
        for before in &self.before[old..old_end] {
            let order = &mut self.slabs[before.place as usize / SLAB][before.place as usize % SLAB];
            order.touched = false;
            each(order.key, &before.facts, order.facts.current());
        }
        let most = most - (old_end - old);
        let new = self.first_new.max(new);
        let new_end = self.len.min(new.saturating_add(most as u32));
        for place in new..new_end {
            let order = at(&self.slabs, place);
            each(order.key, &[None; 6], order.facts.current());
        }
        self.drained = (old_end, new_end);
        if old_end < self.before.len() || new_end < self.len {
            return true;
        }
        // A big tick's memory goes back; a small one's is kept.
        if self.before.len() > 1 << 16 {
            self.before = Vec::new();
        }
        self.before.clear();
        self.first_new = self.len;
        self.drained = (0, self.len);
        false
    }
}

#[inline]
fn at(slabs: &[Vec<Order>], place: u32) -> &Order {
    &slabs[place as usize / SLAB][place as usize % SLAB]
}

#[inline]
fn key(change: &PackedChange) -> OrderKey {
    match change {
        PackedChange::Assert(order, ..) | PackedChange::Retract(order) => *order,
    }
}
