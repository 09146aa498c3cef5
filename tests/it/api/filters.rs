//! Filters of the list, drawn at random, and what each means; facets.

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::plain::{Plain, text};

const DAY: i64 = 86_400;
const TIMES: [&str; 6] = [
    "placedAt",
    "approvedAt",
    "warehouseAssignedAt",
    "handedToCarrierAt",
    "delayedAt",
    "deliveredAt",
];

pub(super) type Test = Box<dyn Fn(&Value) -> bool>;

/// A parameter of the list, and what it means.
pub(super) struct Filter {
    pub(super) parameter: String,
    pub(super) meets: Test,
}

pub(super) fn filter(
    parameter: impl Into<String>,
    meets: impl Fn(&Value) -> bool + 'static,
) -> Filter {
    Filter {
        parameter: parameter.into(),
        meets: Box::new(meets),
    }
}

/// One filter of each kind, its values drawn.
pub(super) fn filters(plain: &Plain, dice: &mut ChaCha8Rng) -> Vec<Filter> {
    let mut one = || plain.shipments.choose(dice).unwrap().clone();
    let some: [Value; 5] = std::array::from_fn(|_| one());
    let mut filters = Vec::new();
    let statuses = [
        text(&some[0]["status"]).to_owned(),
        text(&some[1]["status"]).to_owned(),
    ];
    filters.push(filter(
        format!("status={}", statuses.join(",").to_lowercase()),
        move |s| statuses.iter().any(|status| s["status"] == **status),
    ));
    let sellers = [
        text(&some[0]["sellerRegion"]).to_owned(),
        text(&some[2]["sellerRegion"]).to_owned(),
    ];
    filters.push(filter(format!("seller_region={}", sellers.join(",")), {
        move |s| sellers.iter().any(|region| s["sellerRegion"] == **region)
    }));
    let customer = text(&some[3]["customerRegion"]).to_owned();
    filters.push(filter(
        format!("customer_region={}", customer.to_lowercase()),
        move |s| s["customerRegion"] == *customer,
    ));
    let route = (
        some[4]["sellerRegion"].clone(),
        some[4]["customerRegion"].clone(),
    );
    filters.push(filter(
        format!("route={}-{}", text(&route.0), text(&route.1)),
        move |s| s["sellerRegion"] == route.0 && s["customerRegion"] == route.1,
    ));
    let delayed = dice.random::<bool>();
    filters.push(filter(format!("delayed={delayed}"), move |s| {
        s["delayed"] == delayed
    }));
    let days = dice.random_range(0..30_i64);
    filters.push(filter(format!("late_at_least={days}d"), move |s| {
        s["lateSeconds"]
            .as_i64()
            .is_some_and(|late| late >= days * DAY)
    }));
    for (name, column) in [
        ("placed", "placedAt"),
        ("approved", "approvedAt"),
        ("assigned", "warehouseAssignedAt"),
        ("handed", "handedToCarrierAt"),
        ("delayed", "delayedAt"),
        ("delivered", "deliveredAt"),
        ("deadline", "estimatedDeliveryAt"),
    ] {
        let mut ends = [0; 2].map(|_| plain.after_now(-dice.random_range(0..700 * DAY)));
        ends.sort();
        let [from, to] = ends;
        if from == to {
            continue;
        }
        let parameter = format!("{name}_from={from}&{name}_to={to}");
        filters.push(filter(parameter, move |s| {
            s[column]
                .as_str()
                .is_some_and(|time| *from <= *time && *time < *to)
        }));
    }
    let hours = dice.random_range(1..2_000_i64);
    let (now, until) = (plain.now.clone(), plain.after_now(hours * 3_600));
    let at_risk = move |s: &Value| {
        let promise = s["estimatedDeliveryAt"].as_str();
        s["deliveredAt"].is_null()
            && s["delayedAt"].is_null()
            && promise.is_some_and(|promise| *now <= *promise && *promise < *until)
    };
    filters.push(filter(
        format!("at_risk=true&at_risk_hours={hours}"),
        at_risk,
    ));
    let days = dice.random_range(1..400_i64);
    let (now, since) = (plain.now.clone(), plain.after_now(-days * DAY));
    let wanted = dice.random::<bool>();
    filters.push(filter(
        format!("stalled={wanted}&stalled_days={days}"),
        move |s| {
            let promise = s["estimatedDeliveryAt"].as_str();
            let overdue =
                s["delayedAt"].is_null() && promise.is_some_and(|promise| *promise < *now);
            let silent = TIMES
                .iter()
                .all(|time| s[*time].as_str().is_none_or(|time| *time < *since));
            (s["deliveredAt"].is_null() && (overdue || silent)) == wanted
        },
    ));
    let days = dice.random_range(1..400_i64);
    let since = plain.after_now(-days * DAY);
    filters.push(filter(format!("quiet=true&quiet_days={days}"), move |s| {
        let is_silent = TIMES
            .iter()
            .all(|time| s[*time].as_str().is_none_or(|time| *time < *since));
        s["deliveredAt"].is_null() && is_silent
    }));
    let prefix = text(&some[1]["orderId"])[..dice.random_range(4..8)].to_owned();
    filters.push(filter(
        format!("q=%20%22{}%22", prefix.to_uppercase()),
        move |s| text(&s["orderId"]).starts_with(&prefix),
    ));
    filters
}

/// What the facets of these shipments are.
pub(super) fn facets(shipments: &[&Value]) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut facets: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for s in shipments {
        let (seller, customer) = (text(&s["sellerRegion"]), text(&s["customerRegion"]));
        for (facet, value) in [
            ("status", text(&s["status"]).to_owned()),
            ("seller_region", seller.to_owned()),
            ("customer_region", customer.to_owned()),
            ("route", format!("{seller}-{customer}")),
            ("delayed", s["delayed"].to_string()),
        ] {
            *facets
                .entry(facet.to_owned())
                .or_default()
                .entry(value)
                .or_default() += 1;
        }
    }
    facets
}

pub(super) fn answered_facets(answer: &Value) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut facets: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (facet, values) in answer["facets"].as_object().unwrap() {
        let values = values.as_array().unwrap();
        let counts: Vec<u64> = values
            .iter()
            .map(|v| v["count"].as_u64().unwrap())
            .collect();
        assert!(counts.is_sorted_by(|a, b| a >= b), "{facet}: {counts:?}");
        for value in values {
            let (value, count) = (text(&value["value"]), value["count"].as_u64().unwrap());
            facets
                .entry(facet.clone())
                .or_default()
                .insert(value.to_owned(), count);
        }
    }
    facets
}
