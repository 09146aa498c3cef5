//! A dataflow that stands still while a successor runs: none of what it does afterwards counts.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::filled;
use crate::support::{Eip, repetitions, rules};

/// How long the old one stands still.
fn still() -> Duration {
    Duration::from_secs(repetitions(4, 20))
}

fn follow(eip: &Eip, stop_at: Option<&str>) -> Child {
    let mut command = eip.command(["dataflow", "--workers", "1"]);
    if let Some(point) = stop_at {
        command.args(["--crash-at", point]);
    }
    command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits until the process stands still, which the kernel calls `T`.
fn wait_stopped(child: &Child) {
    let end = Instant::now() + Duration::from_secs(60);
    let path = format!("/proc/{}/stat", child.id());
    loop {
        let text = std::fs::read_to_string(&path).unwrap();
        let state = text.rsplit(") ").next().unwrap().chars().next();
        if state == Some('T') {
            return;
        }
        assert!(Instant::now() < end, "it never came to that point");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_dataflow_does_after_it_stood_still_counts_for_nobody() {
    for point in [
        "before-bulk:2:stop",
        "after-bulk:2:stop",
        "before-commit:2:stop",
    ] {
        let (eip, data) = filled(800, 51);
        eip.run(["dataflow", "--until-caught-up"]).ok();
        // Corrections give the old one something to write: its second bulk or commit is one of them.
        let old = follow(&eip, Some(point));
        let end_of_day = rules(&eip.path(""), "end_of_day", "45m");
        let window = eip
            .window(&data, &["--rules", end_of_day.to_str().unwrap()])
            .ok();
        let again = eip.window(&data, &[]).ok();
        wait_stopped(&old);
        let begun = Instant::now();
        let successor = eip.run(["dataflow", "--until-caught-up"]).ok();
        println!("{point}: the successor took {:?}", begun.elapsed());
        drop((window, again, successor));
        let wanted = eip.stored_digests();
        eip.verify();
        thread::sleep(still().saturating_sub(begun.elapsed()));

        signal(&old, "-CONT");
        let output = old.wait_with_output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{words}");
        assert!(words.contains("took over"), "{words}");
        assert_eq!(eip.stored_digests(), wanted);
        eip.verify();
    }
}
