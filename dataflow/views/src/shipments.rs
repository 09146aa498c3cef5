//! One document per order with a current fact.
//!
//! ```sql
//! SELECT order_id, last.seller_region, last.customer_region, last.estimated_delivery_at, last.event_type AS status,
//!        max(event_at) FILTER (WHERE event_type = 'ORDER_PLACED') AS placed_at, …, count(*) AS event_count,
//!        delivered_at - placed_at AS lead_time_seconds,
//!        CASE WHEN delivered_at IS NULL THEN NULL WHEN delayed_at IS NULL THEN 0
//!             ELSE greatest(0, delivered_at - delayed_at) END AS late_seconds
//! FROM shipment_events GROUP BY order_id    -- last: the fact of the highest rank
//! ```

mod sources;

pub use sources::{SOURCES, Source};

use eip_contract::{Dictionary, EventTime, EventType, Fact, OrderKey, RegionCode};

use crate::columns::{Column, Kind, Value};
use crate::view::{Kept, View};

/// The view. Its `_id` is the orderId.
pub static SHIPMENTS: View = View {
    name: "shipments",
    kept: Kept::Documents,
    columns: &[
        Column::new("orderId", Kind::Text),
        Column::new("sellerRegion", Kind::Text),
        Column::new("customerRegion", Kind::Text),
        Column::new("estimatedDeliveryAt", Kind::Time).or_null(),
        Column::new("status", Kind::EventType),
        Column::new("placedAt", Kind::Time).or_null(),
        Column::new("approvedAt", Kind::Time).or_null(),
        Column::new("warehouseAssignedAt", Kind::Time).or_null(),
        Column::new("handedToCarrierAt", Kind::Time).or_null(),
        Column::new("delayedAt", Kind::Time).or_null(),
        Column::new("deliveredAt", Kind::Time).or_null(),
        Column::new("delayed", Kind::Boolean),
        Column::count("eventCount"),
        Column::seconds("leadTimeSeconds").or_null(),
        Column::seconds("lateSeconds").or_null(),
    ],
    // The newest first, as lists begin; and what facets count by, with all that filters name.
    indexes: &[
        &["-placedAt", "orderId"],
        &[
            "status",
            "sellerRegion",
            "customerRegion",
            "delayed",
            "placedAt",
            "approvedAt",
            "warehouseAssignedAt",
            "handedToCarrierAt",
            "delayedAt",
            "deliveredAt",
            "estimatedDeliveryAt",
            "leadTimeSeconds",
            "lateSeconds",
        ],
    ],
    format: 2,
};

/// The index over what facets count by.
pub const FACETS_INDEX: usize = 1;

/// The current facts of an order by rank.
pub type Facts = [Option<Fact>; 6];

/// One shipment without its order: what its document and the route's statistics are made from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Shipment {
    /// When each type happened, by rank.
    pub times: [Option<EventTime>; 6],
    /// The promise of the fact of the highest rank.
    pub estimated_delivery_at: Option<EventTime>,
    /// Its seller's region.
    pub seller_region: RegionCode,
    /// Its customer's region.
    pub customer_region: RegionCode,
}

impl Shipment {
    /// The shipment that these facts make; none without a fact.
    #[inline]
    pub fn of(facts: &Facts) -> Option<Self> {
        let last = facts.iter().rev().find_map(Option::as_ref)?;
        Some(Self {
            times: facts.each_ref().map(|fact| fact.map(|fact| fact.event_at)),
            estimated_delivery_at: last.estimated_delivery_at,
            seller_region: last.seller_region,
            customer_region: last.customer_region,
        })
    }

    /// When a fact of this type happened.
    pub fn time(&self, event_type: EventType) -> Option<EventTime> {
        self.times[event_type.rank()]
    }

    /// delivered − placed, where both are there.
    #[inline]
    pub fn lead_time_seconds(&self) -> Option<i64> {
        let placed = self.time(EventType::OrderPlaced)?;
        Some(self.time(EventType::Delivered)?.seconds() - placed.seconds())
    }

    /// How much later than the deadline it was delivered; 0 when in time, none before.
    #[inline]
    pub fn late_seconds(&self) -> Option<i64> {
        let delivered = self.time(EventType::Delivered)?.seconds();
        Some(match self.time(EventType::DeliveryDelayed) {
            Some(deadline) => (delivered - deadline.seconds()).max(0),
            None => 0,
        })
    }

    /// Appends the document of `order` and gives its `_id`.
    pub fn encode(&self, order: OrderKey, dictionary: &Dictionary, out: &mut Vec<u8>) -> String {
        let order_id = dictionary.order_id(order).into_owned();
        let status = self
            .times
            .iter()
            .rposition(Option::is_some)
            .and_then(EventType::from_rank);
        ShipmentDocument {
            order_id: &order_id,
            seller_region: &dictionary.region(self.seller_region),
            customer_region: &dictionary.region(self.customer_region),
            estimated_delivery_at: self.estimated_delivery_at,
            status: status.expect("a shipment has a fact"),
            times: self.times,
            event_count: self.times.iter().flatten().count() as i64,
            lead_time_seconds: self.lead_time_seconds(),
            late_seconds: self.late_seconds(),
        }
        .encode(out);
        order_id
    }
}

/// One document of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipmentDocument<'a> {
    /// The `_id`.
    pub order_id: &'a str,
    /// Region of the seller, from the current fact of the highest rank.
    pub seller_region: &'a str,
    /// Region of the customer, from the same fact.
    pub customer_region: &'a str,
    /// The promise, from the same fact.
    pub estimated_delivery_at: Option<EventTime>,
    /// Type of the highest rank.
    pub status: EventType,
    /// When each type happened, by rank.
    pub times: [Option<EventTime>; 6],
    /// How many facts stand.
    pub event_count: i64,
    /// delivered − placed.
    pub lead_time_seconds: Option<i64>,
    /// How much later than the deadline; null unless delivered.
    pub late_seconds: Option<i64>,
}

impl ShipmentDocument<'_> {
    /// Appends the canonical line, without a line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let [placed, approved, assigned, handed, delayed, delivered] = self.times.map(Value::from);
        let is_delayed = self.times[EventType::DeliveryDelayed.rank()].is_some();
        SHIPMENTS.encode(
            &[
                self.order_id.into(),
                self.seller_region.into(),
                self.customer_region.into(),
                self.estimated_delivery_at.into(),
                Value::EventType(self.status),
                placed,
                approved,
                assigned,
                handed,
                delayed,
                delivered,
                Value::Boolean(is_delayed),
                self.event_count.into(),
                self.lead_time_seconds.into(),
                self.late_seconds.into(),
            ],
            out,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eip_contract::Dictionary;

    fn facts(times: [Option<i64>; 6]) -> Facts {
        let mut rank = 0;
        times.map(|time| {
            rank += 1;
            Some(Fact {
                event_at: EventTime::from_seconds(time?)?,
                estimated_delivery_at: EventTime::from_seconds(rank),
                seller_region: RegionCode(rank as u32),
                customer_region: RegionCode(10 + rank as u32),
            })
        })
    }

    #[test]
    fn the_fact_of_the_highest_rank_gives_regions_and_estimate() {
        let shipment = Shipment::of(&facts([Some(5), None, Some(3), None, None, None])).unwrap();
        assert_eq!(
            (shipment.seller_region.0, shipment.customer_region.0),
            (3, 13)
        );
        assert_eq!(shipment.estimated_delivery_at, EventTime::from_seconds(3));
        assert_eq!(Shipment::of(&[None; 6]), None);
    }

    #[test]
    fn lead_and_late_follow_from_the_times() {
        let of = |times| {
            let shipment = Shipment::of(&facts(times)).unwrap();
            (shipment.lead_time_seconds(), shipment.late_seconds())
        };
        assert_eq!(of([Some(10), None, None, None, None, None]), (None, None));
        assert_eq!(of([None, None, None, None, Some(3), None]), (None, None));
        assert_eq!(of([None, None, None, None, None, Some(9)]), (None, Some(0)));
        assert_eq!(
            of([Some(10), None, None, None, None, Some(9)]),
            (Some(-1), Some(0))
        );
        assert_eq!(
            of([Some(1), None, None, None, Some(3), Some(9)]),
            (Some(8), Some(6))
        );
        assert_eq!(
            of([Some(1), None, None, None, Some(11), Some(9)]),
            (Some(8), Some(0))
        );
    }

    #[test]
    fn a_document_names_its_last_status_and_counts_its_facts() {
        let dictionary = Dictionary::default();
        for region in 0..20 {
            dictionary.region_code(&format!("R{region}")).unwrap();
        }
        let order = dictionary.order_key("o1");
        let shipment = Shipment::of(&facts([Some(1), None, None, Some(2), None, None])).unwrap();
        let mut json = Vec::new();
        assert_eq!(shipment.encode(order, &dictionary, &mut json), "o1");
        let json = String::from_utf8(json).unwrap();
        assert!(
            json.contains(r#""sellerRegion":"R4","customerRegion":"R14""#),
            "{json}"
        );
        assert!(
            json.contains(r#""status":"HANDED_TO_CARRIER","placedAt""#),
            "{json}"
        );
        assert!(
            json.contains(r#""eventCount":2,"leadTimeSeconds":null"#),
            "{json}"
        );
    }
}
