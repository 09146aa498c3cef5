//! Who may do what.

use eip_http::{Role, Tokens, token_sha256};
use eip_ingest::server::ServerConfig;
use serde_json::{Value, json};

use super::{Answer, SocketAddr, ask, ended, with_server, with_settings};
use crate::bench::Bench;
use crate::data;

/// One token of each role, named by it; replay has two.
fn with_tokens(config: &mut ServerConfig) {
    let mut tokens = Tokens::default();
    for role in Role::ALL {
        let hashes = [
            token_sha256(role.name()),
            token_sha256(&format!("new-{role}")),
        ];
        tokens.add(role.name(), role, &hashes).unwrap();
    }
    config.tokens = tokens;
}

fn ask_as(address: SocketAddr, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "key"),
        ("eip-requester", "somebody"),
    ];
    ask(address, method, path, &headers, &body.to_string())
}

fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert!(
        answer
            .headers
            .contains("content-type: application/problem+json")
    );
    assert_eq!(
        answer.body["type"],
        format!("/problems/{code}"),
        "{}",
        answer.body
    );
}

#[test]
fn without_a_valid_token_nothing_is_shown_and_nothing_starts() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 1));
    with_settings(&bench, with_tokens, |address| {
        let hash = token_sha256("admin");
        let twice = [("authorization", "Bearer admin"); 2];
        for (headers, code) in [
            (vec![], "no_token"),
            (twice.to_vec(), "no_token"),
            (vec![("authorization", "Bearer nobody")], "bad_token"),
            (vec![("authorization", "Bearer ")], "bad_token"),
            (vec![("authorization", "Basic YWRtaW4=")], "bad_token"),
            (vec![("authorization", "admin")], "bad_token"),
        ] {
            for (method, path) in [
                ("GET", "/v1/runs"),
                ("POST", "/v1/runs"),
                ("GET", "/metrics"),
            ] {
                let answer = ask(address, method, path, &headers, "{}");
                assert_problem(&answer, 401, code);
                assert!(
                    answer.headers.contains("www-authenticate: bearer"),
                    "{}",
                    answer.headers
                );
            }
        }
        let by_hash = ask_as(address, &hash, "GET", "/v1/runs", &json!({}));
        assert_problem(&by_hash, 401, "bad_token");
        for path in ["/livez", "/readyz", "/openapi.json", "/docs"] {
            assert_eq!(ask(address, "GET", path, &[], "").status, 200, "{path}");
        }
    });
    assert_eq!(bench.records(), 0);
}

#[test]
fn each_role_may_do_its_part_and_is_told_which_role_the_rest_needs() {
    let bench = Bench::new();
    bench.data("data", &data::orders(200, 1));
    with_settings(&bench, with_tokens, |address| {
        let fast = json!({"mode": "fast", "dataset": "olist"});
        for path in ["/v1/runs", "/metrics"] {
            let answer = ask_as(address, "read", "GET", path, &json!({}));
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        }
        let refused = ask_as(address, "read", "POST", "/v1/runs", &fast);
        assert_problem(&refused, 403, "role");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(
            detail.contains("role replay") && detail.contains("role read"),
            "{detail}"
        );

        for body in [
            json!({"mode": "window", "dataset": "olist", "max_vanishing": 10}),
            json!({"mode": "window", "dataset": "olist", "max_retracted": "5.01%"}),
            json!({"mode": "revert", "run": "0123456789abcdef", "force": true}),
        ] {
            let refused = ask_as(address, "replay", "POST", "/v1/runs", &body);
            assert_problem(&refused, 403, "role");
            assert!(
                refused.body["detail"]
                    .as_str()
                    .unwrap()
                    .contains("role approve")
            );
        }
        let strict = json!({"mode": "window", "dataset": "olist", "max_vanishing": 0});
        let taken = ask_as(address, "new-replay", "POST", "/v1/runs", &strict);
        assert_eq!(taken.status, 202, "{}", taken.body);
        assert_eq!(taken.body["requester"], "replay: somebody");
        let again = ask_as(address, "replay", "POST", "/v1/runs", &strict);
        assert_eq!(
            (again.status, &again.body["run"]),
            (202, &taken.body["run"])
        );
        let path = format!("/v1/runs/{}", taken.body["run"].as_str().unwrap());
        assert_problem(
            &ask_as(address, "read", "DELETE", &path, &json!({})),
            403,
            "role",
        );
        loop {
            let run = ask_as(address, "admin", "GET", &path, &json!({})).body;
            if !["requested", "planned", "running"].contains(&run["state"].as_str().unwrap()) {
                assert_eq!(run["state"], "committed", "{run}");
                break;
            }
        }
        let ended = ask_as(address, "replay", "DELETE", &path, &json!({}));
        assert_problem(&ended, 409, "ended");
    });
}

#[test]
fn on_loopback_without_tokens_everybody_may_do_everything() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 1));
    with_server(&bench, |address| {
        let body = json!({"mode": "window", "dataset": "olist", "max_vanishing": "100%"});
        let taken = ask_as(address, "whatever", "POST", "/v1/runs", &body);
        assert_eq!(taken.body["requester"], "somebody", "{}", taken.body);
        ended(address, &taken);
    });
}
