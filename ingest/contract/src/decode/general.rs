//! The general path: any JSON object with the contract's fields, in any order and spacing, unknown
//! fields ignored. Says of a bad one what is wrong with it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Decoded;
use crate::dead_letter::DeadLetter;
use crate::event::{Event, EventId};
use crate::event_type::EventType;
use crate::reject::{is_order_id, is_region};
use crate::time::EventTime;

const ESTIMATED: &str = "payload.estimatedDeliveryAt";

pub(super) fn decode(value: &[u8]) -> Result<Decoded<'_>, DeadLetter> {
    const FIELDS: [&str; 8] = [
        "eventId",
        "eventType",
        "eventAt",
        "orderId",
        "source",
        "sellerRegion",
        "customerRegion",
        "payload",
    ];
    let [
        event_id,
        event_type,
        event_at,
        order_id,
        source,
        seller_region,
        customer_region,
        payload,
    ] = object(
        std::str::from_utf8(value).map_err(|_| DeadLetter::NotJson)?,
        FIELDS,
        FIELDS,
    )?;
    let event_id = string(event_id, "eventId")?;
    let event_type = string(event_type, "eventType")?;
    let event_at = string(event_at, "eventAt")?;
    let order_id = string(order_id, "orderId")?;
    let source = string(source, "source")?;
    let seller_region = string(seller_region, "sellerRegion")?;
    let customer_region = string(customer_region, "customerRegion")?;
    if !payload.get().starts_with('{') {
        return Err(DeadLetter::IllTyped("payload"));
    }
    let [estimated] = object(payload.get(), ["estimatedDeliveryAt"], [ESTIMATED])?;

    let event_type = EventType::from_name(&event_type).ok_or(DeadLetter::UnknownType)?;
    if source != event_type.source() {
        return Err(DeadLetter::WrongSource);
    }
    if !is_order_id(order_id.as_bytes()) {
        return Err(DeadLetter::BadOrderId);
    }
    for (region, field) in [
        (&seller_region, "sellerRegion"),
        (&customer_region, "customerRegion"),
    ] {
        if !is_region(region.as_bytes()) {
            return Err(DeadLetter::BadRegion(field));
        }
    }
    Ok(Decoded {
        event: Event {
            event_type,
            event_at: time(&event_at, "eventAt")?,
            order_id,
            seller_region,
            customer_region,
            estimated_delivery_at: match estimated.get() {
                "null" => None,
                _ => Some(time(&string(estimated, ESTIMATED)?, ESTIMATED)?),
            },
        },
        written_id: EventId::parse(event_id.as_bytes()),
    })
}

fn time(text: &str, field: &'static str) -> Result<EventTime, DeadLetter> {
    EventTime::parse_iso(text.as_bytes()).map_err(|why| DeadLetter::BadTime { field, why })
}

fn string<'a>(value: &'a RawValue, field: &'static str) -> Result<Cow<'a, str>, DeadLetter> {
    // Borrowed where the text holds no escape: serde_json gives a `&str` only then.
    if let Ok(text) = serde_json::from_str::<&str>(value.get()) {
        return Ok(Cow::Borrowed(text));
    }
    serde_json::from_str::<String>(value.get())
        .map(Cow::Owned)
        .map_err(|_| DeadLetter::IllTyped(field))
}

/// The values of the named fields of one JSON object; `shown` are their names in a dead letter.
fn object<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
    shown: [&'static str; N],
) -> Result<[&'a RawValue; N], DeadLetter> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut found = Found {
        names,
        values: [None; N],
        doubled: None,
    };
    json.deserialize_map(&mut found)
        .map_err(|_| DeadLetter::NotJson)?;
    json.end().map_err(|_| DeadLetter::NotJson)?;
    if let Some(doubled) = found.doubled {
        return Err(DeadLetter::DoubledField(shown[doubled]));
    }
    let missing = found.values.iter().position(Option::is_none);
    match missing {
        Some(missing) => Err(DeadLetter::MissingField(shown[missing])),
        None => Ok(found.values.map(|value| value.expect("none is missing"))),
    }
}

struct Found<'a, const N: usize> {
    names: [&'static str; N],
    values: [Option<&'a RawValue>; N],
    doubled: Option<usize>,
}

impl<'a, const N: usize> Visitor<'a> for &mut Found<'a, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'a, str>>()? {
            match self.names.iter().position(|name| *name == key) {
                Some(i) => {
                    let value = map.next_value()?;
                    if self.values[i].replace(value).is_some() {
                        self.doubled.get_or_insert(i);
                    }
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
