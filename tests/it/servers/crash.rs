//! `kill -9` of a dataflow, anywhere and at each named point: nothing is missing, extra or stale.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt as _;

use super::processes::{signal, state};
use super::{cluster, embedded, filled};
use crate::support::{Eip, repetitions, seeded};

/// What is stored is all that the log says and nothing else.
fn assert_whole(eip: &Eip, wanted: &crate::support::Digests) {
    eip.run(["dataflow", "--until-caught-up"]).ok();
    assert_eq!(&eip.stored_digests(), wanted);
    eip.verify();
}

fn quiet(mut command: Command) -> Command {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_dataflow_killed_at_each_named_point_goes_on_where_it_was() {
    let (eip, data) = filled(1_500, 41);
    let wanted = embedded(&data);
    for point in [
        "after-poll",
        "before-bulk",
        "after-bulk",
        "before-commit",
        "after-commit",
    ] {
        // Twice in a row: the second one dies while it reconciles what the first one left.
        for workers in ["1", "2"] {
            let mut dataflow = quiet(eip.command([
                "dataflow",
                "--until-caught-up",
                "--workers",
                workers,
                "--crash-at",
                point,
            ]));
            let status = dataflow.status().unwrap();
            // Where an earlier one has written everything, nobody comes to some of the points.
            println!("{point}, {workers} workers: {status}");
        }
        assert_whole(&eip, &wanted);
        eip.run(["space", "reset", "--force"]).ok();
    }
}

#[test]
fn processes_killed_anywhere_lose_and_double_nothing() {
    let (eip, data) = filled(1_500, 42);
    let wanted = embedded(&data);
    let begun = Instant::now();
    cluster(&eip, "2", "1").ok();
    let whole = begun.elapsed();
    let mut random = seeded("killed processes");
    let mut hits = 0;
    for _ in 0..repetitions(3, 20) {
        eip.run(["space", "reset", "--force"]).ok();
        let mut child = quiet(eip.command([
            "cluster",
            "--processes",
            "2",
            "--workers",
            "1",
            "--until-caught-up",
        ]))
        .spawn()
        .unwrap();
        thread::sleep(whole.mul_f64(random.random_range(0.0..1.0)));
        // One of the two, and the launcher must notice; or the launcher itself.
        let victims = children_of(child.id());
        let victim = victims.get(random.random_range(0..2_usize)).copied();
        if victim.is_some_and(kill_running) {
            hits += 1;
            let status = wait(&mut child, Duration::from_secs(60));
            assert!(!status.success(), "a launcher that lost a process says so");
        } else {
            wait(&mut child, Duration::from_secs(120));
        }
        assert_whole(&eip, &wanted);
    }
    println!("killed processes: {hits} kills hit a running process");
}

fn wait(child: &mut std::process::Child, most: Duration) -> std::process::ExitStatus {
    let end = Instant::now() + most;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            panic!("the launcher did not end");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes that a process has started.
fn children_of(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Kills a process, and tells whether it was still running. One that is stopped first does not end by
/// itself between the look and the kill; one that has ended is listed until its parent has noticed.
fn kill_running(pid: u32) -> bool {
    // Where it is gone, there is nothing to stop or to kill.
    let _ = signal(pid, "-STOP");
    let is_running = loop {
        match state(pid) {
            None | Some('Z' | 'X') => break false,
            Some('T') => break true,
            Some(_) => thread::sleep(Duration::from_millis(1)),
        }
    };
    let is_killed = signal(pid, "-KILL");
    assert!(is_killed || !is_running);
    is_running
}
