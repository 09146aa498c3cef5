//! The same facts, however they come: by what pace, in what order, how often.

use std::path::Path;

use rand::RngExt as _;

use super::{AS_OF, lines};
use crate::service::Service;
use crate::support::{Eip, Ran, generate, rules, seeded};

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

#[test]
fn the_same_month_by_every_way_gives_the_same_views() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 2_000, 34);
    replay(&eip, "fast", "fast", &data, &[]);

    // A month at x 1,000 is 45 minutes.
    let slow = if std::env::var_os("EIP_SOAK").is_some() {
        "1000"
    } else {
        "1000000"
    };
    let paces = ["100000", slow].map(|factor| (format!("x{factor}"), factor));
    for (space, factor) in &paces {
        replay(&eip, space, "scaled", &data, &["--scale-factor", factor]);
    }

    let text = lines(&data);
    let mut random = seeded("shuffled rows");
    let mut shuffled: Vec<&str> = text.lines().collect();
    for place in (1..shuffled.len()).rev() {
        shuffled.swap(place, random.random_range(0..=place));
    }
    let shuffled = shuffled.join("\n");
    assert_ne!(shuffled, text.trim_end());
    let doubled = format!("{shuffled}\n{shuffled}\n");
    let pushes = [
        ("pushed", &text),
        ("shuffled", &shuffled),
        ("doubled", &doubled),
    ];
    let service = Service::start(&eip, &data);
    for (space, text) in pushes {
        let query =
            format!("rules=default&as_of={AS_OF}&start=2018-01-01&end=2018-02-01&space={space}");
        let answer = service.push(&query, "key", text.clone());
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
