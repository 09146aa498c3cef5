//! `GET /v1/overview`: what counts from data now, and what it was on the days before.

use eip_contract::{EventTime, EventType};
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use crate::support::{Api, Order, requested, time};

const DAY: i64 = 86_400;

fn after(moment: EventTime, seconds: i64) -> EventTime {
    EventTime::from_seconds(moment.seconds() + seconds).unwrap()
}

/// Orders with facts in the forty days up to `now`, one of them at `now`, and promises around it.
fn orders(now: EventTime, dice: &mut ChaCha8Rng) -> Vec<Order> {
    let mut orders: Vec<Order> = (0..80)
        .map(|number| {
            let promise = dice.random_range(-20 * DAY..20 * DAY);
            let promise = dice.random_bool(0.8).then(|| after(now, promise));
            let mut times = [None; 6];
            let mut at = -dice.random_range(0..40 * DAY);
            for time in &mut times {
                if dice.random_bool(0.5) && at <= 0 {
                    *time = Some(after(now, at));
                    at += dice.random_range(0..12 * DAY);
                }
            }
            if times == [None; 6] {
                times[0] = Some(after(now, -dice.random_range(0..9) * DAY));
            }
            (format!("order {number:02}"), promise, times)
        })
        .collect();
    orders[0].2[0] = Some(now);
    orders
}

/// Whether an order is at risk, stalled and quiet at a moment by its facts up to then: the present rules, with
/// what came later left out.
fn standing(
    order: &Order,
    then: EventTime,
    [hours, stalled_days, quiet_days]: [i64; 3],
) -> [bool; 3] {
    let (_, promise, times) = order;
    let times = times.map(|time| time.filter(|time| *time <= then));
    let lacks = |event_type: EventType| times[event_type.rank()].is_none();
    if times == [None; 6] || !lacks(EventType::Delivered) {
        return [false; 3];
    }
    let is_promised = |from: EventTime, below: EventTime| {
        promise.is_some_and(|promise| (from..below).contains(&promise))
    };
    let is_silent = |days: i64| {
        let since = after(then, -days * DAY);
        times.iter().flatten().all(|time| *time < since)
    };
    let not_delayed = lacks(EventType::DeliveryDelayed);
    let is_overdue = not_delayed && is_promised(EventTime::MIN, then);
    [
        not_delayed && is_promised(then, after(then, hours * 3_600)),
        is_overdue || is_silent(stalled_days),
        is_silent(quiet_days),
    ]
}

#[tokio::test]
async fn what_stands_and_what_stood_follow_from_the_facts_up_to_then() {
    let (seed, _) = requested(1, 1);
    println!("EIP_SEED={seed}");
    let now = time("2018-03-20T12:00:00Z");
    let orders = orders(now, &mut ChaCha8Rng::seed_from_u64(seed));
    let count = |then: EventTime, window: [i64; 3]| {
        let all = orders.iter().map(|order| standing(order, then, window));
        all.fold([0_u64; 3], |sums, one| {
            std::array::from_fn(|place| sums[place] + u64::from(one[place]))
        })
    };
    Api::on_both(async |api| {
        api.orders(&orders).await;
        api.make_visible(1700).await;
        for (query, window) in [
            ("trend_days=7", [48, 14, 14]),
            (
                "trend_days=31&at_risk_hours=200&stalled_days=5&quiet_days=3",
                [200, 5, 3],
            ),
        ] {
            let answer = api.get(&format!("/v1/overview?{query}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let answer = answer.json();
            let points = answer["trend"].as_array().unwrap();
            assert_eq!(
                format!("trend_days={}", points.len()),
                query.split('&').next().unwrap()
            );
            for (ago, point) in points.iter().rev().enumerate() {
                let then = after(now, -(ago as i64) * DAY);
                let [at_risk, stalled, quiet] = count(then, window);
                let expected = json!({
                    "at": then.to_string(), "at_risk": at_risk, "stalled": stalled, "quiet": quiet,
                });
                assert_eq!(point, &expected, "{query}");
            }
            let [at_risk, stalled, quiet] = count(now, window);
            let found =
                ["at_risk", "stalled", "quiet", "quiet_days"].map(|name| answer[name].clone());
            assert_eq!(json!(found), json!([at_risk, stalled, quiet, window[2]]));
        }
        // The filter selects those that are counted.
        for (wanted, expected) in [("true", true), ("false", false)] {
            let list = api
                .get(&format!(
                    "/v1/shipments?quiet={wanted}&quiet_days=3&sort=order_id&limit=200"
                ))
                .await;
            let list = list.json();
            let listed = list["shipments"].as_array().unwrap().iter();
            let listed: Vec<_> = listed
                .map(|shipment| shipment["orderId"].as_str().unwrap())
                .collect();
            let quiet = orders
                .iter()
                .filter(|order| standing(order, now, [48, 14, 3])[2] == expected);
            let quiet: Vec<_> = quiet.map(|(order_id, ..)| order_id.as_str()).collect();
            assert_eq!(listed, quiet, "{wanted}");
        }
        let plain = api.get("/v1/overview").await.json();
        assert!(plain.get("trend").is_none(), "{plain}");
    })
    .await;
}

#[tokio::test]
async fn without_an_event_nothing_stands() {
    Api::on_both(async |api| {
        api.make_visible(1700).await;
        let answer = api.get("/v1/overview?trend_days=2").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let answer = answer.json();
        let figures = ["shipments", "at_risk", "stalled", "quiet"].map(|name| answer[name].clone());
        assert_eq!(json!(figures), json!([0, 0, 0, 0]));
        for bad in [
            "trend_days=0",
            "trend_days=32",
            "quiet_days=0",
            "quiet_days=x",
        ] {
            let answer = api.get(&format!("/v1/overview?{bad}")).await;
            assert_eq!(answer.status, 400, "{bad}");
        }
    })
    .await;
}
