//! What readers see: snapshots, lines in order, digests, figures.

use std::fs;

use eip_contract::{Day, EventTime, EventType};
use eip_views::{ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, ShipmentDocument, VIEWS};
use sha2::{Digest as _, Sha256};

use super::{bulk, commit_rows, index, open, row};
use crate::{SqliteViews, StatsStore as _, StoreError, ViewReader, version_of};

#[test]
fn lines_come_in_the_order_of_their_bytes_whatever_the_ids_hold() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
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
    bulk(&mut store, &SHIPMENTS, version_of(epoch, 1), &writes);
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
}

#[test]
fn a_snapshot_does_not_move_while_a_dataflow_writes() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
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
    assert_eq!(reader.counts().unwrap().of(&ROUTE_STATS_DAILY), 2);
}

#[test]
fn an_export_is_the_lines_and_its_digest_their_hash() {
    let state = tempfile::tempdir().unwrap();
    let mut store = open(state.path());
    let epoch = store.take_epoch(1).unwrap();
    let writes: Vec<_> = (0..1000)
        .map(|n| index(&format!("{n:032x}"), n, &format!("{{\"n\":{n:0200}}}")))
        .collect();
    bulk(&mut store, &SHIPMENT_EVENTS, version_of(epoch, 1), &writes);
    drop(store);
    let out = state.path().join("out");
    let mut reader = ViewReader::open(state.path()).unwrap();
    let digests = reader.export(&out).unwrap();
    assert_eq!(reader.digests().unwrap(), digests);
    let names: Vec<_> = digests
        .iter()
        .map(|digest| (digest.name, digest.rows))
        .collect();
    assert_eq!(
        names,
        [
            (VIEWS[0].name, 1000),
            (VIEWS[1].name, 0),
            (VIEWS[2].name, 0)
        ]
    );
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
    let epoch = store.take_epoch(1).unwrap();
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
    bulk(&mut store, &SHIPMENTS, version_of(epoch, 1), &writes);
    let last = day.day().days() - 1;
    let rows = [
        row(last, "SP", 5),
        row(last - 1, "SP", 6),
        row(last, "AC", 12),
        row(0, "ZZ", 99),
    ];
    commit_rows(&mut store, epoch, 1, &rows);

    let mut reader = SqliteViews::open(state.path()).unwrap();
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
