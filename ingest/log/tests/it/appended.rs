//! Records say when they were appended; those of earlier programs do not, and stay readable.

use std::cell::Cell;
use std::fs;

use eip_contract::{Event, EventTime, EventType};
use eip_log::{JournalWriter, Log, NewRecord, StateDir, WriterOptions, export_with_times, import};

use crate::support::*;

/// A journal as programs wrote it before records said when they were appended.
const FORMAT_1: &str = r#"{"journal":1,"topic":"00000000000000000000000000000007","file":1,"next":[0,0],"ledger":0,"c":"e709b2f5"}
{"p":0,"o":0,"k":"o1","run":"old/1","due":1500000000000000,"v":{"a":1},"c":"e7774544"}
{"p":1,"o":0,"k":"o2","v":null,"c":"f5f70e75"}
{"begin":"win/1","c":"16af4515"}
{"p":0,"o":1,"k":"o1","run":"win/1","parts":"1,0","b64":"bm90IEpTT04=","c":"466c97bb"}
{"ledger":{"run_id":"win","attempt":1,"kind":"window","state":"committed","at":1},"n":0,"c":"d422a4d5"}
{"commit":"win/1","next":[2,1],"c":"a0d40f28"}
"#;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

/// A writer whose clock goes by one with each look.
fn open_at(state: &StateDir, now: i64) -> JournalWriter {
    NOW.set(now);
    let options = WriterOptions {
        durable: false,
        clock: || {
            NOW.set(NOW.get() + 1);
            NOW.get()
        },
        ..WriterOptions::default()
    };
    JournalWriter::open_with(state, "a test", options).unwrap()
}

/// Key and time of all records.
fn times(state: &StateDir) -> Vec<(String, Option<i64>)> {
    let mut times = Vec::new();
    let mut reader = reader(state);
    let mut take = |record: eip_log::RecordRef<'_>| {
        let key = String::from_utf8_lossy(record.key.unwrap_or(b"b")).into_owned();
        times.push((key, record.appended_ms));
    };
    while reader.poll(None, 100, &mut take).unwrap() > 0 {}
    times
}

fn named(times: &[(&str, Option<i64>)]) -> Vec<(String, Option<i64>)> {
    let owned = |&(key, time): &(&str, Option<i64>)| (key.to_owned(), time);
    times.iter().map(owned).collect()
}

#[test]
fn what_is_written_at_once_has_one_time_and_the_next_a_later_one() {
    let (_folder, state) = state(1);
    let mut writer = open_at(&state, 1000);
    put(&mut writer, 0, "a", "1");
    put(&mut writer, 0, "b", "{}");
    writer.sync().unwrap();
    writer.append(None, NewRecord::tombstone(b"c")).unwrap();
    let earlier = NewRecord {
        appended_ms: Some(-7),
        ..NewRecord::foreign(Some(b"d"), b"1")
    };
    writer.append(None, earlier).unwrap();
    writer.sync().unwrap();
    writer.begin(&tag("w"), &[1]).unwrap();
    put(&mut writer, 0, "e", "1");
    writer.commit(&committed("w")).unwrap();
    let expected = [
        ("a", Some(1001)),
        ("b", Some(1001)),
        ("c", Some(1002)),
        ("d", Some(-7)),
        ("e", Some(1003)),
    ];
    assert_eq!(times(&state), named(&expected));
}

#[test]
fn a_journal_of_format_1_is_read_without_times_and_continued_with_them() {
    let (_folder, state) = state(2);
    fs::write(
        state.journal_path().join("0000000000000001.ndjson"),
        FORMAT_1,
    )
    .unwrap();
    let old = [("o1", None), ("o2", None), ("o1", None)];
    assert_eq!(times(&state), named(&old));
    let (before, ..) = read_naively(&state);
    assert_eq!(read_all(&state), before);

    let mut writer = open_at(&state, 50);
    put(&mut writer, 1, "o3", "{}");
    writer.sync().unwrap();
    drop(writer);
    // The file of the earlier format stays as it was: a program that knows only that one refuses the next.
    let files = files(&state);
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), FORMAT_1);
    let next = fs::read_to_string(&files[1]).unwrap();
    assert!(next.starts_with("{\"journal\":2,"), "{next}");
    let all = [old.as_slice(), &[("o3", Some(51))]].concat();
    assert_eq!(times(&state), named(&all));
    let (records, ends, ledger) = read_naively(&state);
    assert_eq!(read_all(&state), records);
    assert_eq!((ends, ledger.len()), (vec![2, 2], 1));

    drop(open_at(&state, 90));
    assert_eq!(times(&state), named(&all), "the next start begins no file");
    assert_eq!(crate::support::files(&state), files);
}

#[test]
fn an_export_with_times_keeps_them_over_an_import() {
    let (_folder, first) = state(2);
    let event = |order_id: &str| {
        Event {
            event_type: EventType::OrderPlaced,
            event_at: EventTime::from_seconds(9).unwrap(),
            order_id: order_id.into(),
            seller_region: "SP".into(),
            customer_region: "RJ".into(),
            estimated_delivery_at: None,
        }
        .to_json()
    };
    let mut writer = open_at(&first, 1_764_510_941_122);
    let value = event("a");
    writer
        .append(None, NewRecord::event(b"a", value.as_bytes()))
        .unwrap();
    writer.append(None, NewRecord::tombstone(b"a")).unwrap();
    put(&mut writer, 0, "b", "not JSON");
    let old = NewRecord {
        appended_ms: Some(i64::MIN),
        ..NewRecord::tombstone(b"c")
    };
    writer.append(None, old).unwrap();
    writer.sync().unwrap();
    let exported = |state: &StateDir| {
        let mut text = Vec::new();
        export_with_times(&Log::from(state), &mut text).unwrap();
        String::from_utf8(text).unwrap()
    };
    let text = exported(&first);
    assert!(
        text.contains(",\"payload\":{\"estimatedDeliveryAt\":null},\"appendedMs\":1764510941123}")
    );
    assert!(text.contains("{\"orderId\":\"a\",\"retract\":null,\"appendedMs\":1764510941123}"));
    assert!(text.lines().any(|line| line == "not JSON"));

    let (_folder, second) = state(2);
    let mut writer = Log::from(&second).writer("a test").unwrap();
    let summary = import(&mut *writer, None, text.as_bytes()).unwrap();
    drop(writer);
    assert_eq!((summary.records, summary.foreign), (4, 1));
    assert_eq!(exported(&second), text);
    // What a record says does not have it.
    let values: Vec<_> = read_all(&second)
        .into_iter()
        .filter_map(|record| record.value)
        .collect();
    assert!(values.contains(&value.into_bytes()));
    let kept = |state: &StateDir| {
        let mut times = times(state);
        times.retain(|(key, _)| key != "b");
        times.sort();
        times
    };
    assert_eq!(kept(&second), kept(&first));
}
