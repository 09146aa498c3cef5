//! The same facts, however they come: by what pace, in what order, how often.

use std::collections::HashSet;
use std::path::Path;

use rand::RngExt as _;
use serde_json::Value;

use super::{AS_OF, lines};
use crate::service::Service;
use crate::support::{Eip, ORDERS, Ran, changed, generate, olist, rules, run_oracle, seeded};

const RANGE: [&str; 6] = [
    "--start",
    "2018-01-01",
    "--end",
    "2018-02-01",
    "--as-of",
    AS_OF,
];
const VIEWS: [&str; 3] = ["shipment_events", "shipments", "route_stats_daily"];

/// A replay of the month into a space, from this terminal, views and all.
fn replay(eip: &Eip, space: &str, kind: &str, data: &Path, more: &[&str]) {
    let data = data.to_str().unwrap();
    let args = ["replay", kind, "--space", space, "--data", data];
    eip.run(args.iter().chain(&RANGE).chain(more)).ok();
}

/// The last word of a view's line in what `eip diff` prints.
fn verdict<'a>(diff: &'a Ran, view: &str) -> &'a str {
    let line = diff
        .out
        .lines()
        .find(|line| line.split_whitespace().next() == Some(view));
    let line = line.unwrap_or_else(|| panic!("no {view} in\n{}", diff.out));
    line.split_whitespace().next_back().unwrap()
}

/// Replays the month fast and, into five spaces, at two paces and by rows: as they come, shuffled, and
/// all of them twice. `eip diff` has to find the views of each equal to those of the fast run.
fn by_every_way(eip: &Eip, data: &Path, rows: &str, slow: &str) {
    replay(eip, "fast", "fast", data, &[]);

    let paces = ["100000", slow].map(|factor| (format!("x{factor}"), factor));
    for (space, factor) in &paces {
        replay(eip, space, "scaled", data, &["--scale-factor", factor]);
    }

    let mut random = seeded("shuffled rows");
    let mut shuffled: Vec<&str> = rows.lines().collect();
    for place in (1..shuffled.len()).rev() {
        shuffled.swap(place, random.random_range(0..=place));
    }
    let shuffled = shuffled.join("\n");
    assert_ne!(shuffled, rows.trim_end());
    let doubled = format!("{shuffled}\n{shuffled}\n");
    let pushes = [
        ("pushed", rows),
        ("shuffled", &shuffled),
        ("doubled", &doubled),
    ];
    let service = Service::start(eip, data);
    for (space, text) in pushes {
        let query =
            format!("rules=default&as_of={AS_OF}&start=2018-01-01&end=2018-02-01&space={space}");
        let answer = service.push(&query, "key", text.to_owned());
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    drop(service);
    for (space, _) in pushes {
        eip.run(["dataflow", "--until-caught-up", "--space", space])
            .ok();
    }

    let spaces: Vec<&str> = paces.iter().map(|(space, _)| space.as_str()).collect();
    let spaces = [spaces, pushes.map(|(space, _)| space).to_vec()].concat();
    assert_eq!(spaces.len(), 5);
    for space in spaces {
        let diff = eip.run(["diff", "fast", space]).ok();
        for view in VIEWS {
            assert_eq!(verdict(&diff, view), "equal", "{space}\n{}", diff.out);
        }
        // And they are what a recomputation from the space's own log says.
        eip.run(["verify", "--space", space]).ok();
    }
}

/// The scale factor of the slow replay: a month at x 1,000 is 45 minutes.
fn slow() -> &'static str {
    if std::env::var_os("EIP_SOAK").is_some() {
        "1000"
    } else {
        "1000000"
    }
}

#[test]
fn the_same_month_by_every_way_gives_the_same_views() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 2_000, 34);
    by_every_way(&eip, &data, &lines(&data), "1000000");

    // What differs is told apart.
    let rules = rules(&eip.path(""), "end_of_day", "0h");
    let other = ["--rules", rules.to_str().unwrap()];
    replay(&eip, "other-rules", "fast", &data, &other);
    let diff = eip.run(["diff", "fast", "other-rules"]);
    assert_eq!(diff.code, Some(1), "{}{}", diff.out, diff.err);
    for view in VIEWS {
        assert_eq!(verdict(&diff, view), "DIFFERENT", "{}", diff.out);
    }
}

#[test]
fn the_real_month_by_every_way_gives_the_oracles_views() {
    let Some(packed) = olist() else { return };
    let eip = Eip::new();
    let data = changed(&packed, &eip.path("real"), ORDERS, |_| {});
    let rows = touching_january(&lines(&data));
    by_every_way(&eip, &data, &rows, slow());

    let events = eip.path("events.ndjson");
    let (data, events) = (data.to_str().unwrap(), events.to_str().unwrap());
    let args = ["events", "--data", data, "--out", events];
    if run_oracle(args.iter().chain(&RANGE)).is_none() {
        return;
    }
    let views = eip.path("oracle");
    let args = ["views", "--log", events, "--out", views.to_str().unwrap()];
    let said = run_oracle(args).unwrap();
    let diff = eip.run(["diff", "fast", "doubled"]).ok();
    for view in VIEWS {
        let line = said.lines().find(|line| line.starts_with(view)).unwrap();
        let digest = line.split_whitespace().next_back().unwrap();
        assert!(diff.out.contains(&digest[..16]), "{line}\n{}", diff.out);
    }
}

/// Of all rows those of orders with a time in January 2018 or a day beside it, whole with items and
/// customers; all sellers.
fn touching_january(rows: &str) -> String {
    let rows: Vec<(&str, Value)> = rows
        .lines()
        .map(|line| (line, serde_json::from_str(line).unwrap()))
        .collect();
    let is_near = |row: &Value| {
        let times = row["row"].as_object().unwrap().values();
        let mut times = times.filter_map(Value::as_str);
        times.any(|text| {
            ["2017-12-31", "2018-01-", "2018-02-01"]
                .iter()
                .any(|day| text.starts_with(day))
        })
    };
    let (mut orders, mut customers) = (HashSet::new(), HashSet::new());
    for (_, row) in rows.iter().filter(|(_, row)| row["file"] == "orders") {
        if is_near(row) {
            orders.insert(&row["row"]["order_id"]);
            customers.insert(&row["row"]["customer_id"]);
        }
    }
    let wanted = |row: &Value| match row["file"].as_str().unwrap() {
        "orders" | "order_items" => orders.contains(&row["row"]["order_id"]),
        "customers" => customers.contains(&row["row"]["customer_id"]),
        _ => true,
    };
    let mut text = String::new();
    for (line, row) in &rows {
        if wanted(row) {
            text += line;
            text.push('\n');
        }
    }
    text
}
