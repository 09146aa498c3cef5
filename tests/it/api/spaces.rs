//! `GET /v1/spaces` and `/v1/diff`.

use std::path::Path;

use serde_json::{Value, json};

use super::served::Served;
use crate::service::Service;
use crate::support::{Eip, generate, rules};

/// The answer once it is there.
fn diff(served: &Served, a: &str, b: &str, more: &str) -> Value {
    loop {
        let answer = Service::at(&served.url).get(&format!("/v1/diff?a={a}&b={b}{more}"));
        match answer.status {
            200 => return answer.body,
            202 => assert_eq!(answer.body["state"], "reading"),
            _ => panic!("{answer:?}"),
        }
    }
}

fn shown(served: &Served, space: &str) -> Value {
    let answer = served.get(&format!("/v1/spaces?space={space}"));
    assert_eq!(answer["left_out"], 0);
    answer["spaces"][0].clone()
}

/// Two spaces of one place: `one` is that of the API, `other` runs commands on the other.
fn compared(one: &Eip, name: &str, other_name: &str, other: &dyn Fn(&[&str]), data: &Path) {
    one.fast(data).ok();
    one.run(["dataflow", "--until-caught-up"]).ok();
    let data = data.to_str().unwrap();
    other(&["replay", "fast", "--data", data]);
    other(&["dataflow", "--until-caught-up"]);
    let served = Served::start(one);
    for (space, is_this) in [(name, true), (other_name, false)] {
        let shown = shown(&served, space);
        assert_eq!(
            (&shown["space"], &shown["is_this"], &shown["has_log"]),
            (&json!(space), &json!(is_this), &json!(true)),
            "{shown}"
        );
        let views = &shown["views"];
        assert_eq!(views["counts"]["shipments"], 300, "{shown}");
        assert!(views["stats_tick"].as_u64() > Some(0), "{shown}");
    }
    let equal = diff(&served, name, other_name, "");
    assert_eq!(equal["equal"], true, "{equal}");
    assert_eq!(
        (&equal["rows"], &equal["left_out"]),
        (&json!([]), &json!(0))
    );
    let [digest_a, digest_b] = ["a", "b"].map(|side| &equal["views"][0][side]["sha256"]);
    assert_eq!(digest_a, digest_b);

    let rules = rules(&one.path(""), "end_of_day", "45m");
    let rules = rules.to_str().unwrap();
    let window = [
        "replay",
        "window",
        "--data",
        data,
        "--rules",
        rules,
        "--max-retracted",
        "100%",
    ];
    let range = ["--start", "2018-01-01", "--end", "2018-02-01"];
    let window: Vec<&str> = window.into_iter().chain(range).collect();
    other(&window);
    other(&["dataflow", "--until-caught-up"]);
    let differs = diff(&served, name, other_name, "&limit=3");
    assert_eq!(differs["equal"], false, "{differs}");
    let rows = differs["rows"].as_array().unwrap();
    let left_out = differs["left_out"].as_u64().unwrap();
    assert_eq!(rows.len(), 3, "{differs}");
    let whole = diff(&served, name, other_name, "&limit=1000");
    let all = whole["rows"].as_array().unwrap();
    assert_eq!(all.len() as u64, left_out + 3);
    assert_eq!(all[..3], rows[..]);
    let row = all
        .iter()
        .find(|row| !row["a"].is_null() && !row["b"].is_null());
    let row = row.expect("a day and route that both have");
    assert_ne!(row["a"], row["b"]);
    assert_eq!(row["a"]["stat_date"], row["stat_date"]);
    // The other way round it is the same with sides changed.
    let turned = diff(&served, other_name, name, "&limit=1000");
    assert_eq!(turned["rows"].as_array().unwrap().len(), all.len());
    assert_eq!(turned["a"]["stats_tick"], whole["b"]["stats_tick"]);
    // The exports differ in the same rows.
    let ours = routes(&served, &whole);
    assert!(ours > 0);
    refusals(&served, name);
}

/// How many of the rows are what the routes of this space show.
fn routes(served: &Served, whole: &Value) -> usize {
    let stats =
        served.get("/v1/routes/stats?group=day,route&limit=1000&start=2018-01-01&end=2018-03-01");
    let stats = stats["rows"].as_array().unwrap();
    let mut found = 0;
    for row in whole["rows"].as_array().unwrap() {
        let same = |stat: &&Value| {
            ["stat_date", "seller_region", "customer_region"]
                .iter()
                .all(|name| stat[*name] == row[*name])
        };
        if let Some(stat) = stats.iter().find(same) {
            assert_eq!(stat["placed"], row["a"]["placed"], "{row}");
            found += 1;
        }
    }
    found
}

fn refusals(served: &Served, name: &str) {
    let service = Service::at(&served.url);
    for (query, status, field) in [
        (format!("a={name}"), 400, "b"),
        (format!("a=../{name}&b={name}"), 400, "a"),
        (format!("a={name}&b=%2Fetc"), 400, "b"),
        (format!("a={name}&b={name}&limit=0"), 400, "limit"),
    ] {
        let answer = service.get(&format!("/v1/diff?{query}"));
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert_eq!(answer.body["field"], field, "{query}");
    }
    let missing = service.get(&format!("/v1/diff?a={name}&b=nowhere"));
    assert_eq!(missing.status, 404, "{}", missing.body);
    assert!(missing.body["detail"].as_str().unwrap().contains("nowhere"));
    let bad = service.get("/v1/spaces?space=..");
    assert_eq!((bad.status, &bad.body["field"]), (400, &json!("space")));
}

#[test]
fn spaces_of_a_state_folder_are_listed_and_compared() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 14);
    let other = |args: &[&str]| {
        eip.run(args.iter().chain(&["--space", "other"])).ok();
    };
    compared(&eip, "main", "other", &other, &data);
}

#[test]
fn spaces_on_servers_are_listed_and_compared() {
    let (eip, twin) = (Eip::on_servers(), Eip::on_servers());
    let data = generate(&eip.path(""), 300, 14);
    let other = |args: &[&str]| {
        twin.run(args).ok();
    };
    compared(&eip, eip.space(), twin.space(), &other, &data);
}
