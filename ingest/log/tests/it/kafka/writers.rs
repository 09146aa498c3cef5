//! Several writers of one log: claims in a race, silence, fencing, what others appended.

use std::sync::Barrier;
use std::thread;

use eip_log::RunKind::{Fast, Revert, Rows, Window};
use eip_log::RunState::{Committed, Failed, Interrupted, Requested, Running};
use eip_log::{LedgerEntry, LogError};

use super::config;
use crate::conformance::{self, entry, now_ms, put, values};
use crate::support::{committed, tag};

#[test]
fn of_many_claims_at_once_one_wins_and_the_losers_have_failed() {
    let place = conformance::kafka(1);
    let start = Barrier::new(6);
    let won: Vec<bool> = thread::scope(|scope| {
        let claim = |n: u32| {
            let (place, start) = (&place, &start);
            scope.spawn(move || {
                let mut writer = place.writer();
                start.wait();
                let kind = if n.is_multiple_of(2) { Window } else { Revert };
                let result = writer.claim(&entry(&format!("r{n}"), kind, Requested));
                assert!(
                    matches!(result, Ok(()) | Err(LogError::Claimed { .. })),
                    "{result:?}"
                );
                // It stays a writer, as a process that holds its claim does.
                (result.is_ok(), writer)
            })
        };
        let claims: Vec<_> = (0..6).map(claim).collect();
        let all: Vec<_> = claims
            .into_iter()
            .map(|claim| claim.join().unwrap())
            .collect();
        all.iter().map(|(won, _)| *won).collect()
    });
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    let runs = place.log.runs().unwrap();
    let winner = runs.exclusive().unwrap().run_id();
    assert_eq!(
        winner,
        format!("r{}", won.iter().position(|won| *won).unwrap())
    );
    for run in runs.runs() {
        assert!(run.run_id() == winner || run.state() == Failed, "{run:?}");
    }
}

#[test]
fn of_two_claims_of_the_same_attempt_one_wins_and_is_not_harmed() {
    let place = conformance::kafka(1);
    for round in 0..5 {
        let start = Barrier::new(2);
        let id = format!("r{round}");
        let won = thread::scope(|scope| {
            let claim = || {
                let mut writer = place.writer();
                start.wait();
                let result = writer.claim(&entry(&id, Fast, Requested));
                (result.is_ok(), writer)
            };
            let (one, two) = (scope.spawn(claim), scope.spawn(claim));
            let (one, two) = (one.join().unwrap(), two.join().unwrap());
            [one.0, two.0]
        });
        assert!(won[0] != won[1], "{won:?}");
        let runs = place.log.runs().unwrap();
        assert_eq!(runs.get(&id).unwrap().state(), Requested);
    }
}

#[test]
fn a_silent_run_is_interrupted_and_one_that_was_heard_of_is_not() {
    let place = conformance::kafka(1);
    let now = now_ms();
    let mut owner = place.writer();
    owner
        .claim(&LedgerEntry {
            at: now,
            ..entry("alive", Rows, Running)
        })
        .unwrap();
    owner
        .claim(&LedgerEntry {
            at: now - 31_000,
            ..entry("dead", Fast, Running)
        })
        .unwrap();
    owner
        .claim(&LedgerEntry {
            at: now - 40_000,
            ..entry("gone", Window, Requested)
        })
        .unwrap();
    let mut other = place.writer();
    let interrupted = other.interrupt_unfinished(now).unwrap();
    let names: Vec<&str> = interrupted
        .iter()
        .map(eip_log::RunSummary::run_id)
        .collect();
    assert_eq!(names, ["dead", "gone"]);
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.get("dead").unwrap().state(), Interrupted);
    assert_eq!(runs.get("alive").unwrap().state(), Running);
    // The next attempt is somebody else's, and the owner of the first learns it.
    owner.check_claim(&tag("dead")).unwrap();
    other
        .claim(&LedgerEntry {
            attempt: 2,
            ..entry("dead", Fast, Running)
        })
        .unwrap();
    let error = owner.check_claim(&tag("dead")).unwrap_err();
    assert!(
        matches!(error, LogError::Superseded { attempt: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_claim_takes_the_place_of_a_silent_one() {
    let place = conformance::kafka(1);
    let mut gone = place.writer();
    let old = LedgerEntry {
        at: now_ms() - 60_000,
        ..entry("old", Window, Requested)
    };
    gone.claim(&old).unwrap();
    let mut writer = place.writer();
    writer.claim(&entry("new", Window, Requested)).unwrap();
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.exclusive().unwrap().run_id(), "new");
    assert_eq!(runs.get("old").unwrap().state(), Interrupted);
}

#[test]
fn a_live_claim_gives_a_sign_of_life_every_ten_seconds() {
    let place = conformance::kafka(1);
    let mut writer = place.writer();
    let now = now_ms();
    writer
        .claim(&LedgerEntry {
            at: now - 20_000,
            ..entry("r", Window, Requested)
        })
        .unwrap();
    let mut running = LedgerEntry {
        at: now - 20_000,
        ..entry("r", Window, Running)
    };
    running.plan = Some("p".into());
    writer.append_ledger(&running).unwrap();
    writer.sync().unwrap();
    let begun = std::time::Instant::now();
    let mut ledger = place.log.ledger().unwrap();
    let mut view = eip_log::LedgerView::default();
    while view.get("r").is_none_or(|run| run.last.at < now) {
        assert!(begun.elapsed().as_secs() < 20, "no sign of life");
        ledger
            .poll(&mut |position, entry| view.apply(position, entry))
            .unwrap();
    }
    let run = view.get("r").unwrap();
    assert_eq!(
        (run.state(), run.last.plan.as_deref()),
        (Running, Some("p"))
    );
}

#[test]
fn a_fenced_writer_cannot_commit_and_what_it_sent_counts_for_nobody() {
    let place = conformance::kafka(2);
    let mut old = place.writer();
    old.begin(&tag("old"), &[]).unwrap();
    put(&mut *old, None, 0, "old");
    put(&mut *old, None, 1, "old");
    old.sync().unwrap();
    let mut new = place.writer();
    new.fence().unwrap();
    new.begin(&tag("new"), &[]).unwrap();
    put(&mut *new, None, 0, "new");
    let error = old.commit(&committed("old")).unwrap_err();
    assert!(!error.is_passing(), "{error}");
    old.abort().unwrap();
    new.commit(&committed("new")).unwrap();
    let runs = place.log.runs().unwrap();
    assert_eq!(runs.get("new").unwrap().state(), Committed);
    assert_eq!(values(&place.all()), ["new"]);
    assert_ne!(runs.get("old").unwrap().state(), Committed);
}

#[test]
fn what_others_appended_meanwhile_is_shown_without_that_of_window_runs() {
    let place = conformance::kafka(2);
    let mut other = place.writer();
    put(&mut *other, None, 0, "before");
    other.sync().unwrap();
    let mut writer = place.writer();
    writer.claim(&entry("w", Window, Requested)).unwrap();
    // An attempt that came to nothing.
    writer.fence().unwrap();
    writer.begin(&tag("w"), &[]).unwrap();
    put(&mut *writer, None, 1, "aborted");
    writer.abort().unwrap();
    let base = writer.ends().unwrap();
    writer.begin(&tag("w"), &[]).unwrap();
    for n in 0..10 {
        put(&mut *writer, None, n % 2, "mine");
    }
    other.claim(&entry("f", Fast, Running)).unwrap();
    put(&mut *other, Some(&tag("f")), 0, "theirs");
    put(&mut *other, None, 1, "nobody's");
    other.sync().unwrap();
    let mut seen = Vec::new();
    writer
        .appended_by_others(&base, &mut |record| {
            seen.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        })
        .unwrap();
    seen.sort();
    assert_eq!(seen, ["nobody's", "theirs"]);
    writer.commit(&committed("w")).unwrap();
    assert_eq!(values(&place.all()).len(), 13);
}

#[test]
fn a_claim_carries_where_its_owner_takes_commands() {
    let place = conformance::kafka(1);
    let mut config = config(&place);
    config.advertised_url = Some("http://here:1".into());
    let log = eip_log::kafka::KafkaLog::open(config).unwrap();
    let mut writer = eip_log::EventLog::writer(&log, "a test").unwrap();
    writer.claim(&entry("r", Fast, Running)).unwrap();
    let runs = place.log.runs().unwrap();
    let run = runs.get("r").unwrap();
    assert_eq!(run.last.owner_url.as_deref(), Some("http://here:1"));
}
