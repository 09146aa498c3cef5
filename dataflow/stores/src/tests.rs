//! What the SQLite store promises to the dataflow; `reading`: what to its readers.

mod reading;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eip_contract::{Day, Offset};
use eip_views::{ROUTE_STATS_DAILY, RouteStatsRow, SHIPMENT_EVENTS, SHIPMENTS};

use super::*;

const TOPIC: &str = "00112233445566778899aabbccddeeff";

fn open(state: &Path) -> SqliteStore {
    SqliteStore::open(state, TOPIC, "a test").unwrap()
}

fn index(id: &str, rev: u64, doc: &str) -> DocumentWrite {
    DocumentWrite::Index {
        id: id.into(),
        rev,
        doc: doc.into(),
    }
}

fn delete(id: &str) -> DocumentWrite {
    DocumentWrite::Delete { id: id.into() }
}

fn row(day: u32, seller: &str, placed: i64) -> RouteStatsRow {
    RouteStatsRow {
        stat_date: Day::from_days(day).unwrap(),
        seller_region: seller.into(),
        customer_region: "RJ".into(),
        counts: [placed, 0, 0, 0, 0, 4],
        delivered_late: 1,
        lead_count: 4,
        lead_seconds_sum: 10,
        lead_seconds_percentiles: [Some(2), Some(4), None],
        late_seconds_sum: 3,
    }
}

fn upserts(rows: &[RouteStatsRow]) -> [RowChanges; 1] {
    [RowChanges {
        view: &ROUTE_STATS_DAILY,
        upserts: rows.iter().cloned().map(RouteStatsRow::into_row).collect(),
        deletes: Vec::new(),
    }]
}

fn stored_rows(store: &mut SqliteStore) -> Vec<RouteStatsRow> {
    let rows = store.rows(&ROUTE_STATS_DAILY).unwrap();
    let rows = rows.iter().map(|row| RouteStatsRow::from_values(row));
    rows.collect::<Option<_>>().unwrap()
}

fn commit_rows(store: &mut SqliteStore, epoch: u64, tick: u64, upserts: &[RouteStatsRow]) {
    let offsets = [Offset(tick), Offset(0)];
    store
        .commit(&TickCommit {
            epoch,
            tick,
            offsets: &offsets,
            last: &[],
            rows: &self::upserts(upserts),
            dead_letters: &[],
            all_dead_letters: false,
        })
        .unwrap();
}

/// Id and rev of every document.
fn scanned(store: &mut SqliteStore, view: &'static View) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    store
        .scan(view, Look::Listed, &mut |document| {
            found.insert(document.id.to_owned(), document.rev.unwrap());
        })
        .unwrap();
    found
}

/// A bulk of documents that are all written.
fn bulk(store: &mut SqliteStore, view: &'static View, version: u64, writes: &[DocumentWrite]) {
    let mut writes = writes.to_vec();
    let refused = store.bulk(view, version, &mut writes).unwrap();
    assert!(refused.is_empty() && writes.is_empty());
}

#[test]
fn a_bulk_of_any_size_leaves_exactly_its_documents() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
    let mut expected = BTreeMap::new();
    for (tick, size) in (1..).zip([1_u64, 0, 255, 256, 257, 700]) {
        let version = version_of(epoch, tick);
        let writes: Vec<_> = (0..size)
            .rev()
            .map(|n| {
                let (id, rev) = (format!("order {n}"), u64::MAX - n - tick);
                expected.insert(id.clone(), rev);
                index(&id, rev, "{}")
            })
            .collect();
        bulk(&mut store, &SHIPMENTS, version, &writes);
        assert_eq!(scanned(&mut store, &SHIPMENTS), expected);
    }
    let version = version_of(epoch, 9);
    let writes = [
        delete("order 3"),
        index("\"\\ é", 5, "{}"),
        delete("never there"),
    ];
    bulk(&mut store, &SHIPMENTS, version, &writes);
    expected.remove("order 3");
    expected.insert("\"\\ é".into(), 5);
    assert_eq!(scanned(&mut store, &SHIPMENTS), expected);
    bulk(
        &mut store,
        &SHIPMENTS,
        version_of(epoch, 10),
        &[delete("\"\\ é")],
    );
    expected.remove("\"\\ é");
    assert_eq!(scanned(&mut store, &SHIPMENTS), expected);
    // What this very version has written stays: another worker wants it.
    let version = version_of(epoch, 11);
    let wanted = [index("order 3", 7, "{}")];
    bulk(&mut store, &SHIPMENTS, version, &wanted);
    let unwanted = [delete("order 3")];
    bulk(&mut store, &SHIPMENTS, version, &unwanted);
    expected.insert("order 3".into(), 7);
    assert_eq!(scanned(&mut store, &SHIPMENTS), expected);
    assert!(scanned(&mut store, &SHIPMENT_EVENTS).is_empty());
}

#[test]
fn a_tick_writes_rows_dead_letters_and_progress_together() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    assert_eq!(store.progress().unwrap(), None);
    let epoch = store.take_epoch(1).unwrap();
    let begun = store.progress().unwrap().unwrap();
    assert_eq!(
        (begun.epoch, begun.tick, begun.offsets.len()),
        (epoch, 0, 0)
    );

    let letter = |offset| StoredDeadLetter {
        partition: 1,
        offset: Offset(offset),
        code: "not_json".into(),
        reason: "not a JSON object".into(),
    };
    let rows: Vec<_> = (0..300).map(|day| row(day, "SP", i64::from(day))).collect();
    let offsets = [Offset(7), Offset(9)];
    let mut tick = TickCommit {
        epoch,
        tick: 50,
        offsets: &offsets,
        last: &[],
        rows: &upserts(&rows),
        dead_letters: &[letter(3), letter(8)],
        all_dead_letters: false,
    };
    store.commit(&tick).unwrap();
    store.commit(&tick).unwrap();
    assert_eq!(stored_rows(&mut store), rows);

    let changed = [row(0, "SP", 77), row(0, "AC", 1)];
    let mut second = upserts(&changed);
    let key = |row: &RouteStatsRow| row.clone().into_row()[..3].to_vec();
    second[0].deletes = rows[1..].iter().map(key).collect();
    tick = TickCommit {
        tick: 51,
        rows: &second,
        dead_letters: &[],
        ..tick
    };
    store.commit(&tick).unwrap();
    let [sp, ac] = changed;
    assert_eq!(stored_rows(&mut store), [ac, sp]);
    let expected = Progress {
        epoch,
        tick: 51,
        offsets: offsets.into(),
        last: Vec::new(),
        topic_id: TOPIC.into(),
    };
    assert_eq!(store.progress().unwrap(), Some(expected));

    let mut reader = ViewReader::open(state.path()).unwrap();
    assert_eq!(reader.dead_letters().unwrap(), [letter(3), letter(8)]);
    let counts = reader.counts().unwrap();
    assert_eq!((counts.of(&ROUTE_STATS_DAILY), counts.dead_letters), (2, 2));
}

#[test]
fn a_dataflow_that_was_replaced_writes_nothing_more() {
    let state = tempfile::tempdir().unwrap();
    let mut old = open(state.path());
    let mut new = old.clone();
    let old_epoch = old.take_epoch(1).unwrap();
    let new_epoch = new.take_epoch(1).unwrap();
    assert!(new_epoch > old_epoch);
    let writes = [index("a", 1, "{}")];
    let version = version_of(old_epoch, 1);
    let error = old
        .bulk(&SHIPMENTS, version, &mut writes.to_vec())
        .unwrap_err();
    assert_eq!((error.fault, error.retry), (Fault::Internal, Retry::Never));
    assert!(
        error.to_string().contains("a newer dataflow took over"),
        "{error}"
    );
    let tick = TickCommit {
        epoch: old_epoch,
        tick: 1,
        offsets: &[],
        last: &[],
        rows: &upserts(&[row(1, "SP", 1)]),
        dead_letters: &[],
        all_dead_letters: false,
    };
    old.commit(&tick).unwrap_err();
    assert!(scanned(&mut new, &SHIPMENTS).is_empty());
    assert!(stored_rows(&mut new).is_empty());
    bulk(&mut new, &SHIPMENTS, version_of(new_epoch, 1), &writes);
}

#[test]
fn an_epoch_is_above_every_stored_version_even_when_the_progress_row_was_lost() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    for _ in 0..3 {
        store.take_epoch(1).unwrap();
    }
    let writes = [index("a", 1, "{}")];
    bulk(&mut store, &SHIPMENTS, version_of(3, 1), &writes);
    change_by_hand(state.path(), "DELETE FROM progress");
    drop(store);
    let mut store = open(state.path());
    let least = 1 + store.greatest_epoch().unwrap();
    assert_eq!(store.take_epoch(least).unwrap(), 4);
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path(), TOPIC, "eip dataflow").unwrap();
    let error = SqliteStore::open(state.path(), TOPIC, "another")
        .err()
        .unwrap();
    let holder = format!("pid {}, eip dataflow", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    assert_eq!(error.fault, Fault::User);
    drop(store);
    open(state.path());
}

#[test]
fn views_of_another_log_or_a_newer_format_are_refused() {
    let state = tempfile::tempdir().unwrap();
    drop(open(state.path()));
    let error = SqliteStore::open(state.path(), "another log", "a test")
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(
        text.contains(TOPIC) && text.contains("another log"),
        "{text}"
    );

    change_by_hand(state.path(), "UPDATE progress SET format = 99");
    let write = SqliteStore::open(state.path(), TOPIC, "a test")
        .err()
        .unwrap()
        .to_string();
    let read = ViewReader::open(state.path()).err().unwrap().to_string();
    for text in [write, read] {
        assert!(
            text.contains("format 99") && text.contains("up to 2"),
            "{text}"
        );
    }
}

#[test]
fn a_damaged_file_is_named_with_the_way_out() {
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join("views.sqlite"), [b'x'; 5000]).unwrap();
    let error = SqliteStore::open(state.path(), TOPIC, "a test")
        .err()
        .unwrap();
    assert_eq!((error.fault, error.retry), (Fault::External, Retry::Never));
    assert!(error.to_string().contains("remove it"), "{error}");
}

#[test]
fn views_left_behind_by_a_killed_dataflow_are_read_and_written_on() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
    commit_rows(&mut store, epoch, 1, &[row(1, "SP", 1)]);
    // What a killed process leaves: the file, and the log that was never folded into it.
    let left = tempfile::tempdir().unwrap();
    for name in ["views.sqlite", "views.sqlite-wal"] {
        fs::copy(state.path().join(name), left.path().join(name)).unwrap();
    }
    assert_eq!(
        ViewReader::open(left.path())
            .unwrap()
            .progress()
            .unwrap()
            .unwrap()
            .tick,
        1
    );
    let mut next = open(left.path());
    let next_epoch = next.take_epoch(1).unwrap();
    commit_rows(&mut next, next_epoch, 2, &[row(2, "SP", 1)]);
    assert_eq!(stored_rows(&mut next).len(), 2);
}

#[test]
fn views_of_an_earlier_version_are_read_as_they_are_and_gone_on_from() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
    commit_rows(&mut store, epoch, 1, &[row(1, "SP", 1)]);
    let before = store.progress().unwrap();
    drop(store);
    change_by_hand(state.path(), "ALTER TABLE progress DROP COLUMN last");
    change_by_hand(
        state.path(),
        "DELETE FROM _sqlx_migrations WHERE version = 2",
    );
    let mut reader = ViewReader::open(state.path()).unwrap();
    assert_eq!(reader.progress().unwrap(), before);
    let mut store = open(state.path());
    assert_eq!(store.progress().unwrap(), before);
    commit_rows(&mut store, epoch, 2, &[row(2, "SP", 1)]);
    assert_eq!(reader.progress().unwrap().unwrap().tick, 2);
    assert_eq!(stored_rows(&mut store).len(), 2);
}

impl DocumentWrite {
    fn doc(&self) -> Option<&str> {
        match self {
            Self::Index { doc, .. } => Some(doc),
            Self::Delete { .. } => None,
        }
    }
}

fn change_by_hand(state: &Path, sql: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let file = state.join("views.sqlite");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let mut connection = options.connect().await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}
