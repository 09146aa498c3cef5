//! Writers that die, and writers beside readers.

use std::fs;
use std::path::Path;

use eip_contract::Offset;
use eip_log::{LogError, StateDir, committed_ends};
use eip_parquet_cache::{Cache, CacheError, CacheOptions};

use crate::history::{Record, SMALL, Step, all_partitions, check, log, play, state};

fn event(number: u32) -> Step {
    Step::Append(Record::Event {
        order: (number % 12) as u8,
        rank: (number % 6) as usize,
        days: (number % 100) as u16,
        region: (number % 6) as u8,
        due: false,
    })
}

fn caught_up(state: &StateDir, options: CacheOptions) -> Cache {
    let mut cache = Cache::open_with(state, options).unwrap();
    cache.catch_up(&committed_ends(state).unwrap()).unwrap();
    cache
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn names(state: &StateDir) -> Vec<String> {
    let entries = fs::read_dir(state.path().join("cache")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_writer_that_dies_at_any_step_leaves_a_segment_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 4);
    play(&state, &(0..40).map(event).collect::<Vec<_>>(), SMALL);
    let cache_folder = state.path().join("cache");
    drop(caught_up(&state, CacheOptions::default()));
    let whole = cache_folder.join("segment-0000000001");
    let kept = dir.path().join("kept");
    fs::rename(&whole, &kept).unwrap();

    let mut files: Vec<_> = fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    // Dead after so many files, the last of them half written.
    for count in 0..=files.len() {
        let writing = cache_folder.join("writing-0000000001");
        fs::create_dir(&writing).unwrap();
        for (place, name) in files[..count].iter().enumerate() {
            let bytes = fs::read(kept.join(name)).unwrap();
            let written = if place + 1 == count {
                bytes.len() / 2
            } else {
                bytes.len()
            };
            fs::write(writing.join(name), &bytes[..written]).unwrap();
        }
        let cache = Cache::open(&state).unwrap();
        assert_eq!(cache.coverage().ends(), [Offset(0); 4]);
        check(&state, &cache, &all_partitions(&state));

        let cache = caught_up(&state, CacheOptions::default());
        assert_eq!(
            check(&state, &cache, &all_partitions(&state)).said,
            log(&state)
        );
        assert_eq!(names(&state), ["segment-0000000001", "writer.lock"]);
        fs::remove_dir_all(&whole).unwrap();
    }
}

#[test]
fn a_merge_that_dies_before_the_old_are_gone_counts_each_record_once() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 4);
    let many = CacheOptions {
        segment_rows: 8,
        segments: 100,
        ..SMALL
    };
    play(&state, &(0..40).map(event).collect::<Vec<_>>(), SMALL);
    let mut cache = caught_up(&state, many);
    let cache_folder = state.path().join("cache");
    let old: Vec<_> = names(&state)
        .into_iter()
        .filter(|name| name.starts_with("seg"))
        .collect();
    assert!(old.len() > 2);
    for name in &old {
        copy_folder(
            &cache_folder.join(name),
            &dir.path().join("kept").join(name),
        );
    }
    let compaction = cache.compact().unwrap();
    assert_eq!((compaction.merged, compaction.rows), (old.len(), 40));
    let merged = names(&state);
    assert_eq!(merged.len(), 2);
    // Some of the old are still there, one on its way out.
    for (place, name) in old.iter().enumerate() {
        let to = if place == 0 {
            name.replace("segment", "removing")
        } else {
            name.clone()
        };
        copy_folder(&dir.path().join("kept").join(name), &cache_folder.join(to));
        let cache = Cache::open(&state).unwrap();
        let read = check(&state, &cache, &all_partitions(&state));
        assert_eq!((read.rows, read.said.len()), (40, 40));
    }
    let mut cache = Cache::open(&state).unwrap();
    cache.compact().unwrap();
    assert_eq!(names(&state).len(), 2);
    assert_eq!(check(&state, &cache, &all_partitions(&state)).rows, 40);
}

#[test]
fn a_reader_goes_on_while_another_process_merges() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 4);
    let many = CacheOptions {
        segment_rows: 8,
        segments: 100,
        ..SMALL
    };
    play(&state, &(0..40).map(event).collect::<Vec<_>>(), SMALL);
    let mut writer = caught_up(&state, many);
    let reader = Cache::open(&state).unwrap();
    writer.compact().unwrap();
    let read = check(&state, &reader, &all_partitions(&state));
    assert_eq!(read.next, committed_ends(&state).unwrap());
    assert_eq!(read.said, log(&state));
}

#[test]
fn small_segments_are_merged_and_a_large_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 4);
    let options = CacheOptions {
        segments: 6,
        small_rows: 20,
        ..CacheOptions::default()
    };
    let mut steps: Vec<_> = (0..100).map(event).collect();
    steps.push(Step::CatchUp);
    for number in 100..160 {
        steps.extend([event(number), Step::CatchUp]);
    }
    play(&state, &steps, options);
    let cache = Cache::open(&state).unwrap();
    let status = cache.status(true);
    assert_eq!(status.segments[0].rows, 100);
    assert!(status.segments.len() <= 6, "{status}");
    let read = check(&state, &cache, &all_partitions(&state));
    assert_eq!(
        (read.rows, read.next),
        (160, committed_ends(&state).unwrap())
    );
}

#[test]
fn one_process_writes_at_a_time_while_any_may_read() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    play(
        &state,
        &[event(1), event(2), Step::CatchUp, event(3)],
        SMALL,
    );
    let ends = committed_ends(&state).unwrap();
    let lock = fs::File::open(state.path().join("cache/writer.lock")).unwrap();
    lock.lock().unwrap();
    let mut cache = Cache::open(&state).unwrap();
    assert!(matches!(
        cache.catch_up(&ends),
        Err(CacheError::Log(LogError::Locked { .. }))
    ));
    assert!(matches!(
        cache.compact(),
        Err(CacheError::Log(LogError::Locked { .. }))
    ));
    assert!(matches!(
        cache.rebuild(&ends),
        Err(CacheError::Log(LogError::Locked { .. }))
    ));
    assert_eq!(check(&state, &cache, &[0]).rows, 2);
    drop(lock);
    assert_eq!(cache.catch_up(&ends).unwrap().rows, 1);
    assert_eq!(check(&state, &cache, &[0]).rows, 3);
}

#[test]
fn a_catch_up_that_finds_damage_while_it_merges_covers_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let state = state(dir.path(), 1);
    let options = CacheOptions {
        segments: 3,
        ..CacheOptions::default()
    };
    for number in 0..3 {
        play(&state, &[event(number), Step::CatchUp], options);
    }
    let path = state
        .path()
        .join("cache/segment-0000000002/1970-01.parquet");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for number in 3..6 {
        play(&state, &[event(number), Step::CatchUp], options);
    }
    let cache = Cache::open(&state).unwrap();
    let read = check(&state, &cache, &[0]);
    assert_eq!(read.next, committed_ends(&state).unwrap());
}
