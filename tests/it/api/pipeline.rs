//! `GET /v1/pipeline` against the log itself, while no dataflow runs and after one has.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::served::Served;
use crate::service::Service;
use crate::support::{Eip, generate, olist};

/// What `eip status` says of the log's ends and of how far the views are behind.
fn status(eip: &Eip) -> Value {
    serde_json::from_str(&eip.run(["status", "--json"]).out).unwrap()
}

/// An answer that is not the one of a moment ago.
fn fresh(served: &Served) -> Value {
    std::thread::sleep(Duration::from_millis(1_100));
    served.get("/v1/pipeline")
}

fn unknown(answer: &Value) -> Vec<&str> {
    let all = answer["unknown"].as_array().unwrap().iter();
    all.map(|unknown| unknown["what"].as_str().unwrap())
        .collect()
}

fn lag_is_that_of_the_log(eip: &Eip, data: &std::path::Path) {
    let ingest = Service::start(eip, data);
    let fast = json!({ "mode": "fast", "dataset": "data", "end": "2018-02-01" });
    assert_eq!(ingest.run("first", &fast)["state"], "committed");
    let served = Served::start(eip);
    // Nothing is made up of views that are not there.
    let without = served.get("/v1/pipeline");
    assert_eq!(without["lag"], Value::Null);
    assert_eq!(
        unknown(&without),
        [
            "lag",
            "ticks",
            "sinks",
            "dead_letters",
            "refused_documents",
            "dataflow"
        ]
    );
    eip.run(["dataflow", "--until-caught-up"]).ok();
    let caught_up = fresh(&served);
    let lag = &caught_up["lag"];
    assert_eq!(
        (&lag["records"], &lag["seconds"], &lag["seconds_to_drain"]),
        (&json!(0), &json!(0.0), &json!(0.0)),
        "{caught_up}"
    );
    assert_eq!(unknown(&caught_up), ["dataflow"]);
    let views = &status(eip)["views"];
    assert_eq!(caught_up["ticks"]["epoch"], views["epoch"]);
    assert_eq!(caught_up["ticks"]["stats_tick"], views["written_tick"]);

    let fast = json!({ "mode": "fast", "dataset": "data", "start": "2018-02-01" });
    assert_eq!(ingest.run("second", &fast)["state"], "committed");
    let behind = fresh(&served);
    let lag = &behind["lag"];
    let seen = status(eip);
    assert_eq!(lag["records"], seen["views"]["lag_events"], "{behind}");
    assert!(lag["records"].as_u64() > Some(0), "{behind}");
    let partitions = lag["partitions"].as_array().unwrap();
    let ends: Vec<&Value> = partitions
        .iter()
        .map(|partition| &partition["end"])
        .collect();
    let log_ends: Vec<&Value> = seen["log"]["ends"].as_array().unwrap().iter().collect();
    assert_eq!(ends, log_ends);
    let sum: u64 = partitions
        .iter()
        .map(|partition| partition["records"].as_u64().unwrap())
        .sum();
    assert_eq!(json!(sum), lag["records"]);
    let age = lag["seconds"].as_f64().unwrap();
    assert!((0.0..120.0).contains(&age), "{age}");
    assert_eq!(
        lag["trend"]["records"], lag["records"],
        "it was nothing before"
    );
    // No dataflow runs, so there is no end to be foreseen.
    assert_eq!(lag["seconds_to_drain"], Value::Null);
    let later = fresh(&served);
    let older = later["lag"]["seconds"].as_f64().unwrap();
    assert!(
        (age + 1.0..age + 30.0).contains(&older),
        "{age}, then {older}"
    );

    eip.run(["dataflow", "--until-caught-up"]).ok();
    let caught_up = fresh(&served);
    assert_eq!(caught_up["lag"]["records"], 0, "{caught_up}");
    assert_eq!(caught_up["dead_letters"]["count"], 0);
}

#[test]
fn lag_is_that_of_the_log_over_the_real_data() {
    let Some(data) = olist() else { return };
    lag_is_that_of_the_log(&Eip::new(), &data);
}

#[test]
fn lag_is_that_of_the_log_on_servers() {
    let eip = Eip::on_servers();
    let data = generate(&eip.path(""), 1_000, 12);
    lag_is_that_of_the_log(&eip, &data);
}

#[test]
fn dead_letters_and_a_dataflow_that_is_ready_are_shown() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 200, 13);
    eip.fast(&data).ok();
    let file = eip.path("bad.ndjson");
    let mut lines = fs::File::create(&file).unwrap();
    for number in 0..12 {
        let line = if number % 3 == 0 { "no event" } else { "{}" };
        writeln!(lines, "{line}").unwrap();
    }
    drop(lines);
    let args = ["log", "import", file.to_str().unwrap()];
    eip.run(args).ok();
    let mut dataflow = eip
        .command(["dataflow", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let url = {
        use std::io::BufRead as _;
        let mut line = String::new();
        let out = dataflow.stdout.take().unwrap();
        std::io::BufReader::new(out).read_line(&mut line).unwrap();
        line.trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned()
    };
    let served = Served::start_with(&eip, &["--dataflow", &url]);
    let begun = std::time::Instant::now();
    let answer = loop {
        let answer = fresh(&served);
        if answer["dataflow"]["state"] == "ready" && answer["dead_letters"]["count"] == 12 {
            break answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{answer}");
    };
    dataflow.kill().unwrap();
    dataflow.wait().unwrap();
    let letters = &answer["dead_letters"];
    let by_code = letters["by_code"].as_object().unwrap();
    let sum: u64 = by_code.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((sum, by_code.len()), (12, 2), "{letters}");
    let latest = letters["latest"].as_array().unwrap();
    assert_eq!(latest.len(), 10);
    assert!(latest[0]["reason"].is_string(), "{letters}");
    assert_eq!(answer["sinks"][0]["store"], "sqlite");
    assert_eq!(answer["unknown"], json!([]), "{answer}");
    // A dataflow that is gone is not known to be anything.
    let gone = fresh(&served);
    assert_eq!(gone["dataflow"], Value::Null);
    assert_eq!(unknown(&gone), ["dataflow"]);
}
