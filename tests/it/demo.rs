//! `eip demo` tells its story, ends with the digests, and starts clean a second time.

use crate::support::{command, run};

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
