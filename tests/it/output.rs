//! An output that is gone stops no work: a pipe that its reader closed, a disk that is full.

use std::fs::File;
use std::process::{Command, Stdio};

use crate::support::{Eip, command, generate};

const FULL: &str = "standard output cannot be written: No space left on device";

/// What is behind an output.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Gone {
    Closed,
    Full,
}

impl Gone {
    const BOTH: [Self; 2] = [Self::Closed, Self::Full];

    /// A pipe without a reader, or the device that is always full.
    fn stdio(self) -> Stdio {
        match self {
            Self::Closed => std::io::pipe().unwrap().1.into(),
            Self::Full => File::options()
                .write(true)
                .open("/dev/full")
                .unwrap()
                .into(),
        }
    }
}

/// Exit code and stderr.
fn ran(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(!err.contains("panicked"), "{err}");
    (output.status.code(), err)
}

#[test]
fn a_run_without_an_output_is_carried_out_and_the_views_follow() {
    for gone in Gone::BOTH {
        let eip = Eip::new();
        let data = generate(&eip.path(""), 300, 61);
        let fast = ["replay", "fast", "--data", data.to_str().unwrap()];
        let (code, err) = ran(eip.command(fast).stdout(gone.stdio()));
        assert_eq!(code, Some(0), "{gone:?}: {err}");
        assert_eq!(
            err.contains(&format!("warning: {FULL}")),
            gone == Gone::Full,
            "{err}"
        );
        eip.run(["status"]).ok();
        eip.verify();
    }
}

#[test]
fn a_run_without_an_output_for_errors_and_logs_is_carried_out() {
    for gone in Gone::BOTH {
        let eip = Eip::new();
        let data = generate(&eip.path(""), 300, 62);
        let args = ["replay", "fast", "--data", data.to_str().unwrap()];
        // A directive that cannot be read is reported on stderr too.
        let status = eip
            .command(args)
            .args(["--log", "debug,=x=y"])
            .stdout(gone.stdio())
            .stderr(gone.stdio())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0), "{gone:?}");
        eip.run(["status"]).ok();
        let unknown = eip
            .command(["runs", "0000000000000000"])
            .stderr(gone.stdio())
            .status();
        assert_eq!(unknown.unwrap().code(), Some(1), "{gone:?}");
    }
}

#[test]
fn what_is_only_printed_fails_on_a_full_disk_and_ends_well_in_a_closed_pipe() {
    let eip = Eip::new();
    eip.fast(&generate(&eip.path(""), 300, 63)).ok();
    for args in [
        &["runs"][..],
        &["runs", "--json"],
        &["status"],
        &["status", "--watch"],
        &["verify"],
        &["log", "export"],
        &["cache", "status"],
        &["space", "list"],
        &["deadletters", "list"],
        &["diff", "main", "main"],
        &["token", "new", "--name", "a", "--role", "read"],
    ] {
        let (code, err) = ran(eip.command(args).stdout(Gone::Closed.stdio()));
        assert_eq!(code, Some(0), "{args:?}: {err}");
        let (code, err) = ran(eip.command(args).stdout(Gone::Full.stdio()));
        assert_eq!(code, Some(1), "{args:?}: {err}");
        assert!(err.contains(&format!("error: {FULL}")), "{args:?}: {err}");
    }
}

#[test]
fn a_comparison_that_no_reader_sees_still_ends_with_its_result() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 64);
    let data = data.to_str().unwrap();
    eip.run(["replay", "fast", "--data", data]).ok();
    let end_of_day = crate::support::rules(&eip.path(""), "end_of_day", "30m");
    let window = [
        "replay",
        "window",
        "--no-dataflow",
        "--data",
        data,
        "--rules",
    ];
    let more = [end_of_day.to_str().unwrap(), "--max-retracted", "100%"];
    eip.run(window.into_iter().chain(more)).ok();
    for gone in Gone::BOTH {
        let (code, err) = ran(eip.command(["verify"]).stdout(gone.stdio()));
        assert_eq!(code, Some(1), "{gone:?}: {err}");
        let (code, err) = ran(eip.command(["status"]).stdout(gone.stdio()));
        assert_eq!(code, Some(1), "{gone:?}: {err}");
    }
}

#[test]
fn the_demo_needs_no_reader() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("demo");
    let mut demo = command();
    demo.args(["demo", "--once", "--orders", "1000", "--state"])
        .arg(&state);
    let (code, err) = ran(demo.stdout(Gone::Closed.stdio()));
    assert_eq!(code, Some(0), "{err}");
    let verified = command().args(["verify", "--state"]).arg(&state).output();
    assert!(verified.unwrap().status.success());
}

#[test]
fn logs_that_go_to_a_file_carry_no_colour_codes() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 65);
    let fast = [
        "replay",
        "fast",
        "--data",
        data.to_str().unwrap(),
        "--log",
        "debug",
    ];
    let (code, err) = ran(&mut eip.command(fast));
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("DEBUG") || err.contains("INFO"), "{err}");
    assert!(!err.contains('\u{1b}'), "{err:?}");
}
