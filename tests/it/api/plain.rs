//! The exported views, as plain code reads them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The exported views, row by row.
pub(super) struct Plain {
    pub(super) shipments: Vec<Value>,
    pub(super) events: BTreeMap<String, Vec<Value>>,
    pub(super) rows: Vec<Value>,
    pub(super) now: String,
}

impl Plain {
    pub(super) fn read(export: &Path) -> Self {
        let lines = |view: &str| -> Vec<Value> {
            let text = fs::read_to_string(export.join(format!("{view}.ndjson"))).unwrap();
            text.lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        };
        let shipments = lines("shipments");
        let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut now = String::new();
        for event in lines("shipment_events") {
            now = now.max(text(&event["eventAt"]).to_owned());
            let order_id = text(&event["orderId"]).to_owned();
            events.entry(order_id).or_default().push(event);
        }
        Self {
            shipments,
            events,
            rows: lines("route_stats_daily"),
            now,
        }
    }

    /// Some seconds from data now, as text; texts of times compare as the times do.
    pub(super) fn after_now(&self, seconds: i64) -> String {
        let now: eip_contract::EventTime = self.now.parse().unwrap();
        eip_contract::EventTime::from_seconds(now.seconds() + seconds)
            .unwrap()
            .to_string()
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
