//! The current facts, one document each.
//!
//! ```sql
//! SELECT DISTINCT ON (order_id, event_type) event FROM records r
//! WHERE NOT EXISTS (SELECT FROM tombstones t WHERE t.order_id = r.order_id AND t.log_offset > r.log_offset)
//! ORDER BY order_id, event_type, log_offset DESC
//! ```

use eip_contract::{Dictionary, Event, EventTime, EventType, Fact, OrderKey};

use crate::tick::Rows;

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

/// The documents: the facts as they stand. What replaces and retracts them is the fold's part, so
/// that no second copy of them is kept.
pub fn render(facts: Rows<'_, OrderFact>) -> Rows<'_, OrderFact> {
    facts
}
