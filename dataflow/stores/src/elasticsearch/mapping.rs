//! Settings and strict mappings of a view.
//!
//! A document is its canonical JSON with three fields behind: `rev`, the hash of that JSON, `ver`, the
//! version that it was written with, and `tick`, the tick that wrote it.

use eip_views::View;
use serde_json::{Map, Value, json};

use super::layout::{FORMAT, Layout};

/// How often what was written becomes visible to searches by itself.
pub(super) const REFRESH_INTERVAL: &str = "1s";

/// Above what people usually give their own templates.
const PRIORITY: u32 = 500;

/// The index template of a view.
pub(super) fn template(layout: &Layout, view: &View) -> Value {
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

/// Those of the view's columns, and of what the dataflow notes.
pub(super) fn properties(view: &View) -> Map<String, Value> {
    let mut properties = view.mapping();
    // Only ever read with the document, by its doc value.
    properties.insert("rev".into(), json!({ "type": "long", "index": false }));
    properties.insert("ver".into(), json!({ "type": "long" }));
    // Not the lower bits of `ver`: above a version that another hand has given these say nothing.
    properties.insert("tick".into(), json!({ "type": "long" }));
    properties
}
