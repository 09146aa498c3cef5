//! What the SQLite store promises to the dataflow and to its readers.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use eip_contract::document::{RouteStatsRow, ShipmentDocument, VIEWS};
use eip_contract::{Day, EventTime, EventType, Offset};
use sha2::{Digest as _, Sha256};

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

fn commit_rows(store: &mut SqliteStore, epoch: u64, tick: u64, upserts: &[RouteStatsRow]) {
    let offsets = [Offset(tick), Offset(0)];
    store
        .commit(&TickCommit {
            epoch,
            tick,
            offsets: &offsets,
            upserts,
            deletes: &[],
            dead_letters: &[],
        })
        .unwrap();
}

fn scanned(store: &mut SqliteStore, view: DocumentView) -> BTreeMap<String, (u64, u64)> {
    let mut found = BTreeMap::new();
    store
        .scan(view, &mut |id, rev, version| {
            found.insert(id.to_owned(), (rev, version));
        })
        .unwrap();
    found
}

#[test]
fn a_bulk_of_any_size_leaves_exactly_its_documents() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch().unwrap();
    let mut expected = BTreeMap::new();
    for (tick, size) in (1..).zip([1_u64, 0, 255, 256, 257, 700]) {
        let version = version_of(epoch, tick);
        let writes: Vec<_> = (0..size)
            .rev()
            .map(|n| {
                let (id, rev) = (format!("order {n}"), u64::MAX - n - tick);
                expected.insert(id.clone(), (rev, version));
                index(&id, rev, "{}")
            })
            .collect();
        store
            .bulk(DocumentView::Shipments, version, &writes)
            .unwrap();
        assert_eq!(scanned(&mut store, DocumentView::Shipments), expected);
    }
    let version = version_of(epoch, 9);
    let writes = [
        delete("order 3"),
        index("\"\\ é", 5, "{}"),
        delete("never there"),
    ];
    store
        .bulk(DocumentView::Shipments, version, &writes)
        .unwrap();
    expected.remove("order 3");
    expected.insert("\"\\ é".into(), (5, version));
    assert_eq!(scanned(&mut store, DocumentView::Shipments), expected);
    store
        .bulk(DocumentView::Shipments, version, &[delete("\"\\ é")])
        .unwrap();
    expected.remove("\"\\ é");
    assert_eq!(scanned(&mut store, DocumentView::Shipments), expected);
    assert!(scanned(&mut store, DocumentView::ShipmentEvents).is_empty());
}

#[test]
fn a_tick_writes_rows_dead_letters_and_progress_together() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    assert_eq!(store.progress().unwrap(), None);
    let epoch = store.take_epoch().unwrap();
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
        upserts: &rows,
        deletes: &[],
        dead_letters: &[letter(3), letter(8)],
    };
    store.commit(&tick).unwrap();
    store.commit(&tick).unwrap();
    assert_eq!(store.rows().unwrap(), rows);

    let changed = [row(0, "SP", 77), row(0, "AC", 1)];
    let gone: Vec<_> = rows[1..]
        .iter()
        .map(|row| RouteKey {
            stat_date: row.stat_date,
            seller_region: row.seller_region.clone(),
            customer_region: row.customer_region.clone(),
        })
        .collect();
    tick = TickCommit {
        tick: 51,
        upserts: &changed,
        deletes: &gone,
        dead_letters: &[],
        ..tick
    };
    store.commit(&tick).unwrap();
    let [sp, ac] = changed;
    assert_eq!(store.rows().unwrap(), [ac, sp]);
    let expected = Progress {
        epoch,
        tick: 51,
        offsets: offsets.into(),
        topic_id: TOPIC.into(),
    };
    assert_eq!(store.progress().unwrap(), Some(expected));

    let mut reader = ViewReader::open(state.path()).unwrap();
    assert_eq!(reader.dead_letters().unwrap(), [letter(3), letter(8)]);
    let counts = reader.counts().unwrap();
    assert_eq!((counts.route_stats_daily, counts.dead_letters), (2, 2));
}

#[test]
fn a_dataflow_that_was_replaced_writes_nothing_more() {
    let state = tempfile::tempdir().unwrap();
    let mut old = open(state.path());
    let mut new = old.clone();
    let old_epoch = old.take_epoch().unwrap();
    let new_epoch = new.take_epoch().unwrap();
    assert!(new_epoch > old_epoch);
    let writes = [index("a", 1, "{}")];
    let version = version_of(old_epoch, 1);
    let error = old
        .bulk(DocumentView::Shipments, version, &writes)
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
        upserts: &[row(1, "SP", 1)],
        deletes: &[],
        dead_letters: &[],
    };
    old.commit(&tick).unwrap_err();
    assert!(scanned(&mut new, DocumentView::Shipments).is_empty());
    assert!(new.rows().unwrap().is_empty());
    new.bulk(DocumentView::Shipments, version_of(new_epoch, 1), &writes)
        .unwrap();
}

#[test]
fn an_epoch_is_above_every_stored_version_even_when_the_progress_row_was_lost() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    for _ in 0..3 {
        store.take_epoch().unwrap();
    }
    store
        .bulk(
            DocumentView::Shipments,
            version_of(3, 1),
            &[index("a", 1, "{}")],
        )
        .unwrap();
    change_by_hand(state.path(), "DELETE FROM progress");
    drop(store);
    assert_eq!(open(state.path()).take_epoch().unwrap(), 4);
}

#[test]
fn a_second_writer_is_told_who_holds_the_lock() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path(), TOPIC, "eip dataflow").unwrap();
    let error = SqliteStore::open(state.path(), TOPIC, "another")
        .err()
        .unwrap();
    let holder = format!("eip dataflow, pid {}", std::process::id());
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
            text.contains("format 99") && text.contains("up to 1"),
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
fn lines_come_in_the_order_of_their_bytes_whatever_the_ids_hold() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch().unwrap();
    let mut lines = Vec::new();
    let mut writes = Vec::new();
    for id in [
        "a",
        "a b",
        "a!",
        "a\"",
        "a#",
        "a\\",
        "aZ",
        "a]",
        "é",
        "é ",
        "\u{10ffff}",
    ] {
        let mut line = Vec::new();
        let times = [Some(EventTime::MIN), None, None, None, None, None];
        ShipmentDocument {
            order_id: id,
            seller_region: "",
            customer_region: "RJ",
            estimated_delivery_at: None,
            status: EventType::OrderPlaced,
            times,
            event_count: 1,
            lead_time_seconds: None,
            late_seconds: None,
        }
        .encode(&mut line);
        writes.push(index(id, 1, std::str::from_utf8(&line).unwrap()));
        lines.push(line);
    }
    store
        .bulk(DocumentView::Shipments, version_of(epoch, 1), &writes)
        .unwrap();
    commit_rows(
        &mut store,
        epoch,
        1,
        &[row(1, "SP", 1), row(1, "S", 1), row(1, "S !", 1)],
    );
    lines.sort();
    let mut reader = ViewReader::open(state.path()).unwrap();
    let mut read = Vec::new();
    reader
        .for_each_line(VIEWS[1], &mut |line| read.push(line.to_vec()))
        .unwrap();
    assert_eq!(read, lines);
    let mut rows = Vec::new();
    reader
        .for_each_line(VIEWS[2], &mut |line| rows.push(line.to_vec()))
        .unwrap();
    assert!(rows.len() == 3 && rows.is_sorted());
    reader.for_each_line("orders", &mut |_line| ()).unwrap_err();
    assert_eq!(reader.shipment("a\"").unwrap().as_deref(), writes[3].doc());
    assert_eq!(reader.shipment("b").unwrap(), None);
}

impl DocumentWrite {
    fn doc(&self) -> Option<&str> {
        match self {
            Self::Index { doc, .. } => Some(doc),
            Self::Delete { .. } => None,
        }
    }
}

#[test]
fn a_snapshot_does_not_move_while_a_dataflow_writes() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch().unwrap();
    commit_rows(&mut store, epoch, 1, &[row(1, "SP", 1)]);
    let mut reader = ViewReader::open(state.path()).unwrap();
    reader
        .snapshot(|reader| {
            let before = reader.digests()?;
            commit_rows(&mut store, epoch, 2, &[row(2, "SP", 1)]);
            assert_eq!(reader.digests()?, before);
            assert_eq!(reader.progress()?.unwrap().tick, 1);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(reader.progress().unwrap().unwrap().tick, 2);
    assert_eq!(reader.counts().unwrap().route_stats_daily, 2);
}

#[test]
fn an_export_is_the_lines_and_its_digest_their_hash() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch().unwrap();
    let writes: Vec<_> = (0..1000)
        .map(|n| index(&format!("{n:032x}"), n, &format!("{{\"n\":{n:0200}}}")))
        .collect();
    store
        .bulk(DocumentView::ShipmentEvents, version_of(epoch, 1), &writes)
        .unwrap();
    drop(store);
    let out = state.path().join("out");
    let mut reader = ViewReader::open(state.path()).unwrap();
    let digests = reader.export(&out).unwrap();
    assert_eq!(reader.digests().unwrap(), digests);
    let names: Vec<_> = digests
        .iter()
        .map(|digest| (digest.name, digest.rows))
        .collect();
    assert_eq!(names, [(VIEWS[0], 1000), (VIEWS[1], 0), (VIEWS[2], 0)]);
    let file = fs::read(out.join("shipment_events.ndjson")).unwrap();
    let mut expected = String::new();
    for write in &writes {
        expected += write.doc().unwrap();
        expected += "\n";
    }
    assert!(file == expected.as_bytes());
    let hash = Sha256::digest(&file);
    let halves = [&hash[..16], &hash[16..]]
        .map(|half| format!("{:032x}", u128::from_be_bytes(half.try_into().unwrap())));
    assert_eq!(digests[0].sha256, halves.concat());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 3);
}

#[test]
fn percentiles_of_a_range_are_those_of_its_shipments() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch().unwrap();
    let day = EventTime::parse_iso(b"2018-02-01T00:00:00Z").unwrap();
    let mut writes = Vec::new();
    for n in 0..101_i64 {
        // One of them is delivered in the first second behind the range.
        let delivered = day
            .plus_seconds(if n == 100 { 0 } else { -1 - n * 86_400 / 4 })
            .unwrap();
        let mut doc = Vec::new();
        ShipmentDocument {
            order_id: &n.to_string(),
            seller_region: "SP",
            customer_region: "RJ",
            estimated_delivery_at: None,
            status: EventType::Delivered,
            times: [
                Some(EventTime::MIN),
                None,
                None,
                None,
                None,
                Some(delivered),
            ],
            event_count: 2,
            lead_time_seconds: Some(1000 + (n * 37) % 100),
            late_seconds: Some(0),
        }
        .encode(&mut doc);
        writes.push(index(&n.to_string(), 1, std::str::from_utf8(&doc).unwrap()));
    }
    store
        .bulk(DocumentView::Shipments, version_of(epoch, 1), &writes)
        .unwrap();
    let last = day.day().days() - 1;
    let rows = [
        row(last, "SP", 5),
        row(last - 1, "SP", 6),
        row(last, "AC", 12),
        row(0, "ZZ", 99),
    ];
    commit_rows(&mut store, epoch, 1, &rows);

    let mut reader = ViewReader::open(state.path()).unwrap();
    let range = Some((Day::from_days(last - 30).unwrap(), day.day()));
    let busiest = reader.busiest_routes(range, 10).unwrap();
    let named: Vec<_> = busiest
        .iter()
        .map(|route| route.seller_region.as_str())
        .collect();
    assert_eq!(named, ["AC", "SP"]);
    let sp = busiest[1].stats;
    assert_eq!((sp.counts[0], sp.counts[5], sp.delivered_late), (11, 8, 2));
    assert_eq!(sp.on_time_basis_points(), Some(7500));
    assert_eq!(
        sp.lead_seconds_percentiles,
        [Some(1049), Some(1089), Some(1098)]
    );
    assert_eq!(busiest[0].stats.lead_seconds_percentiles, [None; 3]);
    assert_eq!(
        reader.range_stats(range).unwrap().lead_seconds_percentiles[0],
        Some(1049)
    );
    assert_eq!(reader.range_stats(None).unwrap().counts[0], 122);
    assert_eq!(
        reader.busiest_routes(None, 1).unwrap()[0].seller_region,
        "ZZ"
    );
    assert_eq!(
        reader.shipments_by_status().unwrap(),
        [(EventType::Delivered, 101)]
    );
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
