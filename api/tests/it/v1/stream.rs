//! `GET /v1/stream`

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::Api;

/// A reader of server-sent events.
struct Reader {
    body: BodyDataStream,
    text: String,
}

/// One of them.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Reader {
    async fn open(api: &Api, last: Option<&str>) -> Self {
        let mut request = Request::get("/v1/stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = api.router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn next(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let line = lines.find_map(|line| line.strip_prefix(name)).unwrap();
                    line.trim_start_matches(':').trim().to_owned()
                };
                let event = Event {
                    name: field("event"),
                    id: field("id"),
                    data: serde_json::from_str(&field("data")).unwrap(),
                };
                self.text = rest.into();
                return event;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.body.next());
            let chunk = chunk.await.expect("an event in time").unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// What the next event of shipments says.
    async fn shipments(&mut self) -> Value {
        loop {
            let event = self.next().await;
            if event.name == "shipments" {
                let tick = format!(":{}:", event.data["upto_tick"]);
                assert!(event.id.contains(&tick), "{event:?}");
                return event.data;
            }
        }
    }

    /// The overview of this tick.
    async fn of_tick(&mut self, tick: u64) -> Event {
        loop {
            let event = self.next().await;
            if event.name == "overview" && event.data["as_of"]["search_tick"] == tick {
                return event;
            }
        }
    }
}

async fn tick(api: &Api, tick: i64) {
    api.set_progress(2, tick, &[6, 0]).await;
    api.make_visible(tick).await;
}

#[tokio::test]
async fn a_reader_sees_every_tick_and_comes_back_where_it_was() {
    Api::on_both(async |api| {
        tick(&api, 1700).await;
        let mut reader = Reader::open(&api, None).await;
        let first = reader.next().await;
        assert_eq!(
            (first.name.as_str(), &first.data["overview"]["shipments"]),
            ("reset", &0.into())
        );
        assert_eq!(first.data["pipeline"]["ticks"]["stats_tick"], 1700);
        assert_eq!(first.data["runs"], Value::Null, "there is no log");
        api.delivered_order("a-1").await;
        tick(&api, 1701).await;
        let change = reader.of_tick(1701).await;
        assert_eq!(
            (change.name.as_str(), &change.data["shipments"]),
            ("overview", &1.into())
        );
        assert!(change.id.contains(":1701:"), "{}", change.id);
        tick(&api, 1702).await;
        reader.of_tick(1702).await;
        drop(reader);

        // One that comes back gets what it has missed; one that was away for too long, all of it.
        let mut again = Reader::open(&api, Some(&change.id)).await;
        let missed = again.of_tick(1702).await;
        assert_ne!(missed.id, change.id);
        let (place, number) = change.id.rsplit_once(':').unwrap();
        let number: u64 = number.parse().unwrap();
        let unpublished = format!("{place}:{}", number + 10_000);
        let elsewhere = format!("elsewhere:1701:{number}");
        for unknown in ["main:3", "1701", &elsewhere, &unpublished, ""] {
            let mut lost = Reader::open(&api, Some(unknown)).await;
            assert_eq!(lost.next().await.name, "reset", "{unknown:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_reader_hears_which_shipments_have_changed() {
    Api::on_both(async |api| {
        for (order_id, at) in [("gone", 1690), ("a", 1700)] {
            api.delivered_order_at(order_id, at).await;
        }
        tick(&api, 1700).await;
        let mut reader = Reader::open(&api, None).await;
        assert_eq!(reader.next().await.name, "reset");
        for (order_id, at) in [("c", 1702), ("b", 1702), ("a", 1701), ("later", 1705)] {
            api.delivered_order_at(order_id, at).await;
        }
        api.delete_at("gone", 1701).await;
        tick(&api, 1702).await;
        let change = |tick: u64, order_id: &str, deleted: bool| {
            json!({ "tick": tick, "order_id": order_id, "deleted": deleted })
        };
        let expected = json!({
            "since_tick": 1700, "upto_tick": 1702, "reset": false, "count": 4, "more": false,
            "changes": [
                change(1701, "a", false),
                change(1701, "gone", true),
                change(1702, "b", false),
                change(1702, "c", false),
            ],
        });
        assert_eq!(reader.shipments().await, expected);
        // A tick that changes none is not heard of; of a great many, the first ones are named.
        tick(&api, 1703).await;
        reader.of_tick(1703).await;
        api.delivered_orders_at(1_000, 1704).await;
        tick(&api, 1704).await;
        let many = reader.shipments().await;
        assert_eq!((&many["since_tick"], &many["upto_tick"]), (&json!(1702), &json!(1704)));
        assert_eq!((&many["count"], &many["more"]), (&json!(1_000), &json!(true)));
        let named = many["changes"].as_array().unwrap();
        assert_eq!(named.len(), 200);
        assert_eq!(named[199], change(1704, "order 000199", false));
        // Views that were written again have lost what went before.
        api.execute("UPDATE progress SET tick = 1750, changes_from = 1750").await;
        api.make_visible(1750).await;
        let reset = reader.shipments().await;
        let expected = json!({
            "since_tick": 1704, "upto_tick": 1750, "reset": true, "count": 0, "more": false, "changes": [],
        });
        assert_eq!(reset, expected);
    })
    .await;
}

#[tokio::test]
async fn readers_that_never_read_hold_nobody_up() {
    let api = Api::embedded();
    api.make_tables().await;
    tick(&api, 1700).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(Reader::open(&api, None).await);
    }
    let mut reading = Vec::new();
    for _ in 0..90 {
        reading.push(Reader::open(&api, None).await);
    }
    for number in 1701..1704 {
        tick(&api, number).await;
        for reader in &mut reading {
            reader.of_tick(number as u64).await;
        }
    }
}

#[tokio::test]
async fn without_views_there_is_no_stream_yet() {
    Api::without_views(async |api| {
        let answer = api.get("/v1/stream").await;
        assert_eq!(answer.status, 503, "{}", answer.text);
    })
    .await;
}
