//! A space has one dataset name.

use serde_json::{Value, json};

use super::{Answer, SocketAddr, ask, ended, get, post, with_server};
use crate::bench::{Bench, fast, source};
use crate::data;

/// The run's end, in the space `peak`.
fn ended_in_peak(address: SocketAddr, answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{}", answer.body);
    let path = format!(
        "/v1/runs/{}?space=peak",
        answer.body["run"].as_str().unwrap()
    );
    loop {
        let run = get(address, &path).body;
        if ["committed", "failed"].contains(&run["state"].as_str().unwrap()) {
            return run;
        }
        std::thread::yield_now();
    }
}

fn assert_refused(answer: &Answer, first: &Value) {
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(answer.body["type"], "/problems/other_dataset");
    assert_eq!(answer.body["run"], first["run"]);
    let detail = answer.body["detail"].as_str().unwrap();
    for part in ["dataset olist", "half", "another space", "mix"] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

#[test]
fn a_run_of_another_dataset_is_refused_unless_it_is_to_be_mixed_or_goes_elsewhere() {
    let bench = Bench::new();
    let orders = data::orders(300, 41);
    bench.data("data", &orders);
    bench.data("half", &orders[..150]);
    with_server(&bench, |address| {
        let month = json!({"start": "2018-02-01", "end": "2018-03-01"});
        let with = |mut body: Value, more: &Value| {
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            body
        };
        let early = json!({"mode": "fast", "dataset": "olist", "end": "2018-02-01"});
        let first = ended(address, &post(address, "first", &early));
        assert_eq!(first["state"], "committed", "{first}");

        // No day is shared, so what the days were made from has no say in it.
        let others = [
            json!({"mode": "fast", "dataset": "half"}),
            json!({"mode": "window", "dataset": "half"}),
            json!({"mode": "window", "dataset": "half", "dry_run": true}),
            json!({"mode": "scaled", "dataset": "half", "duration": "3s"}),
        ];
        // Whoever was told of a refusal finds nothing of it, however soon they look.
        for round in 0..20 {
            for (place, other) in others.iter().enumerate() {
                let body = with(other.clone(), &month);
                let refused = post(address, &format!("other {place} {round}"), &body);
                assert_refused(&refused, &first);
                let known = get(address, "/v1/runs").body;
                assert_eq!(known["runs"].as_array().unwrap().len(), 1, "{known}");
            }
        }

        for (place, other) in others.iter().enumerate() {
            let body = with(with(other.clone(), &month), &json!({"mix": true}));
            let run = ended(address, &post(address, &format!("mixed {place}"), &body));
            let wanted = if other["dry_run"] == true {
                "rehearsed"
            } else {
                "committed"
            };
            assert_eq!(
                (&run["state"], &run["mix"]),
                (&json!(wanted), &json!(true)),
                "{run}"
            );
        }
        // A mixture changes no name.
        let again = with(others[0].clone(), &month);
        assert_refused(&post(address, "again", &again), &first);
        let elsewhere = with(again, &json!({"space": "peak"}));
        let run = ended_in_peak(address, &post(address, "elsewhere", &elsewhere));
        assert_eq!(run["state"], "committed", "{run}");
    });
}

#[test]
fn pushed_rows_and_folders_have_no_dataset_to_fix() {
    let bench = Bench::new();
    let orders = data::orders(100, 42);
    let folder = bench.data("data", &orders);
    bench.data("half", &orders);
    bench.run(fast(source(&folder))).unwrap();
    with_server(&bench, |address| {
        let row = json!({"file": "orders", "row": {"order_id": "a", "customer_id": "c",
            "order_status": "created", "order_purchase_timestamp": "2018-01-01 00:00:00",
            "order_approved_at": "", "order_delivered_carrier_date": "",
            "order_delivered_customer_date": "", "order_estimated_delivery_date": ""}});
        let pushed = ask(
            address,
            "POST",
            "/v1/rows?rules=default&as_of=2018-12-01T00:00:00Z",
            &[
                ("content-type", "application/x-ndjson"),
                ("idempotency-key", "rows"),
            ],
            &format!("{row}\n"),
        );
        assert_eq!(pushed.status, 200, "{}", pushed.body);
        let run = ended(
            address,
            &post(address, "half", &json!({"mode": "fast", "dataset": "half"})),
        );
        assert_eq!(run["state"], "committed", "{run}");
        let olist = post(
            address,
            "olist",
            &json!({"mode": "fast", "dataset": "olist"}),
        );
        assert_eq!(olist.status, 409, "{}", olist.body);
    });
    // The folder's own run goes on as before.
    bench.run(fast(source(&folder))).unwrap();
}

#[test]
fn of_two_first_runs_at_once_the_earlier_claim_fixes_the_name() {
    let bench = Bench::new();
    let orders = data::orders(50, 43);
    bench.data("data", &orders);
    bench.data("half", &orders[..25]);
    with_server(&bench, |address| {
        for place in 0..20 {
            let ask_for = |dataset: &str| {
                let body =
                    json!({"mode": "fast", "dataset": dataset, "space": format!("s{place}")});
                post(address, &format!("{dataset} {place}"), &body)
            };
            let (one, other) = std::thread::scope(|scope| {
                let one = scope.spawn(|| ask_for("olist"));
                let other = scope.spawn(|| ask_for("half"));
                (one.join().unwrap(), other.join().unwrap())
            });
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [202, 409], "{} {}", one.body, other.body);
        }
    });
}
