//! Bad input gets an error that says what is wrong, where, and what to do.

use std::fs;
use std::path::Path;

use crate::support::{Eip, ORDERS, changed, generate, run};

fn fails(ran: &crate::support::Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.out, ran.err);
    for word in words {
        assert!(ran.err.contains(word), "{word:?} is not in\n{}", ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn a_folder_without_the_files_is_named() {
    let eip = Eip::new();
    fails(&eip.fast(Path::new("no-such-folder")), &["no-such-folder"]);
    fs::create_dir(eip.path("empty")).unwrap();
    fails(&eip.fast(&eip.path("empty")), &["olist_", "empty"]);
}

#[test]
fn an_unclosed_quote_fails_the_run_with_its_line_and_nothing_is_written() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 41);
    let broken = changed(&data, &eip.path("broken"), ORDERS, |lines| {
        lines[100] = format!("\"{}", lines[100].replace('"', ""));
    });
    fails(
        &eip.fast(&broken),
        &["olist_orders_dataset.csv", "101", "quote"],
    );
    assert!(eip.log().is_empty());
}

#[test]
fn a_cut_archive_fails_the_run_and_nothing_is_written() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 42);
    let path = data.join(ORDERS);
    let mut packed = Vec::new();
    let mut encoder = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &fs::read(&path).unwrap()).unwrap();
    encoder.finish().unwrap();
    packed.truncate(packed.len() / 2);
    fs::write(data.join(format!("{ORDERS}.gz")), packed).unwrap();
    fs::remove_file(path).unwrap();
    fails(
        &eip.fast(&data),
        &["olist_orders_dataset.csv", "archive is cut"],
    );
    assert!(eip.log().is_empty());
}

#[test]
fn bad_rules_are_refused_by_key() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 43);
    for (text, words) in [
        (
            "version = 1\nassignmnt_delay = \"5m\"\n",
            ["assignmnt_delay", "rules.toml"],
        ),
        ("version = 2\n", ["version", "2"]),
        (
            "version = 1\npromise = \"someday\"\n",
            ["promise", "someday"],
        ),
        (
            "version = 1\nassignment_delay = \"366d\"\n",
            ["assignment_delay", "365"],
        ),
        ("", ["version", "rules.toml"]),
    ] {
        let rules = eip.path("rules.toml");
        fs::write(&rules, text).unwrap();
        let (data, rules) = (data.to_str().unwrap(), rules.to_str().unwrap());
        fails(
            &eip.run(["replay", "fast", "--data", data, "--rules", rules]),
            &words,
        );
    }
}

#[test]
fn a_fast_run_under_other_rules_over_the_same_state_is_refused_unless_told_to_mix() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 44);
    eip.fast(&data).ok();
    let rules = crate::support::rules(&eip.path(""), "end_of_day", "30m");
    let args = [
        "replay",
        "fast",
        "--data",
        data.to_str().unwrap(),
        "--rules",
    ];
    let args = || args.iter().copied().chain([rules.to_str().unwrap()]);
    fails(&eip.run(args()), &["window", "--mix"]);
    eip.run(args().chain(["--mix"])).ok();
    eip.verify();
}

#[test]
fn other_partitions_than_the_state_folders_are_refused() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 45);
    eip.fast(&data).ok();
    let data = data.to_str().unwrap();
    fails(
        &eip.run(["replay", "fast", "--data", data, "--partitions", "5"]),
        &["4", "5"],
    );
}

#[test]
fn a_state_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere");
    let missing = missing.to_str().unwrap();
    for command in [
        &["verify"][..],
        &["export", "--out", "x"],
        &["cache", "status"],
        &["runs"],
    ] {
        let ran = run(command.iter().copied().chain(["--state", missing]));
        fails(&ran, &["nowhere"]);
    }
}

#[test]
fn a_range_that_holds_no_day_and_a_run_that_is_not_there_are_refused() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 46);
    eip.fast(&data).ok();
    let ran = eip.window(&data, &["--start", "2018-04-01", "--end", "2018-04-01"]);
    fails(&ran, &["2018-04-01"]);
    let nobody = "0".repeat(16);
    fails(&eip.run(["replay", "revert", &nobody]), &[&nobody]);
}

#[test]
fn verify_finds_a_changed_a_missing_and_an_extra_row() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 47);
    eip.fast(&data).ok();
    eip.verify();
    let journal = eip.path("state").join("journal");
    assert!(journal.is_dir());
    let python = std::process::Command::new("python3")
        .arg("-c")
        .arg(
            "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\n\
             c.execute('DELETE FROM shipment_events WHERE id=(SELECT min(id) FROM shipment_events)')\n\
             c.execute(\"UPDATE shipments SET doc=replace(doc,'\\\"eventCount\\\":','\\\"eventCount\\\":1') \
             WHERE id=(SELECT min(id) FROM shipments)\")\n\
             c.execute('UPDATE route_stats_daily SET placed=placed+1 WHERE stat_date=(SELECT min(stat_date) FROM route_stats_daily)')\n\
             c.commit()",
        )
        .arg(eip.state().join("views.sqlite"))
        .output();
    let Ok(python) = python else {
        eprintln!("not run: there is no python3 to damage the views with");
        return;
    };
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let ran = eip.run(["verify"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    for view in ["shipment_events", "shipments", "route_stats_daily"] {
        assert!(ran.out.contains(view), "{}", ran.out);
    }
}
