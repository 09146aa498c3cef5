//! Window backfills and reverts: what they retract, and that doing it again does nothing.

use std::fs;

use rand::RngExt as _;

use crate::support::{Eip, ITEMS, ORDERS, changed, generate, repetitions, rules, seeded};

const WIDE: [&str; 4] = ["--max-vanishing", "100%", "--max-retracted", "100%"];

#[test]
fn a_window_of_everything_after_a_change_of_rules_and_data_equals_a_clean_rebuild() {
    let mut random = seeded("window of everything");
    for _ in 0..repetitions(2, 20) {
        let eip = Eip::new();
        let root = eip.path("");
        let data = generate(&root, 2_000, random.random_range(0..1_000));
        eip.fast(&data).ok();
        let salt: usize = random.random_range(2..9);
        let new = changed(&data, &eip.path("new"), ORDERS, |lines| {
            let kept = lines
                .iter()
                .enumerate()
                .filter(|(i, _)| *i == 0 || i % (salt * 20) != 1);
            *lines = kept.map(|(_, line)| line.clone()).collect();
            let dates = ["2018-03-1", "2017-11-2", "2018-01-0"];
            for (i, line) in lines.iter_mut().enumerate().skip(1) {
                if i % salt == 0 {
                    *line = line.replace(dates[i % 3], "2018-02-1");
                }
            }
        });
        let minutes = format!("{}m", random.random_range(1..90));
        let rules = rules(&root, "end_of_day", &minutes);
        let rules = rules.to_str().unwrap();
        let args: Vec<&str> = WIDE.iter().copied().chain(["--rules", rules]).collect();
        eip.window(&new, &args).ok();
        eip.verify();

        let clean = Eip::new();
        let new = new.to_str().unwrap();
        clean
            .run(["replay", "fast", "--data", new, "--rules", rules])
            .ok();
        assert_eq!(eip.stored_digests(), clean.stored_digests());
    }
}

#[test]
fn a_second_identical_window_appends_and_writes_nothing() {
    let eip = Eip::new();
    let root = eip.path("");
    let data = generate(&root, 2_000, 3);
    eip.fast(&data).ok();
    let rules = rules(&root, "end_of_day", "45m");
    let args = [
        "--rules",
        rules.to_str().unwrap(),
        "--start",
        "2018-02-01",
        "--end",
        "2018-03-01",
        "--emit",
        "changed",
    ];
    eip.window(&data, &args).ok();
    let (log, digests) = (eip.log(), eip.stored_digests());
    let ran = eip.window(&data, &args).ok();
    assert_eq!(eip.log(), log, "it appended records");
    assert_eq!(eip.stored_digests(), digests);
    let written: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains("indexed"))
        .collect();
    assert!(
        !written.is_empty() && written.iter().all(|line| line.contains(" 0 ")),
        "{}",
        ran.out
    );
}

#[test]
fn window_then_revert_gives_the_views_of_before_and_a_second_revert_appends_nothing() {
    let eip = Eip::new();
    let root = eip.path("");
    let data = generate(&root, 2_000, 4);
    eip.fast(&data).ok();
    let before = eip.stored_digests();
    let fewer_items = changed(&data, &eip.path("new"), ITEMS, |lines| {
        let kept = lines.iter().enumerate().filter(|(i, _)| i % 37 != 1);
        *lines = kept.map(|(_, line)| line.clone()).collect();
    });
    let month = ["--start", "2018-02-01", "--end", "2018-03-01"];
    let args: Vec<&str> = month.iter().chain(&WIDE).copied().collect();
    let window = eip.window(&fewer_items, &args).ok();
    let after = eip.stored_digests();
    assert_ne!(after, before);

    let dry = eip
        .run(["replay", "revert", &window.run_id(), "--dry-run"])
        .ok();
    assert_eq!(eip.digests(), after, "{}", dry.out);
    eip.run(["replay", "revert", &window.run_id()]).ok();
    assert_eq!(eip.stored_digests(), before);
    let log = eip.log();
    eip.run(["replay", "revert", &window.run_id()]).ok();
    assert_eq!(eip.log(), log, "the second revert appended records");
    eip.verify();
}

#[test]
fn a_run_after_a_rehearsal_does_what_was_announced_or_nothing() {
    let eip = Eip::new();
    let root = eip.path("");
    let data = generate(&root, 2_000, 5);
    eip.fast(&data).ok();
    let rules = rules(&root, "end_of_day", "30m");
    let window = |end: &str, more: &[&str]| {
        let fixed = [
            "--rules",
            rules.to_str().unwrap(),
            "--start",
            "2018-02-01",
            "--end",
            end,
        ];
        let args: Vec<&str> = fixed.iter().chain(more).copied().collect();
        eip.window(&data, &args)
    };
    let dry = window("2018-03-01", &["--dry-run"]).ok();
    let mut plans = dry
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("plan "));
    let token = plans.next().map(str::trim);
    let token = token
        .unwrap_or_else(|| panic!("no plan token in\n{}", dry.out))
        .to_owned();
    let log = eip.log();
    let other = window("2018-03-02", &["--plan", &token]);
    assert_eq!(other.code, Some(1), "{}{}", other.out, other.err);
    assert_eq!(eip.log(), log, "a refused plan wrote something");
    window("2018-03-01", &["--plan", &token]).ok();
    let again = window("2018-03-01", &["--plan", &token]);
    assert_eq!(
        again.code,
        Some(1),
        "the same plan twice: {}{}",
        again.out,
        again.err
    );
    eip.verify();
}

#[test]
fn one_order_with_a_broken_date_is_left_as_it_is_and_named() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 2_000, 6);
    eip.fast(&data).ok();
    let orders = fs::read_to_string(data.join(ORDERS)).unwrap();
    let header: Vec<&str> = orders.lines().next().unwrap().split(',').collect();
    let purchased = header
        .iter()
        .position(|name| name.contains("purchase"))
        .unwrap();
    let id = header
        .iter()
        .position(|name| name.trim_matches('"') == "order_id")
        .unwrap();
    let broken_line = orders.lines().position(|line| {
        line.split(',')
            .nth(purchased)
            .unwrap()
            .contains("2018-02-1")
    });
    let broken_line = broken_line.unwrap();
    let fields: Vec<&str> = orders
        .lines()
        .nth(broken_line)
        .unwrap()
        .split(',')
        .collect();
    let (order_id, time) = (
        fields[id].trim_matches('"'),
        fields[purchased].trim_matches('"'),
    );
    let new = changed(&data, &eip.path("new"), ORDERS, |lines| {
        lines[broken_line] = lines[broken_line].replace(time, "2018-02-30 10:00:00");
    });
    let rules = rules(&eip.path(""), "end_of_day", "45m");
    let args = [
        "--rules",
        rules.to_str().unwrap(),
        "--start",
        "2018-02-01",
        "--end",
        "2018-03-01",
    ];
    let facts_of = |log: Vec<u8>| -> Vec<String> {
        let log = String::from_utf8(log).unwrap();
        log.lines()
            .filter(|line| line.contains(order_id))
            .map(str::to_owned)
            .collect()
    };
    let before = facts_of(eip.log());
    let ran = eip.window(&new, &args).ok();
    assert!(
        ran.out.contains(order_id),
        "{order_id} is not named in\n{}",
        ran.out
    );
    assert_eq!(facts_of(eip.log()), before);
    eip.verify();
}
