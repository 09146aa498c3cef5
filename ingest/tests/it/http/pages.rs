//! What the service says about itself.

use serde_json::{Value, json};

use super::{ask, ended, get, post, with_server};
use crate::bench::Bench;
use crate::data;

#[test]
fn the_document_names_every_route_and_what_it_answers() {
    let bench = Bench::new();
    with_server(&bench, |address| {
        let document = get(address, "/openapi.json").body;
        assert_eq!(document["openapi"], "3.1.0");
        for (path, methods) in [
            ("/v1/runs", vec!["get", "post"]),
            ("/v1/runs/{id}", vec!["get", "patch", "delete"]),
            ("/v1/runs/{id}/events", vec!["get"]),
            ("/v1/runs/{id}/rehearsal", vec!["get"]),
            ("/v1/runs/{id}/latency.hlog", vec!["get"]),
            ("/v1/runs/{id}/receipt", vec!["get"]),
            ("/v1/rows", vec!["post"]),
            ("/v1/datasets", vec!["get"]),
            ("/v1/datasets/{name}/check", vec!["post"]),
            ("/v1/rules", vec!["get"]),
            ("/v1/coverage", vec!["get"]),
            ("/metrics", vec!["get"]),
            ("/livez", vec!["get"]),
            ("/readyz", vec!["get"]),
        ] {
            for method in methods {
                let responses = &document["paths"][path][method]["responses"];
                assert!(responses.is_object(), "{method} {path}");
            }
        }
        let schemas = &document["components"]["schemas"];
        for name in [
            "RunBody",
            "RunAnswer",
            "RunView",
            "Progress",
            "Problem",
            "Emit",
        ] {
            assert!(schemas[name].is_object(), "{name}: {schemas}");
        }
        assert_eq!(
            references_without_a_schema(&document, schemas),
            Vec::<String>::new()
        );
        let refusal = &document["paths"]["/v1/runs"]["post"]["responses"]["403"];
        let refusal = &refusal["content"]["application/problem+json"]["schema"];
        assert_eq!(refusal, &json!({"$ref": "#/components/schemas/Problem"}));

        let page = get(address, "/docs");
        assert!(
            page.headers
                .contains("content-security-policy: default-src 'none'")
        );
        let text = page.body.as_str().unwrap();
        assert!(text.contains("<b>POST</b> /v1/runs") && text.contains("id=\"RunBody\""));
        assert!(!text.contains("://"), "everything is on the page itself");
    });
}

fn references_without_a_schema(value: &Value, schemas: &Value) -> Vec<String> {
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(path)) => {
                    let name = path.strip_prefix("#/components/schemas/").unwrap();
                    let missing = schemas[name].is_null().then(|| name.to_owned());
                    missing.into_iter().collect()
                }
                _ => references_without_a_schema(value, schemas),
            })
            .collect(),
        Value::Array(all) => {
            let all = all.iter();
            all.flat_map(|value| references_without_a_schema(value, schemas))
                .collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn what_happened_is_counted_by_route() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 1));
    with_server(&bench, |address| {
        let fast = json!({"mode": "fast", "dataset": "olist"});
        let run = ended(address, &post(address, "k", &fast));
        get(address, "/no/such/path");
        ask(address, "PUT", "/v1/runs", &[], "");
        // A run is counted a moment after the ledger has its end.
        let page = loop {
            let page = get(address, "/metrics");
            if page
                .body
                .as_str()
                .unwrap()
                .contains("\neip_ingest_live_runs 0\n")
            {
                break page;
            }
        };
        assert!(
            page.headers
                .contains("content-type: text/plain; version=0.0.4")
        );
        let text = page.body.as_str().unwrap().to_owned();
        let events = run["counts"]["events"].as_u64().unwrap();
        for line in [
            r#"eip_ingest_requests_total{route="/v1/runs",method="POST",status="202"} 1"#,
            r#"eip_ingest_requests_total{route="/v1/runs",method="other",status="405"} 1"#,
            r#"eip_ingest_requests_total{route="none",method="GET",status="404"} 1"#,
            r#"eip_ingest_runs_total{kind="fast",state="committed"} 1"#,
            "# TYPE eip_ingest_request_seconds histogram",
            "eip_ingest_runs_failed_total 0",
            "eip_ingest_live_runs 0",
            &format!("eip_ingest_events_total {events}"),
        ] {
            assert!(
                text.lines().any(|printed| printed == line),
                "{line}\n{text}"
            );
        }
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"]
                .into_iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            for kind in ["HELP", "TYPE"] {
                assert!(
                    text.contains(&format!("# {kind} {family} ")),
                    "{kind} of {line}"
                );
            }
        }
    });
}

#[test]
fn a_request_has_one_id_that_is_the_clients_where_it_can_stand_in_a_log() {
    let bench = Bench::new();
    with_server(&bench, |address| {
        let given = ask(
            address,
            "GET",
            "/livez",
            &[("x-request-id", "a-1.b:c_2")],
            "",
        );
        assert!(
            given.headers.contains("x-request-id: a-1.b:c_2"),
            "{}",
            given.headers
        );
        for unfit in ["a b", "a\"b", &"x".repeat(200)] {
            let made = ask(address, "GET", "/nothing", &[("x-request-id", unfit)], "");
            let id = made
                .headers
                .lines()
                .find_map(|line| line.strip_prefix("x-request-id: "));
            assert_eq!(id.map(str::len), Some(36), "{}", made.headers);
        }
    });
}
