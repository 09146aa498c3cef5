//! The six kinds of fact, their rank and their source system (semantics, section 2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What happened to an order. The order of the variants is their rank.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[repr(u8)]
pub enum EventType {
    /// The customer bought: every order has this fact.
    OrderPlaced,
    /// The payment was approved.
    OrderApproved,
    /// A warehouse took the order on; derived from the approval by a rule.
    WarehouseAssigned,
    /// The parcel went to the carrier.
    HandedToCarrier,
    /// The promised time passed without a delivery.
    DeliveryDelayed,
    /// The customer has it.
    Delivered,
}

impl EventType {
    /// All types by rank.
    pub const ALL: [Self; 6] = [
        Self::OrderPlaced,
        Self::OrderApproved,
        Self::WarehouseAssigned,
        Self::HandedToCarrier,
        Self::DeliveryDelayed,
        Self::Delivered,
    ];

    /// Position in the life of an order, 0 to 5.
    pub const fn rank(self) -> usize {
        self as usize
    }

    /// The type of a rank below 6.
    pub fn from_rank(rank: usize) -> Option<Self> {
        Self::ALL.get(rank).copied()
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderPlaced => "ORDER_PLACED",
            Self::OrderApproved => "ORDER_APPROVED",
            Self::WarehouseAssigned => "WAREHOUSE_ASSIGNED",
            Self::HandedToCarrier => "HANDED_TO_CARRIER",
            Self::DeliveryDelayed => "DELIVERY_DELAYED",
            Self::Delivered => "DELIVERED",
        }
    }

    /// The type with this name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.name() == name)
    }

    /// The system that reports it, fixed by the type.
    pub const fn source(self) -> &'static str {
        match self {
            Self::OrderPlaced | Self::OrderApproved => "OMS",
            Self::WarehouseAssigned | Self::HandedToCarrier => "WMS",
            Self::DeliveryDelayed | Self::Delivered => "TMS",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
