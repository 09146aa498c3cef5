//! The Ops Search API over the real data, on both backends: every answer is compared with what plain code
//! makes of the exported views, whose digests are the oracle's.

mod access;
mod changes;
mod filters;
mod ledger;
mod pipeline;
mod plain;
mod readers;
mod routes;
mod served;
mod shipments;
mod spaces;
mod stream;
mod why;

use std::collections::BTreeSet;
use std::path::Path;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Eip, expected, generate, olist, seeded};
use filters::{Filter, filters};
use plain::{Plain, text};
use routes::{check_overview, check_routes};
pub(crate) use served::Served;
use shipments::{check_filters, check_shipments, check_walks};
use why::{Lines, check_corrected, check_why};

/// Everything, over a chain that holds the real data.
fn check(eip: &Eip, data: &Path, random: usize) {
    let mut dice = seeded("the API");
    let plain = Plain::read(&eip.path("export"));
    let served = Served::start(eip);
    check_overview(&served, &plain);
    check_routes(&served, &plain);
    check_shipments(&served, &plain, &mut dice, random * 5 / 2);
    check_walks(&served, &plain, 97);
    for one in &filters(&plain, &mut dice) {
        check_filters(&served, &plain, &[one]);
    }
    for _ in 0..random {
        let all = filters(&plain, &mut dice);
        let count = dice.random_range(2..4);
        let chosen: Vec<&Filter> = all.sample(&mut dice, count).collect();
        check_filters(&served, &plain, &chosen);
    }
    let orders = if random > 20 { 200 } else { 50 };
    check_why(&served, &Lines::read(eip), &mut dice, orders);
    drop(served);
    check_corrected(eip, data, &mut dice, orders);
}

fn repetitions() -> usize {
    if std::env::var_os("EIP_SOAK").is_some() {
        200
    } else {
        20
    }
}

fn filled(eip: &Eip, data: &Path) {
    eip.fast(data).ok();
    let digests = expected(
        "b55d88645fdbad934677bc41905294149b438b01db2bd962e5f4f85d83a3f5e6",
        "6926fd17b2faa259eec8bec465db4931ff06a4294b4e76e942fcad7f6798eb53",
        "52b102a2037460b651aaaa06fdf03cc9a555bf9e99cb04d072a4e8e5d4c2dedc",
    );
    assert_eq!(eip.digests(), digests);
}

#[test]
fn every_answer_over_the_real_data_is_what_the_exported_views_say() {
    let Some(data) = olist() else { return };
    let eip = Eip::new();
    filled(&eip, &data);
    check(&eip, &data, repetitions());
}

#[test]
fn the_same_on_servers() {
    let Some(data) = olist() else { return };
    let eip = Eip::on_servers();
    filled(&eip, &data);
    check(&eip, &data, repetitions());
}

/// The paths and methods about runs, rules, data and coverage that a document names.
fn passed_on(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let about = ["/v1/runs", "/v1/coverage", "/v1/rules", "/v1/datasets"];
        if about.iter().any(|prefix| path.starts_with(prefix)) {
            let methods = methods.as_object().unwrap().keys();
            found.extend(methods.map(|method| format!("{method} {path}")));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

#[test]
fn replays_are_started_watched_and_undone_through_the_api() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 5);
    let ingest = Service::start(&eip, &data);
    let served = Served::start_with(&eip, &["--ingest", &ingest.url]);
    let through = Service::at(&served.url);
    assert_eq!(
        passed_on(&through.get("/openapi.json").body),
        passed_on(&ingest.get("/openapi.json").body),
        "what Ingest has is passed on"
    );
    let fast = json!({ "mode": "fast", "dataset": "data" });
    let run = through.run("first", &fast);
    assert_eq!(run["state"], "committed", "{run}");
    let again = through.post("first", &fast);
    assert_eq!(again.body["run"], run["run"], "the key goes along");
    let window = json!({ "mode": "window", "dataset": "data", "rules": "end_of_day",
        "start": "2018-01-01", "end": "2018-02-01", "dry_run": true, "max_retracted": "100%" });
    let rehearsed = through.run("rehearsal", &window);
    assert_eq!(rehearsed["state"], "rehearsed", "{rehearsed}");
    let id = rehearsed["run"].as_str().unwrap();
    for path in [
        "/v1/runs".to_owned(),
        format!("/v1/runs/{id}"),
        format!("/v1/runs/{id}/rehearsal"),
        format!("/v1/runs/{id}/rejects?limit=5"),
        "/v1/coverage".to_owned(),
        "/v1/datasets".to_owned(),
        "/v1/rules".to_owned(),
    ] {
        let (direct, through) = (ingest.get(&path), through.get(&path));
        assert_eq!(
            (direct.status, through.status),
            (200, 200),
            "{path}: {}",
            through.body
        );
        let mut body = through.body;
        // What comes from the ledger says what it is as of.
        body.as_object_mut().unwrap().remove("ledger");
        assert_eq!(body, direct.body, "{path}");
    }
    // A refusal is Ingest's own.
    let refused = through.post("bad", &json!({ "mode": "none" }));
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.body["type"], "/problems/bad_field");
    ingest.kill();
    let away = through.get("/v1/rules");
    assert_eq!(away.status, 503, "{}", away.body);
    assert!(away.body["detail"].as_str().unwrap().contains("Ingest"));
    drop(served);
    let alone = Served::start(&eip);
    let without = Service::at(&alone.url).get("/v1/rules");
    assert_eq!(without.status, 404, "{}", without.body);
}

#[test]
fn the_command_line_asks_the_same() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 6);
    eip.fast(&data).ok();
    let overview = eip.run(["overview"]).ok();
    assert!(
        overview.out.contains("DELIVERED") && overview.out.contains("at risk"),
        "{}",
        overview.out
    );
    let json = eip
        .run(["shipments", "status=delivered", "limit=3", "--json"])
        .ok();
    let answer: Value = serde_json::from_str(&json.out).unwrap();
    let shipments = answer["shipments"].as_array().unwrap();
    assert_eq!(shipments.len(), 3);
    let id = text(&shipments[0]["orderId"]);
    let one = eip.run(["shipments", id]).ok();
    assert!(
        one.out.contains(id) && one.out.contains("1 of 1;"),
        "{}",
        one.out
    );
    let served = Served::start(&eip);
    for command in [
        &["routes", "worst", "min_delivered=1"][..],
        &["routes", "stats", "group=month"],
    ] {
        let here = eip.run(command).ok();
        let there = eip
            .run(command.iter().copied().chain(["--api", &served.url]))
            .ok();
        assert_eq!(here.out, there.out);
    }
    let refused = eip.run(["shipments", "sort=price"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(
        refused.err.contains("sort must be one of"),
        "{}",
        refused.err
    );
}
