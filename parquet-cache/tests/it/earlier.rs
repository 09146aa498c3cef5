//! A log and a cache as an earlier program wrote them, before records said when they were appended.

use std::fs;
use std::path::Path;
use std::time::Duration;

use eip_log::{JournalWriter, Log, NewRecord, StateDir, committed_ends};
use eip_parquet_cache::{Cache, OrderRecords};

/// A copy of the folder `earlier-state` beside this file.
fn earlier(to: &Path) -> StateDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/earlier-state");
    copy(&from, to);
    StateDir::open(to).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Offset and time of all records of an order, and how far the cache had them.
fn times(state: &StateDir, cache: Option<&Cache>, order: &str) -> (Vec<(u64, Option<i64>)>, u64) {
    let log = Log::from(state);
    let ends = committed_ends(state).unwrap();
    let found = OrderRecords::find(&log, cache, order, &ends, Duration::ZERO).unwrap();
    assert!(found.unread.is_none());
    assert_eq!(found.upto, ends[found.partition as usize]);
    let records = found.records.iter();
    let times = records.map(|(offset, record)| (offset.0, record.appended_ms));
    (times.collect(), found.cached.0)
}

#[test]
fn an_earlier_cache_is_used_continued_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let state = earlier(&folder.path().join("state"));
    let cache = Cache::open(&state).unwrap();
    assert!(
        cache
            .status(true)
            .segments
            .iter()
            .all(|segment| segment.unused.is_none())
    );
    let orders = ["order-a", "order-b"];
    for order in orders {
        let (old, covered) = times(&state, Some(&cache), order);
        assert_eq!(old.len(), 2, "{order}");
        assert!(
            covered > 0 && old.iter().all(|(_, time)| time.is_none()),
            "{old:?}"
        );
        assert_eq!(times(&state, None, order), (old, 0));
    }

    let mut writer = JournalWriter::open(&state, "a test").unwrap();
    for order in orders {
        let later = NewRecord {
            appended_ms: Some(1_764_510_941_123),
            ..NewRecord::tombstone(order.as_bytes())
        };
        writer.append(None, later).unwrap();
    }
    writer.sync().unwrap();
    let expected: Vec<_> = orders.map(|order| times(&state, None, order).0).into();
    drop(cache);
    let mut cache = Cache::open(&state).unwrap();
    let ends = committed_ends(&state).unwrap();
    cache.catch_up(&ends).unwrap();
    for merged in [false, true] {
        if merged {
            assert_eq!(cache.compact().unwrap().merged, 2);
        }
        for (order, expected) in orders.iter().zip(&expected) {
            let (found, covered) = times(&state, Some(&cache), order);
            assert_eq!(&found, expected, "{order}");
            assert_eq!(found.last().unwrap().1, Some(1_764_510_941_123));
            // Both orders are in partition 1.
            assert_eq!(covered, ends[1].0);
        }
    }
}
