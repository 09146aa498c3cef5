//! The cache belongs to the log by content: whatever becomes of the log, the cache serves none but its
//! records.

use std::fs;
use std::path::{Path, PathBuf};

use eip_contract::Offset;
use eip_log::{JournalWriter, StateDir, committed_ends};
use eip_parquet_cache::Cache;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::history::{Record, SMALL, Step, all_partitions, check, play, state, steps};

fn event(order: u8, days: u16) -> Step {
    Step::Append(Record::Event {
        order,
        rank: usize::from(order % 6),
        days,
        region: order % 6,
        due: false,
    })
}

fn catch_up(state: &StateDir) -> Vec<Offset> {
    let ends = committed_ends(state).unwrap();
    let mut cache = Cache::open_with(state, SMALL).unwrap();
    cache.catch_up(&ends).unwrap();
    ends
}

fn journal(state: &StateDir) -> PathBuf {
    state.journal_path().join("0000000000000001.ndjson")
}

fn has_segments(state: &StateDir) -> bool {
    let names = fs::read_dir(state.path().join("cache")).unwrap();
    names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .any(|name| name.starts_with("segment-"))
}

#[test]
fn a_log_that_was_cut_and_grew_again_serves_nothing_of_its_old_cache() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 2);
    let first: Vec<_> = (0..20).map(|order| event(order % 12, 3)).collect();
    play(&state, &first, SMALL);
    let kept = fs::metadata(journal(&state)).unwrap().len();
    play(&state, &first, SMALL);
    catch_up(&state);
    let before = fs::read(journal(&state)).unwrap();
    for compacted in [false, true] {
        fs::write(journal(&state), &before).unwrap();
        catch_up(&state);
        if compacted {
            Cache::open(&state).unwrap().compact().unwrap();
        }
        assert!(has_segments(&state));
        fs::write(journal(&state), &before[..kept as usize]).unwrap();
        // Past the former end, with other records.
        let others: Vec<_> = (0..60).map(|order| event(order % 12, 50)).collect();
        play(&state, &others, SMALL);
        let cache = Cache::open(&state).unwrap();
        let read = check(&state, &cache, &all_partitions(&state));
        assert_eq!(read.rows, 0);
        assert!(!has_segments(&state));
        let ends = catch_up(&state);
        let cache = Cache::open(&state).unwrap();
        assert_eq!(check(&state, &cache, &all_partitions(&state)).next, ends);
    }
}

#[test]
fn what_was_mirrored_before_the_cut_stays_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 2);
    let steps: Vec<_> = (0..20).map(|order| event(order % 12, 3)).collect();
    play(&state, &steps, SMALL);
    let ends = catch_up(&state);
    let kept = fs::read(journal(&state)).unwrap();
    play(&state, &steps, SMALL);
    catch_up(&state);
    fs::write(journal(&state), &kept).unwrap();
    let cache = Cache::open(&state).unwrap();
    assert_eq!(cache.coverage().ends(), ends);
    check(&state, &cache, &all_partitions(&state));
}

#[test]
fn offsets_that_were_aborted_and_are_used_by_others_now_are_not_covered() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let orders = |count| (0..count).map(|order| event(order, 3));
    play(&state, &orders(4).collect::<Vec<_>>(), SMALL);
    let kept = fs::read(journal(&state)).unwrap();
    let transaction = |commits| Step::Transaction {
        records: (0..3).map(|order| Record::Tombstone { order }).collect(),
        commits,
    };
    play(&state, &[transaction(false)], SMALL);
    assert_eq!(catch_up(&state), [Offset(7)]);
    for others in [vec![transaction(true)], orders(9).collect()] {
        fs::write(journal(&state), &kept).unwrap();
        play(&state, &others, SMALL);
        let cache = Cache::open(&state).unwrap();
        check(&state, &cache, &all_partitions(&state));
        assert_eq!(cache.coverage().ends(), [Offset(0)]);
    }
}

#[test]
fn a_transaction_that_lost_its_commit_is_not_covered() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let records = (0..3).map(|order| Record::Tombstone { order }).collect();
    let commits = true;
    play(
        &state,
        &[event(1, 3), Step::Transaction { records, commits }],
        SMALL,
    );
    assert_eq!(catch_up(&state), [Offset(4)]);
    let whole = fs::read(journal(&state)).unwrap();
    let commit = whole
        .windows(10)
        .rposition(|at| at == b"{\"commit\":")
        .unwrap();
    fs::write(journal(&state), &whole[..commit]).unwrap();
    // The next writer aborts it: the records stand there as before and count for nobody.
    play(&state, &[event(1, 3)], SMALL);
    let cache = Cache::open(&state).unwrap();
    check(&state, &cache, &all_partitions(&state));
    assert_eq!(cache.coverage().ends(), [Offset(0)]);
}

#[test]
fn a_segment_that_another_writer_holds_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    play(&state, &[event(1, 3), event(2, 3)], SMALL);
    catch_up(&state);
    fs::remove_file(journal(&state)).unwrap();
    let lock = state.path().join("cache/writer.lock");
    let held = eip_log::WriterLock::take(&lock, "a test").unwrap();
    play(&state, &[event(3, 3), event(4, 3)], SMALL);
    let cache = Cache::open(&state).unwrap();
    assert_eq!(cache.coverage().ends(), [Offset(0)]);
    check(&state, &cache, &all_partitions(&state));
    assert!(has_segments(&state));
    drop(held);
    Cache::open(&state).unwrap();
    assert!(!has_segments(&state));
}

/// What becomes of the journal's bytes.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Cut,
    CutAndZeros(usize),
    TailZeroed,
    Zeros(usize),
    Garbage(u64),
    Gone,
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Cut),
        (1..9000_usize).prop_map(Fate::CutAndZeros),
        Just(Fate::TailZeroed),
        (1..9000_usize).prop_map(Fate::Zeros),
        any::<u64>().prop_map(Fate::Garbage),
        Just(Fate::Gone),
    ]
}

fn suffer(journal: &Path, fate: Fate, at: usize) {
    let mut bytes = fs::read(journal).unwrap();
    let at = at % (bytes.len() + 1);
    match fate {
        Fate::Cut => bytes.truncate(at),
        Fate::CutAndZeros(zeros) => {
            bytes.truncate(at);
            bytes.resize(at + zeros, 0);
        }
        Fate::TailZeroed => bytes[at..].fill(0),
        Fate::Zeros(zeros) => bytes.resize(bytes.len() + zeros, 0),
        Fate::Garbage(seed) => {
            bytes.extend((1..500_u64).map(|place| (seed.wrapping_mul(place * 2 + 1) >> 40) as u8));
        }
        Fate::Gone => {
            fs::remove_file(journal).unwrap();
            return;
        }
    }
    fs::write(journal, bytes).unwrap();
}

#[test]
fn whatever_becomes_of_the_log_the_cache_says_what_it_says() {
    let cases = if std::env::var_os("EIP_SOAK").is_some() {
        1000
    } else {
        6
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let history = (
        1..4_u32,
        steps(),
        fates(),
        any::<prop::sample::Index>(),
        steps(),
    );
    runner
        .run(&history, |(partitions, before, fate, at, after)| {
            let dir = tempfile::tempdir().unwrap();
            let state = state(dir.path(), partitions);
            play(&state, &before, SMALL);
            let bytes = fs::metadata(journal(&state)).unwrap().len() as usize;
            suffer(&journal(&state), fate, at.index(bytes + 1));
            // As it is found, after the next writer, and with what that wrote.
            let cache = Cache::open_with(&state, SMALL).unwrap();
            check(&state, &cache, &all_partitions(&state));
            drop(JournalWriter::open(&state, "a test").unwrap());
            let cache = Cache::open_with(&state, SMALL).unwrap();
            check(&state, &cache, &all_partitions(&state));
            play(&state, &after, SMALL);
            let cache = Cache::open_with(&state, SMALL).unwrap();
            check(&state, &cache, &all_partitions(&state));
            let ends = catch_up(&state);
            let cache = Cache::open_with(&state, SMALL).unwrap();
            prop_assert_eq!(check(&state, &cache, &all_partitions(&state)).next, ends);
            Ok(())
        })
        .unwrap();
}
