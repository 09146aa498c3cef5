//! `eip demo` tells its story, ends with the digests, and starts clean a second time; served, it goes
//! on until it is told to end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::service::Service;
use crate::support::{command, run};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_demo_ends_well_and_a_second_one_starts_clean() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("demo");
    let state = state.to_str().unwrap();
    let demo = ["demo", "--once", "--orders", "3000", "--state", state];
    let first = run(demo).ok();
    let second = run(demo).ok();
    let digests = |out: &str| -> Vec<String> {
        let digest = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        out.split_whitespace()
            .filter(digest)
            .map(str::to_owned)
            .collect()
    };
    assert!(digests(&first.out).len() >= 3, "{}", first.out);
    let last_three = |out: &str| digests(out).split_off(digests(out).len() - 3);
    assert_eq!(last_three(&first.out), last_three(&second.out));
    assert!(first.out.contains("equal to those before the correction"));
    assert!(
        command()
            .args(["verify", "--state", state])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn the_demo_leaves_a_folder_that_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("precious"), "x").unwrap();
    let ran = run(["demo", "--once", "--state", folder.path().to_str().unwrap()]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("not made by a demo"), "{}", ran.err);
    assert!(folder.path().join("precious").exists());
}

#[test]
fn the_served_demo_plays_the_last_months_until_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("demo");
    let mut demo = Served::start(&state);
    assert!(demo.api.contains("127.0.0.1"), "{}", demo.api);
    let api = Service::at(&demo.api);
    let ask = |path: &str| api.get(path).body;

    let scaled = |runs: &Value| -> Option<Value> {
        let mut runs = runs["runs"].as_array()?.iter();
        runs.find(|run| run["kind"] == "scaled").cloned()
    };
    let replay = until("the replay runs", || {
        scaled(&ask("/v1/runs")).filter(|replay| replay["state"] == "running")
    });
    assert_eq!(replay["start"], "2018-07-01", "{replay}");
    let shipments = ask("/v1/overview")["shipments"].as_u64().unwrap();
    until("the figures move", || {
        (ask("/v1/overview")["shipments"].as_u64()? > shipments).then_some(())
    });
    let names = |path: &str, of: &str| -> Vec<Value> {
        let all = ask(path)[of].as_array().unwrap().clone();
        all.iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names("/v1/datasets", "datasets"), ["demo"]);
    assert!(names("/v1/rules", "rules").contains(&"end-of-day".into()));

    assert_eq!(demo.interrupt(), Some(0));
    let state = state.to_str().unwrap();
    let runs = run(["runs", "--state", state]).ok();
    assert!(runs.out.contains("interrupted"), "{}", runs.out);
    run(["dataflow", "--until-caught-up", "--state", state]).ok();
    run(["verify", "--state", state]).ok();
}

/// `eip demo --serve`, ended with the test.
struct Served {
    child: Child,
    api: String,
}

impl Served {
    /// Starts one, and waits until it says where the dashboard is.
    fn start(state: &Path) -> Self {
        let child = command()
            .args(["demo", "--serve", "--orders", "3000", "--workers", "1"])
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let api = String::new();
        let mut this = Self { child, api };
        let out = BufReader::new(this.child.stdout.take().unwrap());
        let mut told = Vec::new();
        for line in out.lines() {
            let line = line.unwrap();
            if let Some((api, month)) = line.trim().split_once("/?tour=") {
                assert!(month.starts_with("2018-03 "), "{line}");
                api.clone_into(&mut this.api);
                return this;
            }
            told.push(line);
        }
        panic!("it ended without an address:\n{}", told.join("\n"));
    }

    /// Ctrl-C; returns the exit code.
    fn interrupt(&mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until there is something.
fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
