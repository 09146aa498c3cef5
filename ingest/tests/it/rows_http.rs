//! `POST /v1/rows` over real sockets, and what there is to name: datasets, rules, coverage.

use std::fmt::Write as _;
use std::io::{Read as _, Write as IoWrite};
use std::net::{SocketAddr, TcpStream};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::bench::{Bench, fast, source};
use crate::data;
use crate::http::{ended, get, post, with_server};
use crate::pushing::{as_of, rows_of, text};

pub(crate) const TERMS: &str = "/v1/rows?rules=default&as_of=2018-04-01T00:00:00Z";

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn problem(&self) -> Value {
        assert!(
            self.headers.contains("application/problem+json"),
            "{}",
            self.headers
        );
        serde_json::from_str(&self.body).unwrap()
    }

    /// The lines of a verdict, the closing one last.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        assert!(
            self.headers.contains("application/x-ndjson"),
            "{}",
            self.headers
        );
        let lines = self.body.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn send(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut text = format!("POST {path} HTTP/1.0\r\nhost: localhost\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    if !headers.iter().any(|(name, _)| *name == "content-length") {
        write!(text, "content-length: {}\r\n", body.len()).unwrap();
    }
    text += "\r\n";
    // A service that refuses early closes before all of it is taken.
    let _ = IoWrite::write_all(&mut stream, text.as_bytes());
    let _ = IoWrite::write_all(&mut stream, body);
    stream
}

fn answer(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (headers, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: headers.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: headers.to_lowercase(),
        body: body.to_owned(),
    }
}

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

pub(crate) fn push(address: SocketAddr, path: &str, key: &str, body: &str) -> Answer {
    let headers = [LINES, ("idempotency-key", key)];
    answer(send(address, path, &headers, body.as_bytes()))
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    IoWrite::write_all(&mut packed, text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn a_push_is_answered_row_by_row_and_again_under_the_same_key() {
    let bench = Bench::new();
    // Beside a line that cannot be read, an order without items is rejected.
    let mut orders = data::orders(400, 1);
    orders.retain(|order| order.seller.is_some());
    let mut pushed = text(&rows_of(&bench.data("data", &orders)));
    pushed += "nonsense\n";
    let count = pushed.lines().count();
    with_server(&bench, move |address| {
        let first = push(address, TERMS, "k1", &pushed);
        let lines = first.lines();
        assert_eq!(lines.len(), count + 1);
        let closing = &lines[count];
        let ids: usize = lines
            .iter()
            .filter_map(|line| Some(line.get("event_ids")?.as_array()?.len()))
            .sum();
        assert_eq!(closing["state"], "committed");
        assert_eq!(
            (&closing["accepted"], &closing["rejected"]),
            (&json!(count - 1), &json!(1))
        );
        assert_eq!(closing["events"], ids);
        assert_eq!(
            lines[count - 1],
            json!({"line": count, "file": null, "status": "rejected",
            "field": "", "reason": "not_json"})
        );
        let run = closing["run"].as_str().unwrap();
        assert!(first.headers.contains(&format!("location: /v1/runs/{run}")));
        let shown = get(address, &format!("/v1/runs/{run}")).body;
        assert_eq!(
            (&shown["kind"], &shown["state"]),
            (&json!("rows"), &json!("committed"))
        );
        assert_eq!(shown["counts"]["events"], ids);
        assert_eq!(shown["rules"], "default");

        // Packed in another way, the same key is the same push.
        let headers = [LINES, GZIP, ("idempotency-key", "k1")];
        let again = answer(send(address, TERMS, &headers, &gzip(pushed.as_bytes())));
        assert_eq!((again.status, again.body), (200, first.body));
        let other = push(address, TERMS, "k1", &pushed.replace("SP", "RJ"));
        assert_eq!(other.status, 422);
        assert_eq!(other.problem()["type"], "/problems/key_reused");
        let other = push(address, &format!("{TERMS}&start=2018-02-01"), "k1", &pushed);
        assert_eq!(other.problem()["run"], run);
        let nothing = push(address, TERMS, "k2", "");
        assert_eq!(nothing.lines()[0]["events"], 0);
        assert_eq!(
            get(address, "/v1/runs").body["runs"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
    });
    let clean = Bench::new();
    let mut wanted = source(&clean.data("data", &orders));
    wanted.as_of = Some(as_of());
    clean.run(fast(wanted)).unwrap();
    assert_eq!(bench.facts(), clean.facts());
    assert_eq!(bench.records(), clean.records());
}

#[test]
fn pushes_at_once_from_several_connections_beside_a_fast_run_make_the_same_facts() {
    let bench = Bench::new();
    let orders = data::orders(2_000, 2);
    bench.data("data", &orders);
    let parts: Vec<String> = orders
        .chunks(500)
        .enumerate()
        .map(|(i, part)| text(&rows_of(&bench.data(&format!("part{i}"), part))))
        .collect();
    with_server(&bench, move |address| {
        let task = json!({"mode": "fast", "dataset": "olist", "as_of": as_of().to_string()});
        let run = post(address, "fast", &task);
        std::thread::scope(|scope| {
            for (i, part) in parts.iter().enumerate() {
                scope.spawn(move || {
                    let lines = push(address, TERMS, &format!("part{i}"), part).lines();
                    assert_eq!(lines.last().unwrap()["state"], "committed");
                });
            }
        });
        assert_eq!(ended(address, &run)["state"], "committed");
    });
    let clean = Bench::new();
    let mut wanted = source(&clean.data("data", &orders));
    wanted.as_of = Some(as_of());
    clean.run(fast(wanted)).unwrap();
    assert_eq!(bench.facts(), clean.facts());
}

#[test]
fn a_push_whose_words_cannot_be_meant_is_a_problem() {
    let bench = Bench::new();
    with_server(&bench, |address| {
        for (query, code) in [
            ("?as_of=2018-04-01T00:00:00Z", "missing_field"),
            ("?rules=default", "missing_field"),
            ("", "missing_field"),
            ("?rules=nope&as_of=2018-04-01T00:00:00Z", "unknown_rules"),
            ("?rules=../x&as_of=2018-04-01T00:00:00Z", "unknown_rules"),
            ("?rules=default&as_of=yesterday", "bad_field"),
            ("?rules=default&as_of=2017-02-29T00:00:00Z", "bad_field"),
            (
                "?rules=default&as_of=2018-04-01T00:00:00Z&start=2017-02-29",
                "bad_field",
            ),
            (
                "?rules=default&as_of=2018-04-01T00:00:00Z&start=2018-02-01&end=2018-02-01",
                "bad_field",
            ),
            (
                "?rules=default&as_of=2018-04-01T00:00:00Z&space=../other",
                "bad_field",
            ),
            (
                "?rules=default&as_of=2018-04-01T00:00:00Z&dataset=olist",
                "bad_field",
            ),
            (
                "?rules=default&rules=default&as_of=2018-04-01T00:00:00Z",
                "bad_field",
            ),
        ] {
            let answer = push(address, &format!("/v1/rows{query}"), "k", "");
            assert_eq!(answer.status, 422, "{query}: {}", answer.body);
            let problem = answer.problem();
            assert_eq!(
                problem["type"],
                format!("/problems/{code}"),
                "{query}: {problem}"
            );
        }
        assert_eq!(get(address, "/v1/rows").status, 405);
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
    });
}

type Case<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16, &'a str);

#[test]
fn a_body_beyond_a_limit_or_without_a_clean_end_is_a_problem_and_writes_nothing() {
    let bench = Bench::new();
    with_server(&bench, |address| {
        let key = ("idempotency-key", "k");
        let packed = gzip(&b"{}\n".repeat(1_000));
        // 128 MiB of lines in the form of rows, and as much of one line.
        let long_line = [b" ".repeat(60_000), b"\n".to_vec()].concat();
        let bomb = gzip(&long_line.repeat(2_237));
        let line_bomb = gzip(&vec![b' '; 128 << 20]);
        let huge = ("content-length", "1073741824");
        let deep = "[".repeat(10_000);
        let long = format!("\"{}\"", "x".repeat(70_000));
        let many = "\n".repeat(100_001);
        let cases: [Case<'_>; 15] = [
            (&[LINES], b"", 400, "idempotency_key"),
            (
                &[LINES, ("idempotency-key", "")],
                b"",
                400,
                "idempotency_key",
            ),
            (&[key], b"", 415, "not_lines"),
            (
                &[key, ("content-type", "text/plain")],
                b"",
                415,
                "not_lines",
            ),
            (
                &[key, LINES, ("content-encoding", "br")],
                b"",
                415,
                "bad_encoding",
            ),
            (&[key, LINES, GZIP], b"no archive", 400, "bad_body"),
            (
                &[key, LINES, GZIP],
                &packed[..packed.len() - 6],
                400,
                "bad_body",
            ),
            (
                &[key, LINES, GZIP],
                &[&packed[..], b"tail"].concat(),
                400,
                "bad_body",
            ),
            (&[key, LINES, GZIP], &bomb, 413, "too_large"),
            (&[key, LINES, GZIP], &line_bomb, 413, "line_too_long"),
            (&[key, LINES, huge], b"{}", 413, "too_large"),
            (&[key, LINES], deep.as_bytes(), 400, "too_deep"),
            (&[key, LINES], long.as_bytes(), 413, "line_too_long"),
            (&[key, LINES], many.as_bytes(), 413, "too_many_rows"),
            (&[key, LINES, GZIP], &gzip(deep.as_bytes()), 400, "too_deep"),
        ];
        for (headers, body, status, code) in cases {
            let answer = answer(send(address, TERMS, headers, body));
            assert_eq!(answer.status, status, "{code}: {}", answer.body);
            assert_eq!(answer.problem()["type"], format!("/problems/{code}"));
        }
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
    });
    assert_eq!(bench.records(), 0);
}

#[test]
fn more_pushes_than_are_taken_at_once_are_told_to_come_again() {
    let bench = Bench::new();
    with_server(&bench, |address| {
        let half = [
            LINES,
            ("idempotency-key", "half"),
            ("content-length", "1000"),
        ];
        let mut slow: Vec<TcpStream> = Vec::new();
        // A slow one has its place as soon as the service has read its headers, unless the push that
        // asks had the last one.
        let busy = loop {
            slow.push(send(address, TERMS, &half, b"{"));
            let answer = push(address, TERMS, "k", "");
            if answer.status != 200 {
                break answer;
            }
        };
        assert_eq!(busy.status, 429, "{}", busy.body);
        assert!(busy.headers.contains("retry-after: 1"), "{}", busy.headers);
        assert_eq!(busy.problem()["type"], "/problems/too_many");
        drop(slow);
        // And give them back as soon as it has seen them go.
        while push(address, TERMS, "k", "").status == 429 {}
        assert_eq!(push(address, TERMS, "k", "").status, 200);
    });
}

#[test]
fn datasets_rules_and_coverage_are_told_by_name_and_content() {
    let bench = Bench::new();
    bench.data("data", &data::orders(200, 3));
    let folder = bench.folder.path().to_str().unwrap().to_owned();
    with_server(&bench, move |address| {
        let datasets = get(address, "/v1/datasets").body;
        assert_eq!(datasets["datasets"][0]["name"], "half");
        assert_eq!(datasets["datasets"][0]["complete"], false);
        assert_eq!(datasets["datasets"][1]["complete"], true);
        assert_eq!(
            datasets["datasets"][1]["files"].as_array().unwrap().len(),
            4
        );
        assert!(!datasets.to_string().contains(&folder), "no path is told");
        let rules = get(address, "/v1/rules").body;
        assert_eq!(rules["rules"][0]["name"], "default");
        assert_eq!(rules["rules"][1]["name"], "end_of_day");
        assert_eq!(rules["rules"][1]["promise"], "end_of_day");
        assert_eq!(rules["rules"][0]["sha256"].as_str().unwrap().len(), 64);
        assert_eq!(get(address, "/v1/coverage").body, json!({"coverage": []}));

        let all = ended(
            address,
            &post(address, "all", &json!({"mode": "fast", "dataset": "olist"})),
        );
        let window = json!({"mode": "window", "dataset": "olist", "rules": "end_of_day",
            "start": "2018-03-01", "end": "2018-04-01"});
        let march = ended(address, &post(address, "march", &window));
        push(address, TERMS, "rows", "").lines();
        let coverage = get(address, "/v1/coverage").body;
        let of = |days: &Value| {
            let names = ["start", "end", "run", "kind", "rules", "dataset"];
            Value::from(names.map(|name| days[name].clone()).to_vec())
        };
        let days: Vec<Value> = coverage["coverage"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .collect();
        assert_eq!(
            days,
            [
                json!([null, "2018-03-01", all["run"], "fast", "default", "olist"]),
                json!([
                    "2018-03-01",
                    "2018-04-01",
                    march["run"],
                    "window",
                    "end_of_day",
                    "olist"
                ]),
                json!(["2018-04-01", null, all["run"], "fast", "default", "olist"]),
            ]
        );
        let files = datasets["datasets"][1]["files"].as_array().unwrap();
        for file in files {
            let made_from = &coverage["coverage"][1]["files"];
            assert_eq!(made_from[file["name"].as_str().unwrap()], file["sha256"]);
        }
        assert_eq!(
            coverage["coverage"][1]["rules_sha256"],
            rules["rules"][1]["sha256"]
        );
    });
}
