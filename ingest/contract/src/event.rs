//! The event itself: its fields, its identity and its one canonical rendering (semantics, section 2).

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::event_type::EventType;
use crate::hex;
use crate::json::{write_string, write_time};
use crate::time::EventTime;

/// One fact about one order. `eventId` and `source` follow from the other fields and are not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub event_at: EventTime,
    /// Opaque text, 1 to 512 bytes; the key of the record.
    pub order_id: Cow<'a, str>,
    /// State of the seller, at most 16 bytes; `ZZ` when unknown.
    pub seller_region: Cow<'a, str>,
    /// State of the customer, at most 16 bytes; `ZZ` when unknown.
    pub customer_region: Cow<'a, str>,
    /// What was promised to the customer, if anything.
    pub estimated_delivery_at: Option<EventTime>,
}

impl Event<'_> {
    /// The identity that follows from the other fields.
    pub fn event_id(&self) -> EventId {
        EventId::of(&self.order_id, self.event_type, self.event_at)
    }

    /// Appends the canonical JSON, without a line end.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.encode_with_id(self.event_id(), out);
    }

    /// As [`Event::encode`], for a caller that has the eventId already.
    pub fn encode_with_id(&self, event_id: EventId, out: &mut Vec<u8>) {
        out.reserve(320);
        out.extend_from_slice(b"{\"eventId\":\"");
        out.extend_from_slice(&event_id.to_hex());
        out.extend_from_slice(b"\",\"eventType\":\"");
        out.extend_from_slice(self.event_type.name().as_bytes());
        out.extend_from_slice(b"\",\"eventAt\":\"");
        out.extend_from_slice(&self.event_at.to_iso());
        out.extend_from_slice(b"\",\"orderId\":");
        write_string(out, &self.order_id);
        out.extend_from_slice(b",\"source\":\"");
        out.extend_from_slice(self.event_type.source().as_bytes());
        out.extend_from_slice(b"\",\"sellerRegion\":");
        write_string(out, &self.seller_region);
        out.extend_from_slice(b",\"customerRegion\":");
        write_string(out, &self.customer_region);
        out.extend_from_slice(b",\"payload\":{\"estimatedDeliveryAt\":");
        write_time(out, self.estimated_delivery_at);
        out.extend_from_slice(b"}}");
    }

    /// The canonical JSON.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.encode(&mut out);
        String::from_utf8(out).expect("made of texts")
    }

    /// The same event with its own texts.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            event_type: self.event_type,
            event_at: self.event_at,
            order_id: Cow::Owned(self.order_id.into_owned()),
            seller_region: Cow::Owned(self.seller_region.into_owned()),
            customer_region: Cow::Owned(self.customer_region.into_owned()),
            estimated_delivery_at: self.estimated_delivery_at,
        }
    }
}

/// The first 16 bytes of SHA-256 over `orderId|eventType|eventAt`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The identity of a fact's content.
    pub fn of(order_id: &str, event_type: EventType, event_at: EventTime) -> Self {
        let mut hash = Sha256::new();
        hash.update(order_id.as_bytes());
        hash.update(b"|");
        hash.update(event_type.name().as_bytes());
        hash.update(b"|");
        hash.update(event_at.to_iso());
        Self(hash.finalize()[..16].try_into().expect("16 of 32 bytes"))
    }

    /// Reads 32 lower-case hex digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        hex::parse_32(text.try_into().ok()?).map(|value| Self(value.to_be_bytes()))
    }

    /// 32 lower-case hex digits.
    pub fn to_hex(self) -> [u8; 32] {
        hex::format_32(u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_hex()).expect("hex is ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
