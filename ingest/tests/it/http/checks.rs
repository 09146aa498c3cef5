//! `POST /v1/datasets/{name}/check`.

use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use serde_json::{Value, json};

use super::{Answer, SocketAddr, ask, with_server};
use crate::bench::Bench;
use crate::data;

fn check(address: SocketAddr, name: &str, body: &str) -> Answer {
    let path = format!("/v1/datasets/{name}/check");
    let headers = [("content-type", "application/json")];
    ask(address, "POST", &path, &headers, body)
}

#[test]
fn a_check_says_what_a_run_would_find() {
    let bench = Bench::new();
    bench.data("data", &data::orders(50, 1));
    let half = bench.data("half", &data::orders(50, 2));
    let orders = half.join("olist_orders_dataset.csv");
    let text = std::fs::read_to_string(&orders).unwrap();
    std::fs::write(&orders, text.replace(',', ";")).unwrap();
    with_server(&bench, |address| {
        for body in ["", "{}", r#"{"rules":"end_of_day"}"#] {
            let answer = check(address, "olist", body);
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.body["dataset"], "olist");
            assert_eq!(answer.body["error"], Value::Null);
            assert_eq!(answer.body["stops"], json!([]));
            assert_eq!(answer.body["orders"], 50);
            assert_eq!(answer.body["rows_rejected"], 0);
            assert_eq!(answer.body["dataset_toml"], Value::Null);
            assert_eq!(answer.body["report"]["files"].as_array().unwrap().len(), 4);
            let text = answer.body["text"].as_str().unwrap();
            assert!(text.contains("a run would begin"), "{text}");
        }
        let answer = check(address, "half", "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains("semicolons"), "{error}");
        assert_eq!(answer.body["orders"], Value::Null);
        let toml = answer.body["dataset_toml"].as_str().unwrap();
        assert!(toml.contains("delimiter = \";\""), "{toml}");
    });
}

#[test]
fn terms_that_cannot_be_meant_are_refused() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 1));
    with_server(&bench, |address| {
        for (name, body, status, code) in [
            ("autumn", "", 404, "no_such_dataset"),
            ("olist", r#"{"rules":"none"}"#, 422, "unknown_rules"),
            ("olist", r#"{"as_of":"2018"}"#, 422, "bad_field"),
            ("olist", r#"{"max_rejected":"-1"}"#, 422, "bad_field"),
            ("olist", r#"{"folder":"/etc"}"#, 422, "bad_field"),
            ("olist", "rules", 400, "bad_request"),
        ] {
            let answer = check(address, name, body);
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            assert_eq!(answer.body["type"], format!("/problems/{code}"), "{body}");
        }
        let stops = check(address, "olist", r#"{"as_of":"2018-12-01T00:00:00Z"}"#);
        assert_eq!(stops.body["stops"], json!([]));
    });
}

#[test]
fn one_check_runs_at_a_time() {
    let bench = Bench::new();
    let folder = bench.data("data", &data::orders(20, 1));
    let pipe = folder.join("olist_sellers_dataset.csv");
    std::fs::remove_file(&pipe).unwrap();
    // A reader of a pipe waits until it is opened for writing.
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    with_server(&bench, move |address| {
        let (sender, answers) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                let sender = sender.clone();
                scope.spawn(move || sender.send(check(address, "olist", "")).unwrap());
            }
            let first = answers.recv().unwrap();
            assert_eq!(first.status, 429, "{}", first.body);
            assert!(first.headers.contains("retry-after: "), "{}", first.headers);
            // However often it is opened for reading, somebody writes nothing and leaves.
            let second = loop {
                drop(open(
                    &pipe,
                    OFlags::WRONLY | OFlags::NONBLOCK,
                    Mode::empty(),
                ));
                if let Ok(second) = answers.recv_timeout(Duration::from_millis(5)) {
                    break second;
                }
            };
            assert_eq!(second.status, 200, "{}", second.body);
            let error = second.body["error"].as_str().unwrap();
            assert!(error.contains("is empty"), "{error}");
        });
    });
}
