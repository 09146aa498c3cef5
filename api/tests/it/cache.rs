//! Kept answers: the same within a tick, never for a later one, never of another space.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use eip_api::{CacheConfig, RedisConfig, router};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Api, Servers, Stored, patient_redis, send};

async fn placed(api: &Api) -> Value {
    api.get("/v1/routes/stats").await.json()["summary"]["placed"].clone()
}

#[tokio::test]
async fn an_answer_is_kept_within_a_tick_and_never_given_for_a_later_one() {
    Api::on_both(async |api| {
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        assert_eq!(placed(&api).await, 7);
        // No dataflow does this without a tick, so it shows where an answer comes from.
        api.execute("UPDATE route_stats_daily SET placed = 8").await;
        assert_eq!(placed(&api).await, 7);
        let other = api.get("/v1/routes/stats?limit=5").await.json();
        assert_eq!(other["summary"]["placed"], 8, "another question");
        api.set_progress(2, 1701, &[6, 0]).await;
        assert_eq!(placed(&api).await, 8);
        api.execute("UPDATE route_stats_daily SET placed = 9").await;
        // The same tick of a later epoch is another tick.
        api.set_progress(3, 1701, &[6, 0]).await;
        assert_eq!(placed(&api).await, 9);
    })
    .await;
}

#[tokio::test]
async fn an_order_is_kept_and_one_that_is_not_found_is_not() {
    Api::on_both(async |api| {
        assert_eq!(api.get("/v1/shipments/o-1").await.status, 404);
        api.delivered_order("o-1").await;
        let first = api.get("/v1/shipments/o-1").await;
        assert_eq!(first.status, 200);
        assert_eq!(
            api.get("/v1/shipments/o-1").await.content(),
            first.content()
        );
        let hit = "eip_api_cache_hits_total 1";
        assert!(api.get("/metrics").await.text.contains(hit));
    })
    .await;
}

#[tokio::test]
async fn redis_serves_all_apis_of_a_space_and_spaces_are_apart() {
    let (one, other) = (Api::on_servers(), Api::on_servers());
    for (api, delivered) in [(&one, 3), (&other, 4)] {
        api.make_tables().await;
        api.set_progress(2, 1700, &[5, 0]).await;
        api.row("2018-03-01", "SP", "RJ", delivered, 1).await;
    }
    let question = || {
        Request::get("/v1/routes/stats")
            .body(Body::empty())
            .unwrap()
    };
    let first = one.send(question()).await;
    assert_ne!(other.send(question()).await.content(), first.content());
    one.execute("DELETE FROM route_stats_daily").await;
    let config = one.stored.config(patient_redis());
    let second = router(eip_api::Api::open(&config).unwrap());
    assert_eq!(send(second, question()).await.content(), first.content());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_ask_the_same_at_the_same_time_ask_the_stores_once() {
    Api::on_both(async |api| {
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        let mut asking = JoinSet::new();
        for _ in 0..100 {
            let request = Request::get("/v1/routes/stats")
                .body(Body::empty())
                .unwrap();
            asking.spawn(send(api.router(), request));
        }
        while let Some(answer) = asking.join_next().await {
            assert_eq!(answer.unwrap().json()["summary"]["placed"], 7);
        }
        let text = api.get("/metrics").await.text;
        assert!(text.contains("eip_api_cache_misses_total 1\n"), "{text}");
        assert!(text.contains("eip_api_cache_hits_total 99\n"), "{text}");
    })
    .await;
}

#[tokio::test]
async fn without_redis_answers_come_from_the_stores() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // A server that is gone, and one that says nothing.
    for gone in [true, false] {
        let url = if gone {
            "redis://127.0.0.1:1".to_owned()
        } else {
            format!("redis://{address}")
        };
        let api = Api::over(
            Stored::Servers(Servers::new()),
            CacheConfig::Redis(RedisConfig::new(url)),
        );
        api.make_tables().await;
        api.set_progress(2, 1700, &[5, 0]).await;
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(placed(&api).await, 7);
        }
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
        let text = api.get("/metrics").await.text;
        assert!(text.contains("eip_api_cache_misses_total 1"), "{text}");
        assert!(text.contains("eip_api_cache_hits_total 19"), "{text}");
        assert!(!text.contains("eip_api_cache_failures_total 0"), "{text}");
    }
}
