//! An index that an earlier program made goes on: it gets what it lacks, and its documents are written again.

use eip_stores::{DocumentStore as _, DocumentWrite, Look, TICK_BITS, version_of};
use eip_views::{SHIPMENTS, View};
use serde_json::json;

use super::cluster::{Cluster, expected, scanned, shipment};

const VIEW: &View = &SHIPMENTS;

/// An index of format 1, whose documents have no tick, with these in it.
fn make_format_1(cluster: &Cluster, writes: &[DocumentWrite]) {
    let name = cluster.name(VIEW);
    let mut properties = VIEW.mapping();
    properties.insert("rev".into(), json!({ "type": "long", "index": false }));
    properties.insert("ver".into(), json!({ "type": "long" }));
    let body = json!({
        "aliases": { &name: {} },
        "settings": { "index": { "number_of_replicas": 0, "refresh_interval": "1s" } },
        "mappings": {
            "_meta": { "format": 1, "epoch": 1, "topic": "t" },
            "dynamic": "strict",
            "properties": properties,
        },
    });
    let (status, answer) = cluster.ask("PUT", &format!("/{name}-v1-1"), &body.to_string());
    assert_eq!(status, 200, "{answer}");
    let ver = version_of(1, 5);
    for write in writes {
        let DocumentWrite::Index { id, rev, doc } = write else {
            unreachable!("only documents")
        };
        let fields = &doc[..doc.len() - 1];
        let body = format!("{fields},\"rev\":{},\"ver\":{ver}}}", *rev as i64);
        let path = format!("/{name}/_doc/{id}?version={ver}&version_type=external&refresh=true");
        let (status, answer) = cluster.ask("PUT", &path, &body);
        assert_eq!(status, 201, "{answer}");
    }
}

#[test]
fn documents_without_a_tick_are_not_as_they_should_be_and_get_one() {
    let cluster = Cluster::new();
    let writes: Vec<_> = (0..20).map(|n| shipment(&format!("{n}"), n)).collect();
    make_format_1(&cluster, &writes);
    let mut store = cluster.store();
    assert_eq!(store.greatest_epoch().unwrap(), 1);
    let mut store = cluster.writer(2);
    let lineage = store.lineage().unwrap();
    assert!(lineage.is_some());
    for look in [Look::Listed, Look::Whole] {
        let found = scanned(&mut store, VIEW, look);
        assert_eq!(found.len(), 20);
        assert!(found.values().all(|(_, rev)| rev.is_none()), "{look:?}");
    }
    let tick = 7;
    store
        .bulk(VIEW, version_of(2, tick), &mut writes.clone())
        .unwrap();
    for look in [Look::Listed, Look::Whole] {
        assert_eq!(scanned(&mut store, VIEW, look), expected(&writes));
    }
    let query = json!({ "query": { "range": { "tick": { "gte": tick, "lte": tick } } } });
    let path = format!("/{}/_count", cluster.name(VIEW));
    store.refresh().unwrap();
    assert_eq!(
        cluster.ask("POST", &path, &query.to_string()).1["count"],
        20
    );

    // It is the same index: readers go on in it.
    drop(store);
    let mut store = cluster.writer(3);
    assert_eq!(store.lineage().unwrap(), lineage);
    assert_eq!(scanned(&mut store, VIEW, Look::Listed), expected(&writes));
    let (_, mapping) = cluster.ask("GET", &format!("/{}/_mapping", cluster.name(VIEW)), "");
    let mapping = &mapping[format!("{}-v1-1", cluster.name(VIEW))]["mappings"];
    assert_eq!(mapping["_meta"]["format"], 2);
    assert_eq!(mapping["properties"]["tick"]["type"], "long");
}

#[test]
fn a_version_that_another_hand_gave_says_nothing_of_the_tick() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let write = shipment("a", 1);
    let foreign = version_of(1, 5) + (3 << TICK_BITS);
    let path = format!(
        "/{}/_doc/a?version={foreign}&version_type=external&refresh=true",
        cluster.name(VIEW)
    );
    let (status, answer) = cluster.ask("PUT", &path, "{}");
    assert_eq!(status, 201, "{answer}");
    store
        .bulk(VIEW, version_of(1, 9), &mut vec![write])
        .unwrap();
    let (_, stored) = cluster.ask("GET", &format!("/{}/_doc/a", cluster.name(VIEW)), "");
    assert_eq!(stored["_version"], foreign + 1);
    assert_eq!(stored["_source"]["tick"], 9);
}
