//! A lost, stale or damaged cache costs time, never a result; a torn journal tail loses nothing that
//! was acknowledged.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;

use crate::support::{Eip, generate, repetitions, rules, seeded};

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn a_flipped_bit_or_a_missing_file_in_the_cache_changes_no_view() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 3_000, 21);
    eip.fast(&data).ok();
    let wanted = eip.stored_digests();
    let mut random = seeded("damaged cache");
    for round in 0..repetitions(6, 60) {
        eip.run(["cache", "rebuild"]).ok();
        let files = files_under(&eip.state().join("cache"));
        let parquet: Vec<_> = files
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "parquet"))
            .collect();
        let victim = parquet
            .choose(&mut random)
            .expect("a rebuilt cache has files");
        if round % 3 == 2 {
            fs::remove_file(victim).unwrap();
        } else {
            let mut bytes = fs::read(victim).unwrap();
            let place = random.random_range(0..bytes.len());
            bytes[place] ^= 1 << random.random_range(0..8);
            fs::write(victim, bytes).unwrap();
        }
        // The views are made anew, so that they come from the damaged cache and the journal alone.
        fs::remove_file(eip.state().join("views.sqlite")).unwrap();
        assert_eq!(eip.digests(), wanted, "{}", victim.display());
    }
    fs::remove_dir_all(eip.state().join("cache")).unwrap();
    fs::remove_file(eip.state().join("views.sqlite")).unwrap();
    assert_eq!(eip.digests(), wanted);
    eip.run(["cache", "status", "--deep"]).ok();
}

#[test]
fn a_window_planned_over_a_damaged_cache_is_the_one_planned_over_a_whole_one() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 3_000, 22);
    eip.fast(&data).ok();
    let rules = rules(&eip.path(""), "end_of_day", "30m");
    let args = [
        "--rules",
        rules.to_str().unwrap(),
        "--start",
        "2018-01-01",
        "--end",
        "2018-03-01",
        "--dry-run",
    ];
    let plan = |ran: crate::support::Ran| {
        let lines: Vec<String> = ran.out.lines().skip(1).map(str::to_owned).collect();
        lines
            .into_iter()
            .filter(|line| !line.contains(" s") || line.contains("facts"))
            .collect::<Vec<_>>()
    };
    let whole = plan(eip.window(&data, &args).ok());
    let files = files_under(&eip.state().join("cache"));
    let victim = files
        .iter()
        .find(|path| path.extension().is_some_and(|e| e == "parquet"))
        .unwrap();
    let mut bytes = fs::read(victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 16;
    fs::write(victim, bytes).unwrap();
    assert_eq!(plan(eip.window(&data, &args).ok()), whole);
}

#[test]
fn a_torn_journal_tail_is_cut_and_nothing_acknowledged_is_lost() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 3_000, 23);
    eip.fast(&data).ok();
    let (wanted, log) = (eip.stored_digests(), eip.log());
    let mut random = seeded("torn tail");
    for _ in 0..repetitions(4, 40) {
        let journal = files_under(&eip.state().join("journal"));
        let last = journal
            .iter()
            .rfind(|path| path.extension().is_some_and(|e| e == "ndjson"));
        let last = last.expect("a journal has files");
        let whole = fs::read(last).unwrap();
        let second = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        let line = &whole[second..];
        let line = &line[..line.iter().position(|&byte| byte == b'\n').unwrap()];
        let torn = &line[..random.random_range(1..line.len())];
        fs::OpenOptions::new()
            .append(true)
            .open(last)
            .unwrap()
            .write_all(torn)
            .unwrap();
        assert_eq!(
            eip.digests(),
            wanted,
            "a reader stops before an unfinished line"
        );
        eip.fast(&data).ok();
        assert_eq!(eip.stored_digests(), wanted);
        eip.verify();
    }
    assert!(eip.log().starts_with(&log));
}
