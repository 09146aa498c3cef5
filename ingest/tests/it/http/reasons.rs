//! Why a run was asked for, from the request to the receipt.

use serde_json::{Value, json};

use super::{ended, get, post, with_server};
use crate::bench::Bench;
use crate::data;

const WHY: &str = "OPS-17: <b>carrier</b> times were \"late\" & wrong \u{2014} 정정";

#[test]
fn a_reason_is_in_the_run_the_ledger_and_the_receipt_and_is_part_of_the_request() {
    let bench = Bench::new();
    bench.data("data", &data::orders(100, 61));
    with_server(&bench, |address| {
        let plain = json!({"mode": "fast", "dataset": "olist"});
        let with = |body: &Value, reason: &str| {
            let mut body = body.clone();
            body["reason"] = json!(reason);
            body
        };
        let run = ended(address, &post(address, "fast", &with(&plain, WHY)));
        assert_eq!(
            (&run["state"], &run["reason"]),
            (&json!("committed"), &json!(WHY)),
            "{run}"
        );
        // The same words are the same run; others, or none, are another request.
        let again = post(address, "fast", &with(&plain, WHY));
        assert_eq!((again.status, &again.body["run"]), (202, &run["run"]));
        for other in [plain.clone(), with(&plain, "another")] {
            let refused = post(address, "fast", &other);
            assert_eq!(refused.status, 422, "{}", refused.body);
            assert_eq!(refused.body["type"], "/problems/key_reused");
        }
        let path = |run: &Value| format!("/v1/runs/{}/receipt", run["run"].as_str().unwrap());
        let receipt = get(address, &path(&run)).body;
        let shown = "<th>Why<td>OPS-17: &lt;b&gt;carrier&lt;/b&gt; times were &quot;late&quot; \
                     &amp; wrong \u{2014} 정정";
        assert!(receipt.as_str().unwrap().contains(shown), "{receipt}");

        // A plan is bound to what it does, not to why.
        let window = json!({"mode": "window", "dataset": "olist", "rules": "end_of_day",
            "max_retracted": "100%"});
        let mut rehearsal = with(&window, "to see");
        rehearsal["dry_run"] = json!(true);
        let rehearsed = ended(address, &post(address, "rehearsal", &rehearsal));
        let mut apply = with(&window, "to do");
        apply["plan"] = rehearsed["plan"].clone();
        let applied = ended(address, &post(address, "apply", &apply));
        assert_eq!(applied["state"], "committed", "{applied}");
        let undo = with(
            &json!({"mode": "revert", "run": applied["run"], "force": true}),
            "undone",
        );
        let undone = ended(address, &post(address, "undo", &undo));
        assert_eq!(
            (&undone["state"], &undone["reason"]),
            (&json!("committed"), &json!("undone"))
        );

        let other = ended(address, &post(address, "plain", &plain));
        assert_eq!(other["reason"], Value::Null);
        let receipt = get(address, &path(&other)).body;
        assert!(!receipt.as_str().unwrap().contains("<th>Why"), "{receipt}");
    });
    let runs = eip_ingest::run::list_runs(&bench.state).unwrap();
    let reasons: Vec<_> = runs.iter().map(|run| run.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [
            Some(WHY),
            Some("to see"),
            Some("to do"),
            Some("undone"),
            None
        ]
    );
}

#[test]
fn what_is_no_reason_is_refused_and_starts_nothing() {
    let bench = Bench::new();
    bench.data("data", &data::orders(20, 62));
    with_server(&bench, |address| {
        let long = "x".repeat(501);
        for reason in [
            "",
            " ",
            "two\nlines",
            "\u{0}",
            "\u{1b}[2J",
            "\u{202e}txt",
            &long,
        ] {
            let body = json!({"mode": "fast", "dataset": "olist", "reason": reason});
            let refused = post(address, "key", &body);
            assert_eq!(refused.status, 422, "{reason:?}: {}", refused.body);
            let detail = refused.body["detail"].as_str().unwrap();
            assert!(
                detail.contains("one line of 1 to 500 characters"),
                "{detail}"
            );
        }
        assert_eq!(get(address, "/v1/runs").body["runs"], json!([]));
        let document = get(address, "/openapi.json").body;
        let field = &document["components"]["schemas"]["RunBody"]["properties"]["reason"];
        assert_eq!(field["maxLength"], 500, "{field}");
    });
    assert_eq!(bench.records(), 0);
}
