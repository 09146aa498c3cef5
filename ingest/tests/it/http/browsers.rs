//! Web pages that a browser on the same machine shows.

use eip_http::{Role, Tokens, token_sha256};
use serde_json::json;

use super::{Answer, SocketAddr, ask, get, with_server, with_settings};
use crate::bench::Bench;
use crate::data;

const JSON: (&str, &str) = ("content-type", "application/json");

/// Posts a run with these headers; each time with another key.
fn start(address: SocketAddr, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"mode": "fast", "dataset": "olist"}).to_string();
    let key = format!("{headers:?}").replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let mut all = vec![JSON, ("idempotency-key", key.as_str())];
    all.extend(headers);
    ask(address, "POST", "/v1/runs", &all, &body)
}

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.body["type"], format!("/problems/{code}"));
    assert!(answer.headers.contains("application/problem+json"));
}

#[test]
fn a_page_under_a_name_of_its_own_neither_reads_nor_changes_anything() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 51));
    with_server(&bench, |address| {
        let port = address.port();
        for host in [
            format!("rebound.example:{port}"),
            format!("127.0.0.1.rebound.example:{port}"),
            "localhost.rebound.example".to_owned(),
            String::new(),
        ] {
            let host = ("host", host.as_str());
            for path in ["/v1/runs", "/docs", "/livez", "/metrics", "/nothing"] {
                assert_problem(&ask(address, "GET", path, &[host], ""), 421, "other_host");
            }
            assert_problem(&start(address, &[host]), 421, "other_host");
        }
        // The name in the request's target counts before the header.
        let absolute = ask(address, "GET", "http://rebound.example/v1/runs", &[], "");
        assert_problem(&absolute, 421, "other_host");
        let twice = [("host", "localhost"), ("host", "rebound.example")];
        assert_problem(&start(address, &twice), 400, "bad_request");
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
        for host in [
            format!("localhost:{port}"),
            format!("[::1]:{port}"),
            "127.0.0.1".to_owned(),
        ] {
            let answer = ask(address, "GET", "/v1/runs", &[("host", &host)], "");
            assert_eq!(answer.status, 200, "{host}: {}", answer.body);
        }
    });
    assert_eq!(bench.records(), 0);
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 52));
    with_server(&bench, |address| {
        let port = address.port();
        for origin in [
            "null".to_owned(),
            "http://page.example".to_owned(),
            format!("http://localhost:{port}"),
            format!("http://127.0.0.1:{}", port ^ 1),
        ] {
            let origin = ("origin", origin.as_str());
            assert_problem(&start(address, &[origin]), 403, "other_origin");
            for (method, path) in [
                ("PATCH", "/v1/runs/0123456789abcdef"),
                ("DELETE", "/v1/runs/0123456789abcdef"),
                ("POST", "/v1/rows?rules=default&as_of=2018-12-01T00:00:00Z"),
            ] {
                let answer = ask(address, method, path, &[origin, JSON], "{}");
                assert_problem(&answer, 403, "other_origin");
            }
            // It may send a question; the browser does not let it see the answer.
            let read = ask(address, "GET", "/v1/runs", &[origin], "");
            assert_eq!(read.status, 200, "{}", read.body);
            assert!(
                !read.headers.contains("access-control-"),
                "{}",
                read.headers
            );
        }
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
        let own = format!("http://{address}");
        assert_eq!(start(address, &[("origin", &own)]).status, 202);
        assert_eq!(start(address, &[]).status, 202);
    });
}

#[test]
fn the_advertised_name_is_one_of_ours_and_with_tokens_the_token_decides() {
    let bench = Bench::new();
    let advertise = |config: &mut eip_ingest::server::ServerConfig| {
        config.advertise = Some("http://ingest-1:8080".to_owned());
    };
    with_settings(&bench, advertise, |address| {
        let answer = ask(address, "GET", "/v1/runs", &[("host", "ingest-1:8080")], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = ask(address, "GET", "/v1/runs", &[("host", "ingest-2:8080")], "");
        assert_problem(&answer, 421, "other_host");
    });
    let tokens = |config: &mut eip_ingest::server::ServerConfig| {
        let mut tokens = Tokens::default();
        tokens
            .add("ops", Role::Read, &[token_sha256("secret")])
            .unwrap();
        config.tokens = tokens;
    };
    with_settings(&bench, tokens, |address| {
        let host = ("host", "eip.example");
        let answer = ask(address, "GET", "/v1/runs", &[host], "");
        assert_problem(&answer, 401, "no_token");
        let bearer = ("authorization", "Bearer secret");
        let answer = ask(address, "GET", "/v1/runs", &[host, bearer], "");
        assert_eq!(answer.status, 200, "{}", answer.body);
    });
}
