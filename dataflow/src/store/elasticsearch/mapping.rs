//! Settings and strict mappings of the two views.
//!
//! A document is its canonical JSON with two fields behind: `rev`, the hash of that JSON, and
//! `ver`, the version that it was written with.

use serde_json::{Value, json};

use super::super::DocumentView;
use super::layout::{FORMAT, Layout};

/// How often what was written becomes visible to searches by itself.
pub(super) const REFRESH_INTERVAL: &str = "1s";

/// Above what people usually give their own templates.
const PRIORITY: u32 = 500;

/// The index template of a view.
pub(super) fn template(layout: &Layout, view: DocumentView) -> Value {
    json!({
        "index_patterns": [format!("{}-*", layout.template())],
        "priority": PRIORITY,
        "version": FORMAT,
        // An index of ours is made by name, never because somebody writes to it.
        "allow_auto_create": false,
        "_meta": { "format": FORMAT },
        "template": {
            "settings": {
                "index": {
                    "refresh_interval": REFRESH_INTERVAL,
                    "auto_expand_replicas": "0-1",
                    "mapping": { "coerce": false },
                },
            },
            "mappings": {
                "dynamic": "strict",
                "properties": properties(view),
            },
        },
    })
}

fn properties(view: DocumentView) -> Value {
    let keyword = json!({ "type": "keyword" });
    let long = json!({ "type": "long" });
    let date = json!({ "type": "date", "format": "strict_date_time_no_millis" });
    // Only ever read with the document, by its doc value.
    let rev = json!({ "type": "long", "index": false });
    match view {
        DocumentView::ShipmentEvents => json!({
            // The `_id` says the same: found as a term, never sorted or counted by.
            "eventId": { "type": "keyword", "doc_values": false },
            "eventType": keyword,
            "eventAt": date,
            "orderId": keyword,
            "source": keyword,
            "sellerRegion": keyword,
            "customerRegion": keyword,
            "payload": { "dynamic": "strict", "properties": { "estimatedDeliveryAt": date } },
            "rev": rev,
            "ver": long,
        }),
        DocumentView::Shipments => json!({
            "orderId": keyword,
            "sellerRegion": keyword,
            "customerRegion": keyword,
            "estimatedDeliveryAt": date,
            "status": keyword,
            "placedAt": date,
            "approvedAt": date,
            "warehouseAssignedAt": date,
            "handedToCarrierAt": date,
            "delayedAt": date,
            "deliveredAt": date,
            "delayed": { "type": "boolean" },
            "eventCount": long,
            "leadTimeSeconds": long,
            "lateSeconds": long,
            "rev": rev,
            "ver": long,
        }),
    }
}
