//! The current facts of one order and how the log's records change them (semantics, section 3).

use serde::{Deserialize, Serialize};

use crate::dictionary::RegionCode;
use crate::event_type::EventType;
use crate::offset::Offset;
use crate::time::EventTime;

/// The content of a fact, packed: all of an event but its order and its type. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fact {
    /// When it happened.
    pub event_at: EventTime,
    /// What was promised.
    pub estimated_delivery_at: Option<EventTime>,
    /// State of the seller.
    pub seller_region: RegionCode,
    /// State of the customer.
    pub customer_region: RegionCode,
}

/// The facts of one order by rank, each with the offset of the record that asserted it.
///
/// Records may come in any order and any number of times: the greatest offset wins, and a
/// tombstone takes away what was asserted before it, whenever it arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFacts {
    facts: [Option<Fact>; 6],
    offsets: [Offset; 6],
    /// Nothing asserted before this offset stands; the position behind the last tombstone.
    stands_from: Offset,
}

impl OrderFacts {
    /// A record at `offset` asserts `fact`. Gives whether the current facts changed.
    #[inline]
    pub fn assert(&mut self, event_type: EventType, fact: Fact, offset: Offset) -> bool {
        let rank = event_type.rank();
        let older = self.facts[rank].is_some() && offset < self.offsets[rank];
        if older || offset < self.stands_from {
            return false;
        }
        self.offsets[rank] = offset;
        let changed = self.facts[rank] != Some(fact);
        self.facts[rank] = Some(fact);
        changed
    }

    /// A tombstone at `offset`. Gives whether the current facts changed.
    pub fn retract(&mut self, offset: Offset) -> bool {
        self.stands_from = self.stands_from.max(offset.next());
        let mut changed = false;
        for rank in 0..self.facts.len() {
            if self.facts[rank].is_some() && self.offsets[rank] < self.stands_from {
                self.facts[rank] = None;
                changed = true;
            }
        }
        changed
    }

    /// Puts together what [`OrderFacts::current`], [`OrderFacts::offsets`] and
    /// [`OrderFacts::stands_from`] gave.
    pub fn from_parts(facts: [Option<Fact>; 6], offsets: [Offset; 6], stands_from: Offset) -> Self {
        Self {
            facts,
            offsets,
            stands_from,
        }
    }

    /// By rank the offset of the record that asserted the current fact; meaningless without one.
    pub fn offsets(&self) -> &[Offset; 6] {
        &self.offsets
    }

    /// Nothing asserted before this offset stands.
    pub fn stands_from(&self) -> Offset {
        self.stands_from
    }

    /// The current fact of each type, by rank.
    pub fn current(&self) -> &[Option<Fact>; 6] {
        &self.facts
    }

    /// Whether no fact stands.
    pub fn is_empty(&self) -> bool {
        self.facts.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fact(second: i64) -> Fact {
        Fact {
            event_at: EventTime::from_seconds(second).unwrap(),
            estimated_delivery_at: None,
            seller_region: RegionCode(0),
            customer_region: RegionCode(1),
        }
    }

    #[test]
    fn a_fact_is_24_bytes() {
        assert_eq!(size_of::<Option<Fact>>(), 24);
    }

    /// `Some(rank, second)` asserts, `None` is a tombstone.
    fn apply(facts: &mut OrderFacts, record: Option<(usize, i64)>, offset: u64) {
        match record {
            Some((rank, second)) => {
                facts.assert(EventType::ALL[rank], fact(second), Offset(offset));
            }
            None => {
                facts.retract(Offset(offset));
            }
        }
    }

    proptest! {
        #[test]
        fn any_order_and_any_number_of_times_give_the_same_facts(
            log in prop::collection::vec(prop::option::weighted(0.8, (0..6_usize, 0..4_i64)), 0..12),
            again in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        ) {
            let mut plain = [None; 6];
            let mut in_order = OrderFacts::default();
            for (offset, record) in log.iter().enumerate() {
                apply(&mut in_order, *record, offset as u64);
                match record {
                    Some((rank, second)) => plain[*rank] = Some(fact(*second)),
                    None => plain = [None; 6],
                }
            }
            prop_assert_eq!(in_order.current(), &plain);

            let mut shuffled = OrderFacts::default();
            if !log.is_empty() {
                let again = again.iter().map(|i| i.index(log.len()));
                for offset in again.chain((0..log.len()).rev()) {
                    apply(&mut shuffled, log[offset], offset as u64);
                }
            }
            prop_assert_eq!(shuffled.current(), &plain);
        }
    }
}
