//! What the API reads off the run ledger: runs, coverage, and what time it is in a replay.

use std::path::Path;
use std::time::{Duration, Instant};

use eip_contract::EventTime;
use reqwest::Method;
use serde_json::{Value, json};

use super::served::Served;
use crate::service::Service;
use crate::support::{Eip, generate, olist};

/// Without what an answer is as of, which only the API's say.
fn content(served: &Served, path: &str) -> Value {
    let mut answer = served.get(path);
    let ledger = answer.as_object_mut().unwrap().remove("ledger").unwrap();
    assert!(
        ledger["entries"].is_u64() && ledger["wall"].is_string(),
        "{ledger}"
    );
    answer
}

/// Runs of all kinds, and the same answers from the API alone as from Ingest.
fn equal_answers(eip: &Eip, data: &Path) {
    let ingest = Service::start(eip, data);
    let served = Served::start(eip);
    let same = |path: &str| {
        let direct = ingest.get(path);
        assert_eq!(direct.status, 200, "{path}: {}", direct.body);
        assert_eq!(content(&served, path), direct.body, "{path}");
        direct.body
    };
    assert_eq!(same("/v1/runs")["runs"], json!([]));
    let fast = json!({ "mode": "fast", "dataset": "data", "reason": "the first one" });
    let first = ingest.run("first", &fast);
    assert_eq!(first["state"], "committed", "{first}");
    let before = same("/v1/coverage");
    assert_eq!(before["coverage"].as_array().unwrap().len(), 1, "{before}");

    let window = json!({ "mode": "window", "dataset": "data", "rules": "end_of_day",
        "start": "2018-01-01", "end": "2018-02-01", "max_retracted": "100%" });
    let correction = ingest.run("window", &window);
    assert_eq!(correction["state"], "committed", "{correction}");
    let during = same("/v1/coverage");
    let days = during["coverage"].as_array().unwrap();
    let runs: Vec<&Value> = days.iter().map(|days| &days["run"]).collect();
    let (one, other) = (&first["run"], &correction["run"]);
    assert_eq!(runs, [one, other, one]);
    let corrected = &days[1];
    assert_eq!(corrected["rules"], "end_of_day");
    assert_eq!(corrected["data_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(corrected["data_sha256"], days[0]["data_sha256"]);
    assert_eq!(
        corrected["rejects"]["rows"],
        correction["counts"]["rows_rejected"]
    );
    assert_eq!(
        corrected["orders_left"]["orders"],
        correction["counts"]["orders_left"]
    );

    let revert = json!({ "mode": "revert", "run": correction["run"] });
    let revert = ingest.run("revert", &revert);
    assert_eq!(revert["state"], "committed", "{revert}");
    assert_eq!(same("/v1/coverage"), before);
    let all = same("/v1/runs");
    assert_eq!(all["runs"].as_array().unwrap().len(), 3);
    for run in [&first, &correction, &revert] {
        let path = format!("/v1/runs/{}", run["run"].as_str().unwrap());
        assert_eq!(same(&path)["state"], "committed");
    }
    // The same without Ingest.
    let runs = content(&served, "/v1/runs");
    ingest.kill();
    assert_eq!(content(&served, "/v1/runs"), runs);
    let through = Service::at(&served.url);
    let unknown = through.get("/v1/runs/0123456789abcdef");
    assert_eq!(unknown.status, 404, "{}", unknown.body);
    let elsewhere = through.get("/v1/coverage?space=elsewhere");
    assert_eq!(elsewhere.status, 404, "{}", elsewhere.body);
    let detail = elsewhere.body["detail"].as_str().unwrap();
    assert!(detail.contains("elsewhere"), "{detail}");
    let bad = through.get("/v1/runs?space=../main");
    assert_eq!(
        (bad.status, &bad.body["field"]),
        (400, &json!("space")),
        "{}",
        bad.body
    );
    let unread = through.ask(Method::POST, "/v1/runs", "key", &json!({}));
    assert_eq!(unread.status, 404, "writes need Ingest: {}", unread.body);
}

#[test]
fn runs_and_coverage_are_what_ingest_says_over_the_real_data() {
    let Some(data) = olist() else { return };
    equal_answers(&Eip::new(), &data);
}

#[test]
fn runs_and_coverage_on_servers() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 400, 8);
    equal_answers(&eip, &data);
}

fn seconds(time: &Value) -> i64 {
    let time = time.as_str().unwrap_or_else(|| panic!("{time} is no time"));
    time.parse::<EventTime>().unwrap().seconds()
}

/// Data now of an answer, and where it comes from.
fn data_now(served: &Served) -> (String, i64) {
    let as_of = &served.get("/v1/overview")["as_of"];
    let from = as_of["data_now_from"].as_str().unwrap().to_owned();
    (from, seconds(&as_of["data_now"]))
}

/// Data now once it is as wanted.
fn until(served: &Served, wanted: impl Fn(&(String, i64)) -> bool) -> i64 {
    let begun = Instant::now();
    loop {
        let now = data_now(served);
        if wanted(&now) {
            return now.1;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{now:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn follows_the_replay(eip: &Eip) {
    let data = generate(&eip.path(""), 2_000, 9);
    let ingest = Service::start(eip, &data);
    // What is there before: the first days. Then the views have a greatest event.
    let fast = json!({ "mode": "fast", "dataset": "data", "end": "2018-01-10" });
    assert_eq!(ingest.run("first", &fast)["state"], "committed");
    eip.run(["dataflow", "--until-caught-up"]).ok();
    let served = Served::start_with(eip, &["--ingest", &ingest.url]);
    let (from, greatest) = data_now(&served);
    assert_eq!(from, "views");

    let scaled = json!({ "mode": "scaled", "dataset": "data", "start": "2018-01-10",
        "end": "2018-03-01", "scale_factor": 3_600 });
    let posted = ingest.post("scaled", &scaled);
    assert_eq!(posted.status, 202, "{posted:?}");
    let path = format!("/v1/runs/{}", posted.body["run"].as_str().unwrap());
    let run = posted.body["run"].as_str().unwrap();
    ingest.until(run, |run| run["progress"]["simulated_at"].is_string());
    until(&served, |(from, _)| from == "replay");
    for _ in 0..5 {
        // Progress is a tenth of a second old at most, the clock goes by quarters of a second.
        let before = seconds(&ingest.get(&path).body["progress"]["simulated_at"]);
        let (from, now) = data_now(&served);
        let after = seconds(&ingest.get(&path).body["progress"]["simulated_at"]);
        assert_eq!(from, "replay");
        assert!(
            before - 900 <= now && now <= after + 3_600,
            "{before} {now} {after}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    // The API shows what Ingest says of a live run.
    let shown = served.get(&path);
    assert!(shown["progress"]["simulated_at"].is_string(), "{shown}");
    let listed = served.get("/v1/runs");
    assert!(
        listed["runs"][1]["progress"]["records"].is_u64(),
        "{listed}"
    );

    let paused = ingest.ask(Method::PATCH, &path, "-", &json!({ "paused": true }));
    assert_eq!(paused.status, 200, "{paused:?}");
    let stands = seconds(&ingest.get(&path).body["progress"]["simulated_at"]);
    until(&served, |(_, now)| *now == stands);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(data_now(&served), ("replay".to_owned(), stands));

    let faster = json!({ "paused": false, "scale_factor": 36_000 });
    let faster = ingest.ask(Method::PATCH, &path, "-", &faster);
    assert_eq!(faster.status, 200, "{faster:?}");
    until(&served, |(_, now)| *now > stands + 36_000);

    let cancelled = ingest.ask(Method::DELETE, &path, "-", &json!(null));
    assert_eq!(cancelled.status, 202, "{cancelled:?}");
    let back = until(&served, |(from, _)| from == "views");
    assert_eq!(back, greatest, "no dataflow has written anything since");
}

#[test]
fn data_now_is_the_clock_of_the_replay_that_is_running() {
    follows_the_replay(&Eip::new());
}

#[test]
fn data_now_of_a_replay_on_servers() {
    follows_the_replay(&Eip::on_servers());
}
