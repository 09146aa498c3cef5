//! From which facts of an order each column of its shipment follows: the rule of the document, read backwards.

use eip_contract::EventType;
use eip_contract::EventType::{
    Delivered, DeliveryDelayed, HandedToCarrier, OrderApproved, OrderPlaced, WarehouseAssigned,
};

use super::Facts;

/// The facts that a column follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// That of the highest rank.
    Last,
    /// All that the order has.
    All,
    /// Those of these types, as far as they are there.
    Of(&'static [EventType]),
}

/// The source of each column of [`super::SHIPMENTS`], in their order.
pub const SOURCES: [Source; 15] = [
    Source::All,
    Source::Last,
    Source::Last,
    Source::Last,
    Source::Last,
    Source::Of(&[OrderPlaced]),
    Source::Of(&[OrderApproved]),
    Source::Of(&[WarehouseAssigned]),
    Source::Of(&[HandedToCarrier]),
    Source::Of(&[DeliveryDelayed]),
    Source::Of(&[Delivered]),
    Source::Of(&[DeliveryDelayed]),
    Source::All,
    Source::Of(&[OrderPlaced, Delivered]),
    Source::Of(&[DeliveryDelayed, Delivered]),
];

impl Source {
    /// The types of the facts, of those that are there, by rank.
    pub fn types(self, facts: &Facts) -> Vec<EventType> {
        let there = EventType::ALL
            .into_iter()
            .filter(|event_type| facts[event_type.rank()].is_some());
        match self {
            Self::Last => there.rev().take(1).collect(),
            Self::All => there.collect(),
            Self::Of(types) => there.filter(|there| types.contains(there)).collect(),
        }
    }

    /// The types that it may come from, whether they are there or not.
    pub fn possible(self) -> &'static [EventType] {
        match self {
            Self::Last | Self::All => &EventType::ALL,
            Self::Of(types) => types,
        }
    }

    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Last => "of the fact of the highest rank",
            Self::All => "of all facts",
            Self::Of([_]) => "of the fact of this type",
            Self::Of(_) => "of the facts of both types",
        }
    }
}

#[cfg(test)]
mod tests {
    use eip_contract::{Dictionary, EventTime, Fact};
    use proptest::prelude::*;

    use super::super::{SHIPMENTS, Shipment};
    use super::*;
    use crate::columns::Value;

    fn fact() -> impl Strategy<Value = Fact> {
        (0..9_i64, prop::option::of(0..9_i64), 0..4_u32, 0..4_u32).prop_map(
            |(at, estimate, seller, customer)| Fact {
                event_at: EventTime::from_seconds(at).unwrap(),
                estimated_delivery_at: estimate.and_then(EventTime::from_seconds),
                seller_region: eip_contract::RegionCode(seller),
                customer_region: eip_contract::RegionCode(customer),
            },
        )
    }

    fn document(facts: &Facts) -> Option<Vec<Value<'static>>> {
        let dictionary = Dictionary::default();
        for region in 0..4 {
            dictionary.region_code(&format!("R{region}")).unwrap();
        }
        let mut line = Vec::new();
        Shipment::of(facts)?.encode(dictionary.order_key("o"), &dictionary, &mut line);
        let document = SHIPMENTS.decode_exact(std::str::from_utf8(&line).unwrap())?;
        Some(document.into_iter().map(Value::into_owned).collect())
    }

    proptest! {
        #[test]
        fn a_column_changes_only_with_the_facts_that_it_comes_from(
            facts in prop::array::uniform6(prop::option::of(fact())),
            rank in 0..6_usize,
            other in prop::option::of(fact()),
        ) {
            let mut changed = facts;
            changed[rank] = other;
            let (Some(before), Some(after)) = (document(&facts), document(&changed)) else {
                return Ok(());
            };
            for (place, source) in SOURCES.into_iter().enumerate() {
                if before[place] != after[place] {
                    let named = |facts: &Facts| {
                        source.types(facts).iter().any(|named| named.rank() == rank)
                    };
                    prop_assert!(
                        named(&facts) || named(&changed),
                        "{} changed with {}",
                        SHIPMENTS.columns[place].name,
                        EventType::ALL[rank]
                    );
                }
            }
        }
    }

    #[test]
    fn each_column_changes_with_each_type_that_it_may_come_from() {
        let at = |second: i64| EventTime::from_seconds(second);
        for (place, source) in SOURCES.into_iter().enumerate().skip(1) {
            for event_type in source.possible() {
                // All facts up to this one, and for a time of two facts both.
                let mut facts: Facts = [None; 6];
                for (rank, fact) in facts.iter_mut().enumerate() {
                    let wanted = source == Source::Of(source.possible());
                    if rank <= event_type.rank() || wanted {
                        *fact = Some(Fact {
                            event_at: at(10 + rank as i64).unwrap(),
                            estimated_delivery_at: at(5),
                            seller_region: eip_contract::RegionCode(0),
                            customer_region: eip_contract::RegionCode(1),
                        });
                    }
                }
                let mut without = facts;
                without[event_type.rank()] = None;
                let mut later = facts;
                let fact = later[event_type.rank()].as_mut().unwrap();
                fact.event_at = at(11 + event_type.rank() as i64).unwrap();
                fact.estimated_delivery_at = None;
                fact.seller_region = eip_contract::RegionCode(2);
                fact.customer_region = eip_contract::RegionCode(3);
                let value = |facts: &Facts| document(facts).map(|values| values[place].clone());
                assert!(
                    value(&without) != value(&facts) || value(&later) != value(&facts),
                    "{} does not follow from {event_type}",
                    SHIPMENTS.columns[place].name
                );
            }
        }
    }

    #[test]
    fn every_column_has_a_source() {
        assert_eq!(SOURCES.len(), SHIPMENTS.columns.len());
    }
}
