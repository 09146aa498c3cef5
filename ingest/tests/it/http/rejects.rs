//! `GET /v1/runs/{id}/rejects`.

use std::net::SocketAddr;

use eip_parquet_cache::Cache;
use serde_json::{Value, json};

use super::{Answer, ended, get, post, with_server};
use crate::bench::Bench;
use crate::data;

/// As many rows as this cannot be read, of 120.
const SPOILT: usize = 25;

/// Data of which every fourth order has a purchase time that is none.
fn spoilt(bench: &Bench) {
    let mut orders = data::orders(120, 71);
    for order in orders.iter_mut().step_by(4).take(SPOILT) {
        order.times[0] = format!("soon: {}", order.id);
    }
    bench.data("data", &orders);
}

fn fast(address: SocketAddr, key: &str, space: &str) -> Value {
    let body = json!({"mode": "fast", "dataset": "olist", "space": space, "max_rejected": "50%"});
    let asked = post(address, key, &body);
    let path = format!(
        "/v1/runs/{}?space={space}",
        asked.body["run"].as_str().unwrap()
    );
    loop {
        let run = get(address, &path).body;
        match run["state"].as_str() {
            Some("committed") => return run,
            Some("requested" | "planned" | "running") => std::thread::yield_now(),
            _ => panic!("{run}"),
        }
    }
}

fn rejects(address: SocketAddr, run: &Value, query: &str) -> Answer {
    let run = run["run"].as_str().unwrap();
    get(address, &format!("/v1/runs/{run}/rejects{query}"))
}

/// All pages, followed by `next`.
fn walked(address: SocketAddr, run: &Value, limit: usize) -> Vec<Value> {
    let (mut all, mut offset) = (Vec::new(), 0);
    loop {
        let page = rejects(address, run, &format!("?limit={limit}&offset={offset}"));
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(page.body["rejected"], SPOILT);
        assert_eq!(page.body["kept"], SPOILT);
        let rows = page.body["rejects"].as_array().unwrap();
        assert!(rows.len() <= limit);
        all.extend(rows.iter().cloned());
        match page.body["next"].as_u64() {
            Some(next) => offset = next,
            None => return all,
        }
    }
}

#[test]
fn pages_of_any_size_hold_every_rejected_row_once_and_in_the_order_of_the_file() {
    let bench = Bench::new();
    spoilt(&bench);
    with_server(&bench, |address| {
        let run = fast(address, "key", "main");
        let all = rejects(address, &run, "");
        assert_eq!(all.body["run"], run["run"]);
        assert_eq!(all.body["converted_by"], Value::Null);
        assert_eq!(all.body["next"], Value::Null);
        let all = all.body["rejects"].as_array().unwrap().clone();
        assert_eq!(all.len(), SPOILT);
        for (at, reject) in all.iter().enumerate() {
            assert_eq!(reject["file"], "olist_orders_dataset.csv", "{reject}");
            assert_eq!(reject["line"], 2 + 4 * at, "{reject}");
            assert_eq!(reject["field"], "order_purchase_timestamp", "{reject}");
            assert_eq!(reject["reason"], "not_a_time", "{reject}");
            let id = reject["order_id"].as_str().unwrap();
            assert_eq!(reject["value"], format!("soon: {id}"), "{reject}");
        }
        for limit in [1, 7, SPOILT - 1, SPOILT, SPOILT + 1, 1_000] {
            assert_eq!(walked(address, &run, limit), all, "{limit} a page");
        }
        for beyond in [SPOILT as u64, 1_000_000, u64::MAX] {
            let page = rejects(address, &run, &format!("?offset={beyond}"));
            assert_eq!(page.status, 200, "{}", page.body);
            assert_eq!(page.body["rejects"], json!([]), "{beyond}");
            assert_eq!(page.body["next"], Value::Null, "{beyond}");
        }
    });
}

#[test]
fn a_run_without_rejects_has_an_empty_page_and_what_is_no_run_or_page_is_refused() {
    let bench = Bench::new();
    bench.data("data", &data::orders(50, 72));
    with_server(&bench, |address| {
        let run = fast(address, "key", "main");
        let none = rejects(address, &run, "");
        assert_eq!(none.status, 200, "{}", none.body);
        assert_eq!(
            (&none.body["rejected"], &none.body["kept"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(
            (&none.body["rejects"], &none.body["next"]),
            (&json!([]), &Value::Null)
        );
        for (query, status) in [
            ("?limit=0", 422),
            ("?limit=1001", 422),
            ("?limit=-1", 400),
            ("?limit=ten", 400),
            ("?offset=-1", 400),
            ("?page=2", 400),
            ("?space=nowhere", 404),
            ("?space=a/b", 422),
        ] {
            let refused = rejects(address, &run, query);
            assert_eq!(refused.status, status, "{query}: {}", refused.body);
            assert!(
                refused.body["detail"].is_string(),
                "{query}: {}",
                refused.body
            );
        }
        for id in ["0000000000000000", "latest"] {
            let refused = get(address, &format!("/v1/runs/{id}/rejects"));
            assert_eq!(refused.status, 404, "{id}: {}", refused.body);
        }
    });
}

#[test]
fn the_rejects_of_a_space_are_found_in_that_space_only() {
    let bench = Bench::new();
    spoilt(&bench);
    with_server(&bench, |address| {
        fast(address, "first", "main");
        let run = fast(address, "second", "peak");
        assert_eq!(rejects(address, &run, "").status, 404);
        let page = rejects(address, &run, "?space=peak&limit=3");
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(
            (&page.body["rejected"], &page.body["next"]),
            (&json!(SPOILT), &json!(3))
        );
    });
}

#[test]
fn a_run_from_the_cache_shows_the_rejects_of_the_run_that_converted() {
    let bench = Bench::new();
    spoilt(&bench);
    let state = bench.state.clone();
    with_server(&bench, move |address| {
        let converted = fast(address, "first", "main");
        let mut cache = Cache::open(&state).unwrap();
        let ends: Vec<eip_contract::Offset> =
            serde_json::from_value(converted["end_offsets"].clone()).unwrap();
        cache.catch_up(&ends).unwrap();
        let body = json!({"mode": "fast", "dataset": "olist", "max_rejected": "50%", "mix": true});
        let cached = ended(address, &post(address, "second", &body));
        assert_eq!(cached["cached_run"], converted["run"], "{cached}");
        let page = rejects(address, &cached, "?limit=4");
        assert_eq!(page.body["converted_by"], converted["run"], "{}", page.body);
        let of_converted = rejects(address, &converted, "?limit=4");
        assert_eq!(page.body["rejects"], of_converted.body["rejects"]);
        assert_eq!(
            (&page.body["rejected"], &page.body["next"]),
            (&json!(SPOILT), &json!(4))
        );
    });
}
