//! `eip replay` from a terminal, in its own process and through a service.

use serde_json::{Value, json};

use super::AS_OF;
use crate::service::Service;
use crate::support::{Eip, generate};

const WHY: &str = "OPS-17: carrier times were late";

/// A run as `eip runs` tells it.
fn told(eip: &Eip, run: &str) -> Value {
    serde_json::from_str(&eip.run(["runs", run]).ok().out).unwrap()
}

#[test]
fn a_reason_given_at_the_terminal_is_in_the_ledger() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 200, 35);
    let args = [
        "replay",
        "fast",
        "--data",
        data.to_str().unwrap(),
        "--as-of",
        AS_OF,
    ];
    let ran = eip.run(args.iter().chain(&["--reason", WHY])).ok();
    assert_eq!(told(&eip, &ran.run_id())["reason"], json!(WHY));
    let refused = eip.run(args.iter().chain(&["--reason", "two\nlines"]));
    assert_ne!(refused.code, Some(0));
    assert!(
        refused.err.contains("one line of 1 to 500 characters"),
        "{}",
        refused.err
    );

    let service = Service::start(&eip, &data);
    let through = [
        "replay",
        "window",
        "--ingest",
        &service.url,
        "--dataset",
        "data",
    ];
    let more = ["--as-of", AS_OF, "--reason", WHY, "--mix"];
    let ran = eip.run(through.iter().chain(&more)).ok();
    let id = ran.run_id();
    let run = service.get(&format!("/v1/runs/{id}")).body;
    assert_eq!(
        (&run["reason"], &run["mix"]),
        (&json!(WHY), &json!(true)),
        "{run}"
    );
    drop(service);
    assert_eq!(told(&eip, &id)["state"], "committed");
}
