//! The current facts, one document each.
//!
//! ```sql
//! SELECT DISTINCT ON (order_id, event_type) event FROM records r
//! WHERE NOT EXISTS (SELECT FROM tombstones t WHERE t.order_id = r.order_id AND t.log_offset > r.log_offset)
//! ORDER BY order_id, event_type, log_offset DESC
//! ```

use eip_contract::{Dictionary, Event, EventTime, EventType, Fact, OrderKey};

use crate::columns::{Column, Kind};
use crate::view::{Kept, View};

/// The view. Its `_id` is the eventId, its line the event's own JSON ([`Event::encode`]).
pub static SHIPMENT_EVENTS: View = View {
    name: "shipment_events",
    kept: Kept::Documents,
    columns: &[
        Column::new("eventId", Kind::Id),
        Column::new("eventType", Kind::EventType),
        Column::new("eventAt", Kind::Time),
        Column::new("orderId", Kind::Text),
        Column::new("source", Kind::Text),
        Column::new("sellerRegion", Kind::Text),
        Column::new("customerRegion", Kind::Text),
        Column::new("estimatedDeliveryAt", Kind::Time)
            .or_null()
            .within("payload"),
    ],
    indexes: &[],
    format: 2,
};

/// One current fact of one order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct OrderFact {
    /// Whose.
    pub order: OrderKey,
    /// Of which type; with the order the fact's identity.
    pub event_type: EventType,
    /// Its content.
    pub fact: Fact,
}

/// What names the document: the eventId is the hash of exactly these.
pub type EventKey = (OrderKey, EventType, EventTime);

impl OrderFact {
    /// The document's key.
    pub fn key(&self) -> EventKey {
        (self.order, self.event_type, self.fact.event_at)
    }

    /// Appends the document and gives its `_id`.
    pub fn encode(&self, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        let event = Event {
            event_type: self.event_type,
            event_at: self.fact.event_at,
            order_id: dictionary.order_id(self.order),
            seller_region: dictionary
                .region(self.fact.seller_region)
                .as_ref()
                .to_owned()
                .into(),
            customer_region: dictionary
                .region(self.fact.customer_region)
                .as_ref()
                .to_owned()
                .into(),
            estimated_delivery_at: self.fact.estimated_delivery_at,
        };
        let id = event.event_id();
        event.encode_with_id(id, out);
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use eip_contract::EventTime;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn its_columns_say_what_the_event_says(
            rank in 0..6_usize,
            seconds in 0..4_000_000_000_i64,
            order_id in "[a-f0-9]{32}|[ -~]{1,20}|é\\\\\"{1,3}",
            estimated in prop::option::of(0..4_000_000_000_i64),
        ) {
            let event = Event {
                event_type: EventType::ALL[rank],
                event_at: EventTime::from_seconds(seconds).unwrap(),
                order_id: order_id.into(),
                seller_region: "SP".into(),
                customer_region: "a \"b\" \\".into(),
                estimated_delivery_at: estimated.and_then(EventTime::from_seconds),
            };
            let line = event.to_json();
            let values = SHIPMENT_EVENTS.decode(&line, &[]).unwrap();
            let mut again = Vec::new();
            SHIPMENT_EVENTS.encode(&values, &mut again);
            prop_assert_eq!(String::from_utf8(again).unwrap(), line);
        }
    }
}
