//! Faults of the server and of the way to it: told in the store's words, and nothing is lost,
//! doubled or brought back by them.

use std::sync::atomic::{AtomicUsize, Ordering};

use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchConfig, ElasticsearchStore, Look, Retry,
    StoreError, version_of,
};
use eip_views::{SHIPMENTS, View};
use serde_json::json;

use super::cluster::{Cluster, TOPIC, delete, expected, scanned, shipment, writer};
use eip_test_servers::{Action, Proxy};

const VIEW: &View = &SHIPMENTS;

/// A store that reaches the cluster through the proxy.
fn store_behind(proxy: &Proxy, cluster: &Cluster) -> ElasticsearchStore {
    let mut config = ElasticsearchConfig::new(proxy.url(), cluster.space.clone());
    config.bulk_bytes = 100_000;
    ElasticsearchStore::open(config, TOPIC).unwrap()
}

/// Calls until all is written, as the dataflow does; gives how often the store was unwell.
fn write_all(store: &mut ElasticsearchStore, tick: u64, mut writes: Vec<DocumentWrite>) -> usize {
    for unwell in 0..200 {
        match store.bulk(VIEW, version_of(1, tick), &mut writes) {
            Ok(refused) => {
                assert_eq!(refused, []);
                assert_eq!(writes, []);
                return unwell;
            }
            Err(error) => assert_eq!(error.retry, Retry::Backoff, "{error}"),
        }
    }
    panic!("the store does not come back");
}

/// What the one call says while something is wrong.
fn told(
    store: &mut ElasticsearchStore,
    tick: u64,
    writes: &mut Vec<DocumentWrite>,
    retry: Retry,
) -> StoreError {
    let error = store.bulk(VIEW, version_of(1, tick), writes).unwrap_err();
    assert_eq!(error.retry, retry, "{error}");
    error
}

fn shipments(range: std::ops::Range<i64>) -> Vec<DocumentWrite> {
    range.map(|n| shipment(&format!("{n:06}"), n)).collect()
}

#[test]
fn with_three_of_ten_items_throttled_all_is_written() {
    let cluster = Cluster::new();
    let proxy = Proxy::start(cluster.address(), |request| {
        if request.is_bulk() {
            // Another three at every try.
            static ITEMS: AtomicUsize = AtomicUsize::new(0);
            Action::Throttle(|_item| (ITEMS.fetch_add(1, Ordering::Relaxed) * 7919) % 10 < 3)
        } else {
            Action::Pass
        }
    });
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    let writes = shipments(0..5_000);
    write_all(&mut store, 1, writes.clone());
    let deletes: Vec<_> = writes[..1_000]
        .iter()
        .map(|write| delete(write.id()))
        .collect();
    write_all(&mut store, 2, deletes);
    assert_eq!(
        scanned(&mut store, VIEW, Look::Whole),
        expected(&writes[1_000..])
    );
}

#[test]
fn bulks_that_are_done_without_an_answer_are_done_once() {
    let cluster = Cluster::new();
    let mut bulks = 0;
    let proxy = Proxy::start(cluster.address(), move |request| {
        bulks += usize::from(request.is_bulk());
        if request.is_bulk() && bulks % 3 == 1 {
            Action::Swallow
        } else {
            Action::Pass
        }
    });
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    let writes = shipments(0..3_000);
    write_all(&mut store, 1, writes.clone());
    let mut changes = shipments(2_000..2_500);
    changes.extend(writes[..500].iter().map(|write| delete(write.id())));
    write_all(&mut store, 2, changes);
    assert_eq!(
        scanned(&mut store, VIEW, Look::Whole),
        expected(&writes[500..])
    );
    let aliases = cluster.write_aliases(VIEW);
    assert_eq!(aliases.len(), 1);
    assert!(
        !aliases[0].ends_with("-w-1-0-1"),
        "left behind: {aliases:?}"
    );
}

#[test]
fn an_old_bulk_that_comes_after_a_newer_delete_brings_nothing_back() {
    let cluster = Cluster::new();
    let mut first = true;
    let proxy = Proxy::start(cluster.address(), move |request| {
        if request.is_bulk() && std::mem::take(&mut first) {
            Action::Hold
        } else {
            Action::Pass
        }
    });
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    assert_eq!(
        write_all(&mut store, 1, vec![shipment("a", 1), shipment("b", 1)]),
        0
    );
    write_all(&mut store, 2, vec![delete("a")]);
    // The server forgets the version of what was deleted.
    let name = cluster.name(VIEW);
    let body = json!({ "index": { "gc_deletes": "0s" } }).to_string();
    assert_eq!(
        cluster.ask("PUT", &format!("/{name}/_settings"), &body).0,
        200
    );
    for what in [
        "_flush?force=true",
        "_forcemerge?max_num_segments=1",
        "_refresh",
    ] {
        assert_eq!(cluster.ask("POST", &format!("/{name}/{what}"), "").0, 200);
    }
    let held = proxy.held();
    assert_eq!(held.len(), 1);
    let (_, answer) = proxy.release(&held[0]);
    assert!(answer.contains("index_not_found_exception"), "{answer}");
    assert_eq!(
        scanned(&mut store, VIEW, Look::Whole),
        expected(&[shipment("b", 1)])
    );
}

#[test]
fn an_alias_that_was_changed_without_an_answer_is_found() {
    let cluster = Cluster::new();
    let (mut bulks, mut changes) = (0, 0);
    let proxy = Proxy::start(cluster.address(), move |request| {
        bulks += usize::from(request.is_bulk());
        changes += usize::from(request.line.starts_with("POST /_aliases"));
        let lost = (request.is_bulk() && bulks == 1)
            || (request.line.starts_with("POST /_aliases") && changes == 2);
        if lost { Action::Swallow } else { Action::Pass }
    });
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    let writes = shipments(0..10);
    assert_eq!(write_all(&mut store, 1, writes.clone()), 1);
    assert_eq!(scanned(&mut store, VIEW, Look::Whole), expected(&writes));
    assert!(cluster.write_aliases(VIEW)[0].ends_with("-w-1-0-2"));
}

#[test]
fn blocks_are_told_and_end_by_themselves() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    write_all(&mut store, 1, shipments(0..100));
    let name = cluster.name(VIEW);
    // The second is what Elasticsearch sets itself past the flood stage of the disk.
    let blocks = [
        ("write", "FORBIDDEN"),
        ("read_only_allow_delete", "flood-stage"),
    ];
    for (tick, (block, words)) in (2..).zip(blocks) {
        let set = |value| {
            let body = json!({ "index.blocks": { block: value } }).to_string();
            assert_eq!(
                cluster.ask("PUT", &format!("/{name}/_settings"), &body).0,
                200
            );
        };
        set(Some(true));
        let mut writes = shipments(50..150);
        let text = told(&mut store, tick, &mut writes, Retry::Backoff).to_string();
        assert!(
            text.contains("cluster_block_exception") && text.contains(words),
            "{text}"
        );
        assert_eq!(writes.len(), 100);
        set(None);
        write_all(&mut store, tick, writes);
    }
    assert_eq!(
        scanned(&mut store, VIEW, Look::Whole),
        expected(&shipments(0..150))
    );
}

#[test]
fn an_index_that_is_gone_is_told_and_made_by_the_next_start() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    write_all(&mut store, 1, shipments(0..10));
    let index = format!("/{}-v2-1", cluster.name(VIEW));
    assert_eq!(cluster.ask("DELETE", &index, "").0, 200);
    let text = told(&mut store, 2, &mut shipments(10..20), Retry::Anew).to_string();
    assert!(text.contains("index_not_found_exception"), "{text}");
    // Who only makes visible or reads what it has written hears the same.
    let error = store.refresh().unwrap_err();
    assert_eq!(error.retry, Retry::Anew, "{error}");
    let error = store.scan(VIEW, Look::Whole, &mut |_| {}).unwrap_err();
    assert_eq!(error.retry, Retry::Anew, "{error}");
    let epoch = cluster.store().greatest_epoch().unwrap();
    assert_eq!(epoch, 1, "the other view's index still says so");
    let mut store = cluster.writer(epoch + 1);
    assert_eq!(scanned(&mut store, VIEW, Look::Whole), expected(&[]));
    store
        .bulk(VIEW, version_of(2, 3), &mut shipments(0..20))
        .unwrap();
    assert_eq!(
        scanned(&mut store, VIEW, Look::Whole),
        expected(&shipments(0..20))
    );
}

#[test]
fn whatever_the_way_answers_is_told_in_its_words() {
    let cluster = Cluster::new();
    let proxy = Proxy::start(cluster.address(), |_request| Action::Pass);
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    let mut writes = shipments(0..100);
    let revoked = r#"{"error":{"type":"security_exception","reason":"unable to authenticate user"},"status":401}"#;
    let busy =
        r#"{"error":{"type":"circuit_breaking_exception","reason":"Data too large"},"status":429}"#;
    for (status, body, words) in [
        (
            401,
            revoked,
            "security_exception: unable to authenticate user",
        ),
        (429, busy, "Data too large"),
        (
            503,
            "<html>no server is available",
            "no server is available",
        ),
    ] {
        proxy.decide(move |request| {
            if request.is_bulk() {
                Action::Answer(status, body)
            } else {
                Action::Pass
            }
        });
        let text = told(&mut store, 1, &mut writes, Retry::Backoff).to_string();
        assert!(text.contains(words), "{text}");
        assert_eq!(writes.len(), 100);
    }
    drop(proxy);
    let text = told(&mut store, 1, &mut writes, Retry::Backoff).to_string();
    assert!(text.contains("no answer"), "{text}");
    assert_eq!(
        scanned(&mut cluster.store(), VIEW, Look::Listed),
        expected(&[])
    );
}

#[test]
fn a_request_that_is_too_large_is_cut() {
    let cluster = Cluster::new();
    let proxy = Proxy::start(cluster.address(), |request| {
        if request.is_bulk() && request.body.len() > 3_000 {
            Action::Answer(413, "")
        } else {
            Action::Pass
        }
    });
    let mut store = writer(store_behind(&proxy, &cluster), 1);
    let mut writes = shipments(0..100);
    writes.push(shipment(&"x".repeat(3_000), 1));
    let refused = store.bulk(VIEW, version_of(1, 1), &mut writes).unwrap();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].reason.contains("413"), "{}", refused[0].reason);
    assert_eq!(
        scanned(&mut store, VIEW, Look::Listed),
        expected(&shipments(0..100))
    );
}
