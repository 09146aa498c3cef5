//! The state of the fold: every order's current facts, and what the open tick has changed so far.

use eip_contract::{Offset, OrderFacts, OrderKey, PackedChange};

use hashbrown::HashMap;

use super::compact::{Compact, DoesNotFit};
use super::index::Index;
use crate::source::Record;
use eip_views::shipments::Facts;

/// Orders in one slab: growing moves none, and no page is touched before it is needed.
const SLAB: usize = 1 << 12;

struct Order {
    key: OrderKey,
    facts: Compact,
    /// Whether the open tick has met the order, which was there before.
    touched: bool,
    /// Whether the facts do not fit the compact form and are in `Orders::unusual` instead.
    unusual: bool,
}

/// An order that was there before the open tick, as it was then.
struct Before {
    place: u32,
    facts: BeforeFacts,
}

enum BeforeFacts {
    Usual(Compact),
    Unusual(Box<Facts>),
}

/// All orders of one worker.
///
/// Records of one tick may come in any order and any number of times. An order stays for good,
/// since its last tombstone's offset must outlive its facts.
pub(super) struct Orders {
    index: Index,
    slabs: Vec<Vec<Order>>,
    /// By place the facts of the orders that say so.
    unusual: HashMap<u32, OrderFacts>,
    /// Orders so far.
    len: u32,
    /// Orders from here on are new in the open tick.
    first_new: u32,
    /// Older orders that the open tick has met, in slabs as well.
    before: Vec<Vec<Before>>,
    /// How many these are.
    met: usize,
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
            unusual: HashMap::new(),
            len: 0,
            first_new: 0,
            before: vec![Vec::new()],
            met: 0,
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
        let order = at_mut(&mut self.slabs, place);
        if place < self.first_new && !order.touched {
            order.touched = true;
            let facts = if order.unusual {
                BeforeFacts::Unusual(Box::new(*self.unusual[&place].current()))
            } else {
                BeforeFacts::Usual(order.facts)
            };
            if self.met / SLAB == self.before.len() {
                self.before.push(Vec::with_capacity(SLAB));
            }
            self.before[self.met / SLAB].push(Before { place, facts });
            self.met += 1;
        }
        if !order.unusual {
            match *change {
                PackedChange::Assert(_, event_type, fact) => {
                    if order.facts.assert(event_type, fact, offset).is_ok() {
                        return;
                    }
                }
                PackedChange::Retract(_) => {
                    order.facts.retract(offset);
                    return;
                }
            }
            order.unusual = true;
            self.unusual.insert(place, order.facts.unpack());
        }
        let facts = self
            .unusual
            .get_mut(&place)
            .expect("an unusual order's facts are kept");
        match *change {
            PackedChange::Assert(_, event_type, fact) => {
                facts.assert(event_type, fact, offset);
            }
            PackedChange::Retract(_) => {
                facts.retract(offset);
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
            facts: Compact::default(),
            touched: false,
            unusual: false,
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
        let old_end = self.met.min(old + most);
        for at in old..old_end {
            let before = &self.before[at / SLAB][at % SLAB];
            let order = at_mut(&mut self.slabs, before.place);
            order.touched = false;
            let after = settle(order, before.place, &mut self.unusual);
            match &before.facts {
                BeforeFacts::Usual(facts) => each(order.key, &facts.current(), &after),
                BeforeFacts::Unusual(facts) => each(order.key, facts, &after),
            }
        }
        let most = most - (old_end - old);
        let new = self.first_new.max(new);
        let new_end = self.len.min(new.saturating_add(most as u32));
        for place in new..new_end {
            let order = at_mut(&mut self.slabs, place);
            let after = settle(order, place, &mut self.unusual);
            each(order.key, &[None; 6], &after);
        }
        self.drained = (old_end, new_end);
        if old_end < self.met || new_end < self.len {
            return true;
        }
        // A big tick's memory goes back; a small one's is kept.
        self.before.truncate(1);
        self.before[0].clear();
        self.met = 0;
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
fn at_mut(slabs: &mut [Vec<Order>], place: u32) -> &mut Order {
    &mut slabs[place as usize / SLAB][place as usize % SLAB]
}

/// The current facts of an order at the end of a tick. What a correction made unusual half way is
/// mostly usual again by then.
#[inline]
fn settle(order: &mut Order, place: u32, unusual: &mut HashMap<u32, OrderFacts>) -> Facts {
    if order.unusual {
        match Compact::pack(&unusual[&place]) {
            Ok(compact) => {
                order.facts = compact;
                order.unusual = false;
                unusual.remove(&place);
            }
            Err(DoesNotFit) => return *unusual[&place].current(),
        }
    }
    order.facts.current()
}

#[inline]
fn key(change: &PackedChange) -> OrderKey {
    match change {
        PackedChange::Assert(order, ..) | PackedChange::Retract(order) => *order,
    }
}
