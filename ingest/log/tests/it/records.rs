//! Records come back as they were appended.

use eip_contract::{Event, EventTime, EventType, Offset, partition_of};
use eip_log::{JournalReader, LogError, NewRecord, committed_ends};

use crate::support::*;

#[test]
fn what_was_appended_and_synced_is_read_back_after_reopening() {
    let (_folder, state) = state(3);
    let keys: [Option<&[u8]>; 5] = [
        None,
        Some(b""),
        Some(b"plain"),
        Some(b"\"\\\n"),
        Some(b"\xff"),
    ];
    let values: [Option<&[u8]>; 7] = [
        None,
        Some(b""),
        Some(b"null"),
        Some(b"{\"a\": [1, \"b\"]}"),
        Some(b"{\"a\":1}\n"),
        Some(b"{broken}"),
        Some(&[0, 159, 146, 150]),
    ];
    let mut expected = Vec::new();
    let mut writer = open(&state);
    for key in keys {
        for (i, value) in values.into_iter().enumerate() {
            let due_micros = (i == 1).then_some(-5);
            let record = NewRecord {
                key,
                value,
                due_micros,
                ..NewRecord::default()
            };
            let tag = tag("run");
            let tag = (i > 2).then_some(&tag);
            let (partition, offset) = writer.append(tag, record).unwrap();
            assert_eq!(partition, key.map_or(0, |key| partition_of(key, 3)));
            expected.push(Record {
                partition,
                offset: offset.0,
                key: key.map(<[u8]>::to_vec),
                value: value.map(<[u8]>::to_vec),
                run: tag.map(ToString::to_string),
                parts: None,
                due_micros,
            });
        }
    }
    writer.sync().unwrap();
    let ends = writer.ends();
    drop(writer);
    assert_eq!(read_all(&state), expected);
    assert_eq!(read_naively(&state).0, expected);
    assert_eq!(open(&state).ends(), ends);
    assert_eq!(committed_ends(&state).unwrap(), ends);
    assert_eq!(read_all(&state), expected);
}

#[test]
fn an_event_encoded_in_place_is_the_contracts_own_bytes() {
    let (_folder, state) = state(4);
    let event = Event {
        event_type: EventType::Delivered,
        event_at: EventTime::from_seconds(1_000_000_000).unwrap(),
        order_id: "a\"b".into(),
        seller_region: "SP".into(),
        customer_region: "RJ".into(),
        estimated_delivery_at: None,
    };
    let mut writer = open(&state);
    writer
        .append_event(Some(&tag("r")), &event, Some(3))
        .unwrap();
    writer.sync().unwrap();
    let record = &read_all(&state)[0];
    assert_eq!(record.value.as_deref(), Some(event.to_json().as_bytes()));
    assert_eq!(record.key.as_deref(), Some(&b"a\"b"[..]));
    assert_eq!(
        (record.partition, record.due_micros),
        (partition_of(b"a\"b", 4), Some(3))
    );
    assert_eq!(read_naively(&state).0[0], *record);
}

#[test]
fn a_value_of_some_mebibytes_comes_back() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(3 << 20));
    let bytes = vec![0xff; 5 << 20];
    put(&mut writer, 0, "k", &long);
    writer
        .append(None, NewRecord::foreign(None, &bytes))
        .unwrap();
    put(&mut writer, 0, "k", "short");
    writer.sync().unwrap();
    let records = read_all(&state);
    assert_eq!(records[0].value.as_deref(), Some(long.as_bytes()));
    assert_eq!(records[1].value.as_deref(), Some(bytes.as_slice()));
    assert_eq!(records[2].value.as_deref(), Some(&b"short"[..]));
    let too_long = vec![b' '; (16 << 20) + 1];
    let refused = writer.append(None, NewRecord::foreign(None, &too_long));
    assert!(matches!(refused, Err(LogError::TooLarge(_))));
}

#[test]
fn a_reader_gets_its_own_partitions_from_its_own_places_up_to_where_it_may_go() {
    let (_folder, state) = state(3);
    let mut writer = open(&state);
    for i in 0..30 {
        put(&mut writer, i % 3, "k", &i.to_string());
    }
    writer.sync().unwrap();
    let from = vec![Offset(4), Offset(99), Offset(8)];
    let mut reader = JournalReader::open(&state, vec![0, 2], from).unwrap();
    let mut got = Vec::new();
    let mut poll = |reader: &mut JournalReader, upto: Option<&[Offset]>, most| {
        got.clear();
        let count = reader
            .poll(upto, most, &mut |r| got.push((r.partition, r.offset.0)))
            .unwrap();
        assert_eq!(count, got.len());
        got.clone()
    };
    // Partition 2 is read past the records that partition 0 may not have yet.
    let upto = [Offset(5), Offset(0), Offset(10)];
    assert_eq!(poll(&mut reader, Some(&upto), 10), [(0, 4), (2, 8), (2, 9)]);
    assert_eq!(poll(&mut reader, Some(&upto), 10), []);
    assert_eq!(reader.positions(), [Offset(5), Offset(99), Offset(10)]);
    assert_eq!(poll(&mut reader, None, 2), [(0, 5), (0, 6)]);
    assert_eq!(poll(&mut reader, None, 10), [(0, 7), (0, 8), (0, 9)]);
    assert_eq!(poll(&mut reader, None, 10), []);
    put(&mut writer, 2, "k", "new");
    writer.sync().unwrap();
    assert_eq!(poll(&mut reader, None, 10), [(2, 10)]);
}

#[test]
fn a_call_that_fits_no_log_is_refused() {
    let (_folder, state) = state(2);
    let bad =
        |result: Result<JournalReader, LogError>| matches!(result, Err(LogError::BadPartitions(_)));
    assert!(bad(JournalReader::open(
        &state,
        vec![2],
        vec![Offset(0); 2]
    )));
    assert!(bad(JournalReader::open(
        &state,
        vec![0],
        vec![Offset(0); 3]
    )));
    let mut writer = open(&state);
    let record = NewRecord {
        partition: Some(2),
        ..NewRecord::tombstone(b"k")
    };
    assert!(matches!(
        writer.append(None, record),
        Err(LogError::BadPartitions(_))
    ));
    let refused = writer.append(Some(&tag("a b")), NewRecord::tombstone(b"k"));
    assert!(matches!(refused, Err(LogError::BadRunId(_))));
    assert_eq!(writer.ends(), [Offset(0); 2]);
}
