//! Which requests make a space, and what is said about it; days and times in another form.

use serde_json::{Value, json};

use super::{ask, ended, get, post, with_server};
use crate::bench::Bench;
use crate::data;
use crate::rows_http::push;

#[test]
fn a_correction_of_a_space_that_is_not_there_is_refused_and_makes_none() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 51));
    with_server(&bench, |address| {
        let revert = json!({"mode": "revert", "run": "0".repeat(16), "space": "peak"});
        let window = json!({"mode": "window", "dataset": "olist", "space": "peak"});
        let mut rehearsal = window.clone();
        rehearsal["dry_run"] = json!(true);
        for body in [&revert, &window, &rehearsal] {
            let answer = post(address, "key", body);
            assert_eq!(answer.status, 404, "{}", answer.body);
            assert_eq!(answer.body["type"], "/problems/no_such_space");
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(
                detail.contains("peak") && detail.contains("never makes"),
                "{detail}"
            );
        }
        assert_eq!(get(address, "/v1/runs?space=peak").status, 404);
    });
    assert!(!bench.folder.path().join("spaces").exists());
}

#[test]
fn a_run_that_makes_its_space_says_so_once() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 52));
    with_server(&bench, |address| {
        let fast = json!({"mode": "fast", "dataset": "olist", "space": "peak"});
        let first = post(address, "first", &fast);
        assert_eq!(first.body["made_space"], true, "{}", first.body);
        let again = post(address, "first", &fast);
        assert_eq!(again.body["made_space"], Value::Null, "{}", again.body);
        let main = json!({"mode": "fast", "dataset": "olist"});
        let main = post(address, "main", &main);
        assert_eq!(main.body["made_space"], Value::Null, "{}", main.body);
        ended(address, &main);

        let row = r#"{"file":"sellers","row":{"seller_id":"s","seller_state":"SP"}}"#;
        let path = "/v1/rows?rules=default&as_of=2018-10-17T17:30:18Z&space=pushed";
        for (key, made) in [("one", json!(true)), ("two", Value::Null)] {
            let answer = push(address, path, key, row);
            let closing = answer.lines().pop().unwrap();
            assert_eq!(closing["made_space"], made, "{closing}");
        }
    });
}

#[test]
fn a_day_or_a_time_in_another_form_is_answered_with_the_form_wanted() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 53));
    with_server(&bench, |address| {
        let day = "expected YYYY-MM-DD, for example 2018-03-01";
        let time = "expected YYYY-MM-DDTHH:MM:SSZ";
        for (field, value, form) in [
            ("start", "2018-3-1", day),
            ("end", "2018/03/01", day),
            ("end", "01/03/2018", day),
            ("start", "2018-03-01T00:00:00", day),
            ("start", "2018-02-30", "no such day as 2018-02-30"),
            ("as_of", "2018-3-1 10:00", time),
            ("as_of", "2018-03-01", time),
        ] {
            let mut body = json!({"mode": "fast", "dataset": "olist"});
            body[field] = json!(value);
            let answer = post(address, "key", &body);
            assert_eq!(answer.status, 422, "{}", answer.body);
            let detail = answer.body["detail"].as_str().unwrap();
            for part in [field, value, form] {
                assert!(detail.contains(part), "{part}: {detail}");
            }
        }
        let path = "/v1/rows?rules=default&as_of=2018-10-17T17:30:18Z&start=2018-3-1";
        let lines = [
            ("content-type", "application/x-ndjson"),
            ("idempotency-key", "key"),
        ];
        let answer = ask(address, "POST", path, &lines, "");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(
            detail.contains("2018-3-1") && detail.contains(day),
            "{detail}"
        );
    });
}
