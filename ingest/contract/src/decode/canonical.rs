//! The fast path: exactly the bytes that [`crate::Event::encode`] writes for ASCII texts without
//! escapes. Whatever else comes gives `None` and goes the general way.

use std::borrow::Cow;

use super::Decoded;
use crate::event::{Event, EventId};
use crate::event_type::EventType;
use crate::hex;
use crate::reject::{MAX_KEY_BYTES, MAX_STATE_BYTES};
use crate::time::EventTime;

/// The fields of a canonical event as slices of its bytes. All texts are printable ASCII and within
/// the limits of the semantics.
pub(crate) struct Canonical<'a> {
    pub(crate) event_type: EventType,
    pub(crate) event_at: EventTime,
    pub(crate) order_id: &'a [u8],
    /// The number an `order_id` of 32 lower-case hex digits writes.
    pub(crate) order_number: Option<u128>,
    pub(crate) seller_region: &'a [u8],
    pub(crate) customer_region: &'a [u8],
    pub(crate) estimated_delivery_at: Option<EventTime>,
    written_id: &'a [u8; 32],
}

impl<'a> Canonical<'a> {
    #[inline]
    pub(crate) fn scan(value: &'a [u8]) -> Option<Self> {
        let rest = value.strip_prefix(b"{\"eventId\":\"")?;
        let (written_id, rest) = rest.split_first_chunk::<32>()?;
        hex::parse_32(written_id)?;
        let rest = rest.strip_prefix(b"\",\"eventType\":\"")?;
        let (event_type, rest) = event_type(rest)?;
        let rest = rest.strip_prefix(b"\",\"eventAt\":\"")?;
        let (event_at, rest) = time(rest)?;
        let rest = rest.strip_prefix(b"\",\"orderId\":\"")?;
        let (order_id, order_number, rest) = order_id(rest)?;
        let rest = rest.strip_prefix(b"\",\"source\":\"")?;
        let rest = rest.strip_prefix(event_type.source().as_bytes())?;
        let rest = rest.strip_prefix(b"\",\"sellerRegion\":\"")?;
        let (seller_region, rest) = region(rest)?;
        let rest = rest.strip_prefix(b"\",\"customerRegion\":\"")?;
        let (customer_region, rest) = region(rest)?;
        let rest = rest.strip_prefix(b"\",\"payload\":{\"estimatedDeliveryAt\":")?;
        let (estimated_delivery_at, rest) = match rest.strip_prefix(b"\"") {
            Some(rest) => {
                let (time, rest) = time(rest)?;
                (Some(time), rest.strip_prefix(b"\"")?)
            }
            None => (None, rest.strip_prefix(b"null")?),
        };
        (rest == b"}}").then_some(Self {
            event_type,
            event_at,
            order_id,
            order_number,
            seller_region,
            customer_region,
            estimated_delivery_at,
            written_id,
        })
    }

    pub(crate) fn decoded(&self) -> Decoded<'a> {
        Decoded {
            event: Event {
                event_type: self.event_type,
                event_at: self.event_at,
                order_id: ascii(self.order_id),
                seller_region: ascii(self.seller_region),
                customer_region: ascii(self.customer_region),
                estimated_delivery_at: self.estimated_delivery_at,
            },
            written_id: EventId::parse(self.written_id),
        }
    }
}

fn ascii(text: &[u8]) -> Cow<'_, str> {
    Cow::Borrowed(std::str::from_utf8(text).expect("scanned as ASCII"))
}

#[inline]
fn event_type(rest: &[u8]) -> Option<(EventType, &[u8])> {
    // No name's first nine bytes begin another name, but DELIVERY_DELAYED and DELIVERED share eight.
    let event_type = match rest.first_chunk::<9>()? {
        b"ORDER_PLA" => EventType::OrderPlaced,
        b"ORDER_APP" => EventType::OrderApproved,
        b"WAREHOUSE" => EventType::WarehouseAssigned,
        b"HANDED_TO" => EventType::HandedToCarrier,
        b"DELIVERY_" => EventType::DeliveryDelayed,
        b"DELIVERED" => EventType::Delivered,
        _ => return None,
    };
    Some((event_type, rest.strip_prefix(event_type.name().as_bytes())?))
}

#[inline]
fn time(rest: &[u8]) -> Option<(EventTime, &[u8])> {
    let (text, rest) = rest.split_first_chunk::<20>()?;
    Some((EventTime::parse_iso(text).ok()?, rest))
}

#[inline]
fn order_id(rest: &[u8]) -> Option<(&[u8], Option<u128>, &[u8])> {
    if let Some((digits, after)) = rest.split_first_chunk::<32>()
        && after.first() == Some(&b'"')
        && let Some(number) = hex::parse_32(digits)
    {
        return Some((digits, Some(number), after));
    }
    let (text, rest) = plain_text(rest, MAX_KEY_BYTES)?;
    (!text.is_empty()).then_some((text, None, rest))
}

#[inline]
fn region(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [first, second, b'"', ..] = rest
        && first.is_ascii_alphanumeric()
        && second.is_ascii_alphanumeric()
    {
        return Some(rest.split_at(2));
    }
    plain_text(rest, MAX_STATE_BYTES)
}

/// The printable ASCII before the next quote, unless it has an escape or more than `most` bytes.
fn plain_text(rest: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
    let end = rest.iter().take(most + 1).position(|&byte| byte == b'"')?;
    let (text, rest) = rest.split_at(end);
    text.iter()
        .all(|&byte| (0x20..0x7f).contains(&byte) && byte != b'\\')
        .then_some((text, rest))
}
