//! A stored `_source` → the canonical line that it says.
//!
//! Elasticsearch keeps the bytes that were sent, so an untouched document is its canonical line
//! with `rev` and `ver` behind, which its hash confirms. What another hand has written (a partial
//! update writes all fields anew) is read field by field and rendered again.

use std::borrow::Cow;

use eip_contract::document::ShipmentDocument;
use eip_contract::json::write_string;
use eip_contract::{EventTime, EventType, decode};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::{DocumentView, content_hash};
use super::scan::Hit;

/// What a document says about itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stored {
    /// The order that it is about.
    pub(super) order_id: Option<String>,
    /// The hash of its content; none when it is not as a dataflow wrote it: content and `rev`, or
    /// `ver` and version do not fit one another, or it cannot be a document of its view and id.
    pub(super) rev: Option<u64>,
}

/// Reads a hit's source. `line` is made its canonical line, or, where it has none, its JSON
/// without `rev` and `ver`.
pub(super) fn read(view: DocumentView, hit: &Hit<'_>, line: &mut Vec<u8>) -> Stored {
    line.clear();
    let Some(source) = hit.source.map(serde_json::value::RawValue::get) else {
        return Stored::default();
    };
    if let Some((content, rev, ver)) = split(source)
        && ver as u64 == hit.version
        && begins_with_id(view, content, &hit.id)
        && let Some(order_id) = plain_order_id(content)
    {
        line.extend_from_slice(content.as_bytes());
        line.push(b'}');
        if content_hash(line) == rev as u64 {
            return Stored {
                order_id: Some(order_id.to_owned()),
                rev: Some(rev as u64),
            };
        }
        line.clear();
    }
    read_fields(view, hit, source, line)
}

/// `{…,"rev":1,"ver":2}` → (`{…`, 1, 2).
fn split(source: &str) -> Option<(&str, i64, i64)> {
    let (content, tail) = source.rsplit_once(",\"rev\":")?;
    let (rev, ver) = tail.strip_suffix('}')?.split_once(",\"ver\":")?;
    Some((content, rev.parse().ok()?, ver.parse().ok()?))
}

fn begins_with_id(view: DocumentView, content: &str, id: &str) -> bool {
    let key = match view {
        DocumentView::ShipmentEvents => "{\"eventId\":",
        DocumentView::Shipments => "{\"orderId\":",
    };
    let mut text = Vec::with_capacity(id.len() + 2);
    write_string(&mut text, id);
    content
        .strip_prefix(key)
        .is_some_and(|rest| rest.as_bytes().starts_with(&text))
}

/// The order id, when it holds nothing that is escaped.
fn plain_order_id(content: &str) -> Option<&str> {
    let (_, rest) = content.split_once("\"orderId\":\"")?;
    let (order_id, _) = rest.split_once('"')?;
    (!order_id.contains('\\')).then_some(order_id)
}

/// A shipment as stored; every key has to be there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shipment<'a> {
    #[serde(borrow)]
    order_id: Cow<'a, str>,
    #[serde(borrow)]
    seller_region: Cow<'a, str>,
    #[serde(borrow)]
    customer_region: Cow<'a, str>,
    estimated_delivery_at: Option<String>,
    status: String,
    placed_at: Option<String>,
    approved_at: Option<String>,
    warehouse_assigned_at: Option<String>,
    handed_to_carrier_at: Option<String>,
    delayed_at: Option<String>,
    delivered_at: Option<String>,
    delayed: bool,
    event_count: i64,
    lead_time_seconds: Option<i64>,
    late_seconds: Option<i64>,
    #[serde(rename = "rev")]
    _rev: i64,
    #[serde(rename = "ver")]
    _ver: i64,
}

/// Keys of a stored document of each view.
const KEYS: [usize; 2] = [10, 17];

fn read_fields(view: DocumentView, hit: &Hit<'_>, source: &str, line: &mut Vec<u8>) -> Stored {
    let mut fields: Map<String, Value> = serde_json::from_str(source).unwrap_or_default();
    let rev = fields.remove("rev").as_ref().and_then(Value::as_i64);
    let ver = fields.remove("ver").as_ref().and_then(Value::as_u64);
    let order_id = fields.get("orderId").and_then(Value::as_str);
    let mut stored = Stored {
        order_id: order_id.map(str::to_owned),
        rev: None,
    };
    let rebuilt = fields.len() + 2 == KEYS[view as usize]
        && match view {
            DocumentView::ShipmentEvents => event(&fields, source, &hit.id, line),
            DocumentView::Shipments => shipment(source, &hit.id, line),
        };
    if rebuilt {
        let hash = content_hash(line);
        let as_written = rev == Some(hash as i64) && ver == Some(hit.version);
        stored.rev = as_written.then_some(hash);
    } else {
        line.clear();
        line.extend_from_slice(Value::Object(fields).to_string().as_bytes());
    }
    stored
}

fn event(fields: &Map<String, Value>, source: &str, id: &str, line: &mut Vec<u8>) -> bool {
    // The decoder of the log takes unknown keys and another eventId; a view has neither.
    let payload = fields.get("payload").and_then(Value::as_object);
    if payload.is_none_or(|payload| payload.len() != 1) {
        return false;
    }
    match decode(source.as_bytes()) {
        Ok(decoded) if decoded.id_fits() => {
            decoded.event.encode(line);
            decoded.event.event_id().to_string() == id
        }
        _ => false,
    }
}

fn shipment(source: &str, id: &str, line: &mut Vec<u8>) -> bool {
    let Ok(stored) = serde_json::from_str::<Shipment<'_>>(source) else {
        return false;
    };
    let time = |text: &Option<String>| match text {
        None => Some(None),
        Some(text) => EventTime::parse_iso(text.as_bytes()).ok().map(Some),
    };
    let times = [
        &stored.placed_at,
        &stored.approved_at,
        &stored.warehouse_assigned_at,
        &stored.handed_to_carrier_at,
        &stored.delayed_at,
        &stored.delivered_at,
    ];
    let mut parsed = [None; 6];
    for (parsed, text) in parsed.iter_mut().zip(times) {
        match time(text) {
            Some(time) => *parsed = time,
            None => return false,
        }
    }
    let (Some(estimated), Some(status)) = (
        time(&stored.estimated_delivery_at),
        EventType::from_name(&stored.status),
    ) else {
        return false;
    };
    ShipmentDocument {
        order_id: &stored.order_id,
        seller_region: &stored.seller_region,
        customer_region: &stored.customer_region,
        estimated_delivery_at: estimated,
        status,
        times: parsed,
        event_count: stored.event_count,
        lead_time_seconds: stored.lead_time_seconds,
        late_seconds: stored.late_seconds,
    }
    .encode(line);
    stored.order_id == id && stored.delayed == parsed[EventType::DeliveryDelayed.rank()].is_some()
}
