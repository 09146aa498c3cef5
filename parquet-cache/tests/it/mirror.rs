//! The cache says what the log says: any history, any number of catch-ups and merges.

use eip_contract::decode_record;
use eip_log::{JournalReader, committed_ends};
use eip_parquet_cache::{Cache, CacheOptions};
use proptest::prelude::*;

use crate::history::{
    Record, SMALL, Step, all_partitions, beginning, check, log, play, state, steps,
};

/// All that the journal gives of its rows, in words.
fn whole_rows(state: &eip_log::StateDir) -> Vec<String> {
    let mut reader = JournalReader::open(state, all_partitions(state), beginning(state)).unwrap();
    let mut rows = Vec::new();
    let partitions = state.partitions();
    let mut take = |record: eip_log::RecordRef<'_>| {
        if let Ok(change) = decode_record(partitions, record.partition, record.key, record.value) {
            rows.push(format!(
                "{} {} {change:?} {:?} {:?} {:?} {:?}",
                record.partition,
                record.offset,
                record.run,
                record.parts,
                record.due_micros,
                record.appended_ms
            ));
        }
    };
    while reader.poll(None, 1000, &mut take).unwrap() > 0 {}
    rows.sort();
    rows
}

proptest! {
    // Each case syncs dozens of files: an eighth of what is usual, or of PROPTEST_CASES.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_cache_says_what_the_log_says(
        mut steps in steps(),
        partitions in prop::sample::select(vec![1_u32, 4, 7]),
        small in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let state = state(dir.path(), partitions);
        let options = if small { SMALL } else { CacheOptions::default() };
        play(&state, &steps, options);

        // As it was left, somewhere behind the log.
        let cache = Cache::open(&state).unwrap();
        let read = check(&state, &cache, &all_partitions(&state));
        prop_assert_eq!(&read.next[..], cache.coverage().ends().to_vec());

        // Caught up: it has all, once.
        steps.push(Step::CatchUp);
        drop(cache);
        let mut cache = Cache::open_with(&state, options).unwrap();
        let ends = committed_ends(&state).unwrap();
        cache.catch_up(&ends).unwrap();
        let read = check(&state, &cache, &all_partitions(&state));
        prop_assert_eq!(&read.next, &ends);
        prop_assert_eq!(&read.said, &log(&state));
        let dead = read.said.values().filter(|words| words.starts_with("dead")).count();
        prop_assert_eq!(read.rows as usize, read.said.len() - dead);
        let again = cache.catch_up(&ends).unwrap();
        prop_assert_eq!((again.rows, again.segments), (0, 0));

        // Worker by worker.
        let (even, odd): (Vec<u32>, _) = all_partitions(&state).iter().partition(|&p| p % 2 == 0);
        let mut parts = check(&state, &cache, &even).said;
        parts.extend(check(&state, &cache, &odd).said);
        prop_assert_eq!(parts, log(&state));

        // With all columns, before and after all has become one segment.
        for _ in 0..2 {
            let mut rows = Vec::new();
            for partition in all_partitions(&state) {
                let end = ends[partition as usize];
                let range = eip_contract::Offset(0)..end;
                let reached = cache.read_rows(partition, range, &mut |row| rows.push(format!(
                    "{} {} {:?} {:?} {:?} {:?} {:?}",
                    row.partition, row.offset, row.change, row.run, row.parts, row.due_micros,
                    row.appended_ms
                ))).unwrap();
                prop_assert_eq!(reached, end);
            }
            rows.sort();
            prop_assert_eq!(rows, whole_rows(&state));
            cache.compact().unwrap();
        }
        let cache = Cache::open(&state).unwrap();
        prop_assert!(cache.status(true).segments.iter().all(|segment| segment.unused.is_none()));
        prop_assert_eq!(check(&state, &cache, &all_partitions(&state)).next, ends);
    }
}

#[test]
fn offsets_of_aborted_records_count_as_covered() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let record = Record::Event {
        order: 3,
        rank: 0,
        days: 3,
        region: 0,
        due: false,
    };
    let aborted = Step::Transaction {
        records: vec![record.clone(); 3],
        commits: false,
    };
    play(&state, &[aborted.clone(), Step::CatchUp], SMALL);
    let cache = Cache::open(&state).unwrap();
    assert_eq!(cache.coverage().ends(), committed_ends(&state).unwrap());
    assert_eq!(check(&state, &cache, &[0]).rows, 0);

    play(
        &state,
        &[Step::Append(record), aborted, Step::CatchUp],
        SMALL,
    );
    let cache = Cache::open(&state).unwrap();
    assert_eq!(check(&state, &cache, &[0]).rows, 1);
}

#[test]
fn ends_that_the_log_does_not_have_are_not_covered() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let record = Record::Event {
        order: 3,
        rank: 0,
        days: 3,
        region: 0,
        due: false,
    };
    play(&state, &[Step::Append(record)], SMALL);
    let mut cache = Cache::open(&state).unwrap();
    let caught_up = cache.catch_up(&[eip_contract::Offset(100)]).unwrap();
    assert_eq!(caught_up.rows, 1);
    assert_eq!(cache.coverage().ends(), committed_ends(&state).unwrap());
}

#[test]
fn only_so_much_is_covered_as_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let record = Record::Event {
        order: 3,
        rank: 0,
        days: 3,
        region: 0,
        due: false,
    };
    play(&state, &vec![Step::Append(record); 9], SMALL);
    let mut cache = Cache::open(&state).unwrap();
    for end in [4, 2, 7] {
        cache.catch_up(&[eip_contract::Offset(end)]).unwrap();
    }
    assert_eq!(cache.coverage().ends(), [eip_contract::Offset(7)]);
    assert_eq!(check(&state, &cache, &[0]).rows, 7);
    assert_eq!(cache.status(true).segments.len(), 2);
}
