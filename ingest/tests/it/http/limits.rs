//! Requests that are too large, too slow, too deep or too many.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use eip_ingest::server::ServerConfig;
use serde_json::json;

use super::{SocketAddr, ask, ended, get, post, with_settings};
use crate::bench::Bench;
use crate::data;

const POST: &str = "POST /v1/runs HTTP/1.1\r\nhost: localhost\r\nidempotency-key: k\r\n\
                    content-type: application/json\r\n";
const GIB: usize = 1 << 30;

/// Sends bytes as they are, and all that comes back until the connection ends.
fn exchange(address: SocketAddr, pieces: impl Iterator<Item = Vec<u8>>) -> (usize, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut sent = 0;
    for piece in pieces {
        // The service stops listening when it has heard enough.
        if stream.write_all(&piece).is_err() {
            break;
        }
        sent += piece.len();
    }
    let mut answer = Vec::new();
    // What came before the connection was cut is what counts.
    let _ = stream.read_to_end(&mut answer);
    (sent, String::from_utf8(answer).unwrap())
}

fn assert_problem(answer: &str, status: u16, code: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains(&format!("/problems/{code}\"")), "{answer}");
}

fn impatient(config: &mut ServerConfig) {
    config.http.header_timeout = Duration::from_millis(300);
    config.http.body_timeout = Duration::from_millis(300);
}

#[test]
fn a_body_of_a_gibibyte_is_refused_long_before_its_end() {
    let bench = Bench::new();
    with_settings(
        &bench,
        |_| {},
        |address| {
            let head = format!("{POST}content-length: {GIB}\r\n\r\n");
            let (_, announced) = exchange(address, std::iter::once(head.clone().into_bytes()));
            assert_problem(&announced, 413, "too_large");
            assert!(announced.to_lowercase().contains("connection: close"));

            // A client that sends before it listens gets the answer, too.
            let piece = vec![b' '; 64 << 10];
            let some = std::iter::repeat_n(piece.clone(), 16);
            let (_, sent) = exchange(address, std::iter::once(head.into_bytes()).chain(some));
            assert_problem(&sent, 413, "too_large");

            let head = format!("{POST}transfer-encoding: chunked\r\n\r\n");
            let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
            chunk.extend_from_slice(&piece);
            chunk.extend_from_slice(b"\r\n");
            let chunks = std::iter::repeat_n(chunk, 16);
            let (_, chunked) = exchange(address, std::iter::once(head.into_bytes()).chain(chunks));
            assert_problem(&chunked, 413, "too_large");
        },
    );
}

#[test]
fn a_sender_that_is_slow_is_answered_408_and_holds_nobody_up() {
    let bench = Bench::new();
    with_settings(&bench, impatient, |address| {
        let began = Instant::now();
        for (sent, code) in [
            ("POST /v1/runs HT".to_owned(), "slow_head"),
            (POST.to_owned(), "slow_head"),
            (format!("{POST}content-length: 10\r\n\r\n{{"), "slow_body"),
            (
                format!("{POST}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"),
                "slow_body",
            ),
        ] {
            let (_, answer) = exchange(address, std::iter::once(sent.into_bytes()));
            assert_problem(&answer, 408, code);
            assert!(answer.contains("within 0.3 s"), "{answer}");
        }
        assert!(began.elapsed() < Duration::from_secs(20));
        // One that says nothing at all is not spoken to either.
        assert_eq!(exchange(address, std::iter::empty()).1, "");
        assert_eq!(get(address, "/livez").status, 200);
    });
}

#[test]
fn a_head_that_nobody_can_read_is_refused_as_a_problem() {
    let bench = Bench::new();
    with_settings(
        &bench,
        |_| {},
        |address| {
            let many = "a: b\r\n".repeat(101);
            for (head, status, code) in [
                ("nonsense\r\n\r\n".to_owned(), 400, "bad_head"),
                ("G T / HTTP/1.1\r\n\r\n".to_owned(), 400, "bad_head"),
                ("GET / HTTP/9.9\r\n\r\n".to_owned(), 400, "bad_head"),
                (
                    "GET / HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
                    400,
                    "bad_head",
                ),
                (format!("{POST}content-length: x\r\n\r\n"), 400, "bad_head"),
                (
                    format!("GET /{} HTTP/1.1\r\n", "x".repeat(40_000)),
                    431,
                    "large_head",
                ),
                (
                    format!("{POST}a: {}\r\n\r\n", "x".repeat(40_000)),
                    431,
                    "large_head",
                ),
                (format!("{POST}{many}\r\n"), 431, "large_head"),
            ] {
                let (_, answer) = exchange(address, std::iter::once(head.into_bytes()));
                assert_problem(&answer, status, code);
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                let body: serde_json::Value = serde_json::from_str(body).unwrap();
                assert_eq!(body["status"], status);
                assert!(head.contains("connection: close"), "{head}");
            }
            // Behind a request that was answered, on the same connection.
            let good = "GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n";
            let (_, both) = exchange(
                address,
                std::iter::once(format!("{good}nonsense\r\n\r\n").into_bytes()),
            );
            let (first, second) = both.split_at(both.rfind("HTTP/1.1 ").unwrap());
            assert!(first.starts_with("HTTP/1.1 200 "), "{both}");
            assert_problem(second, 400, "bad_head");
            assert_eq!(get(address, "/livez").status, 200);
        },
    );
}

#[test]
fn a_document_ten_thousand_deep_is_refused() {
    let bench = Bench::new();
    with_settings(
        &bench,
        |_| {},
        |address| {
            let headers = [
                ("content-type", "application/json"),
                ("idempotency-key", "k"),
            ];
            for (open, close) in [("[", "]"), ("{\"mode\":", "}")] {
                let deep = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
                let answer = ask(address, "POST", "/v1/runs", &headers, &deep);
                assert!([400, 422].contains(&answer.status), "{}", answer.body);
                assert_eq!(answer.body["status"], answer.status);
            }
            let deep = format!("{{\"mix\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
            let answer = ask(address, "POST", "/v1/runs", &headers, &deep);
            assert!([400, 422].contains(&answer.status), "{}", answer.body);
        },
    );
}

#[test]
fn heads_that_are_too_long_and_names_that_are_paths_are_refused() {
    let bench = Bench::new();
    with_settings(
        &bench,
        |_| {},
        |address| {
            let long = "x".repeat(100_000);
            let (_, answer) = exchange(
                address,
                std::iter::once(
                    format!("GET /livez HTTP/1.1\r\nhost: localhost\r\nx-y: {long}\r\n\r\n")
                        .into_bytes(),
                ),
            );
            assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
            for path in [
                "/v1/runs/../../etc/passwd",
                "/v1/runs/%2e%2e%2f",
                "/v1/runs/%00",
                "/v1/runs/%ff",
            ] {
                let answer = get(address, path);
                assert!(
                    [400, 404].contains(&answer.status),
                    "{path}: {}",
                    answer.body
                );
                assert!(
                    answer.headers.contains("application/problem+json"),
                    "{path}"
                );
            }
        },
    );
}

#[test]
fn more_runs_than_there_are_places_for_are_told_when_to_come_back() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 3));
    let one = |config: &mut ServerConfig| config.work.max_live_runs = 1;
    with_settings(&bench, one, |address| {
        let slow = json!({"mode": "scaled", "dataset": "olist", "duration": "600s",
            "start": "2018-01-01", "end": "2018-03-01"});
        for round in 0..10 {
            let (here, other) = (format!("here {round}"), format!("other {round}"));
            let first = post(address, &here, &slow);
            assert_eq!(first.status, 202, "{}", first.body);
            let second = post(address, &other, &slow);
            assert_eq!(second.status, 429, "{}", second.body);
            assert_eq!(second.body["type"], "/problems/too_many");
            assert_eq!(second.body["retry_after"], 5);
            assert!(
                second.headers.contains("retry-after: 5"),
                "{}",
                second.headers
            );
            assert_eq!(post(address, &here, &slow).status, 202);
            let run = first.body["run"].as_str().unwrap();
            let cancelled = ask(address, "DELETE", &format!("/v1/runs/{run}"), &[], "");
            assert_eq!(cancelled.status, 202, "{}", cancelled.body);
            // Whoever was told of its end finds its place free, however soon they ask.
            ended(address, &first);
        }
    });
}
