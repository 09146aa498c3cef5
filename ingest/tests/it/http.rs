//! The service over real sockets.

mod access;
mod browsers;
mod checks;
mod datasets;
mod limits;
mod pages;
mod reasons;
mod rejects;
mod scaled;
mod spaces;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as IoWrite};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use eip_contract::Space;
use eip_ingest::server::{OpenSpace, ServeError, ServerConfig, serve};
use eip_log::StateDir;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, clock};
use crate::data;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Value,
}

/// One request over a new connection.
fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        write!(text, "host: {address}\r\n").unwrap();
    }
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    write!(text, "content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    IoWrite::write_all(&mut stream, text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_lowercase(),
        body: serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned())),
    }
}

pub(crate) fn post(address: SocketAddr, key: &str, body: &Value) -> Answer {
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", key),
    ];
    ask(address, "POST", "/v1/runs", &headers, &body.to_string())
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], "")
}

/// Asks until the run has ended.
pub(crate) fn ended(address: SocketAddr, answer: &Answer) -> Value {
    let path = format!("/v1/runs/{}", answer.body["run"].as_str().unwrap());
    loop {
        let run = get(address, &path);
        assert_eq!(run.status, 200, "{}", run.body);
        let live = ["requested", "planned", "running", "paused"];
        if !live.contains(&run.body["state"].as_str().unwrap()) {
            // What it was at a moment before is not told beside its end.
            assert!(run.body["progress"].is_null(), "{}", run.body);
            return run.body;
        }
        std::thread::yield_now();
    }
}

pub(crate) fn with_server(bench: &Bench, test: impl FnOnce(SocketAddr) + Send + 'static) {
    with_settings(bench, |_| {}, test);
}

/// As [`with_server`], with other settings.
fn with_settings(
    bench: &Bench,
    set: impl FnOnce(&mut ServerConfig),
    test: impl FnOnce(SocketAddr) + Send + 'static,
) {
    let log = (&bench.state).into();
    with_server_on(log, bench.folder.path(), clock(), set, test);
}

pub(crate) fn with_server_on(
    log: eip_log::Log,
    folder: &std::path::Path,
    clock: eip_ingest::run::Clock,
    set: impl FnOnce(&mut ServerConfig),
    test: impl FnOnce(SocketAddr) + Send + 'static,
) {
    let rules = folder.join("end_of_day.toml");
    std::fs::write(&rules, "version = 1\npromise = \"end_of_day\"\n").unwrap();
    let now = std::sync::Mutex::new(clock);
    let (main, spaces) = (log, folder.join("spaces"));
    let open_space: OpenSpace = Arc::new(move |space, create| {
        if space.is_main() {
            return Ok(Some(main.clone()));
        }
        let folder = spaces.join(space.name());
        if !create && !folder.exists() {
            return Ok(None);
        }
        let opened = StateDir::open_or_create(folder, None);
        opened
            .map(|state| Some(state.into()))
            .map_err(|error| error.to_string())
    });
    let clock = Arc::new(move || (now.lock().unwrap())());
    let mut config = ServerConfig {
        datasets: BTreeMap::from([
            ("olist".to_owned(), folder.join("data")),
            ("half".to_owned(), folder.join("half")),
        ]),
        rules: BTreeMap::from([("end_of_day".to_owned(), rules)]),
        ..ServerConfig::of_spaces(Space::main(), open_space, clock)
    };
    set(&mut config);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone().drop_guard();
        let client = tokio::task::spawn_blocking(move || {
            // Dropped also when the test fails, so that the server ends.
            let _stop = stop;
            test(address);
        });
        serve(listener, config, shutdown).await.unwrap();
        client.await.unwrap();
    });
}

#[test]
fn a_fast_and_a_window_run_are_started_and_watched_over_http() {
    let bench = Bench::new();
    let orders = data::orders(3_000, 1);
    bench.data("data", &orders);
    bench.data("half", &orders[..1_500]);
    with_server(&bench, |address| {
        for path in ["/livez", "/readyz"] {
            assert_eq!(get(address, path).status, 200, "{path}");
        }
        let fast = json!({"mode": "fast", "dataset": "olist"});
        let first = post(address, "k1", &fast);
        assert_eq!(first.status, 202, "{}", first.body);
        let id = first.body["run"].as_str().unwrap();
        assert!(first.headers.contains(&format!("location: /v1/runs/{id}")));
        let run = ended(address, &first);
        assert_eq!(run["state"], "committed", "{run}");
        assert!(run["counts"]["events"].as_u64().unwrap() > 10_000);

        let same = post(address, "k1", &fast);
        assert_eq!((same.status, &same.body["run"]), (202, &first.body["run"]));
        assert_eq!(same.body["attempt"], 1);
        let other = post(address, "k1", &json!({"mode": "fast", "dataset": "half"}));
        assert_eq!(other.status, 422);
        assert_eq!(other.body["type"], "/problems/key_reused");

        let mut window = json!({"mode": "window", "dataset": "olist", "rules": "end_of_day",
            "start": "2018-03-01", "end": "2018-04-01", "emit": "changed", "dry_run": true});
        let rehearsed = ended(address, &post(address, "k2", &window));
        assert_eq!(rehearsed["state"], "rehearsed", "{rehearsed}");
        window["dry_run"] = json!(false);
        window["plan"] = rehearsed["plan"].clone();
        let committed = ended(address, &post(address, "k3", &window));
        assert_eq!(committed["state"], "committed", "{committed}");
        assert_eq!(
            committed["counts"]["events"],
            rehearsed["counts"]["events_planned"]
        );

        let half = json!({"mode": "window", "dataset": "half", "start": "2018-03-01",
            "end": "2018-04-01", "max_vanishing": "1%", "mix": true});
        let stopped = ended(address, &post(address, "k4", &half));
        assert_eq!(stopped["state"], "failed");
        assert!(
            stopped["error"].as_str().unwrap().starts_with("guard: "),
            "{stopped}"
        );
        assert!(stopped["guard"]["vanishing"].as_u64().unwrap() > 100);

        let revert = json!({"mode": "revert", "run": committed["run"], "force": true});
        let reverted = ended(address, &post(address, "k5", &revert));
        assert_eq!(reverted["state"], "committed", "{reverted}");
        let runs = get(address, "/v1/runs");
        assert_eq!(runs.body["runs"].as_array().unwrap().len(), 5);
    });
    let clean = Bench::new();
    clean
        .run(crate::bench::fast(crate::bench::source(
            &clean.data("data", &orders),
        )))
        .unwrap();
    assert_eq!(bench.facts(), clean.facts());
}

#[test]
fn bad_requests_are_answered_as_problems_and_start_nothing() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 2));
    with_server(&bench, |address| {
        let base = json!({"mode": "window", "dataset": "olist"});
        let with = |field: &str, value: Value| {
            let mut body = base.clone();
            body[field] = value;
            body
        };
        for (body, status) in [
            (with("dataset", json!("nope")), 422),
            (with("dataset", json!("../data")), 422),
            (with("rules", json!("/etc/passwd")), 422),
            (with("start", json!("2017-02-29")), 422),
            (with("start", json!("2200-01-01")), 422),
            (with("as_of", json!("yesterday")), 422),
            (with("emit", json!("some")), 422),
            (with("plan", json!("xyz")), 422),
            (with("max_vanishing", json!("101%")), 422),
            (with("max_retracted", json!(-1)), 422),
            (with("unheard_of", json!(1)), 422),
            (with("mix", json!("yes")), 422),
            (with("mode", json!("rows")), 422),
            (
                json!({"mode": "fast", "dataset": "olist", "start": "2018-03-01",
                    "end": "2018-03-01"}),
                422,
            ),
            (json!({"mode": "fast"}), 422),
            (json!({"mode": "revert"}), 422),
            (json!([]), 422),
        ] {
            let answer = post(address, "key", &body);
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            assert!(
                answer.headers.contains("application/problem+json"),
                "{}",
                answer.headers
            );
            assert_eq!(answer.body["status"], status);
        }
        let json_type = ("content-type", "application/json");
        let good = base.to_string();
        let key = ("idempotency-key", "k");
        let deep = "[".repeat(10_000);
        let long = " ".repeat(100_000);
        for (headers, body, status) in [
            (vec![json_type], good.as_str(), 400),
            (vec![json_type, ("idempotency-key", "")], &good, 400),
            (
                vec![json_type, key, ("idempotency-key", "other")],
                &good,
                400,
            ),
            (vec![key], &good, 415),
            (vec![key, json_type], "{", 400),
            (vec![key, json_type], &deep, 400),
            (vec![key, json_type], &long, 413),
        ] {
            let answer = ask(address, "POST", "/v1/runs", &headers, body);
            assert_eq!(answer.status, status, "{}", answer.body);
            assert!(
                answer.headers.contains("application/problem+json"),
                "{}",
                answer.headers
            );
        }
        for (method, path, status) in [
            ("GET", "/v1/runs/0123456789abcdef", 404),
            ("GET", "/v1/runs/..%2f..%2fetc", 404),
            ("DELETE", "/v1/runs/0123456789abcdef", 404),
            ("GET", "/nothing", 404),
            ("PUT", "/v1/runs", 405),
        ] {
            let answer = ask(address, method, path, &[], "");
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
            assert!(
                answer.headers.contains("application/problem+json"),
                "{}",
                answer.headers
            );
        }
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
    });
    assert_eq!(bench.records(), 0);
}

#[test]
fn of_two_window_runs_at_once_the_second_is_told_the_firsts_id() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20_000, 3));
    with_server(&bench, |address| {
        let fast = post(
            address,
            "fast",
            &json!({"mode": "fast", "dataset": "olist"}),
        );
        ended(address, &fast);
        let window = json!({"mode": "window", "dataset": "olist", "rules": "end_of_day"});
        let first = post(address, "first", &window);
        assert_eq!(first.status, 202, "{}", first.body);
        let second = post(address, "second", &window);
        let path = format!("/v1/runs/{}", first.body["run"].as_str().unwrap());
        if get(address, &path).body["state"] != "committed" {
            assert_eq!(second.status, 409, "{}", second.body);
            assert_eq!(second.body["run"], first.body["run"]);
        }
        ended(address, &first);
        let third = post(address, "third", &window);
        assert_eq!(third.status, 202, "{}", third.body);
        ended(address, &third);
    });
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_while_there_are_no_tokens() {
    let bench = Bench::new();
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let config = ServerConfig::new(&bench.state, Arc::new(|| 0));
    let refused = serve(listener, config, CancellationToken::new()).await;
    assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
}

#[test]
fn a_service_that_stops_interrupts_its_runs_and_the_same_keys_go_on_with_them() {
    let bench = Bench::new();
    let orders = data::orders(20_000, 4);
    bench.data("data", &orders);
    let task = |start: &str| json!({"mode": "fast", "dataset": "olist", "start": start});
    with_server(&bench, move |address| {
        assert_eq!(post(address, "all", &task("2018-01-01")).status, 202);
        assert_eq!(post(address, "waits", &task("2018-02-01")).status, 202);
    });
    let runs = eip_ingest::run::list_runs(&bench.state).unwrap();
    assert_eq!(
        runs.len(),
        2,
        "a run that was taken is in the ledger when the service has ended"
    );
    assert!(runs.iter().all(|run| !run.state.is_live()), "{runs:?}");
    with_server(&bench, move |address| {
        for (key, start) in [("all", "2018-01-01"), ("waits", "2018-02-01")] {
            let run = ended(address, &post(address, key, &task(start)));
            assert_eq!(run["state"], "committed", "{run}");
        }
    });
    let clean = Bench::new();
    clean
        .run(crate::bench::fast(crate::bench::source(
            &clean.data("data", &orders),
        )))
        .unwrap();
    assert_eq!(bench.facts(), clean.facts());
}
