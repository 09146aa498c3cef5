//! A log that was cut, zeroed, restored or written again gives its own views at the next start, whatever
//! the cache and the stores hold of the log that was.

use std::fs;
use std::path::PathBuf;

use eip_contract::Offset;
use eip_log::{
    JournalReader, JournalWriter, LedgerEntry, Mark, RunKind, RunState, RunTag, committed_ends,
};
use eip_parquet_cache::Cache;
use eip_stores::{SqliteStore, StatsStore as _, ViewReader};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::histories::say;
use crate::plain::{Expected, Log, LogRecord, recompute};
use crate::spawned::{PARTITIONS, Place, append, records};

fn journal(place: &Place) -> PathBuf {
    place.state.journal_path().join("0000000000000001.ndjson")
}

fn write(place: &Place, records: &[LogRecord]) {
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    for record in records {
        append(&mut writer, None, record);
    }
    writer.sync().unwrap();
}

/// Writes records as one transaction.
fn write_at_once(place: &Place, run_id: &str, records: &[LogRecord]) {
    let run_id = run_id.to_owned();
    let tag = RunTag { run_id, attempt: 1 };
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    writer.begin(&tag, &[]).unwrap();
    for record in records {
        append(&mut writer, Some(&tag), record);
    }
    let entry = LedgerEntry::new(&tag, RunKind::Window, RunState::Committed, 0);
    writer.commit(&entry).unwrap();
}

fn catch_up_cache(place: &Place) {
    let ends = committed_ends(&place.state).unwrap();
    Cache::open(&place.state).unwrap().catch_up(&ends).unwrap();
}

/// Runs a dataflow up to the log's end.
fn run(place: &Place) {
    let ends = committed_ends(&place.state).unwrap();
    let handle = place.spawn(2, true);
    handle.wait_written(&ends).unwrap();
    handle.shutdown().unwrap();
}

/// What the views of the log must be, by a plain reading of it.
fn wanted(place: &Place) -> Expected {
    let mut log: Log = vec![Vec::new(); PARTITIONS];
    let all = (0..PARTITIONS as u32).collect();
    let mut reader = JournalReader::open(&place.state, all, vec![Offset(0); PARTITIONS]).unwrap();
    let mut take = |record: eip_log::RecordRef<'_>| {
        log[record.partition as usize].push(LogRecord {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
        });
    };
    while reader.poll(None, 1000, &mut take).unwrap() > 0 {}
    let ends: Vec<_> = log
        .iter()
        .map(|records| Offset(records.len() as u64))
        .collect();
    recompute(&log, &ends)
}

#[test]
fn a_log_that_was_cut_gives_the_views_of_what_is_left() {
    let place = Place::new();
    write(&place, &records(40));
    run(&place);
    let tick = |place: &Place| {
        let mut views = ViewReader::open(place.state.path()).unwrap();
        views.progress().unwrap().unwrap().tick
    };
    let before = tick(&place);
    fs::remove_file(journal(&place)).unwrap();
    drop(JournalWriter::open(&place.state, "a test").unwrap());
    run(&place);
    let empty = place.views();
    assert!(empty.views.iter().all(Vec::is_empty) && empty.dead_letters == 0);
    assert!(tick(&place) > before, "the tick never goes back");
}

#[test]
fn a_log_that_was_cut_and_grew_past_its_former_end_gives_its_own_views() {
    let place = Place::new();
    let all = records(300);
    write(&place, &all[..50]);
    let kept = fs::read(journal(&place)).unwrap();
    write(&place, &all[50..100]);
    catch_up_cache(&place);
    run(&place);
    fs::write(journal(&place), kept).unwrap();
    write(&place, &all[100..]);
    assert_ne!(place.views(), wanted(&place));
    run(&place);
    assert_eq!(place.views(), wanted(&place));
}

#[test]
fn the_progress_row_names_the_last_record_of_each_partition() {
    let place = Place::new();
    let all = records(120);
    let last = || {
        let mut marks = vec![None; PARTITIONS];
        let partitions = (0..PARTITIONS as u32).collect();
        let from = vec![Offset(0); PARTITIONS];
        let mut reader = JournalReader::open(&place.state, partitions, from).unwrap();
        let mut take = |record: eip_log::RecordRef<'_>| {
            marks[record.partition as usize] = Some(Mark::of(&record));
        };
        while reader.poll(None, 1000, &mut take).unwrap() > 0 {}
        marks
    };
    let stored = || {
        let mut views = ViewReader::open(place.state.path()).unwrap();
        views.progress().unwrap().unwrap().last
    };
    // Out of the log, out of the cache, and out of both.
    write(&place, &all[..60]);
    run(&place);
    assert_eq!(stored(), last());
    catch_up_cache(&place);
    run(&place);
    assert_eq!(stored(), last());
    write(&place, &all[60..]);
    run(&place);
    assert_eq!(stored(), last());
}

#[test]
fn a_progress_row_that_names_no_records_is_gone_on_from() {
    let place = Place::new();
    write(&place, &records(40));
    run(&place);
    let topic = place.state.topic_id().to_string();
    let mut store = SqliteStore::open(place.state.path(), &topic, "a test").unwrap();
    let progress = store.progress().unwrap().unwrap();
    let commit = eip_stores::TickCommit {
        epoch: progress.epoch,
        tick: progress.tick + 1,
        offsets: &progress.offsets,
        last: &[],
        rows: &[],
        dead_letters: &[],
        all_dead_letters: false,
    };
    store.commit(&commit).unwrap();
    drop(store);
    run(&place);
    assert_eq!(place.views(), wanted(&place));
    let mut views = ViewReader::open(place.state.path()).unwrap();
    assert!(
        views
            .progress()
            .unwrap()
            .unwrap()
            .last
            .iter()
            .any(Option::is_some)
    );
}

/// What becomes of the journal behind some byte of it.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Cut,
    CutAndZeros(usize),
    TailZeroed,
    Zeros(usize),
    Garbage(u64),
    Older,
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Cut),
        (1..9000_usize).prop_map(Fate::CutAndZeros),
        Just(Fate::TailZeroed),
        (1..9000_usize).prop_map(Fate::Zeros),
        any::<u64>().prop_map(Fate::Garbage),
        Just(Fate::Older),
    ]
}

/// The journal's bytes afterwards; `older` are those of a copy.
fn suffer(mut bytes: Vec<u8>, older: &[u8], fate: Fate, at: usize) -> Vec<u8> {
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
        Fate::Older => return older.to_vec(),
    }
    bytes
}

#[test]
fn whatever_becomes_of_the_log_the_next_start_gives_its_views() {
    let cases = if std::env::var_os("EIP_SOAK").is_some() {
        1000
    } else {
        40
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let some = || {
        prop::collection::vec(say(), 0..60)
            .prop_map(|said| said.into_iter().map(Into::into).collect::<Vec<LogRecord>>())
    };
    let what = (some(), some(), some(), some());
    let keeps = (any::<bool>(), any::<bool>(), any::<bool>());
    let history = (what, keeps, fates(), any::<prop::sample::Index>());
    runner
        .run(
            &history,
            |((first, second, third, fourth), keeps, fate, at)| {
                let (keeps_cache, keeps_views, grows) = keeps;
                let place = Place::new();
                write(&place, &first);
                let older = fs::read(journal(&place)).unwrap();
                write_at_once(&place, "window-1", &second);
                catch_up_cache(&place);
                write(&place, &third);
                run(&place);
                catch_up_cache(&place);
                prop_assert_eq!(place.views(), wanted(&place));
                let bytes = fs::read(journal(&place)).unwrap();
                let at = at.index(bytes.len() + 1);
                fs::write(journal(&place), suffer(bytes, &older, fate, at)).unwrap();
                if !keeps_cache {
                    fs::remove_dir_all(place.state.path().join("cache")).unwrap();
                }
                if !keeps_views {
                    for name in ["views.sqlite", "views.sqlite-wal", "views.sqlite-shm"] {
                        let _ = fs::remove_file(place.state.path().join(name));
                    }
                }
                if grows {
                    write(&place, &fourth);
                    write_at_once(&place, "window-2", &fourth);
                }
                run(&place);
                prop_assert_eq!(place.views(), wanted(&place));
                catch_up_cache(&place);
                run(&place);
                prop_assert_eq!(place.views(), wanted(&place));
                Ok(())
            },
        )
        .unwrap();
}
