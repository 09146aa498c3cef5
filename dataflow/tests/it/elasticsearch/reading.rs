//! What is written is found again, whole and by its hash, and what another hand did to it shows.

use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchDocuments, ElasticsearchStore, Look, Retry,
    version_of,
};
use eip_views::{SHIPMENT_EVENTS, SHIPMENTS};

use super::cluster::{Cluster, delete, event, expected, scanned, shipment};

#[test]
fn what_is_written_is_found_again_in_both_looks() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let longest = "x".repeat(512);
    for (tick, size) in (1..).zip([1, 0, 255, 25_000]) {
        let mut events: Vec<_> = (0..size).map(|n| event(&format!("order {n}"), n)).collect();
        let mut shipments: Vec<_> = (0..size)
            .map(|n| shipment(&format!("order {n}"), n * 7 + tick))
            .collect();
        shipments.push(shipment("\"\\ é", tick));
        shipments.push(shipment(&longest, tick));
        events.push(event(&longest, 9));
        for (view, writes) in [&SHIPMENT_EVENTS, &SHIPMENTS]
            .into_iter()
            .zip([&events, &shipments])
        {
            let mut left = writes.clone();
            let version = version_of(1, tick as u64);
            assert_eq!(store.bulk(view, version, &mut left).unwrap(), []);
            assert_eq!(left, []);
            for look in [Look::Listed, Look::Whole] {
                let found = scanned(&mut store, view, look);
                let of_before = found.len() - writes.len();
                assert!(of_before < 260);
                for (id, stored) in expected(writes) {
                    assert_eq!(found.get(&id), Some(&stored));
                }
            }
        }
    }
}

#[test]
fn deletes_and_the_same_call_again_change_nothing_more() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let view = &SHIPMENTS;
    let writes: Vec<_> = (0..50).map(|n| shipment(&format!("{n}"), n)).collect();
    let changes = vec![delete("7"), delete("never there"), shipment("8", 99)];
    let whole = [writes.clone(), changes.clone()].concat();
    for (tick, writes) in [(1, &writes), (1, &writes), (2, &changes), (2, &changes)] {
        store
            .bulk(view, version_of(1, tick), &mut writes.clone())
            .unwrap();
    }
    assert_eq!(scanned(&mut store, view, Look::Listed), expected(&whole));
}

#[test]
fn an_edit_by_hand_shows_and_is_mended() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    for view in [&SHIPMENT_EVENTS, &SHIPMENTS] {
        let writes: Vec<_> = (0..9)
            .map(|n| {
                let id = format!("{n}");
                if *view == SHIPMENTS {
                    shipment(&id, n)
                } else {
                    event(&id, n)
                }
            })
            .collect();
        store
            .bulk(view, version_of(1, 1), &mut writes.clone())
            .unwrap();
        let name = cluster.name(view);
        let id = writes[3].id();
        let update = r#"{"doc":{"sellerRegion":"AC"}}"#;
        let (status, _) = cluster.ask("POST", &format!("/{name}/_update/{id}"), update);
        assert_eq!(status, 200);
        // An edit that keeps version and hash: only a whole look finds it.
        let DocumentWrite::Index { rev, doc, .. } = &writes[4] else {
            unreachable!("only documents")
        };
        let ver = version_of(1, 1);
        let edited = doc.replace("\"SP\"", "\"AM\"");
        let body = format!(
            "{},\"rev\":{},\"ver\":{ver},\"tick\":1}}",
            &edited[..edited.len() - 1],
            *rev as i64
        );
        let path = format!(
            "/{name}/_doc/{}?version={ver}&version_type=external_gte",
            writes[4].id()
        );
        let (status, _) = cluster.ask("PUT", &path, &body);
        assert_eq!(status, 200);

        let mut found = scanned(&mut store, view, Look::Listed);
        assert_eq!(found[id].1, None);
        assert_eq!(found[writes[4].id()].1, Some(*rev));
        found = scanned(&mut store, view, Look::Whole);
        assert_eq!(found[id].1, None);
        assert_eq!(found[writes[4].id()].1, None);
        let odd = found.values().filter(|(_, rev)| rev.is_none()).count();
        assert_eq!(odd, 2);
        assert_eq!(found[id].0, "3");

        let mut lines = Vec::new();
        let mut documents = ElasticsearchDocuments::open(&cluster.config()).unwrap();
        documents
            .documents(view, &mut |_id, line| lines.push(line.to_vec()))
            .unwrap();
        let changed = |region: &str| {
            lines
                .iter()
                .filter(|line| String::from_utf8_lossy(line).contains(region))
                .count()
        };
        assert_eq!((changed("\"AC\""), changed("\"AM\"")), (1, 1));

        // The very next version after the edit's own is that of the mending write.
        store
            .bulk(
                view,
                version_of(1, 2),
                &mut vec![writes[3].clone(), writes[4].clone()],
            )
            .unwrap();
        assert_eq!(scanned(&mut store, view, Look::Whole), expected(&writes));
    }
}

#[test]
fn a_version_that_no_dataflow_gave_is_written_over() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let view = &SHIPMENTS;
    let writes = [shipment("a", 1), shipment("b", 2)];
    let bulk = |store: &mut ElasticsearchStore, tick, writes: &[DocumentWrite]| {
        let refused = store.bulk(view, version_of(1, tick), &mut writes.to_vec());
        assert_eq!(refused.unwrap(), []);
    };
    bulk(&mut store, 1, &writes);
    for (method, id) in [("PUT", "a"), ("DELETE", "b")] {
        let path = format!(
            "/{}/_doc/{id}?version={}&version_type=external",
            cluster.name(view),
            version_of(90, 1)
        );
        let body = if method == "PUT" {
            r#"{"orderId":"a"}"#
        } else {
            ""
        };
        assert_eq!(cluster.ask(method, &path, body).0, 200);
    }
    for tick in [2, 3] {
        bulk(&mut store, tick, &writes);
        assert_eq!(scanned(&mut store, view, Look::Whole), expected(&writes));
    }
}

#[test]
fn lines_are_sorted_and_those_that_were_sent() {
    let cluster = Cluster::new();
    let mut documents = ElasticsearchDocuments::open(&cluster.config()).unwrap();
    let error = documents.count(&SHIPMENTS).unwrap_err();
    assert!(
        error.to_string().contains("no dataflow has run there"),
        "{error}"
    );
    assert_eq!(error.retry, Retry::Never);

    let mut store = cluster.writer(1);
    let writes: Vec<_> = ["a", "a b", "a\"", "a\\", "é", "A"]
        .into_iter()
        .map(|id| shipment(id, 1))
        .collect();
    let view = &SHIPMENTS;
    store
        .bulk(view, version_of(1, 1), &mut writes.clone())
        .unwrap();
    let mut expected: Vec<(String, String)> = writes
        .iter()
        .map(|write| match write {
            DocumentWrite::Index { id, doc, .. } => (doc.clone(), id.clone()),
            DocumentWrite::Delete { .. } => unreachable!("only documents"),
        })
        .collect();
    expected.sort();
    let mut found = Vec::new();
    documents
        .documents(view, &mut |id, line| {
            found.push((String::from_utf8(line.to_vec()).unwrap(), id.to_owned()));
        })
        .unwrap();
    assert_eq!(found, expected);
    assert_eq!(documents.count(view).unwrap(), 6);
    assert_eq!(documents.count(&SHIPMENT_EVENTS).unwrap(), 0);
}

#[test]
fn poison_is_refused_by_name_and_the_rest_goes_on() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let view = &SHIPMENTS;
    let mut writes: Vec<_> = (0..200).map(|n| shipment(&format!("{n}"), n)).collect();
    // One that the strict mapping refuses, and one that makes the whole request unacceptable.
    writes.insert(
        40,
        DocumentWrite::Index {
            id: "strict".into(),
            rev: 1,
            doc: r#"{"orderId":"strict","surprise":1}"#.into(),
        },
    );
    writes.insert(130, shipment(&"x".repeat(513), 1));
    let mut left = writes.clone();
    let refused = store.bulk(view, version_of(1, 1), &mut left).unwrap();
    assert_eq!(left, []);
    let mut named: Vec<_> = refused
        .iter()
        .map(|refused| (refused.id.len(), refused.reason.split(':').next().unwrap()))
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            (6, "strict_dynamic_mapping_exception"),
            (513, "action_request_validation_exception"),
        ]
    );
    assert_eq!(refused[0].version, version_of(1, 1));
    assert_eq!(scanned(&mut store, view, Look::Listed).len(), 200);
}

#[test]
fn a_mapping_that_refuses_everything_stops_the_writer() {
    let cluster = Cluster::new();
    let mut store = cluster.writer(1);
    let mut writes: Vec<_> = (0..300)
        .map(|n| DocumentWrite::Index {
            id: format!("{n}"),
            rev: 1,
            doc: r#"{"surprise":1}"#.into(),
        })
        .collect();
    let error = store
        .bulk(&SHIPMENTS, version_of(1, 1), &mut writes)
        .unwrap_err();
    assert_eq!(error.retry, Retry::Never);
    assert!(
        error.to_string().contains("strict_dynamic_mapping"),
        "{error}"
    );
}
