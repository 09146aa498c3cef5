//! A transaction is all or nothing, and shown to nobody before its end.

use eip_contract::Offset;
use eip_log::{EndsWatcher, LogError, NewRecord, committed_ends, read_ledger};

use crate::support::*;

#[test]
fn nobody_sees_a_record_of_an_open_transaction_and_all_see_all_of_it_after_the_commit() {
    let (_folder, state) = state(2);
    let mut writer = open_small(&state);
    put(&mut writer, 0, "k", "before");
    writer.sync().unwrap();
    let mut watcher = EndsWatcher::open(&state).unwrap();
    let mut early = reader(&state);
    let mut seen = Vec::new();
    writer.begin(&tag("w"), &[10, 10]).unwrap();
    for i in 0..20 {
        put(&mut writer, i % 2, "k", "inside");
        early
            .poll(None, 100, &mut |record| seen.push(Record::from(record)))
            .unwrap();
        assert_eq!(seen.len(), 1);
        assert_eq!(read_all(&state).len(), 1);
        assert_eq!(watcher.poll().unwrap(), [Offset(1), Offset(0)]);
        assert_eq!(writer.ends(), [Offset(1), Offset(0)]);
        assert!(read_ledger(&state).unwrap().is_empty());
    }
    assert!(matches!(
        writer.append_ledger(&committed("w")),
        Err(LogError::Transaction(_))
    ));
    assert!(matches!(
        writer.begin(&tag("w"), &[]),
        Err(LogError::Transaction(_))
    ));
    let of_another = writer.append(Some(&tag("other")), NewRecord::tombstone(b"k"));
    assert!(matches!(of_another, Err(LogError::Transaction(_))));
    let ends = writer.commit(&committed("w")).unwrap();
    assert_eq!(ends, [Offset(11), Offset(10)]);
    assert_eq!(watcher.poll().unwrap(), ends);
    early
        .poll(None, 100, &mut |record| seen.push(Record::from(record)))
        .unwrap();
    assert_eq!(seen.len(), 21);
    assert_eq!(seen, read_all(&state));
    assert_eq!(seen, read_naively(&state).0);
    assert!(
        seen[1..]
            .iter()
            .all(|record| record.run.as_deref() == Some("w/1")
                && record.parts.as_deref() == Some("10,10"))
    );
    let ledger = read_ledger(&state).unwrap();
    assert_eq!((ledger.len(), ledger[0].ends.as_ref()), (1, Some(&ends)));
}

#[test]
fn the_ledger_entry_stands_directly_before_the_commit_and_no_other_line_in_the_block() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    writer.begin(&tag("w"), &[2]).unwrap();
    put(&mut writer, 0, "k", "{}");
    put(&mut writer, 0, "k", "{}");
    writer.commit(&committed("w")).unwrap();
    let text = std::fs::read_to_string(&files(&state)[0]).unwrap();
    let kinds: Vec<&str> = text
        .lines()
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    assert_eq!(kinds, ["journal", "begin", "p", "p", "ledger", "commit"]);
}

#[test]
fn aborted_offsets_are_passed_over_and_never_used_again() {
    let (_folder, state) = state(2);
    let mut writer = open(&state);
    let mut early = reader(&state);
    put(&mut writer, 0, "k", "0");
    writer.begin(&tag("w"), &[]).unwrap();
    assert_eq!(put(&mut writer, 0, "k", "1"), 1);
    assert_eq!(put(&mut writer, 1, "k", "0"), 0);
    writer.abort().unwrap();
    assert_eq!(writer.ends(), [Offset(2), Offset(1)]);
    assert_eq!(early.poll(None, 100, &mut |_| ()).unwrap(), 1);
    assert_eq!(early.positions(), [Offset(2), Offset(1)]);
    drop(writer);

    // The next writer gives up what this one leaves open.
    let mut writer = open(&state);
    writer.begin(&tag("w"), &[]).unwrap();
    assert_eq!(put(&mut writer, 1, "k", "1"), 1);
    writer.sync().unwrap();
    assert_eq!(committed_ends(&state).unwrap(), [Offset(2), Offset(1)]);
    assert_eq!(early.poll(None, 100, &mut |_| ()).unwrap(), 0);
    drop(writer);
    let mut writer = open(&state);
    assert_eq!(writer.ends(), [Offset(2), Offset(2)]);
    assert_eq!(put(&mut writer, 1, "k", "2"), 2);
    writer.sync().unwrap();
    assert_eq!(early.poll(None, 100, &mut |_| ()).unwrap(), 1);
    assert_eq!(early.positions(), [Offset(2), Offset(3)]);
    let places: Vec<_> = read_all(&state)
        .iter()
        .map(|r| (r.partition, r.offset))
        .collect();
    assert_eq!(places, [(0, 0), (1, 2)]);
}

#[test]
fn a_commit_of_other_records_than_announced_is_refused_and_can_be_aborted() {
    let (_folder, state) = state(2);
    let mut writer = open(&state);
    assert!(matches!(
        writer.commit(&committed("w")),
        Err(LogError::Transaction(_))
    ));
    assert!(matches!(writer.abort(), Err(LogError::Transaction(_))));
    assert!(matches!(
        writer.begin(&tag("w"), &[1]),
        Err(LogError::BadPartitions(_))
    ));
    writer.begin(&tag("w"), &[1, 1]).unwrap();
    put(&mut writer, 0, "k", "{}");
    let error = writer.commit(&committed("w")).unwrap_err().to_string();
    assert!(
        error.contains("[1, 1]") && error.contains("[1, 0]"),
        "{error}"
    );
    writer.abort().unwrap();
    assert!(read_all(&state).is_empty() && read_ledger(&state).unwrap().is_empty());
}

#[test]
fn a_block_cut_at_any_byte_gives_what_was_before_it_and_never_a_part_of_it() {
    let (_folder, state) = state(2);
    let mut writer = open(&state);
    put(&mut writer, 0, "k", "before");
    writer.sync().unwrap();
    let file = &files(&state)[0];
    let start = std::fs::metadata(file).unwrap().len();
    writer.begin(&tag("w"), &[2, 1]).unwrap();
    for partition in [0, 1, 0] {
        put(
            &mut writer,
            partition,
            "k",
            "{\"a\":\"long enough to be cut in many places\"}",
        );
    }
    let whole_ends = writer.commit(&committed("w")).unwrap();
    drop(writer);
    let whole = std::fs::metadata(file).unwrap().len();
    for length in start..=whole {
        let (_folder, state) = copy(&state);
        let file = std::fs::File::options()
            .write(true)
            .open(&files(&state)[0])
            .unwrap();
        file.set_len(length).unwrap();
        let is_whole = length == whole;
        let count = if is_whole { 4 } else { 1 };
        assert_eq!(read_all(&state).len(), count, "a reader at {length} bytes");
        let mut early = reader(&state);
        early.poll(None, 9, &mut |_| ()).unwrap();
        let mut writer = open(&state);
        assert_eq!(
            read_all(&state).len(),
            count,
            "after the cut at {length} bytes"
        );
        assert_eq!(read_ledger(&state).unwrap().len(), usize::from(is_whole));
        let (_, aborted_ends, _) = read_naively(&state);
        let ends = writer.ends();
        assert!(
            ends.iter()
                .zip(&whole_ends)
                .all(|(end, whole)| end <= whole)
        );
        assert!(!is_whole || ends == whole_ends);
        assert_eq!(
            ends.iter().map(|end| end.0).collect::<Vec<_>>(),
            aborted_ends
        );
        assert_eq!(put(&mut writer, 0, "k", "after"), ends[0].0);
        writer.sync().unwrap();
        assert_eq!(read_all(&state).len(), count + 1);
        assert_eq!(
            early.poll(None, 9, &mut |_| ()).unwrap(),
            1,
            "cut at {length} bytes"
        );
    }
}
