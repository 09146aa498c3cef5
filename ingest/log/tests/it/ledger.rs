//! The ledger is a part of the log.

use eip_log::{LedgerEntry, LedgerReader, LedgerView, LogError, RunKind, RunState, read_ledger};

use crate::support::*;

fn entry(run_id: &str, kind: RunKind, state: RunState) -> LedgerEntry {
    LedgerEntry::new(&tag(run_id), kind, state, 0)
}

#[test]
fn entries_come_back_in_order_and_a_follower_gets_each_once() {
    let (_folder, state) = state(1);
    let mut reader = LedgerReader::open(&state).unwrap();
    let mut followed = Vec::new();
    let mut expected = Vec::new();
    for round in 0..3 {
        let mut writer = open_small(&state);
        for i in 0..5 {
            let entry = entry(&format!("r{round}-{i}"), RunKind::Fast, RunState::Running);
            assert_eq!(writer.append_ledger(&entry).unwrap(), expected.len() as u64);
            put(&mut writer, 0, "k", "{}");
            expected.push(entry);
        }
        writer.sync().unwrap();
        reader
            .poll(&mut |at, entry| followed.push((at, entry)))
            .unwrap();
        assert!(
            followed
                .iter()
                .map(|(at, _)| *at)
                .eq(0..expected.len() as u64)
        );
    }
    assert!(files(&state).len() > 2);
    assert_eq!(read_ledger(&state).unwrap(), expected);
    assert_eq!(
        followed
            .into_iter()
            .map(|(_, entry)| entry)
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn window_and_revert_runs_exclude_one_another_and_others_exclude_nobody() {
    use RunKind::{Fast, Revert, Window};
    use RunState::{Failed, Requested};
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    writer.claim(&entry("f1", Fast, Requested)).unwrap();
    writer.claim(&entry("f2", Fast, Requested)).unwrap();
    writer.claim(&entry("w", Window, Requested)).unwrap();
    for refused in [
        entry("r", Revert, Requested),
        entry("w2", Window, Requested),
    ] {
        let error = writer.claim(&refused).unwrap_err();
        assert!(matches!(error, LogError::Claimed { run_id, attempt: 1 } if run_id == "w"));
    }
    let again = writer.claim(&entry("f1", Fast, Requested)).unwrap_err();
    assert!(matches!(again, LogError::Claimed { run_id, .. } if run_id == "f1"));
    assert_eq!(
        LedgerView::read(&state)
            .unwrap()
            .exclusive()
            .unwrap()
            .run_id(),
        "w"
    );
    writer.append_ledger(&entry("w", Window, Failed)).unwrap();
    assert_eq!(writer.claim(&entry("r", Revert, Requested)).unwrap(), 4);
    assert_eq!(read_ledger(&state).unwrap().len(), 5);
}

#[test]
fn a_run_whose_writer_is_gone_is_interrupted_by_the_next_however_long_ago_it_began() {
    let (_folder, state) = state(1);
    let mut writer = open_small(&state);
    writer
        .claim(&entry("done", RunKind::Fast, RunState::Requested))
        .unwrap();
    writer
        .append_ledger(&entry("done", RunKind::Fast, RunState::Committed))
        .unwrap();
    writer
        .claim(&entry("left", RunKind::Window, RunState::Requested))
        .unwrap();
    for _ in 0..50 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    writer
        .append_ledger(&entry("left", RunKind::Window, RunState::Running))
        .unwrap();
    for _ in 0..50 {
        put(
            &mut writer,
            0,
            "k",
            "{\"a\":\"some text to fill files with\"}",
        );
    }
    writer.sync().unwrap();
    assert!(
        files(&state).len() > 5,
        "its entries are in none of the last files"
    );
    drop(writer);
    let mut writer = open_small(&state);
    let unfinished = writer.interrupt_unfinished(77, |_| true).unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(
        (unfinished[0].run_id(), unfinished[0].state()),
        ("left", RunState::Running)
    );
    assert!(
        writer
            .interrupt_unfinished(78, |_| true)
            .unwrap()
            .is_empty()
    );
    let view = LedgerView::read(&state).unwrap();
    let left = view.get("left").unwrap();
    assert_eq!((left.state(), left.last.at), (RunState::Interrupted, 77));
    let mut again = entry("left", RunKind::Window, RunState::Requested);
    again.attempt = 2;
    writer.claim(&again).unwrap();
    assert_eq!(
        LedgerView::read(&state)
            .unwrap()
            .get("left")
            .unwrap()
            .attempts,
        2
    );
}

#[test]
fn a_committed_transaction_ends_its_run_and_an_aborted_one_does_not() {
    let (_folder, state) = state(1);
    let mut writer = open(&state);
    writer
        .claim(&entry("w", RunKind::Window, RunState::Requested))
        .unwrap();
    writer.begin(&tag("w"), &[]).unwrap();
    writer.abort().unwrap();
    assert_eq!(writer.live_runs().len(), 1);
    writer.begin(&tag("w"), &[]).unwrap();
    put(&mut writer, 0, "k", "{}");
    writer.commit(&committed("w")).unwrap();
    assert!(writer.live_runs().is_empty());
    drop(writer);
    assert!(open(&state).live_runs().is_empty());
    assert_eq!(read_ledger(&state).unwrap().len(), 2);
}
