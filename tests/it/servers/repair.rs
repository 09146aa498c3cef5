//! What somebody changed by hand is found and mended, exactly.

use serde_json::{Value, json};

use super::filled;
use crate::support::{Eip, http, sql};

/// A number of ids of a view, in any order.
fn ids(eip: &Eip, view: &str, count: usize) -> Vec<String> {
    let url = format!(
        "{}/{}.{view}/_search?size={count}&_source=false",
        eip.value("EIP_ELASTICSEARCH"),
        eip.space()
    );
    let found: Value = serde_json::from_str(&http("GET", &url, "")).unwrap();
    let hits = found["hits"]["hits"].as_array().unwrap();
    let ids = hits
        .iter()
        .map(|hit| hit["_id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn repair_mends_exactly_what_was_changed_by_hand() {
    let (eip, _data) = filled(2_000, 61);
    let wanted = eip.digests();
    let index = |view: &str| format!("{}/{}.{view}", eip.value("EIP_ELASTICSEARCH"), eip.space());

    // 400 events deleted, 300 edited whole, 300 shipments edited by a partial update.
    let events = ids(&eip, "shipment_events", 700);
    let shipments = ids(&eip, "shipments", 300);
    let mut bulk = String::new();
    for id in &events[..400] {
        bulk.push_str(&format!("{}\n", json!({"delete": {"_id": id}})));
    }
    http(
        "POST",
        &format!("{}/_bulk?refresh=true", index("shipment_events")),
        &bulk,
    );
    let mut bulk = String::new();
    for id in &events[400..] {
        let change = json!({"doc": {"sellerRegion": "XX"}});
        bulk.push_str(&format!("{}\n{change}\n", json!({"update": {"_id": id}})));
    }
    http(
        "POST",
        &format!("{}/_bulk?refresh=true", index("shipment_events")),
        &bulk,
    );
    let mut bulk = String::new();
    for id in &shipments {
        let change = json!({"doc": {"delayed": true, "lateSeconds": 1}});
        bulk.push_str(&format!("{}\n{change}\n", json!({"update": {"_id": id}})));
    }
    http(
        "POST",
        &format!("{}/_bulk?refresh=true", index("shipments")),
        &bulk,
    );
    let changed: u64 = sql(
        eip.value("EIP_POSTGRES"),
        &format!(
            "WITH picked AS (SELECT ctid FROM \"{0}\".route_stats_daily LIMIT 100),
                  gone AS (DELETE FROM \"{0}\".route_stats_daily
                           WHERE ctid IN (SELECT ctid FROM picked LIMIT 40) RETURNING 1),
                  edited AS (UPDATE \"{0}\".route_stats_daily SET placed = placed + 1
                             WHERE ctid IN (SELECT ctid FROM picked OFFSET 40) RETURNING 1)
             SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM edited)",
            eip.space()
        ),
    )
    .trim()
    .parse()
    .unwrap();
    assert_eq!(changed, 100);
    assert_ne!(eip.stored_digests(), wanted);
    assert_eq!(eip.run(["verify"]).code, Some(1));

    let repaired = eip.run(["repair"]).ok();
    assert!(
        repaired.out.contains("documents: 1,000 written, 0 deleted"),
        "{}",
        repaired.out
    );
    assert!(
        repaired.out.contains("rows: 100 written, 0 deleted"),
        "{}",
        repaired.out
    );
    assert_eq!(eip.stored_digests(), wanted);
    let again = eip.run(["repair"]).ok();
    assert!(
        again.out.contains("documents: 0 written, 0 deleted"),
        "{}",
        again.out
    );
}
