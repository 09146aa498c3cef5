//! One set of laws for every document store.
//!
//! Each law runs against the SQLite store and against Elasticsearch, through the trait alone.

use std::collections::BTreeMap;

use eip_stores::{DocumentStore, DocumentWrite, Look, SqliteStore, StatsStore as _, version_of};
use eip_views::{SHIPMENT_EVENTS, SHIPMENTS, View};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::elasticsearch::cluster::{Cluster, TOPIC, delete, event, shipment};

/// Opens the store of one chain anew, as the writer of the given epoch.
type Open<'a> = &'a dyn Fn(u64) -> Box<dyn DocumentStore>;

fn with_sqlite(law: impl Fn(Open<'_>)) {
    let state = tempfile::tempdir().unwrap();
    law(&|epoch| {
        let mut store = SqliteStore::open(state.path(), TOPIC, "a test").unwrap();
        // The file's epoch is taken where the rows' is.
        store.take_epoch(epoch).unwrap();
        store.take_over(epoch, 1).unwrap();
        store.write_as(epoch, 0).unwrap();
        Box::new(store)
    });
}

fn with_elasticsearch(law: impl Fn(Open<'_>)) {
    let cluster = Cluster::new();
    law(&|epoch| Box::new(cluster.writer(epoch)));
}

type Found = BTreeMap<String, (String, Option<u64>)>;

fn scanned(store: &mut dyn DocumentStore, view: &'static View, look: Look) -> Found {
    let mut found = Found::new();
    store
        .scan(view, look, &mut |stored| {
            let value = (stored.order_id.to_owned(), stored.rev);
            assert_eq!(found.insert(stored.id.to_owned(), value), None);
        })
        .unwrap();
    found
}

/// What one step of a history does.
#[derive(Clone, Debug)]
enum Step {
    /// Writes these: for each order its number, and the content or that it goes.
    Bulk(BTreeMap<u8, Option<i64>>),
    /// The same call as the last once more, as after an answer that was lost.
    Again,
    /// The dataflow ends, and one with the next epoch goes on.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes =
        proptest::collection::btree_map(0..12_u8, proptest::option::weighted(0.7, 0..5_i64), 0..12);
    let step = prop_oneof![
        6 => writes.prop_map(Step::Bulk),
        2 => Just(Step::Again),
        1 => Just(Step::Restart),
    ];
    vec(step, 1..12)
}

fn write_of(view: &'static View, order: u8, content: Option<i64>) -> DocumentWrite {
    let order_id = format!("order {order}");
    let document = if *view == SHIPMENTS {
        shipment(&order_id, content.unwrap_or(0))
    } else {
        // The id of an event holds its time, so an order's event is always the same one.
        event(&order_id, 7)
    };
    match content {
        Some(_) => document,
        None => delete(document.id()),
    }
}

fn histories(cases: u32, open: Open<'_>) {
    let first_epoch = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&steps(), |steps| {
            let next_epoch = || {
                first_epoch.set(first_epoch.get() + 1);
                first_epoch.get()
            };
            let mut epoch = next_epoch();
            let mut store = open(epoch);
            for view in [&SHIPMENT_EVENTS, &SHIPMENTS] {
                let found = scanned(&mut *store, view, Look::Listed);
                let mut rest: Vec<_> = found.keys().map(|id| delete(id)).collect();
                store.bulk(view, version_of(epoch, 1), &mut rest).unwrap();
            }
            let mut model: BTreeMap<&str, Found> = BTreeMap::new();
            let mut tick = 1;
            let mut last = Vec::new();
            for step in steps {
                match step {
                    Step::Bulk(writes) => {
                        last = writes.into_iter().collect();
                        tick += 1;
                    }
                    Step::Again => {}
                    Step::Restart => {
                        // SQLite has one writer a folder: the old one ends first.
                        drop(store);
                        epoch = next_epoch();
                        store = open(epoch);
                        tick += 1;
                    }
                }
                for view in [&SHIPMENT_EVENTS, &SHIPMENTS] {
                    let writes: Vec<_> = last
                        .iter()
                        .map(|&(order, content)| write_of(view, order, content))
                        .collect();
                    let mut left = writes.clone();
                    let refused = store
                        .bulk(view, version_of(epoch, tick), &mut left)
                        .unwrap();
                    assert_eq!((refused, left), (vec![], vec![]));
                    let model = model.entry(view.name).or_default();
                    for (write, (order, _)) in writes.into_iter().zip(&last) {
                        match write {
                            DocumentWrite::Index { id, rev, .. } => {
                                model.insert(id, (format!("order {order}"), Some(rev)));
                            }
                            DocumentWrite::Delete { id } => {
                                model.remove(&id);
                            }
                        }
                    }
                    for look in [Look::Listed, Look::Whole] {
                        assert_eq!(
                            &scanned(&mut *store, view, look),
                            model,
                            "{view:?} {look:?}"
                        );
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn random_histories_leave_what_they_say_in_sqlite() {
    with_sqlite(|open| histories(40, open));
}

#[test]
fn random_histories_leave_what_they_say_in_elasticsearch() {
    with_elasticsearch(|open| histories(6, open));
}

fn ids_of_any_kind(open: Open<'_>) {
    let mut store = open(1);
    let view = &SHIPMENTS;
    let ids = [
        "a",
        "A",
        "\"",
        "\\",
        " ",
        "é",
        "漢字",
        &"x".repeat(512),
        "a/b?c=d#e%20",
    ];
    let mut writes: Vec<_> = ids.iter().map(|id| shipment(id, 1)).collect();
    store.bulk(view, version_of(1, 1), &mut writes).unwrap();
    for look in [Look::Listed, Look::Whole] {
        let found = scanned(&mut *store, view, look);
        assert_eq!(found.len(), ids.len());
        assert!(ids.iter().all(|id| found[*id].0 == *id));
    }
    let mut deletes: Vec<_> = ids.iter().map(|id| delete(id)).collect();
    store.bulk(view, version_of(1, 2), &mut deletes).unwrap();
    assert!(scanned(&mut *store, view, Look::Listed).is_empty());
    store.refresh().unwrap();
}

#[test]
fn ids_of_any_kind_come_back_from_sqlite() {
    with_sqlite(ids_of_any_kind);
}

#[test]
fn ids_of_any_kind_come_back_from_elasticsearch() {
    with_elasticsearch(ids_of_any_kind);
}

fn the_epoch_is_found_again(open: Open<'_>) {
    for epoch in 1..4 {
        let mut store = open(epoch);
        let mut writes = vec![shipment("a", 1)];
        store
            .bulk(&SHIPMENTS, version_of(epoch, 1), &mut writes)
            .unwrap();
        assert_eq!(store.greatest_epoch().unwrap(), epoch);
    }
}

#[test]
fn the_epoch_is_found_again_in_sqlite() {
    with_sqlite(the_epoch_is_found_again);
}

#[test]
fn the_epoch_is_found_again_in_elasticsearch() {
    with_elasticsearch(the_epoch_is_found_again);
}
