//! What somebody changed by hand is found and mended, exactly.

use eip_views::{Column, Kind, ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, View};
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

/// Another value of a column's kind than the stored one.
fn other(column: &Column, stored: &Value) -> Value {
    match column.kind {
        Kind::Id | Kind::Text => json!("XX"),
        Kind::Time => json!("2001-02-03T04:05:06Z"),
        Kind::Day => json!("2001-02-03"),
        Kind::Integer => json!(stored.as_i64().unwrap_or(0) + 1),
        Kind::Boolean => json!(stored != true),
        Kind::EventType if stored == "DELIVERED" => json!("ORDER_PLACED"),
        Kind::EventType => json!("DELIVERED"),
    }
}

/// Changes one field of one document for each column behind the id; gives how many that were.
fn edit_fields(eip: &Eip, view: &View) -> usize {
    let columns = &view.columns[1..];
    let index = format!(
        "{}/{}.{}",
        eip.value("EIP_ELASTICSEARCH"),
        eip.space(),
        view.name
    );
    let mut bulk = String::new();
    for (id, column) in ids(eip, view.name, columns.len()).iter().zip(columns) {
        let got: Value =
            serde_json::from_str(&http("GET", &format!("{index}/_doc/{id}"), "")).unwrap();
        let source = &got["_source"];
        let change = match column.within {
            None => json!({ column.name: other(column, &source[column.name]) }),
            Some(object) => {
                json!({ object: { column.name: other(column, &source[object][column.name]) } })
            }
        };
        let change = json!({ "doc": change });
        bulk.push_str(&format!("{}\n{change}\n", json!({"update": {"_id": id}})));
    }
    let answer = http("POST", &format!("{index}/_bulk?refresh=true"), &bulk);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["errors"], false, "{answer}");
    columns.len()
}

#[test]
fn one_value_of_any_field_or_column_is_found_and_mended() {
    let (eip, _data) = filled(300, 62);
    let wanted = eip.digests();
    let events = edit_fields(&eip, &SHIPMENT_EVENTS);
    let shipments = edit_fields(&eip, &SHIPMENTS);
    let columns = &ROUTE_STATS_DAILY.columns[3..];
    for (row, column) in columns.iter().enumerate() {
        let (space, name) = (eip.space(), column.sql_name());
        sql(
            eip.value("EIP_POSTGRES"),
            &format!(
                "UPDATE \"{space}\".route_stats_daily SET {name} = coalesce({name}, 0) + 1
                 WHERE (stat_date, seller_region, customer_region) =
                       (SELECT stat_date, seller_region, customer_region
                        FROM \"{space}\".route_stats_daily ORDER BY 1, 2, 3 LIMIT 1 OFFSET {row})"
            ),
        );
    }
    let rows = columns.len();
    let verify = eip.run(["verify"]);
    assert_eq!(verify.code, Some(1));
    for (view, different) in [
        (&SHIPMENT_EVENTS, events),
        (&SHIPMENTS, shipments),
        (&ROUTE_STATS_DAILY, rows),
    ] {
        let name = view.name;
        let line = format!("{name}: 0 missing, 0 extra, {different} different");
        assert!(verify.out.contains(&line), "{line}: {}", verify.out);
    }
    let repaired = eip.run(["repair", "--workers", "1"]).ok();
    for line in [
        format!("documents: {} written, 0 deleted", events + shipments),
        format!("rows: {rows} written, 0 deleted"),
    ] {
        assert!(repaired.out.contains(&line), "{line}: {}", repaired.out);
    }
    assert_eq!(eip.stored_digests(), wanted);
    eip.verify();
}
