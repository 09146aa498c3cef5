//! Processes as the kernel tells of them, and signals to them.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The kernel's letter for what a process does: `T` stopped, `Z` ended and not yet noticed by its
/// parent. `None` when there is none any more.
pub(super) fn state(pid: u32) -> Option<char> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit(") ").next()?.chars().next()
}

/// Sends the signal of this name, and tells whether there was a process to take it.
pub(super) fn signal(pid: u32, name: &str) -> bool {
    let mut kill = Command::new("kill");
    kill.args([name, &pid.to_string()]).stderr(Stdio::null());
    kill.status().unwrap().success()
}

/// Waits, at most for `patience`, until the process stands still.
pub(super) fn wait_stopped(pid: u32, patience: Duration) {
    let end = Instant::now() + patience;
    while state(pid).expect("it is there") != 'T' {
        assert!(Instant::now() < end, "it never stood still");
        thread::sleep(Duration::from_millis(20));
    }
}
