//! `spawn` beside a journal, a cache and a SQLite file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eip_contract::{Event, EventTime, EventType};
use eip_dataflow::sink::writer::Stores;
use eip_dataflow::tick::WallClock;
use eip_dataflow::{DataflowConfig, DataflowHandle, spawn};
use eip_log::{
    JournalWriter, LedgerEntry, NewRecord, RunKind, RunState, RunTag, StateDir, TopicId,
    WriterOptions,
};
use eip_parquet_cache::Cache;
use eip_stores::{
    DocumentStore as _, DocumentWrite, SqliteStore, TICK_BITS, ViewReader, version_of,
};
use eip_views::{SHIPMENTS, VIEWS, View};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use crate::histories::{log_of, say};
use crate::plain::{Expected, LogRecord, recompute};

pub(crate) const PARTITIONS: usize = 4;

pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) state: StateDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let state = StateDir::create_as(path, PARTITIONS as u32, TopicId(7), 0).unwrap();
        Self {
            _folder: folder,
            state,
        }
    }

    /// A dataflow over the SQLite file.
    pub(crate) fn config(&self, workers: usize, cache: bool) -> DataflowConfig {
        let config = DataflowConfig::embedded(self.state.clone(), "a test", wall()).unwrap();
        DataflowConfig {
            workers,
            cache,
            poll: Duration::from_millis(1),
            ..config
        }
    }

    /// One over other stores.
    pub(crate) fn config_over(&self, stores: Stores) -> DataflowConfig {
        DataflowConfig::new((&self.state).into(), stores, wall())
    }

    pub(crate) fn spawn(&self, workers: usize, cache: bool) -> DataflowHandle {
        spawn(self.config(workers, cache)).unwrap()
    }

    pub(crate) fn reader(&self) -> ViewReader {
        ViewReader::open(self.state.path()).unwrap()
    }

    pub(crate) fn views(&self) -> Expected {
        let mut reader = self.reader();
        let views = VIEWS.map(|view| lines(&mut reader, view));
        Expected {
            views,
            dead_letters: reader.dead_letters().unwrap().len(),
        }
    }
}

fn wall() -> WallClock {
    let now = AtomicU64::new(1_000);
    Arc::new(move || now.fetch_add(1, Ordering::Relaxed))
}

/// The canonical lines of a view.
pub(crate) fn lines(reader: &mut ViewReader, view: &'static View) -> Vec<String> {
    let mut lines = Vec::new();
    let mut each = |line: &[u8]| lines.push(String::from_utf8(line.to_vec()).unwrap());
    reader.for_each_line(view, &mut each).unwrap();
    lines
}

/// Appends an event of the type of this rank, so many seconds after 1970-01-01.
pub(crate) fn assert_fact(writer: &mut JournalWriter, order: &str, rank: usize, seconds: i64) {
    let event = Event {
        event_type: EventType::ALL[rank],
        event_at: EventTime::from_seconds(seconds).unwrap(),
        order_id: order.into(),
        seller_region: "SP".into(),
        customer_region: "RJ".into(),
        estimated_delivery_at: None,
    };
    writer.append_event(None, &event, None).unwrap();
}

/// Appends tombstones.
pub(crate) fn retract(writer: &mut JournalWriter, orders: &[&str]) {
    for order in orders {
        let tombstone = NewRecord::tombstone(order.as_bytes());
        writer.append(None, tombstone).unwrap();
    }
}

pub(crate) fn records(count: usize) -> Vec<LogRecord> {
    let mut runner = TestRunner::deterministic();
    let records = proptest::collection::vec(say(), count..=count)
        .new_tree(&mut runner)
        .unwrap();
    records.current().into_iter().map(Into::into).collect()
}

pub(crate) fn append(writer: &mut JournalWriter, tag: Option<&RunTag>, record: &LogRecord) {
    let (key, value) = (record.key.as_deref(), record.value.as_deref());
    let partition = key
        .is_none()
        .then_some(eip_contract::partition_of(b"", PARTITIONS as u32));
    let new = NewRecord {
        key,
        value,
        partition,
        ..NewRecord::default()
    };
    writer.append(tag, new).unwrap();
}

#[test]
fn a_journal_in_any_number_of_starts_gives_the_views_of_a_recomputation() {
    let place = Place::new();
    let records = records(400);
    let (log, ends) = log_of(records.clone(), PARTITIONS);
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    let mut done = 0;
    for (start, until) in [100, 250, 400].into_iter().enumerate() {
        let handle = place.spawn(1 + start % 2, start != 1);
        for (at, record) in records.iter().enumerate().take(until).skip(done) {
            append(&mut writer, None, record);
            if at % 37 == 0 {
                writer.sync().unwrap();
                handle.wait_written(&writer.ends()).unwrap();
                assert_eq!(
                    place.views(),
                    recompute(&log, &ends[at + 1]),
                    "after record {at}"
                );
            }
        }
        done = until;
        writer.sync().unwrap();
        handle.wait_written(&writer.ends()).unwrap();
        let summary = handle.shutdown().unwrap();
        assert_eq!(
            summary.counts.records, until as u64,
            "all of the log, once each start"
        );
        assert_eq!(place.views(), recompute(&log, &ends[until]));
        // The next start finds this part of the log in the cache.
        Cache::open(&place.state)
            .unwrap()
            .catch_up(&writer.ends())
            .unwrap();
    }
    let again = place.spawn(2, true);
    again.wait_written(&writer.ends()).unwrap();
    let counts = again.shutdown().unwrap().counts;
    let written = VIEWS.map(|view| counts.of(view).written);
    assert_eq!(written, [0; 3], "nothing changed, so nothing is written");
    assert_eq!(VIEWS.map(|view| counts.of(view).deleted), [0; 3]);
}

#[test]
fn a_transaction_is_seen_whole_or_not_at_all() {
    let place = Place::new();
    let records: Vec<_> = records(300)
        .into_iter()
        .filter(|record| record.key.is_some())
        .collect();
    let (log, ends) = log_of(records.clone(), PARTITIONS);
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    let handle = place.spawn(2, false);
    let half = records.len() / 2;
    for record in &records[..half] {
        append(&mut writer, None, record);
    }
    writer.sync().unwrap();
    handle.wait_written(&writer.ends()).unwrap();
    let before = place.views();
    assert_eq!(before, recompute(&log, &ends[half]));
    let ticks = handle.progress().counts.ticks;
    let tag = RunTag {
        run_id: "window-1".to_owned(),
        attempt: 1,
    };
    writer.begin(&tag, &[]).unwrap();
    for record in &records[half..] {
        append(&mut writer, Some(&tag), record);
        writer.sync().unwrap();
    }
    assert_eq!(place.views(), before, "nothing of an open transaction");
    let committed = LedgerEntry::new(&tag, RunKind::Window, RunState::Committed, 0);
    let transaction_ends = writer.commit(&committed).unwrap();
    handle.wait_written(&transaction_ends).unwrap();
    assert_eq!(place.views(), recompute(&log, &ends[records.len()]));
    assert_eq!(
        handle.progress().counts.ticks,
        ticks + 1,
        "all of it in one tick"
    );
}

#[test]
fn aborted_records_are_passed_over() {
    let place = Place::new();
    let records: Vec<_> = records(120)
        .into_iter()
        .filter(|record| record.key.is_some())
        .collect();
    let (log, ends) = log_of(records[..60].to_vec(), PARTITIONS);
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    let handle = place.spawn(2, false);
    for record in &records[..30] {
        append(&mut writer, None, record);
    }
    writer.sync().unwrap();
    let tag = RunTag {
        run_id: "window-1".to_owned(),
        attempt: 1,
    };
    writer.begin(&tag, &[]).unwrap();
    for record in &records[60..] {
        append(&mut writer, Some(&tag), record);
    }
    writer.abort().unwrap();
    handle.wait_written(&writer.ends()).unwrap();
    for record in &records[30..60] {
        append(&mut writer, None, record);
    }
    writer.sync().unwrap();
    handle.wait_written(&writer.ends()).unwrap();
    assert_eq!(place.views(), recompute(&log, &ends[60]));
}

#[test]
fn what_somebody_else_changed_in_the_store_is_put_right() {
    let place = Place::new();
    let records = records(100);
    let (log, ends) = log_of(records.clone(), PARTITIONS);
    let mut writer = JournalWriter::open(&place.state, "a test").unwrap();
    for record in &records {
        append(&mut writer, None, record);
    }
    writer.sync().unwrap();
    let handle = place.spawn(2, false);
    handle.wait_written(&writer.ends()).unwrap();
    handle.shutdown().unwrap();
    let mut store = SqliteStore::open(
        place.state.path(),
        &place.state.topic_id().to_string(),
        "a vandal",
    )
    .unwrap();
    let foreign = DocumentWrite::Index {
        id: "foreign".to_owned(),
        rev: 1,
        doc: "{}".to_owned(),
    };
    // Under the epoch that has the right to write, and later than all of it.
    let version = version_of(store.greatest_epoch().unwrap(), (1 << TICK_BITS) - 1);
    store.bulk(&SHIPMENTS, version, &mut vec![foreign]).unwrap();
    drop(store);
    let handle = place.spawn(1, false);
    handle.wait_written(&writer.ends()).unwrap();
    let counts = handle.shutdown().unwrap().counts;
    let counts = counts.of(&SHIPMENTS);
    assert_eq!((counts.written, counts.deleted), (0, 1));
    assert_eq!(place.views(), recompute(&log, &ends[records.len()]));
}

#[test]
fn what_was_there_at_the_start_enters_no_latency() {
    let place = Place::new();
    let records = records(80);
    let options = WriterOptions {
        // Before the dataflow's clock, which begins at 1,000.
        clock: || 400,
        ..WriterOptions::default()
    };
    let mut writer = JournalWriter::open_with(&place.state, "a test", options).unwrap();
    let mut done = 0;
    for cache in [false, true] {
        let mut add = |count: usize| {
            for record in &records[done..done + count] {
                append(&mut writer, None, record);
            }
            done += count;
            writer.sync().unwrap();
            writer.ends()
        };
        let ends = add(30);
        if cache {
            let mut cache = Cache::open(&place.state).unwrap();
            // Some of it comes from the cache and some from the journal behind it.
            let half: Vec<_> = ends
                .iter()
                .map(|end| eip_contract::Offset(end.0 / 2))
                .collect();
            cache.catch_up(&half).unwrap();
        }
        let handle = place.spawn(2, cache);
        handle.wait_written(&ends).unwrap();
        assert_eq!(handle.progress().latency.records, 0);
        let ends = add(10);
        handle.wait_written(&ends).unwrap();
        let latency = handle.shutdown().unwrap().latency;
        assert_eq!((latency.records, latency.ahead), (10, 0));
        assert!((600..5_000).contains(&latency.p50), "{latency:?}");
    }
}
