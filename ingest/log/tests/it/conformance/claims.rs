//! Who may run.

use eip_log::RunKind::{Fast, Revert, Rows, Window};
use eip_log::RunState::{Cancelled, Committed, Failed, Requested, Running};
use eip_log::{LedgerEntry, LogError, RunState};

use super::{Place, entry};
use crate::support::tag;

super::laws! {
    window_and_revert_runs_exclude_one_another_and_nobody_else(1),
    a_run_under_way_is_not_claimed_again(1),
    a_new_attempt_may_follow_one_that_has_ended(1),
    the_ledger_gives_entries_in_order_and_each_once(1),
    a_run_id_of_another_form_is_refused(1),
}

fn expect_claimed(result: Result<(), LogError>, by: &str) {
    match result {
        Err(LogError::Claimed { run_id, .. }) => assert_eq!(run_id, by),
        other => panic!("{other:?}"),
    }
}

fn window_and_revert_runs_exclude_one_another_and_nobody_else(place: &Place) {
    let mut writer = place.writer();
    writer.claim(&entry("fast", Fast, Running)).unwrap();
    writer.claim(&entry("a", Window, Requested)).unwrap();
    expect_claimed(writer.claim(&entry("b", Revert, Requested)), "a");
    writer.claim(&entry("rows", Rows, Running)).unwrap();
    expect_claimed(writer.claim(&entry("c", Window, Requested)), "a");
    writer
        .append_ledger(&entry("a", Window, Cancelled))
        .unwrap();
    writer.sync().unwrap();
    writer.claim(&entry("b2", Revert, Requested)).unwrap();
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.exclusive().unwrap().run_id(), "b2");
    let live: Vec<&str> = runs.live().map(eip_log::RunSummary::run_id).collect();
    assert_eq!(live, ["fast", "rows", "b2"]);
}

fn a_run_under_way_is_not_claimed_again(place: &Place) {
    let mut writer = place.writer();
    writer.claim(&entry("r", Fast, Running)).unwrap();
    expect_claimed(writer.claim(&entry("r", Fast, Running)), "r");
    let second = LedgerEntry {
        attempt: 2,
        ..entry("r", Fast, Running)
    };
    expect_claimed(writer.claim(&second), "r");
    writer.check_claim(&tag("r")).unwrap();
    assert_eq!(place.log.runs().unwrap().get("r").unwrap().last.attempt, 1);
}

fn a_new_attempt_may_follow_one_that_has_ended(place: &Place) {
    let mut writer = place.writer();
    let attempt = |attempt, state: RunState| LedgerEntry {
        attempt,
        ..entry("r", Window, state)
    };
    for number in 1..4 {
        writer.claim(&attempt(number, Requested)).unwrap();
        writer.append_ledger(&attempt(number, Failed)).unwrap();
        writer.sync().unwrap();
    }
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.get("r").unwrap().attempts, 3);
    assert!(runs.live().next().is_none());
}

fn the_ledger_gives_entries_in_order_and_each_once(place: &Place) {
    let mut writer = place.writer();
    let mut ledger = place.log.ledger().unwrap();
    assert_eq!(ledger.poll(&mut |_, _| panic!("it is empty")).unwrap(), 0);
    let mut seen = Vec::new();
    for round in 0..4 {
        for n in 0..3 {
            writer
                .append_ledger(&entry(&format!("r{round}-{n}"), Rows, Committed))
                .unwrap();
        }
        writer.sync().unwrap();
        let count = ledger.poll(&mut |position, entry| seen.push((position, entry.run_id)));
        assert_eq!(count.unwrap(), 3);
    }
    assert!(seen.is_sorted_by(|a, b| a.0 < b.0));
    let names: Vec<&str> = seen.iter().map(|(_, name)| &**name).collect();
    assert_eq!(names[..4], ["r0-0", "r0-1", "r0-2", "r1-0"]);
    assert_eq!(names.len(), 12);
}

fn a_run_id_of_another_form_is_refused(place: &Place) {
    let mut writer = place.writer();
    for bad in ["", "a b", "a/b"] {
        let result = writer.append_ledger(&entry(bad, Fast, Running));
        assert!(matches!(result, Err(LogError::BadRunId(_))), "{bad}");
        let result = writer.append(Some(&tag(bad)), eip_log::NewRecord::default());
        assert!(matches!(result, Err(LogError::BadRunId(_))), "{bad}");
    }
}
