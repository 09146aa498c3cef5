//! The JSON Schema of the event, generated from the types below; `schema/` holds a copy of it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::event_type::EventType;

/// One fact about one order: Canonical Fulfillment Event v1. Keys in this order, compact; a reader
/// accepts any order, white space and further fields.
#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Canonical Fulfillment Event v1")]
#[expect(
    dead_code,
    reason = "its shape is what matters: the schema is generated from it"
)]
struct FulfillmentEvent {
    /// The first 16 bytes, in lower-case hex, of SHA-256 over `orderId|eventType|eventAt`.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    event_id: String,
    /// What happened.
    event_type: EventType,
    /// When it happened, UTC, 1970 to 2199.
    #[schemars(regex(pattern = TIME))]
    event_at: String,
    /// The order: opaque text of 1 to 512 bytes of UTF-8 without control characters; the record's key.
    #[schemars(length(min = 1, max = 512), regex(pattern = NO_CONTROL))]
    order_id: String,
    /// The system that reports it; fixed by the type.
    source: Source,
    /// State of the seller, at most 16 bytes; `ZZ` when unknown.
    #[schemars(length(max = 16), regex(pattern = NO_CONTROL))]
    seller_region: String,
    /// State of the customer, at most 16 bytes; `ZZ` when unknown.
    #[schemars(length(max = 16), regex(pattern = NO_CONTROL))]
    customer_region: String,
    /// What was promised.
    payload: Payload,
}

#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "its shape is what matters: the schema is generated from it"
)]
struct Payload {
    /// The promised delivery, UTC; null when there is none.
    #[schemars(schema_with = "nullable_time")]
    estimated_delivery_at: String,
}

#[derive(JsonSchema, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Source {
    /// Order management: `ORDER_PLACED`, `ORDER_APPROVED`.
    Oms,
    /// Warehouse management: `WAREHOUSE_ASSIGNED`, `HANDED_TO_CARRIER`.
    Wms,
    /// Transport management: `DELIVERY_DELAYED`, `DELIVERED`.
    Tms,
}

/// `Option` would say that the field may be left out; it may only be null.
fn nullable_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "pattern": TIME })
}

const TIME: &str =
    "^(19[7-9]|20[0-9]|21[0-9])[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$";
const NO_CONTROL: &str = "^[^\\u0000-\\u001f\\u007f]*$";

/// The schema, pretty-printed, with a line end.
pub fn event_schema() -> String {
    let schema = schemars::schema_for!(FulfillmentEvent);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
