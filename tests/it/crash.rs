//! `kill -9` at random points: nothing is lost, nothing is doubled, no half of a window is seen.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::support::{Eip, generate, repetitions, rules, seeded};

/// Starts `command`, kills it after `after`, and says whether it was still running.
fn kill_after(mut command: Command, after: Duration) -> bool {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

fn any_moment(random: &mut ChaCha8Rng, whole: Duration) -> Duration {
    whole.mul_f64(random.random_range(0.0..1.0))
}

#[test]
fn a_backfill_killed_anywhere_and_run_again_gives_the_views_of_one_that_was_not() {
    let reference = Eip::new();
    let data = generate(&reference.path(""), 4_000, 11);
    let begun = Instant::now();
    reference.fast(&data).ok();
    let whole = begun.elapsed();
    let wanted = reference.stored_digests();

    let mut random = seeded("killed backfill");
    let mut hits = 0;
    for _ in 0..repetitions(4, 30) {
        let eip = Eip::new();
        // Sometimes the second attempt is killed as well.
        for _ in 0..random.random_range(1..=2) {
            let fast = eip.command(["replay", "fast", "--data", data.to_str().unwrap()]);
            hits += u32::from(kill_after(fast, any_moment(&mut random, whole)));
        }
        if eip.state().join("eip-state.json").exists() {
            eip.run(["dataflow", "--until-caught-up"]).ok();
            eip.verify();
        }
        eip.fast(&data).ok();
        eip.verify();
        assert_eq!(eip.stored_digests(), wanted);
    }
    println!("killed backfill: {hits} kills hit a running process");
    assert!(hits > 0);
}

#[test]
fn a_window_killed_anywhere_has_changed_all_or_nothing_and_completes_when_run_again() {
    let reference = Eip::new();
    let data = generate(&reference.path(""), 4_000, 12);
    let rules = rules(&reference.path(""), "end_of_day", "45m");
    let args = [
        "--rules",
        rules.to_str().unwrap(),
        "--start",
        "2017-01-01",
        "--end",
        "2018-06-01",
    ];
    reference.fast(&data).ok();
    let before = reference.stored_digests();
    let begun = Instant::now();
    reference.window(&data, &args).ok();
    let whole = begun.elapsed();
    let after = reference.stored_digests();
    assert_ne!(before, after);

    let mut random = seeded("killed window");
    let (mut unchanged, mut changed) = (0, 0);
    for _ in 0..repetitions(4, 30) {
        let eip = Eip::new();
        eip.fast(&data).ok();
        let fixed = ["replay", "window", "--data", data.to_str().unwrap()];
        let window = eip.command(fixed.iter().chain(&args));
        kill_after(window, any_moment(&mut random, whole));
        let found = eip.digests();
        if found == before {
            unchanged += 1;
        } else {
            assert_eq!(found, after, "half a window is seen");
            changed += 1;
        }
        eip.window(&data, &args).ok();
        assert_eq!(eip.stored_digests(), after);
        eip.verify();
    }
    println!("killed window: {unchanged} had changed nothing, {changed} had committed");
}

#[test]
fn a_dataflow_killed_anywhere_and_started_again_misses_and_doubles_nothing() {
    let reference = Eip::new();
    let data = generate(&reference.path(""), 4_000, 13);
    reference
        .run([
            "replay",
            "fast",
            "--no-dataflow",
            "--data",
            data.to_str().unwrap(),
        ])
        .ok();
    let begun = Instant::now();
    let wanted = reference.digests();
    let whole = begun.elapsed();

    let mut random = seeded("killed dataflow");
    for _ in 0..repetitions(4, 30) {
        let eip = Eip::new();
        eip.run([
            "replay",
            "fast",
            "--no-dataflow",
            "--data",
            data.to_str().unwrap(),
        ])
        .ok();
        for workers in ["1", "4"] {
            let dataflow = eip.command(["dataflow", "--until-caught-up", "--workers", workers]);
            kill_after(dataflow, any_moment(&mut random, whole));
        }
        assert_eq!(eip.digests(), wanted);
        eip.verify();
    }
}
