//! What a rehearsal says of the figures of routes and days is what the stored rows show once its run is
//! applied.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::support::{Eip, ORDERS, changed, generate, rules};

/// Day, seller's and customer's region.
type Key = [String; 3];
/// Rows of `route_stats_daily` by their key, without it.
pub(crate) type Rows = BTreeMap<Key, Map<String, Value>>;

const KEY: [&str; 3] = ["stat_date", "seller_region", "customer_region"];
/// What adds up over rows.
const SUMS: [&str; 10] = [
    "placed",
    "approved",
    "assigned",
    "handed",
    "delayed",
    "delivered",
    "delivered_late",
    "lead_count",
    "lead_seconds_sum",
    "late_seconds_sum",
];

/// The stored rows, once the views hold the log.
pub(crate) fn stored_rows(eip: &Eip) -> Rows {
    eip.digests();
    let text = fs::read_to_string(eip.path("export/route_stats_daily.ndjson")).unwrap();
    let row = |line: &str| {
        let mut row: Map<String, Value> = serde_json::from_str(line).unwrap();
        let mut part = |name| row.remove(name).unwrap().as_str().unwrap().to_owned();
        (KEY.map(&mut part), row)
    };
    text.lines().map(row).collect()
}

/// What a run has announced.
pub(crate) fn announced(eip: &Eip, run: &str) -> Value {
    let path = found(&eip.state(), &PathBuf::from(run).join("rehearsal.json")).unwrap();
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The file that ends with `end`, in this folder or below.
fn found(folder: &Path, end: &Path) -> Option<PathBuf> {
    fs::read_dir(folder).unwrap().find_map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found(&path, end);
        }
        path.ends_with(end).then_some(path)
    })
}

/// The sums of the rows that `of` picks.
fn sums<'a>(rows: impl Iterator<Item = &'a Map<String, Value>>) -> Vec<i64> {
    let mut sums = vec![0; SUMS.len()];
    for row in rows {
        for (sum, name) in sums.iter_mut().zip(SUMS) {
            *sum += row[name].as_i64().unwrap();
        }
    }
    sums
}

/// The sums of the days for the rows of which `parts` of the key are as `entry` says.
fn agrees(figures: &Value, parts: &[(usize, &str)], entry: &Value, sides: [&Rows; 2]) {
    let day = |name: &str| figures[name].as_str().unwrap();
    for (side, rows) in ["before", "after"].into_iter().zip(sides) {
        let of_these = rows.iter().filter(|(key, _)| {
            let is_in = *key[0] >= *day("first_day") && *key[0] <= *day("last_day");
            is_in && parts.iter().all(|(at, name)| entry[*name] == key[*at])
        });
        let wanted = sums(of_these.map(|(_, row)| row));
        let stated: Vec<i64> = SUMS.map(|name| entry[side][name].as_i64().unwrap()).into();
        assert_eq!(stated, wanted, "{side} of {entry}");
    }
}

/// Compares what was announced with the rows before and after; returns how many rows change.
pub(crate) fn are_as_announced(report: &Value, before: &Rows, after: &Rows) -> usize {
    let figures = &report["route_figures"];
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let differing: BTreeSet<&Key> = keys
        .into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .collect();
    let lists = |name: &str| figures[name]["listed"].as_array().unwrap();
    let left_out = |name: &str| figures[name]["left_out"].as_u64().unwrap();

    // Each listed row, to the last column, and none that does not change.
    let rows = lists("rows");
    let mut listed = BTreeSet::new();
    for row in rows {
        let key = ["day", KEY[1], KEY[2]].map(|name| row[name].as_str().unwrap().to_owned());
        for (side, rows) in [("before", before), ("after", after)] {
            let stored = rows.get(&key).map_or(Value::Null, |row| row.clone().into());
            assert_eq!(row[side], stored, "{side} of {key:?}");
        }
        listed.insert(key);
    }
    assert_eq!(listed.len(), rows.len());
    assert!(listed.iter().all(|key| differing.contains(key)));
    let changing = differing.len() as u64;
    assert_eq!(listed.len() as u64 + left_out("rows"), changing);
    assert_eq!(figures["all"]["rows"], changing);
    let days: BTreeSet<&str> = differing.iter().map(|key| key[0].as_str()).collect();
    assert_eq!(figures["first_day"], **days.first().unwrap());
    assert_eq!(figures["last_day"], **days.last().unwrap());

    // The sums, of what changes and of what stays beside it.
    agrees(figures, &[], &figures["all"], [before, after]);
    let route = [(1, "seller_region"), (2, "customer_region")];
    for (name, parts) in [
        ("by_route", &route[..]),
        ("by_seller", &[(1, "region")][..]),
        ("by_customer", &[(2, "region")][..]),
        ("by_day", &[(0, "day")][..]),
    ] {
        let mut rows = figures[name]["others"]["rows"].as_u64().unwrap();
        for entry in lists(name) {
            agrees(figures, parts, entry, [before, after]);
            rows += entry["rows"].as_u64().unwrap();
        }
        assert_eq!(rows, changing, "{name}");
        assert_eq!(left_out(name), 0, "{name}");
    }
    differing.len()
}

fn a_rehearsal_announces_the_rows(eip: &Eip) {
    let root = eip.path("");
    let data = generate(&root, 2_000, 23);
    eip.fast(&data).ok();
    // Other rules, and data in which some orders are gone and others fall on other days.
    let new = changed(&data, &eip.path("new"), ORDERS, |lines| {
        let kept = lines.iter().enumerate().filter(|(i, _)| i % 90 != 1);
        *lines = kept.map(|(_, line)| line.clone()).collect();
        for line in lines.iter_mut().step_by(7).skip(1) {
            *line = line.replace("2018-02-1", "2018-02-2");
        }
    });
    let rules = rules(&root, "end_of_day", "45m");
    let month = ["--start", "2018-02-01", "--end", "2018-03-01"];
    let limits = ["--max-vanishing", "100%", "--max-retracted", "100%"];
    let window = |more: &[&str]| {
        let rules = ["--rules", rules.to_str().unwrap()];
        let args: Vec<&str> = [&month[..], &limits, &rules, more].concat();
        eip.window(&new, &args).ok()
    };
    let before = stored_rows(eip);
    let dry = window(&["--dry-run"]);
    assert_eq!(stored_rows(eip), before, "a rehearsal changes nothing");
    let applied = window(&[]);
    let after = stored_rows(eip);
    let changing = are_as_announced(&announced(eip, &dry.run_id()), &before, &after);
    assert!(changing > 100, "{changing} rows change");
    // The table on the terminal has the greatest change first.
    let report = announced(eip, &applied.run_id());
    let first = &report["route_figures"]["by_route"]["listed"][0];
    let name = format!(
        "  {}-{} ",
        first["seller_region"].as_str().unwrap(),
        first["customer_region"].as_str().unwrap()
    );
    let lines: Vec<&str> = dry.out.lines().collect();
    let all = lines
        .iter()
        .position(|line| line.starts_with("  all routes "));
    let all = all.unwrap_or_else(|| panic!("no figures in\n{}", dry.out));
    assert!(lines[all + 1].starts_with(&name), "{}", dry.out);

    let applied = applied.run_id();
    let revert = ["replay", "revert", &applied, "--force"];
    let dry = eip.run(revert.iter().chain(&["--dry-run"])).ok();
    let undone = announced(eip, &dry.run_id());
    assert_eq!(are_as_announced(&undone, &after, &before), changing);
    eip.run(revert).ok();
    assert_eq!(stored_rows(eip), before);
}

#[test]
fn the_figures_of_a_rehearsal_are_those_of_the_rows_after_its_run() {
    a_rehearsal_announces_the_rows(&Eip::new());
}

#[test]
fn the_figures_of_a_rehearsal_are_those_of_the_rows_after_its_run_on_servers() {
    a_rehearsal_announces_the_rows(&Eip::on_servers());
}
