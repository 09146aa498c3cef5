//! The facts of one order in 80 bytes instead of 200: what memory and its traffic go into.
//!
//! Nearly always all facts of an order share promise and regions and stand close together in the
//! log. Then the shared part is kept once, and a fact is one word: its time and its offset from
//! the order's base. What does not fit so is for the caller to keep as [`OrderFacts`].

use eip_contract::{EventTime, EventType, Fact, Offset, OrderFacts, RegionCode};

use eip_views::shipments::Facts;

/// Bits of a word that hold the time: seconds + 1, or 0 for no fact. The last time takes 33.
const TIME_BITS: u32 = 34;
const TIME: u64 = (1 << TIME_BITS) - 1;
/// Offsets from the base on that a word can hold.
const REACH: u64 = 1 << (64 - TIME_BITS);

/// Facts that share all but their time.
#[derive(Clone, Copy, Default)]
pub(super) struct Compact {
    words: [u64; 6],
    base: u64,
    stands_from: u64,
    estimated_delivery_at: Option<EventTime>,
    seller_region: RegionCode,
    customer_region: RegionCode,
}

/// The facts would no longer fit; nothing has been changed.
pub(super) struct DoesNotFit;

impl Compact {
    /// As [`OrderFacts::assert`].
    #[inline]
    pub(super) fn assert(
        &mut self,
        event_type: EventType,
        fact: Fact,
        offset: Offset,
    ) -> Result<(), DoesNotFit> {
        let rank = event_type.rank();
        let older = self.words[rank] != 0 && offset.0 < self.base + (self.words[rank] >> TIME_BITS);
        if older || offset.0 < self.stands_from {
            return Ok(());
        }
        let shared = fact.estimated_delivery_at == self.estimated_delivery_at
            && fact.seller_region == self.seller_region
            && fact.customer_region == self.customer_region;
        if !shared || self.words == [0; 6] {
            let others = self
                .words
                .iter()
                .enumerate()
                .any(|(at, word)| at != rank && *word != 0);
            if others {
                return Err(DoesNotFit);
            }
            self.base = offset.0.saturating_sub(REACH / 2);
            self.estimated_delivery_at = fact.estimated_delivery_at;
            self.seller_region = fact.seller_region;
            self.customer_region = fact.customer_region;
        }
        let from_base = offset.0.wrapping_sub(self.base);
        if from_base >= REACH {
            return Err(DoesNotFit);
        }
        self.words[rank] = from_base << TIME_BITS | (fact.event_at.seconds() as u64 + 1);
        Ok(())
    }

    /// As [`OrderFacts::retract`].
    pub(super) fn retract(&mut self, offset: Offset) {
        self.stands_from = self.stands_from.max(offset.next().0);
        for word in &mut self.words {
            if *word != 0 && self.base + (*word >> TIME_BITS) < self.stands_from {
                *word = 0;
            }
        }
    }

    /// As [`OrderFacts::current`].
    #[inline]
    pub(super) fn current(&self) -> Facts {
        self.words.map(|word| {
            let event_at = EventTime::from_seconds((word & TIME) as i64 - 1)?;
            Some(Fact {
                event_at,
                estimated_delivery_at: self.estimated_delivery_at,
                seller_region: self.seller_region,
                customer_region: self.customer_region,
            })
        })
    }

    /// The same without bounds.
    pub(super) fn unpack(&self) -> OrderFacts {
        let offsets = self
            .words
            .map(|word| Offset(self.base + (word >> TIME_BITS)));
        OrderFacts::from_parts(self.current(), offsets, Offset(self.stands_from))
    }

    /// The compact form of facts, if they have one.
    pub(super) fn pack(facts: &OrderFacts) -> Result<Self, DoesNotFit> {
        let mut compact = Self {
            stands_from: facts.stands_from().0,
            ..Self::default()
        };
        for (event_type, (fact, offset)) in EventType::ALL
            .into_iter()
            .zip(facts.current().iter().zip(facts.offsets()))
        {
            if let Some(fact) = fact {
                compact.assert(event_type, *fact, *offset)?;
            }
        }
        Ok(compact)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record() -> impl Strategy<Value = (Option<(usize, i64, u32)>, u64)> {
        let far = prop_oneof![3 => 0..40_u64, 1 => (0..3_u64).prop_map(|n| (n + 1) * (REACH - 7))];
        let last = EventTime::MAX.seconds();
        let time = prop_oneof![0..3_i64, Just(last)];
        (
            prop::option::weighted(0.85, (0..6_usize, time, 0..2_u32)),
            far,
        )
    }

    proptest! {
        #[test]
        fn as_long_as_it_fits_it_says_what_order_facts_say(
            records in prop::collection::vec(record(), 0..20),
        ) {
            let mut plain = OrderFacts::default();
            let mut compact = Compact::default();
            for (said, offset) in records {
                let offset = Offset(offset);
                let before = plain;
                match said {
                    None => {
                        plain.retract(offset);
                        compact.retract(offset);
                    }
                    Some((rank, second, region)) => {
                        let fact = Fact {
                            event_at: EventTime::from_seconds(second).unwrap(),
                            estimated_delivery_at: EventTime::from_seconds(i64::from(region) - 1),
                            seller_region: RegionCode(region),
                            customer_region: RegionCode(7),
                        };
                        plain.assert(EventType::ALL[rank], fact, offset);
                        if compact.assert(EventType::ALL[rank], fact, offset).is_err() {
                            prop_assert_eq!(&compact.current(), before.current(), "unchanged");
                            match Compact::pack(&plain) {
                                Ok(packed) => compact = packed,
                                Err(DoesNotFit) => return Ok(()),
                            }
                        }
                    }
                }
                prop_assert_eq!(&compact.current(), plain.current());
                let unpacked = compact.unpack();
                prop_assert_eq!(unpacked.current(), plain.current());
                prop_assert_eq!(unpacked.stands_from(), plain.stands_from());
                for rank in (0..6).filter(|rank| plain.current()[*rank].is_some()) {
                    prop_assert_eq!(unpacked.offsets()[rank], plain.offsets()[rank]);
                }
            }
        }
    }
}
