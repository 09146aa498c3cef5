//! Who may write, and under which epoch.

use eip_stores::{DocumentStore as _, ELASTICSEARCH_FORMAT, Look, Retry, TICK_BITS, version_of};
use eip_views::{SHIPMENTS, View};
use serde_json::json;

use super::cluster::{Cluster, delete, expected, scanned, shipment};

const VIEW: &View = &SHIPMENTS;

#[test]
fn a_successor_fences_every_writer_before_it() {
    let cluster = Cluster::new();
    assert_eq!(cluster.store().greatest_epoch().unwrap(), 0);
    let mut old = cluster.writer(3);
    old.bulk(VIEW, version_of(3, 1), &mut vec![shipment("a", 1)])
        .unwrap();
    assert_eq!(cluster.store().greatest_epoch().unwrap(), 3);

    let mut first = cluster.store();
    first.take_over(4, 2).unwrap();
    let mut second = cluster.store();
    first.write_as(4, 0).unwrap();
    second.write_as(4, 1).unwrap();
    let mut late = vec![shipment("a", 2), shipment("b", 2), delete("c")];
    let error = old.bulk(VIEW, version_of(3, 2), &mut late).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    assert!(
        error.to_string().contains("a newer dataflow took over"),
        "{error}"
    );
    assert_eq!(late.len(), 3);

    first
        .bulk(VIEW, version_of(4, 3), &mut vec![shipment("d", 1)])
        .unwrap();
    second
        .bulk(VIEW, version_of(4, 3), &mut vec![shipment("e", 1)])
        .unwrap();
    let stored = [shipment("a", 1), shipment("d", 1), shipment("e", 1)];
    assert_eq!(scanned(&mut first, VIEW, Look::Whole), expected(&stored));

    let error = cluster.store().take_over(2, 1).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    let error = cluster.store().write_as(3, 0).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    assert_eq!(cluster.write_aliases(VIEW).len(), 2);
    assert_eq!(cluster.store().greatest_epoch().unwrap(), 4);
}

#[test]
fn the_epoch_of_any_document_counts_too() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(2);
    let version = version_of(2, (1 << TICK_BITS) - 1);
    store
        .bulk(VIEW, version, &mut vec![shipment("a", 1)])
        .unwrap();
    // As restored from elsewhere: a document of epoch 70 in an index of epoch 2.
    let version = version_of(70, 5);
    let path = format!(
        "/{}/_doc/a?version={version}&version_type=external",
        cluster.name(VIEW)
    );
    let body = format!(r#"{{"orderId":"a","ver":{version}}}"#);
    assert_eq!(cluster.ask("PUT", &path, &body).0, 200);
    assert_eq!(cluster.store().greatest_epoch().unwrap(), 70);
    // A number that no dataflow can have written does not use the epochs up.
    let body = format!(r#"{{"orderId":"b","ver":{}}}"#, i64::MAX);
    let path = format!("/{}/_doc/b", cluster.name(VIEW));
    assert_eq!(cluster.ask("PUT", &path, &body).0, 201);
    assert_eq!(cluster.store().greatest_epoch().unwrap(), 70);
    // No newer dataflow is there, so it is written over.
    let mut writes = vec![shipment("a", 4), delete("b")];
    store.bulk(VIEW, version_of(2, 9), &mut writes).unwrap();
    let found = scanned(&mut store, VIEW, Look::Whole);
    assert_eq!(found, expected(&[shipment("a", 4)]));
}

#[test]
fn settings_are_right_again_after_every_start() {
    let cluster = Cluster::new();
    drop(cluster.writer(1));
    let name = cluster.name(VIEW);
    let body = json!({ "index": { "refresh_interval": "-1" } }).to_string();
    let (status, _) = cluster.ask("PUT", &format!("/{name}/_settings"), &body);
    assert_eq!(status, 200);
    drop(cluster.writer(2));
    let (_, settings) = cluster.ask("GET", &format!("/{name}/_settings"), "");
    let index = &settings[format!("{name}-v2-1")]["settings"]["index"];
    assert_eq!(index["refresh_interval"], "1s");
    let (_, mapping) = cluster.ask("GET", &format!("/{name}/_mapping"), "");
    let mapping = &mapping[format!("{name}-v2-1")]["mappings"];
    assert_eq!(mapping["_meta"]["epoch"], 2);
    assert_eq!(mapping["dynamic"], "strict");
}

#[test]
fn a_write_to_a_name_of_ours_makes_no_index() {
    let cluster = Cluster::new();
    drop(cluster.writer(1));
    for name in [
        format!("{}-w-1-0-7", cluster.name(VIEW)),
        format!("{}-v2-9", cluster.name(VIEW)),
    ] {
        let (status, answer) = cluster.ask("PUT", &format!("/{name}/_doc/1"), "{}");
        assert_eq!(status, 404, "{answer}");
        assert_eq!(answer["error"]["type"], "index_not_found_exception");
    }
}

#[test]
fn a_newer_format_is_refused_with_both_versions() {
    let cluster = Cluster::new();
    drop(cluster.writer(1));
    let name = cluster.name(VIEW);
    let newer = ELASTICSEARCH_FORMAT + 1;
    let body = json!({ "_meta": { "format": newer, "epoch": 1 } }).to_string();
    assert_eq!(
        cluster.ask("PUT", &format!("/{name}/_mapping"), &body).0,
        200
    );
    let error = cluster.store().take_over(2, 1).unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    let text = error.to_string();
    assert!(
        text.contains(&format!("format {newer}"))
            && text.contains(&format!("up to {ELASTICSEARCH_FORMAT}")),
        "{text}"
    );
}
