//! A process that dies anywhere: no window or revert run is ever half visible.

use std::fs;
use std::path::Path;

use eip_ingest::run::{DayRange, RunState, Task, list_runs};
use eip_log::StateDir;

use crate::bench::{Bench, end_of_day, fast, source, window};
use crate::data;

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Keeps the first `bytes` of the journal's last file.
pub(crate) fn cut_journal(state: &Path, bytes: u64) {
    let last = last_file(state);
    fs::OpenOptions::new()
        .write(true)
        .open(last)
        .unwrap()
        .set_len(bytes)
        .unwrap();
}

pub(crate) fn last_file(state: &Path) -> std::path::PathBuf {
    let mut files: Vec<_> = fs::read_dir(state.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "ndjson"))
        .collect();
    files.sort();
    files.pop().unwrap()
}

#[test]
fn a_window_cut_off_at_any_byte_has_changed_nothing_and_completes_when_run_again() {
    let orders = data::orders(300, 1);
    let bench = Bench::new();
    bench
        .run(fast(source(&bench.data("data", &orders))))
        .unwrap();
    let after = bench.data("after", &data::changed(&orders, 1));
    let before = bench.facts();
    let start = fs::metadata(last_file(bench.state.path())).unwrap().len();
    let request = bench.request(Task::Window(window(end_of_day(&after), DayRange::ALL)));
    let mut runner =
        eip_ingest::Runner::open(bench.state.clone(), "test", crate::bench::clock()).unwrap();
    runner
        .execute(&request, &mut eip_ingest::run::Silent)
        .unwrap();
    drop(runner);
    let done = bench.facts();
    let end = fs::metadata(last_file(bench.state.path())).unwrap().len();

    let cuts = (0..16)
        .map(|i| start + (end - start) * i / 16)
        .chain([end - 1, end - 2, end - 40]);
    for cut in cuts {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        copy_folder(bench.state.path(), &path);
        // A cache that is ahead of a journal cut by hand belongs to no crash.
        let _ = fs::remove_dir_all(path.join("cache"));
        cut_journal(&path, cut);
        let state = StateDir::open(&path).unwrap();
        let crashed = Bench::of(folder, state);
        assert_eq!(crashed.facts(), before, "cut at {cut} of {start} to {end}");
        let mut runner =
            eip_ingest::Runner::open(crashed.state.clone(), "test", crate::bench::clock()).unwrap();
        assert_eq!(
            crashed.facts(),
            before,
            "after the next writer has cleared up"
        );
        let outcome = runner
            .execute(&request, &mut eip_ingest::run::Silent)
            .unwrap();
        assert_eq!(outcome.state, RunState::Committed);
        drop(runner);
        assert_eq!(crashed.facts(), done, "cut at {cut}");
        let run = list_runs(&crashed.state).unwrap().pop().unwrap();
        assert_eq!(run.state, RunState::Committed);
    }
}

#[test]
fn a_fast_run_cut_off_at_any_byte_completes_when_run_again() {
    let orders = data::orders(200, 2);
    let bench = Bench::new();
    let data = bench.data("data", &orders);
    let start = fs::metadata(last_file_or_none(bench.state.path())).map_or(0, |file| file.len());
    let request = bench.request(fast(source(&data)));
    let mut runner =
        eip_ingest::Runner::open(bench.state.clone(), "test", crate::bench::clock()).unwrap();
    runner
        .execute(&request, &mut eip_ingest::run::Silent)
        .unwrap();
    drop(runner);
    let done = bench.facts();
    let end = fs::metadata(last_file(bench.state.path())).unwrap().len();
    for i in 1..8 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        copy_folder(bench.state.path(), &path);
        cut_journal(&path, start + (end - start) * i / 8);
        let state = StateDir::open(&path).unwrap();
        let crashed = Bench::of(folder, state);
        let mut runner =
            eip_ingest::Runner::open(crashed.state.clone(), "test", crate::bench::clock()).unwrap();
        let outcome = runner
            .execute(&request, &mut eip_ingest::run::Silent)
            .unwrap();
        assert_eq!(outcome.attempt, 2);
        drop(runner);
        assert_eq!(crashed.facts(), done);
    }
}

fn last_file_or_none(state: &Path) -> std::path::PathBuf {
    let journal = state.join("journal");
    if journal.is_dir() && fs::read_dir(&journal).unwrap().next().is_some() {
        return last_file(state);
    }
    journal.join("none")
}
