//! Scaled runs over HTTP: watched, paused, re-paced, cancelled; and what they leave for people.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, SocketAddr, ask, ended, get, post, with_server};
use crate::bench::Bench;
use crate::data;

const JSON: (&str, &str) = ("content-type", "application/json");

fn week(duration: &str) -> Value {
    json!({"mode": "scaled", "dataset": "olist", "start": "2018-02-01", "end": "2018-02-08",
        "duration": duration})
}

fn path(run: &Answer) -> String {
    format!("/v1/runs/{}", run.body["run"].as_str().unwrap())
}

fn patch(address: SocketAddr, path: &str, body: &Value) -> Answer {
    ask(address, "PATCH", path, &[JSON], &body.to_string())
}

/// Asks until the run is as wanted.
fn until(address: SocketAddr, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let run = get(address, path).body;
        if wanted(&run) {
            return run;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{run}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_scaled_run_is_paused_re_paced_and_brought_to_its_end() {
    let bench = Bench::new();
    bench.data("data", &data::orders(5_000, 21));
    with_server(&bench, |address| {
        let run = post(address, "scaled", &week("1h"));
        assert_eq!(run.status, 202, "{}", run.body);
        let path = path(&run);
        let live = until(address, &path, |run| {
            run["progress"]["simulated_at"].is_string()
        });
        assert_eq!(live["progress"]["scale_factor"], 168.0, "{live}");
        assert_eq!(live["progress"]["paused"], false);
        assert_eq!(live["pace"]["duration_us"], "3600000000");

        let paused = patch(address, &path, &json!({"paused": true}));
        assert_eq!(paused.status, 200, "{}", paused.body);
        // The answer already tells the run as it is after the command.
        assert_eq!(paused.body["state"], "paused", "{}", paused.body);
        assert_eq!(paused.body["progress"]["paused"], true, "{}", paused.body);
        let slower = patch(address, &path, &json!({"scale_factor": 100}));
        assert_eq!(slower.body["state"], "paused", "{}", slower.body);
        assert_eq!(
            slower.body["progress"]["scale_factor"], 100.0,
            "{}",
            slower.body
        );
        let resumed = patch(address, &path, &json!({"paused": false}));
        assert_eq!(resumed.body["state"], "running", "{}", resumed.body);
        assert_eq!(
            resumed.body["progress"]["paused"], false,
            "{}",
            resumed.body
        );
        let paused = patch(address, &path, &json!({"paused": true}));
        assert_eq!(paused.body["state"], "paused", "{}", paused.body);
        let still = until(address, &path, |run| {
            run["state"] == "paused" && run["progress"]["paused"] == true
        });
        let clock = &still["progress"]["simulated_at"];
        std::thread::sleep(Duration::from_millis(300));
        let later = get(address, &path).body;
        assert_eq!(&later["progress"]["simulated_at"], clock);

        let faster = patch(
            address,
            &path,
            &json!({"paused": false, "scale_factor": 500_000}),
        );
        assert_eq!(faster.status, 200, "{}", faster.body);
        let done = ended(address, &run);
        assert_eq!(done["state"], "committed", "{done}");
        assert_eq!(done["counts"]["events"], done["counts"]["events_planned"]);
        for name in [
            "latency_us_p999",
            "latency_uncorrected_us_p999",
            "lateness_us_p999",
        ] {
            assert!(done["counts"][name].is_u64(), "{name}: {done}");
        }
        let late = patch(address, &path, &json!({"paused": true}));
        assert_eq!(
            (late.status, late.body["type"].as_str()),
            (409, Some("/problems/ended"))
        );
        let late = ask(address, "DELETE", &path, &[], "");
        assert_eq!(
            (late.status, late.body["type"].as_str()),
            (409, Some("/problems/ended"))
        );

        let events = done["counts"]["events"].as_u64().unwrap();
        let json = get(address, &format!("{path}/latency.json"));
        assert_eq!(
            json.body["latency_us"]["p999"],
            done["counts"]["latency_us_p999"]
        );
        let hgrm = get(address, &format!("{path}/latency.hgrm")).body;
        assert!(
            hgrm.as_str()
                .unwrap()
                .contains(&format!("Total count    = {events:>12}")),
            "{hgrm}"
        );
        let hlog = get(address, &format!("{path}/latency.hlog")).body;
        assert!(
            hlog.as_str().unwrap().contains("Tag=latency_uncorrected,"),
            "{hlog}"
        );
        let receipt = get(address, &format!("{path}/receipt"));
        assert!(receipt.headers.contains("text/html"), "{}", receipt.headers);
        assert!(
            receipt
                .body
                .as_str()
                .unwrap()
                .contains("Announced and done")
        );
        let none = get(address, &format!("{path}/rehearsal"));
        assert_eq!(none.status, 404, "{}", none.body);
    });
}

#[test]
fn a_cancelled_scaled_run_keeps_what_it_wrote_and_ends() {
    let bench = Bench::new();
    bench.data("data", &data::orders(5_000, 22));
    with_server(&bench, |address| {
        let run = post(address, "scaled", &week("1h"));
        let path = path(&run);
        until(address, &path, |run| {
            run["progress"]["simulated_at"].is_string()
        });
        let events = std::thread::spawn({
            let path = format!("{path}/events");
            move || get(address, &path).body
        });
        let asked = ask(address, "DELETE", &path, &[], "");
        assert_eq!(asked.status, 202, "{}", asked.body);
        assert_eq!(ended(address, &run)["state"], "cancelled");
        // The stream ends with the run.
        let events = events.join().unwrap();
        let events = events.as_str().unwrap();
        let last = events.rsplit("event: ").next().unwrap();
        assert!(
            last.starts_with("end") && last.contains("\"cancelled\""),
            "{events}"
        );
        for (body, status) in [
            (json!({}), 422),
            (json!({"paused": "yes"}), 422),
            (json!({"scale_factor": 0}), 422),
            (json!({"speed": 5}), 422),
            (json!({"paused": true}), 409),
        ] {
            let answer = patch(address, &path, &body);
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            assert!(answer.headers.contains("application/problem+json"));
        }
    });
}

#[test]
fn runs_of_a_space_are_there_and_nowhere_else() {
    let bench = Bench::new();
    bench.data("data", &data::orders(2_000, 23));
    with_server(&bench, |address| {
        let mut amplified = week("1s");
        amplified["amplify"] = json!(3);
        let refused = post(address, "main", &amplified);
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(get(address, "/v1/runs?space=peak").status, 404);
        amplified["space"] = json!("peak");
        let run = post(address, "peak", &amplified);
        assert_eq!(run.status, 202, "{}", run.body);
        assert!(run.headers.contains("?space=peak"), "{}", run.headers);
        let path = format!("{}?space=peak", path(&run));
        let done = until(address, &path, |run| run["state"] == "committed");
        assert_eq!(done["space"], "peak");
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
        let peak = get(address, "/v1/runs?space=peak").body;
        assert_eq!(peak["runs"].as_array().unwrap().len(), 1);
        assert_eq!(get(address, "/v1/runs?space=../main").status, 422);
    });
    assert_eq!(bench.records(), 0);
}

#[test]
fn a_window_announces_and_leaves_a_receipt_with_what_it_did() {
    let bench = Bench::new();
    bench.data("data", &data::orders(3_000, 24));
    with_server(&bench, |address| {
        ended(
            address,
            &post(
                address,
                "fast",
                &json!({"mode": "fast", "dataset": "olist"}),
            ),
        );
        let window = json!({"mode": "window", "dataset": "olist", "rules": "end_of_day",
            "start": "2018-02-01", "end": "2018-03-01"});
        let run = post(address, "window", &window);
        let done = ended(address, &run);
        assert_eq!(done["state"], "committed", "{done}");
        let announced = get(address, &format!("{}/rehearsal", path(&run)));
        assert_eq!(announced.status, 200, "{}", announced.body);
        assert_eq!(announced.body["events"], done["counts"]["events"]);
        let routes = &announced.body["route_figures"]["by_route"]["listed"];
        assert!(routes[0]["rows"].as_u64() > Some(0), "{routes}");
        let undone = ended(
            address,
            &post(
                address,
                "undo",
                &json!({"mode": "revert", "run": done["run"]}),
            ),
        );
        assert_eq!(undone["state"], "committed", "{undone}");
        let undo = format!("/v1/runs/{}/rehearsal", undone["run"].as_str().unwrap());
        let undo = get(address, &undo).body;
        let digest = |of: &Value, which: &str| of[which].as_str().unwrap().to_owned();
        let announced = announced.body;
        assert_ne!(
            digest(&announced, "facts_before"),
            digest(&announced, "facts_after")
        );
        assert_eq!(
            digest(&undo, "facts_before"),
            digest(&announced, "facts_after")
        );
        assert_eq!(
            digest(&undo, "facts_after"),
            digest(&announced, "facts_before")
        );
        let mut rehearsal = window.clone();
        rehearsal["dry_run"] = json!(true);
        let rehearsal = post(address, "rehearsal", &rehearsal);
        assert_eq!(ended(address, &rehearsal)["state"], "rehearsed");
        let told = [("None of it is done.", false), ("<th class=n>Done", true)];
        for (of, is_done) in [(&rehearsal, false), (&run, true)] {
            let receipt = get(address, &format!("{}/receipt", path(of))).body;
            for (words, when) in told {
                let is_told = receipt.as_str().unwrap().contains(words);
                assert_eq!(is_told, when == is_done, "{words}: {receipt}");
            }
        }
        let receipt = get(address, &format!("{}/receipt", path(&run))).body;
        let receipt = receipt.as_str().unwrap();
        assert!(
            receipt.contains(&digest(&announced, "facts_after")),
            "{receipt}"
        );
        for part in [
            "Routes that change most",
            "Facts by day",
            "DELIVERY_DELAYED",
            "committed",
        ] {
            assert!(receipt.contains(part), "{part}");
        }
        assert!(!receipt.contains("://"), "it needs nothing from elsewhere");
    });
}

#[test]
fn a_pace_that_cannot_be_meant_is_a_problem_and_starts_nothing() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 25));
    with_server(&bench, |address| {
        for (fields, code) in [
            (json!({"scale_factor": 0}), "bad_field"),
            (json!({"scale_factor": -1}), "bad_field"),
            (json!({"scale_factor": "NaN"}), "bad_field"),
            (json!({"scale_factor": 1e18}), "bad_field"),
            (json!({"duration": "soon"}), "bad_field"),
            (json!({"duration": 0}), "bad_field"),
            (json!({}), "missing_field"),
            (json!({"scale_factor": 5, "duration": 5}), "missing_field"),
            (json!({"scale_factor": 5, "amplify": 0}), "bad_field"),
            (json!({"scale_factor": 5, "amplify": 2}), "bad_request"),
            (json!({"scale_factor": 5, "max_gap": 0}), "bad_request"),
            (
                json!({"scale_factor": 5, "max_events_per_second": 0}),
                "bad_request",
            ),
            (json!({"scale_factor": 5, "dry_run": true}), "bad_field"),
            (json!({"scale_factor": 5, "space": "../main"}), "bad_field"),
        ] {
            let mut body = json!({"mode": "scaled", "dataset": "olist"});
            for (name, value) in fields.as_object().unwrap() {
                body[name] = value.clone();
            }
            let answer = post(address, "key", &body);
            assert_eq!(answer.status, 422, "{body}: {}", answer.body);
            assert_eq!(answer.body["type"], format!("/problems/{code}"), "{body}");
        }
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
    });
}
