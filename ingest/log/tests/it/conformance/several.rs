//! Several writers of one log in one process.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use eip_log::RunKind::{Fast, Window};
use eip_log::RunState::{Committed, Failed, Requested, Running};
use eip_log::{LedgerEntry, LogError, RunParameters};

use super::{Place, entry, put, values};
use crate::support::tag;

super::laws! {
    writers_beside_a_transaction_lose_and_double_nothing(1),
    of_two_writers_one_claims_a_run_and_one_window_is_live(1),
    a_rehearsal_excludes_nobody(1),
    a_live_run_of_another_writer_is_not_taken_for_left_behind(1),
}

fn writers_beside_a_transaction_lose_and_double_nothing(place: &Place) {
    let mut window = place.writer();
    window.claim(&entry("w", Window, Requested)).unwrap();
    window.fence().unwrap();
    thread::scope(|scope| {
        let (tell_begun, is_begun) = mpsc::channel();
        let mut beside = place.writer();
        scope.spawn(move || {
            let run = tag("f");
            beside.claim(&entry("f", Fast, Running)).unwrap();
            for n in 0..50 {
                put(&mut *beside, Some(&run), 0, &format!("before {n}"));
            }
            beside.sync().unwrap();
            is_begun.recv().unwrap();
            for n in 0..50 {
                put(&mut *beside, Some(&run), 0, &format!("beside {n}"));
            }
            beside.sync().unwrap();
        });
        window.begin(&tag("w"), &[]).unwrap();
        put(&mut *window, None, 0, "one");
        tell_begun.send(()).unwrap();
        for n in 2..40 {
            put(&mut *window, None, 0, &n.to_string());
            thread::yield_now();
        }
        window.commit(&entry("w", Window, Committed)).unwrap();
    });
    let all = place.all();
    let of = |run: &str| -> Vec<String> {
        let own = all
            .iter()
            .filter(|record| record.run == Some(format!("{run}/1")));
        values(&own.cloned().collect::<Vec<_>>())
    };
    let wanted =
        (0..100).map(|n| format!("{} {}", if n < 50 { "before" } else { "beside" }, n % 50));
    assert!(of("f").into_iter().eq(wanted));
    assert_eq!(of("w").len(), 39);
    assert_eq!(all.len(), 139);
}

fn of_two_writers_one_claims_a_run_and_one_window_is_live(place: &Place) {
    let (mut first, mut second) = (place.writer(), place.writer());
    let claimed = |result: Result<(), LogError>, by: &str| {
        assert!(matches!(result, Err(LogError::Claimed { run_id, .. }) if run_id == by));
    };
    first.claim(&entry("r", Fast, Running)).unwrap();
    claimed(second.claim(&entry("r", Fast, Running)), "r");
    second.claim(&entry("a", Window, Requested)).unwrap();
    claimed(first.claim(&entry("b", Window, Requested)), "a");
    second.append_ledger(&entry("a", Window, Failed)).unwrap();
    second.sync().unwrap();
    first.claim(&entry("c", Window, Requested)).unwrap();
}

fn a_rehearsal_excludes_nobody(place: &Place) {
    let (mut first, mut second) = (place.writer(), place.writer());
    let dry = |run: &str| LedgerEntry {
        parameters: Some(RunParameters {
            dry_run: true,
            ..RunParameters::default()
        }),
        ..entry(run, Window, Requested)
    };
    first.claim(&dry("dry")).unwrap();
    second.claim(&entry("a", Window, Requested)).unwrap();
    first.claim(&dry("dry-too")).unwrap();
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.exclusive().unwrap().run_id(), "a");
}

fn a_live_run_of_another_writer_is_not_taken_for_left_behind(place: &Place) {
    let (mut first, mut second) = (place.writer(), place.writer());
    first.claim(&entry("mine", Fast, Running)).unwrap();
    let interrupted = second.interrupt_unfinished(super::now_ms()).unwrap();
    assert!(interrupted.is_empty(), "{interrupted:?}");
    first
        .append_ledger(&entry("mine", Fast, Committed))
        .unwrap();
    first.sync().unwrap();
    assert!(place.log.runs().unwrap().live().next().is_none());
}

/// In the journal a transaction is one block.
#[test]
fn in_the_journal_a_transaction_keeps_the_others_waiting_and_its_records_together() {
    let place = super::journal(1);
    let (mut window, mut beside) = (place.writer(), place.writer());
    put(&mut *beside, Some(&tag("f")), 0, "early");
    window.begin(&tag("w"), &[]).unwrap();
    put(&mut *window, None, 0, "w1");
    let (sent, arrived) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            put(&mut *beside, Some(&tag("f")), 0, "late");
            beside.sync().unwrap();
            sent.send(()).unwrap();
        });
        let early = arrived.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err(), "an append went into somebody's transaction");
        put(&mut *window, None, 0, "w2");
        let mut seen = Vec::new();
        let mut each = |record: eip_log::RecordRef<'_>| seen.push(record.value.unwrap().to_vec());
        window
            .appended_by_others(&[eip_contract::Offset(0)], &mut each)
            .unwrap();
        assert_eq!(seen, [b"early".to_vec()]);
        window.commit(&entry("w", Window, Committed)).unwrap();
        arrived.recv().unwrap();
    });
    assert_eq!(values(&place.all()), ["early", "w1", "w2", "late"]);
}

#[test]
fn in_the_journal_a_writer_that_goes_takes_its_transaction_with_it_and_leaves_its_runs() {
    let place = super::journal(1);
    let (mut gone, mut stays) = (place.writer(), place.writer());
    gone.claim(&entry("w", Window, Requested)).unwrap();
    gone.begin(&tag("w"), &[]).unwrap();
    put(&mut *gone, None, 0, "never");
    drop(gone);
    put(&mut *stays, None, 0, "there");
    let interrupted = stays.interrupt_unfinished(1).unwrap();
    assert_eq!(interrupted.len(), 1);
    assert_eq!(values(&place.all()), ["there"]);
    drop(stays);
    // The last one gave the folder's lock back.
    assert!(place.writer().interrupt_unfinished(2).unwrap().is_empty());
}
