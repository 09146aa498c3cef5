//! Lists, pages, single shipments and look-ups against plain code.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::filters::{Filter, answered_facets, facets};
use super::plain::{Plain, text};
use super::served::Served;
use crate::support::http;

pub(super) fn check_filters(served: &Served, plain: &Plain, chosen: &[&Filter]) {
    let query: Vec<&str> = chosen.iter().map(|one| one.parameter.as_str()).collect();
    let query = query.join("&");
    let meeting: Vec<&Value> = plain
        .shipments
        .iter()
        .filter(|s| chosen.iter().all(|one| (one.meets)(s)))
        .collect();
    let path = format!("/v1/shipments?{query}&limit=200&count=exact&facets=true&sort=order_id");
    let answer = served.get(&path);
    let total = json!({ "value": meeting.len(), "relation": "eq" });
    assert_eq!(answer["total"], total, "{query}");
    assert_eq!(answered_facets(&answer), facets(&meeting), "{query}");
    let first: Vec<&Value> = meeting.iter().take(200).copied().collect();
    let shown: Vec<&Value> = answer["shipments"].as_array().unwrap().iter().collect();
    assert_eq!(shown, first, "{query}");
    assert_eq!(answer["next"].is_null(), meeting.len() <= 200, "{query}");
}

/// Walks all pages of a query in every order.
pub(super) fn check_walks(served: &Served, plain: &Plain, limit: usize) {
    let query = "customer_region=ES&placed_from=2018-01-01&placed_to=2018-06-01";
    let mut meeting: Vec<&Value> = plain
        .shipments
        .iter()
        .filter(|s| {
            let placed = s["placedAt"].as_str().unwrap_or_default();
            s["customerRegion"] == "ES" && ("2018-01-01"..="2018-06-01").contains(&placed)
        })
        .collect();
    assert!(meeting.len() > 3 * limit, "{}", meeting.len());
    for (name, column) in [
        ("order_id", "orderId"),
        ("placed_at", "placedAt"),
        ("approved_at", "approvedAt"),
        ("warehouse_assigned_at", "warehouseAssignedAt"),
        ("handed_to_carrier_at", "handedToCarrierAt"),
        ("delayed_at", "delayedAt"),
        ("delivered_at", "deliveredAt"),
        ("estimated_delivery_at", "estimatedDeliveryAt"),
        ("lead", "leadTimeSeconds"),
        ("late", "lateSeconds"),
    ] {
        for sign in ["", "-"] {
            meeting.sort_by(|a, b| {
                // One that is not known comes last either way.
                let key = |s: &Value| match &s[column] {
                    Value::Number(number) => Some((number.as_i64().unwrap(), String::new())),
                    Value::String(time) => Some((0, time.clone())),
                    _ => None,
                };
                let (a_key, b_key) = (key(a), key(b));
                let unknown_last = a_key.is_none().cmp(&b_key.is_none());
                let order = if sign == "-" {
                    b_key.cmp(&a_key)
                } else {
                    a_key.cmp(&b_key)
                };
                let by_id = text(&a["orderId"]).cmp(text(&b["orderId"]));
                unknown_last.then(order).then(by_id)
            });
            let mut walked = Vec::new();
            let mut next = String::new();
            loop {
                let path = format!("/v1/shipments?{query}&sort={sign}{name}&limit={limit}{next}");
                let page = served.get(&path);
                assert_eq!(page["moved"], false);
                walked.extend(page["shipments"].as_array().unwrap().iter().cloned());
                match page["next"].as_str() {
                    Some(cursor) => next = format!("&cursor={cursor}"),
                    None => break,
                }
            }
            let ids = |all: Vec<&Value>| -> Vec<String> {
                all.iter().map(|s| text(&s["orderId"]).to_owned()).collect()
            };
            assert_eq!(
                ids(walked.iter().collect()),
                ids(meeting.clone()),
                "{sign}{name}"
            );
        }
    }
}

pub(super) fn check_shipments(served: &Served, plain: &Plain, dice: &mut ChaCha8Rng, count: usize) {
    for shipment in plain.shipments.sample(dice, count) {
        let order_id = text(&shipment["orderId"]);
        let answer = served.get(&format!("/v1/shipments/{order_id}"));
        assert_eq!(answer["shipment"], *shipment);
        assert_eq!(answer["one_tick"], true);
        let sorted = |events: &[Value]| -> BTreeSet<String> {
            events.iter().map(Value::to_string).collect()
        };
        let events = answer["events"].as_array().unwrap();
        assert_eq!(
            sorted(events),
            sorted(&plain.events[order_id]),
            "{order_id}"
        );
    }
    let asked: Vec<String> = plain
        .shipments
        .sample(dice, 40)
        .map(|s| text(&s["orderId"]).to_owned())
        .chain(["nothing-like-this".to_owned(), "a\u{1}".to_owned()])
        .collect();
    let body = json!({ "ids": asked }).to_string();
    let answer = http(
        "POST",
        &format!("{}/v1/shipments/lookup", served.url),
        &body,
    );
    let answer: Value = serde_json::from_str(&answer).unwrap();
    for (asked, result) in asked.iter().zip(answer["results"].as_array().unwrap()) {
        assert_eq!(result["asked"], **asked);
        match asked.as_str() {
            "nothing-like-this" => assert_eq!(result["outcome"], "not_found"),
            "a\u{1}" => assert_eq!(result["outcome"], "invalid"),
            id => assert_eq!(result["shipment"]["orderId"], *id, "{result}"),
        }
    }
}
