//! A dataflow that stands still while a successor runs: none of what it does afterwards counts.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::filled;
use super::processes::{signal, wait_stopped};
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
        wait_stopped(old.id(), Duration::from_secs(60));
        let begun = Instant::now();
        let successor = eip.run(["dataflow", "--until-caught-up"]).ok();
        println!("{point}: the successor took {:?}", begun.elapsed());
        drop((window, again, successor));
        let wanted = eip.stored_digests();
        eip.verify();
        thread::sleep(still().saturating_sub(begun.elapsed()));

        assert!(signal(old.id(), "-CONT"));
        let output = old.wait_with_output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{words}");
        assert!(words.contains("took over"), "{words}");
        assert_eq!(eip.stored_digests(), wanted);
        eip.verify();
    }
}
