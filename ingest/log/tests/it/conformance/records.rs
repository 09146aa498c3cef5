//! Records go in and come out.

use eip_contract::{Event, EventTime, EventType, Offset, partition_of};
use eip_log::{Mark, NewRecord, RunKind, RunState, Stretch};

use super::{Place, entry, now_ms, put, read_to, values};
use crate::support::tag;

super::laws! {
    records_come_back_byte_for_byte_and_in_order(2),
    an_event_goes_under_its_key_to_the_partition_that_the_contract_says(5),
    a_reader_stops_at_upto_in_each_partition_and_goes_on_later(3),
    a_reader_begins_where_it_is_told_and_leaves_other_partitions_alone(3),
    a_reader_takes_no_more_than_it_was_asked_to(3),
    a_record_says_when_it_was_appended(2),
    ends_are_those_of_what_was_synced(2),
    a_partition_that_is_not_there_is_refused(2),
    the_marks_of_a_stretch_are_those_of_its_first_committed_records(3),
}

fn records_come_back_byte_for_byte_and_in_order(place: &Place) {
    let large = vec![b'x'; 1 << 20];
    let keys: [Option<&[u8]>; 4] = [None, Some(b""), Some(b"k"), Some(b"\xff\x00\"\\")];
    let values: [Option<&[u8]>; 6] = [
        None,
        Some(b""),
        Some(b"{\"a\":1}"),
        Some(b"\xff\x00\n"),
        Some(b"null"),
        Some(&large),
    ];
    let mut writer = place.writer();
    let mut expected = Vec::new();
    for key in keys {
        for (n, value) in values.into_iter().enumerate() {
            let run = (n % 2 == 0).then(|| tag("r"));
            let due_micros = (n % 3 == 0).then_some(-5 + n as i64);
            let record = NewRecord {
                key,
                value,
                due_micros,
                partition: Some(1),
                ..NewRecord::default()
            };
            writer.append(run.as_ref(), record).unwrap();
            let run = run.map(|run| run.to_string());
            expected.push((
                key.map(<[u8]>::to_vec),
                value.map(<[u8]>::to_vec),
                run,
                due_micros,
            ));
        }
    }
    writer.sync().unwrap();
    let all = place.all();
    assert_eq!(all.len(), expected.len());
    for (record, (key, value, run, due_micros)) in all.into_iter().zip(expected) {
        assert_eq!((record.partition, record.parts), (1, None));
        assert!(
            record.value == value,
            "a value of {} bytes",
            value.unwrap_or_default().len()
        );
        assert_eq!(
            (record.key, record.run, record.due_micros),
            (key, run, due_micros)
        );
    }
}

fn an_event_goes_under_its_key_to_the_partition_that_the_contract_says(place: &Place) {
    let mut writer = place.writer();
    for n in 0..50 {
        let id = format!("order-{n}");
        let event = Event {
            event_type: EventType::OrderPlaced,
            event_at: EventTime::from_seconds(n).unwrap(),
            order_id: (&*id).into(),
            seller_region: "SP".into(),
            customer_region: "RJ".into(),
            estimated_delivery_at: None,
        };
        writer
            .append_event(Some(&tag("r")), &event, Some(7))
            .unwrap();
        writer
            .append(None, NewRecord::tombstone(id.as_bytes()))
            .unwrap();
    }
    writer.sync().unwrap();
    let all = place.all();
    assert_eq!(all.len(), 100);
    for pair in all.chunks(2) {
        let [event, tombstone] = pair else {
            unreachable!()
        };
        let key = event.key.as_deref().unwrap();
        assert_eq!(event.partition, partition_of(key, 5));
        let decoded = eip_contract::decode(event.value.as_deref().unwrap()).unwrap();
        assert_eq!(decoded.event.order_id.as_bytes(), key);
        assert_eq!(
            (event.run.as_deref(), event.due_micros),
            (Some("r/1"), Some(7))
        );
        assert_eq!(
            (tombstone.key.as_deref(), &tombstone.value),
            (Some(key), &None)
        );
        assert_eq!(tombstone.run, None);
    }
}

fn a_reader_stops_at_upto_in_each_partition_and_goes_on_later(place: &Place) {
    let mut writer = place.writer();
    for n in 0..20 {
        for partition in 0..3 {
            put(&mut *writer, None, partition, &format!("{n}"));
        }
    }
    writer.sync().unwrap();
    let mut reader = place.log.read_all().unwrap();
    let mut count = |upto: [u64; 3]| {
        let records = read_to(&mut *reader, &upto.map(Offset));
        let of = |partition| {
            records
                .iter()
                .filter(|record| record.partition == partition)
                .count()
        };
        [of(0), of(1), of(2)]
    };
    assert_eq!(count([5, 0, 20]), [5, 0, 20]);
    assert_eq!(count([5, 0, 20]), [0, 0, 0]);
    assert_eq!(count([4, 7, 3]), [0, 7, 0]);
    assert_eq!(count([20, 20, 20]), [15, 13, 0]);
    assert_eq!(reader.positions(), [Offset(20); 3]);
    assert_eq!(
        reader
            .poll(&[Offset(20); 3], 10, &mut |_| panic!("nothing is left"))
            .unwrap(),
        0
    );
}

fn a_reader_begins_where_it_is_told_and_leaves_other_partitions_alone(place: &Place) {
    let mut writer = place.writer();
    for n in 0..9 {
        for partition in 0..3 {
            put(&mut *writer, None, partition, &format!("{n}"));
        }
    }
    writer.sync().unwrap();
    let from = [Offset(4), Offset(1), Offset(9)];
    let mut reader = place.log.reader(&[0, 2], &from).unwrap();
    put(&mut *writer, None, 2, "9");
    writer.sync().unwrap();
    let ends = place.log.committed_ends().unwrap();
    let upto = [ends[0], Offset(1), ends[2]];
    assert_eq!(
        values(&read_to(&mut *reader, &upto)),
        ["4", "5", "6", "7", "8", "9"]
    );
    assert_eq!(reader.positions(), [Offset(9), Offset(1), Offset(10)]);
}

fn a_reader_takes_no_more_than_it_was_asked_to(place: &Place) {
    let mut writer = place.writer();
    for n in 0..30 {
        put(&mut *writer, None, n % 3, "{}");
    }
    writer.sync().unwrap();
    let ends = place.log.committed_ends().unwrap();
    let mut reader = place.log.read_all().unwrap();
    let mut total = 0;
    while !reader.has_reached(&ends) {
        let mut seen = 0;
        let count = reader.poll(&ends, 4, &mut |_| seen += 1).unwrap();
        assert!(count <= 4 && count == seen);
        total += count;
    }
    assert_eq!(total, 30);
    assert_eq!(reader.poll(&ends, 0, &mut |_| ()).unwrap(), 0);
}

fn a_record_says_when_it_was_appended(place: &Place) {
    let begun = now_ms();
    let mut writer = place.writer();
    put(&mut *writer, None, 0, "now");
    let earlier = NewRecord {
        appended_ms: Some(1_500_000_000_123),
        partition: Some(1),
        ..NewRecord::foreign(Some(b"k"), b"then")
    };
    writer.append(Some(&tag("r")), earlier).unwrap();
    writer.sync().unwrap();
    writer.fence().unwrap();
    writer.begin(&tag("w"), &[1, 0]).unwrap();
    put(&mut *writer, None, 0, "within");
    writer
        .commit(&entry("w", RunKind::Window, RunState::Committed))
        .unwrap();
    let ended = now_ms();
    let ends = place.log.committed_ends().unwrap();
    let mut times = Vec::new();
    let mut take = |record: eip_log::RecordRef<'_>| {
        times.push((record.partition, record.appended_ms.unwrap()));
    };
    place
        .log
        .read_all()
        .unwrap()
        .read_to(&ends, &mut take)
        .unwrap();
    times.sort_unstable();
    let [(0, first), (0, second), (1, 1_500_000_000_123)] = times[..] else {
        panic!("{times:?}");
    };
    assert!(
        begun <= first && first <= second && second <= ended,
        "{times:?}"
    );
}

fn ends_are_those_of_what_was_synced(place: &Place) {
    assert_eq!(place.log.committed_ends().unwrap(), [Offset(0); 2]);
    let mut writer = place.writer();
    let mut ends = place.log.ends().unwrap();
    for n in 1..4 {
        put(&mut *writer, None, 0, "{}");
        writer.sync().unwrap();
        let expected = [Offset(n), Offset(0)];
        assert_eq!(writer.ends().unwrap(), expected);
        assert_eq!(ends.poll().unwrap(), expected);
        assert_eq!(place.log.committed_ends().unwrap(), expected);
    }
    ends.report(&[Offset(2), Offset(0)]);
    ends.report(&[Offset(3), Offset(0)]);
    assert_eq!(ends.poll().unwrap(), [Offset(3), Offset(0)]);
}

fn a_partition_that_is_not_there_is_refused(place: &Place) {
    let log = &place.log;
    assert!(log.reader(&[2], &[Offset(0); 2]).is_err());
    assert!(log.reader(&[0], &[Offset(0)]).is_err());
    let mut writer = place.writer();
    let record = NewRecord {
        partition: Some(2),
        ..NewRecord::default()
    };
    assert!(writer.append(None, record).is_err());
    assert!(place.all().is_empty());
}

fn the_marks_of_a_stretch_are_those_of_its_first_committed_records(place: &Place) {
    let mut writer = place.writer();
    let fill = |writer: &mut dyn eip_log::LogWriter, run: Option<&str>| {
        let tag = run.map(tag);
        for number in 0..90_u32 {
            let value = number.to_string();
            let record = NewRecord {
                partition: Some(number % 2),
                ..NewRecord::foreign(Some(b"k"), value.as_bytes())
            };
            writer.append(tag.as_ref(), record).unwrap();
        }
    };
    fill(&mut *writer, None);
    writer.sync().unwrap();
    writer.fence().unwrap();
    writer.begin(&tag("aborted"), &[]).unwrap();
    fill(&mut *writer, None);
    writer.abort().unwrap();
    fill(&mut *writer, Some("r"));
    writer.sync().unwrap();

    let ends = place.log.committed_ends().unwrap();
    let mut marks = vec![Vec::new(); 3];
    place
        .log
        .read_all()
        .unwrap()
        .read_to(&ends, &mut |record| {
            marks[record.partition as usize].push(Mark::of(&record));
        })
        .unwrap();
    let mut stretches = Vec::new();
    for (partition, end) in (0..).zip(&ends) {
        let step = end.0 / 13 + 1;
        for from in (0..end.0).step_by(step as usize) {
            for length in [0, 1, 2, step, end.0] {
                let range = Offset(from)..Offset((from + length).min(end.0));
                stretches.push(Stretch { partition, range });
            }
        }
    }
    let found = place.log.marks(&stretches).unwrap();
    for (Stretch { partition, range }, found) in stretches.iter().zip(found) {
        let all = marks[*partition as usize].iter();
        let inside = all.filter(|mark| range.contains(&mark.offset));
        let expected: Vec<_> = inside.take(2).copied().collect();
        assert_eq!(found, Some(expected), "{partition} {range:?}");
    }
    assert_eq!(place.log.marks(&[]).unwrap(), []);
}
