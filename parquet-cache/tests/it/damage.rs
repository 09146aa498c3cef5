//! Whatever happens to the files: what is read is right, and less of it comes from the cache.

use std::fs;
use std::path::{Path, PathBuf};

use eip_contract::Offset;
use eip_log::{StateDir, TopicId, committed_ends};
use eip_parquet_cache::Cache;

use crate::history::{Record, SMALL, Step, all_partitions, check, play, state};

/// A log with a cache of a few segments over two months, with tombstones and dead letters.
fn history(dir: &Path) -> StateDir {
    let state = state(dir, 4);
    let mut steps = Vec::new();
    for number in 0..60_u8 {
        steps.push(Step::Append(match number % 10 {
            8 => Record::Tombstone { order: number % 12 },
            9 => Record::Foreign { order: number % 12 },
            _ => Record::Event {
                order: number % 12,
                rank: usize::from(number % 6),
                days: u16::from(number),
                region: number % 6,
                due: number % 4 == 0,
            },
        }));
        if number == 29 || number == 59 {
            steps.push(Step::CatchUp);
        }
    }
    play(&state, &steps, SMALL);
    let cache = Cache::open(&state).unwrap();
    assert_eq!(cache.coverage().ends(), committed_ends(&state).unwrap());
    assert!(
        cache
            .status(true)
            .segments
            .iter()
            .all(|segment| segment.unused.is_none())
    );
    state
}

fn segments(state: &StateDir) -> Vec<PathBuf> {
    let names = fs::read_dir(state.path().join("cache")).unwrap();
    let mut folders: Vec<_> = names
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("segment-")
        })
        .collect();
    folders.sort();
    folders
}

fn files(state: &StateDir) -> Vec<PathBuf> {
    let mut files: Vec<_> = segments(state)
        .iter()
        .flat_map(|folder| {
            fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
        })
        .collect();
    files.sort();
    files
}

/// Checks the law with a fresh cache; gives whether all came from it, and whether a deep look sees
/// that something is wrong.
fn look(state: &StateDir) -> (bool, bool) {
    let cache = Cache::open(state).unwrap();
    let read = check(state, &cache, &all_partitions(state));
    let is_whole = read.next == committed_ends(state).unwrap();
    // What a read found is known afterwards, also to partitions that were read before it.
    let again = check(state, &cache, &all_partitions(state));
    assert_eq!(cache.coverage().ends(), again.next);
    assert!(
        again
            .next
            .iter()
            .zip(&read.next)
            .all(|(again, first)| again <= first)
    );
    let fresh = Cache::open(state).unwrap();
    let is_seen = fresh
        .status(true)
        .segments
        .iter()
        .any(|segment| segment.unused.is_some());
    check(state, &fresh, &all_partitions(state));
    (is_whole, is_seen)
}

#[test]
fn a_flipped_bit_anywhere_never_gives_a_wrong_row() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(dir.path());
    let (mut flips, mut noticed) = (0, 0);
    for path in files(&state) {
        let good = fs::read(&path).unwrap();
        let tail = good.len().saturating_sub(12)..good.len();
        for byte in (0..good.len()).step_by(149).chain(0..4).chain(tail) {
            let mut bad = good.clone();
            bad[byte] ^= 1 << (byte % 8);
            fs::write(&path, &bad).unwrap();
            let (is_whole, is_seen) = look(&state);
            assert!(is_seen, "byte {byte} of {}", path.display());
            flips += 1;
            // Only in the columns that a packed read leaves alone can it go unnoticed there.
            noticed += usize::from(!is_whole);
        }
        fs::write(&path, &good).unwrap();
    }
    assert_eq!(look(&state), (true, false));
    assert!(noticed * 2 > flips, "{noticed} of {flips}");
}

#[test]
fn a_missing_or_shortened_file_shrinks_the_coverage() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(dir.path());
    for path in files(&state) {
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(look(&state), (false, true), "{}", path.display());
        for bytes in [0, 3, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..bytes]).unwrap();
            assert_eq!(
                look(&state),
                (false, true),
                "{bytes} bytes of {}",
                path.display()
            );
        }
        fs::write(&path, [&good[..], b"\0"].concat()).unwrap();
        assert_eq!(look(&state), (false, true), "{}", path.display());
        fs::write(&path, &good).unwrap();
    }
    assert_eq!(look(&state), (true, false));
}

#[test]
fn without_a_segment_the_coverage_ends_where_it_began_and_a_catch_up_makes_it_whole() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(dir.path());
    let ends = committed_ends(&state).unwrap();
    let folders = segments(&state);
    assert!(folders.len() > 1);
    let away = dir.path().join("away");
    for folder in &folders {
        fs::rename(folder, &away).unwrap();
        // Its number is not free again, as if it were damaged.
        fs::create_dir(folder).unwrap();
        let (is_whole, _) = look(&state);
        assert!(!is_whole);
        let mut cache = Cache::open_with(&state, SMALL).unwrap();
        assert!(cache.catch_up(&ends).unwrap().rows > 0);
        drop(cache);
        fs::remove_dir(folder).unwrap();
        assert_eq!(look(&state), (true, false));
        for new in segments(&state).iter().filter(|new| !folders.contains(new)) {
            fs::remove_dir_all(new).unwrap();
        }
        fs::rename(&away, folder).unwrap();
    }
    fs::remove_dir_all(dir.path().join("cache")).unwrap();
    assert_eq!(look(&state), (false, false));
    assert_eq!(
        Cache::open(&state).unwrap().coverage().ends(),
        [Offset(0); 4]
    );
}

#[test]
fn a_catch_up_after_found_damage_covers_it_anew_and_the_next_open_uses_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(dir.path());
    let ends = committed_ends(&state).unwrap();
    let path = files(&state)
        .into_iter()
        .find(|path| path.ends_with("1970-01.parquet"))
        .unwrap();
    let mut bad = fs::read(&path).unwrap();
    bad[200] ^= 1;
    fs::write(&path, &bad).unwrap();
    let mut cache = Cache::open(&state).unwrap();
    assert_ne!(check(&state, &cache, &all_partitions(&state)).next, ends);
    cache.catch_up(&ends).unwrap();
    assert_eq!(check(&state, &cache, &all_partitions(&state)).next, ends);
    let mut cache = Cache::open(&state).unwrap();
    assert_eq!(check(&state, &cache, &all_partitions(&state)).next, ends);

    cache.rebuild(&ends).unwrap();
    assert_eq!(cache.status(true).segments.len(), 1);
    assert_eq!(look(&state), (true, false));
}

#[test]
fn a_merge_of_damaged_segments_names_the_file_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(dir.path());
    let path = files(&state)
        .into_iter()
        .find(|path| path.ends_with("1970-01.parquet"))
        .unwrap();
    let mut bad = fs::read(&path).unwrap();
    bad[200] ^= 1;
    fs::write(&path, &bad).unwrap();
    let before = segments(&state);
    let mut cache = Cache::open(&state).unwrap();
    let error = cache.compact().unwrap_err().to_string();
    assert!(
        error.contains("1970-01.parquet") && error.contains("eip cache rebuild"),
        "{error}"
    );
    assert_eq!(segments(&state), before);
    look(&state);
}

#[test]
fn a_segment_of_another_topic_or_a_newer_format_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(&dir.path().join("one"));
    let other_path = dir.path().join("other");
    let other = StateDir::create_as(&other_path, 4, TopicId(0xdef), 0).unwrap();
    fs::rename(state.path().join("cache"), other_path.join("cache")).unwrap();
    assert_eq!(look(&other), (true, true));
    let cache = Cache::open(&other).unwrap();
    assert_eq!(cache.coverage().ends(), [Offset(0); 4]);
    let status = cache.status(false).to_string();
    assert!(status.contains("mirrors topic"), "{status}");
    fs::rename(other_path.join("cache"), state.path().join("cache")).unwrap();
    assert_eq!(look(&state), (true, false));

    let path = segments(&state)[0].join("segment.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("\"format\":2", "\"format\":3", 1)).unwrap();
    assert_eq!(look(&state), (false, true));
    let status = Cache::open(&state).unwrap().status(false).to_string();
    assert!(
        status.contains("has format 3; this program reads format 2"),
        "{status}"
    );
    // What no program writes any more is made again.
    fs::write(&path, text.replacen("\"format\":2", "\"format\":1", 1)).unwrap();
    look(&state);
    assert!(!path.exists());
    let mut cache = Cache::open(&state).unwrap();
    cache.catch_up(&committed_ends(&state).unwrap()).unwrap();
    assert_eq!(look(&state), (true, false));
}

#[test]
fn a_segment_that_knows_more_than_the_log_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let state = history(&dir.path().join("one"));
    // The journal of a backup made before the last record, under the same topic.
    let short = crate::history::state(&dir.path().join("two"), 4);
    let event = Record::Event {
        order: 3,
        rank: 0,
        days: 3,
        region: 0,
        due: false,
    };
    play(&short, &[Step::Append(event)], SMALL);
    fs::remove_dir_all(state.path().join("journal")).unwrap();
    fs::rename(short.path().join("journal"), state.path().join("journal")).unwrap();
    assert_eq!(look(&state), (false, false));
    assert!(segments(&state).is_empty());
    let mut cache = Cache::open(&state).unwrap();
    cache.catch_up(&committed_ends(&state).unwrap()).unwrap();
    assert!(look(&state).0);
}
