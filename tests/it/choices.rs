//! Nothing is chosen in silence: a key that is used again, a limit, a name with an error in it, a date
//! in another form.

use std::path::Path;

use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Eip, Ran, generate, rules};

fn replay<'a>(kind: &'a str, data: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["replay", kind, "--data", data.to_str().unwrap()];
    fixed.into_iter().chain(more.iter().copied()).collect()
}

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.out, ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not in\n{}", ran.err);
    }
}

#[test]
fn a_key_used_again_shows_its_run_and_writes_nothing() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 71);
    let fast = |more: &[&str]| {
        let more: Vec<&str> = ["--key", "nightly"].iter().chain(more).copied().collect();
        eip.run(replay("fast", &data, &more))
    };
    // The views are brought up by the second, as they would have been by the first.
    let first = fast(&["--no-dataflow"]).ok();
    assert_ne!(eip.run(["status"]).code, Some(0));
    let (log, again) = (eip.log(), fast(&[]).ok());
    assert_eq!(again.run_id(), first.run_id());
    for word in [
        "ended before",
        "committed, attempt 1",
        "events_order_placed",
        "300",
    ] {
        assert!(again.out.contains(word), "{word}: {}", again.out);
    }
    assert_eq!(eip.log(), log);
    eip.run(["status"]).ok();
    refused(
        &fast(&["--start", "2018-01-01"]),
        1,
        &[&first.run_id(), "other parameters"],
    );
    refused(
        &fast(&["--max-rows", "5"]),
        1,
        &[&first.run_id(), "other parameters"],
    );

    let dry = ["--dry-run", "--key", "look"];
    let rehearsed = eip.run(replay("window", &data, &dry)).ok();
    let again = eip.run(replay("window", &data, &dry)).ok();
    assert_eq!(again.run_id(), rehearsed.run_id());
    assert!(again.out.contains("rehearsed, attempt 1"), "{}", again.out);
    assert!(again.out.contains("plan "), "{}", again.out);
}

#[test]
fn a_key_used_again_ends_as_its_run_did() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 1_000, 72);
    eip.fast(&data).ok();
    let few = ["--max-rows", "2", "--key", "few", "--mix"];
    for _ in 0..2 {
        refused(
            &eip.run(replay("fast", &data, &few)),
            1,
            &["more than 2 rows"],
        );
    }
    let other = rules(&eip.path(""), "end_of_day", "30m");
    let other = ["--rules", other.to_str().unwrap(), "--max-retracted", "0"];
    for (key, dry) in [("stopped", &[][..]), ("rehearsed", &["--dry-run"])] {
        for _ in 0..2 {
            let more: Vec<&str> = other
                .iter()
                .chain(&["--key", key])
                .chain(dry)
                .copied()
                .collect();
            let ran = eip.run(replay("window", &data, &more));
            assert_eq!(ran.code, Some(3), "{key}: {}\n{}", ran.out, ran.err);
        }
    }
}

#[test]
fn a_key_used_again_through_a_service_says_so() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 73);
    let service = Service::start(&eip, &data);
    let args = [
        "replay",
        "fast",
        "--ingest",
        &service.url,
        "--dataset",
        "data",
        "--key",
        "nightly",
    ];
    let first = eip.run(args).ok();
    assert!(!first.out.contains("ended before"), "{}", first.out);
    for more in [&[][..], &["--detach"]] {
        let again = eip.run(args.iter().chain(more)).ok();
        assert_eq!(again.run_id(), first.run_id());
        assert!(again.out.contains("ended before"), "{}", again.out);
        assert!(again.out.contains("committed, attempt 1"), "{}", again.out);
    }
    let other = eip.run(args.iter().chain(&["--start", "2018-01-01"]));
    refused(&other, 1, &[&first.run_id(), "other parameters"]);
    // The service's own limit holds, so another is refused and not forgotten.
    refused(
        &eip.run(args.iter().chain(&["--max-rows", "2"])),
        2,
        &["--max-rows", "--ingest"],
    );
}

#[test]
fn a_limit_on_rows_holds_when_the_cache_has_the_events() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 74);
    eip.fast(&data).ok();
    let cached = eip.run(replay("fast", &data, &["--max-rows", "5000"])).ok();
    assert!(
        cached.out.contains("read        the cache"),
        "{}",
        cached.out
    );
    for kind in [&["fast"][..], &["scaled", "--scale-factor", "1000000"]] {
        let more: Vec<&str> = kind[1..]
            .iter()
            .chain(&["--max-rows", "100"])
            .copied()
            .collect();
        refused(
            &eip.run(replay(kind[0], &data, &more)),
            1,
            &["more than 100 rows"],
        );
    }
}

#[test]
fn a_correction_never_makes_a_space() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 75);
    // Not even the state folder.
    let window = eip.run(replay("window", &data, &[]));
    refused(
        &window,
        1,
        &["no log in", "state", "a window run never makes"],
    );
    assert!(!eip.state().exists());
    eip.fast(&data).ok();
    let made = eip.run(replay("fast", &data, &["--space", "peak"])).ok();
    assert!(made.err.contains("made the space peak"), "{}", made.err);
    let again = eip.run(replay("fast", &data, &["--space", "peak"])).ok();
    assert!(!again.err.contains("made the space"), "{}", again.err);

    let run = again.run_id();
    for args in [
        replay("window", &data, &["--space", "paek"]),
        replay(
            "window",
            &data,
            &["--space", "paek", "--dry-run", "--partitions", "4"],
        ),
        vec!["replay", "revert", &run, "--space", "paek"],
    ] {
        let ran = eip.run(args);
        refused(
            &ran,
            1,
            &["no space paek", "main, peak", "never makes a space"],
        );
        assert!(!eip.state().join("spaces/paek").exists());
    }
    eip.run(replay("window", &data, &["--space", "peak"])).ok();
    let partitions = ["--space", "peak", "--partitions", "5"];
    refused(
        &eip.run(replay("window", &data, &partitions)),
        1,
        &["4", "5"],
    );
}

#[test]
fn a_correction_through_a_service_never_makes_a_space() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 76);
    let service = Service::start(&eip, &data);
    let through = |kind, space| {
        let args = [
            "replay",
            kind,
            "--ingest",
            &service.url,
            "--dataset",
            "data",
            "--space",
            space,
        ];
        eip.run(args)
    };
    let window = through("window", "peak");
    refused(&window, 1, &["404", "no space peak", "never makes"]);
    assert!(!eip.state().join("spaces").exists());
    let fast = through("fast", "peak").ok();
    assert!(fast.err.contains("made the space peak"), "{}", fast.err);
    assert!(!through("fast", "peak").ok().err.contains("made the space"));
    through("window", "peak").ok();
}

#[test]
fn a_date_in_another_form_is_answered_with_the_form_wanted() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 77);
    for date in [
        "2018-3-1",
        "2018/03/01",
        "01/03/2018",
        "2018-03-01T00:00:00",
        "20180301",
    ] {
        for option in ["--start", "--end"] {
            let words = [date, option, "expected YYYY-MM-DD, for example 2018-03-01"];
            refused(&eip.run(replay("fast", &data, &[option, date])), 2, &words);
            refused(&eip.run(["verify", option, date]), 2, &words);
        }
    }
    let no_day = eip.run(replay("window", &data, &["--start", "2018-02-30"]));
    refused(&no_day, 2, &["no such day as 2018-02-30"]);
    let as_of = eip.run(replay("fast", &data, &["--as-of", "2018-3-1 10:00"]));
    refused(&as_of, 2, &["2018-3-1 10:00", "YYYY-MM-DDTHH:MM:SSZ"]);
    assert!(!eip.state().exists());
}

#[test]
fn the_list_of_runs_says_who_why_and_what_a_revert_reverted() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 78);
    eip.fast(&data).ok();
    let other = rules(&eip.path(""), "end_of_day", "30m");
    let why = [
        "--reason",
        "OPS-17: late",
        "--max-retracted",
        "100%",
        "--rules",
    ];
    let more: Vec<&str> = why.into_iter().chain([other.to_str().unwrap()]).collect();
    let window = eip.run(replay("window", &data, &more)).ok().run_id();
    let revert = eip
        .run(["replay", "revert", &window, "--force"])
        .ok()
        .run_id();
    let list = eip.command(["runs"]).env("USER", "kim").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    for text in [
        "why      OPS-17: late".to_owned(),
        format!("reverts {window}"),
        format!("reverted by run {revert}"),
        "end_of_day".to_owned(),
    ] {
        assert!(list.contains(&text), "{text}\n{list}");
    }
    assert!(
        list.lines().all(|line| line.chars().count() <= 160),
        "{list}"
    );
    let runs: Value = serde_json::from_str(&eip.run(["runs", "--json"]).ok().out).unwrap();
    assert_eq!(runs.as_array().unwrap().len(), 3);
    assert_eq!(runs[1]["reason"], json!("OPS-17: late"));
    assert_eq!(runs[2]["target_run"], json!(window));
}
