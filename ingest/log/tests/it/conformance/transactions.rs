//! A transaction is all or nothing.

use eip_contract::Offset;
use eip_log::{LogError, NewRecord, RunKind, RunState};

use super::{Place, entry, put, read_to, values};
use crate::support::{committed, tag};

super::laws! {
    nothing_of_a_transaction_is_seen_before_its_commit_and_all_of_it_after(2),
    nothing_of_an_aborted_transaction_is_ever_seen(2),
    the_last_ledger_entry_counts_from_the_commit_on_and_says_the_ends(2),
    a_commit_of_other_records_than_announced_is_refused_and_can_be_aborted(2),
    a_transaction_without_a_record_in_a_partition_ends_there_where_it_began(3),
    what_a_killed_writer_left_open_is_ended_by_the_next_one(2),
    calls_that_do_not_fit_the_transaction_are_refused(2),
    a_transaction_can_follow_another_at_once(2),
}

fn nothing_of_a_transaction_is_seen_before_its_commit_and_all_of_it_after(place: &Place) {
    let mut writer = place.writer();
    put(&mut *writer, None, 0, "before");
    writer.sync().unwrap();
    writer.fence().unwrap();
    let mut ends = place.log.ends().unwrap();
    let mut reader = place.log.read_all().unwrap();
    let before = ends.poll().unwrap();
    assert_eq!(values(&read_to(&mut *reader, &before)), ["before"]);
    writer.begin(&tag("w"), &[10, 10]).unwrap();
    for n in 0..20 {
        put(&mut *writer, None, n % 2, "inside");
    }
    assert_eq!(ends.poll().unwrap(), before);
    assert_eq!(writer.ends().unwrap(), before);
    assert_eq!(values(&place.all()), ["before"]);
    let behind = writer.commit(&committed("w")).unwrap();
    let after = until_reached(&mut *ends, &behind);
    let inside = read_to(&mut *reader, &after);
    assert_eq!(inside.len(), 20);
    for record in &inside {
        let (run, parts) = (record.run.as_deref(), record.parts.as_deref());
        assert_eq!((run, parts), (Some("w/1"), Some("10,10")));
    }
    put(&mut *writer, None, 1, "after");
    writer.sync().unwrap();
    let after = ends.poll().unwrap();
    assert_eq!(values(&read_to(&mut *reader, &after)), ["after"]);
    assert_eq!(place.all().len(), 22);
}

fn nothing_of_an_aborted_transaction_is_ever_seen(place: &Place) {
    let mut writer = place.writer();
    writer.fence().unwrap();
    for _ in 0..3 {
        writer.begin(&tag("w"), &[]).unwrap();
        put(&mut *writer, None, 0, "never");
        put(&mut *writer, None, 1, "never");
        writer.abort().unwrap();
        put(&mut *writer, None, 1, "plain");
        writer.sync().unwrap();
    }
    assert_eq!(values(&place.all()), ["plain"; 3]);
    assert!(matches!(writer.abort(), Err(LogError::Transaction(_))));
}

fn the_last_ledger_entry_counts_from_the_commit_on_and_says_the_ends(place: &Place) {
    let mut writer = place.writer();
    writer
        .claim(&entry("w", RunKind::Window, RunState::Requested))
        .unwrap();
    writer.fence().unwrap();
    let mut running = entry("w", RunKind::Window, RunState::Running);
    running.first = Some(writer.ends().unwrap());
    writer.append_ledger(&running).unwrap();
    writer.sync().unwrap();
    writer.begin(&tag("w"), &[1, 2]).unwrap();
    for partition in [0, 1, 1] {
        put(&mut *writer, None, partition, "{}");
    }
    assert_eq!(
        place.log.runs().unwrap().get("w").unwrap().state(),
        RunState::Running
    );
    let ends = writer.commit(&committed("w")).unwrap();
    assert_eq!(ends, [Offset(1), Offset(2)]);
    let runs = place.log.runs().unwrap();
    let run = runs.get("w").unwrap();
    assert_eq!(
        (run.state(), run.last.ends.as_ref()),
        (RunState::Committed, Some(&ends))
    );
    assert!(runs.exclusive().is_none());
    // Room for the next one.
    writer
        .claim(&entry("w2", RunKind::Window, RunState::Requested))
        .unwrap();
}

fn a_commit_of_other_records_than_announced_is_refused_and_can_be_aborted(place: &Place) {
    let mut writer = place.writer();
    assert!(matches!(
        writer.commit(&committed("w")),
        Err(LogError::Transaction(_))
    ));
    let wrong = writer.begin(&tag("w"), &[1]);
    assert!(matches!(wrong, Err(LogError::BadPartitions(_))));
    writer.begin(&tag("w"), &[1, 1]).unwrap();
    put(&mut *writer, None, 0, "{}");
    let error = writer.commit(&committed("w")).unwrap_err();
    assert!(matches!(error, LogError::PartsMismatch { .. }), "{error}");
    writer.abort().unwrap();
    assert!(place.all().is_empty());
    let runs = place.log.runs().unwrap();
    assert!(
        runs.get("w")
            .is_none_or(|run| run.state() != RunState::Committed)
    );
}

fn a_transaction_without_a_record_in_a_partition_ends_there_where_it_began(place: &Place) {
    let mut writer = place.writer();
    for partition in [0, 1, 1, 2] {
        put(&mut *writer, None, partition, "{}");
    }
    writer.sync().unwrap();
    writer.fence().unwrap();
    writer.begin(&tag("w"), &[0, 3, 0]).unwrap();
    for _ in 0..3 {
        put(&mut *writer, None, 1, "{}");
    }
    let ends = writer.commit(&committed("w")).unwrap();
    assert_eq!(ends, [Offset(1), Offset(5), Offset(1)]);
    assert_eq!(place.all().len(), 7);
}

fn what_a_killed_writer_left_open_is_ended_by_the_next_one(place: &Place) {
    let mut writer = place.writer();
    writer.begin(&tag("w"), &[]).unwrap();
    for n in 0..50 {
        put(&mut *writer, None, n % 2, "never");
    }
    drop(writer);
    let mut writer = place.writer();
    writer.fence().unwrap();
    put(&mut *writer, None, 0, "next");
    writer.sync().unwrap();
    let mut ends = place.log.ends().unwrap();
    let base = writer.ends().unwrap();
    assert!(base[0] > Offset(0));
    assert_eq!(ends.poll().unwrap().len(), 2);
    let mut reader = place.log.read_all().unwrap();
    assert_eq!(values(&read_to(&mut *reader, &base)), ["next"]);
    writer.begin(&tag("w2"), &[1, 0]).unwrap();
    put(&mut *writer, None, 0, "inside");
    writer.commit(&committed("w2")).unwrap();
    assert_eq!(
        values(&read_to(&mut *reader, &writer.ends().unwrap())),
        ["inside"]
    );
}

fn calls_that_do_not_fit_the_transaction_are_refused(place: &Place) {
    let mut writer = place.writer();
    writer.begin(&tag("w"), &[]).unwrap();
    assert!(matches!(
        writer.begin(&tag("w"), &[]),
        Err(LogError::Transaction(_))
    ));
    let other = writer.append(Some(&tag("other")), NewRecord::tombstone(b"k"));
    assert!(matches!(other, Err(LogError::Transaction(_))));
    let note = writer.append_ledger(&entry("x", RunKind::Fast, RunState::Running));
    assert!(matches!(note, Err(LogError::Transaction(_))));
    put(&mut *writer, Some(&tag("w")), 0, "{}");
    writer.commit(&committed("w")).unwrap();
    assert_eq!(place.all().len(), 1);
}

fn a_transaction_can_follow_another_at_once(place: &Place) {
    let mut writer = place.writer();
    writer.fence().unwrap();
    let mut ends = place.log.ends().unwrap();
    let mut last = Vec::new();
    for n in 0..10_u32 {
        writer.begin(&tag(&format!("w{n}")), &[1, 1]).unwrap();
        put(&mut *writer, None, 0, "{}");
        put(&mut *writer, None, 1, "{}");
        last = writer.commit(&committed(&format!("w{n}"))).unwrap();
    }
    let reached = until_reached(&mut *ends, &last);
    let mut reader = place.log.read_all().unwrap();
    assert_eq!(read_to(&mut *reader, &reached).len(), 20);
}

/// Polls until the ends are at `behind` or later.
fn until_reached(ends: &mut dyn eip_log::LogEnds, behind: &[Offset]) -> Vec<Offset> {
    let begun = std::time::Instant::now();
    loop {
        let now = ends.poll().unwrap();
        if now.iter().zip(behind).all(|(now, behind)| now >= behind) {
            return now;
        }
        assert!(
            begun.elapsed().as_secs() < 30,
            "{now:?} never reaches {behind:?}"
        );
    }
}
