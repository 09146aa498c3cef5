//! One order as conversion sees it: its own times joined with where it comes from and goes to.

use eip_contract::EventTime;

/// What of `order_status` decides anything (semantics, section 2: `DELIVERY_DELAYED`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// `canceled`: will not be delivered.
    Canceled,
    /// `unavailable`: will not be delivered.
    Unavailable,
    /// Any other text.
    #[default]
    Other,
}

impl OrderStatus {
    /// Reads the column; case counts.
    pub fn from_text(text: &[u8]) -> Self {
        match text {
            b"canceled" => Self::Canceled,
            b"unavailable" => Self::Unavailable,
            _ => Self::Other,
        }
    }

    /// Whether a delivery is still to be expected when there is none yet.
    pub fn awaits_delivery(self) -> bool {
        self == Self::Other
    }
}

/// One accepted order, joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderRow<'a> {
    /// 1 to 512 bytes without control characters.
    pub order_id: &'a str,
    /// `order_status`.
    pub status: OrderStatus,
    /// `order_purchase_timestamp`.
    pub purchased: EventTime,
    /// `order_approved_at`.
    pub approved: Option<EventTime>,
    /// `order_delivered_carrier_date`.
    pub carried: Option<EventTime>,
    /// `order_delivered_customer_date`.
    pub delivered: Option<EventTime>,
    /// `order_estimated_delivery_date`.
    pub estimated: Option<EventTime>,
    /// Whether the order has an accepted item.
    pub has_item: bool,
    /// State of the seller of the lowest `order_item_id`; `ZZ` when unknown.
    pub seller_region: &'a str,
    /// State of the customer; `ZZ` when unknown.
    pub customer_region: &'a str,
}
