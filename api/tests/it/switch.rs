//! A window switch: all of it changes in one transaction, and no answer has some of both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Request;
use sqlx::Connection as _;
use tokio::task::JoinSet;

use crate::support::{Api, Stored, send_alone};

const ROWS: i64 = 300;
const READERS: usize = 200;
const SWITCHES: i64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_readers_never_see_half_of_a_window_switch() {
    let api = Api::on_servers();
    api.make_tables().await;
    api.set_progress(1, 1, &[1]).await;
    api.execute(&format!(
        "INSERT INTO route_stats_daily
         SELECT DATE '2018-01-01' + day, 'SP', 'RJ', 1, 1, 1, 1, 1, 1, 0, 0, 0, NULL, NULL, NULL, 0
         FROM generate_series(1, {ROWS}) AS day"
    ))
    .await;
    let over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let (router, over) = (api.router(), Arc::clone(&over));
        readers.spawn(async move {
            let mut seen = 0;
            let mut last = 0;
            while !over.load(Ordering::Relaxed) || seen == 0 {
                // Each with a question of its own, so that the cache answers for nobody else.
                let path = format!("/v1/routes/stats?limit={}", 1000 + reader);
                let request = Request::get(path).body(Body::empty()).unwrap();
                let answer = send_alone(router.clone(), request).await;
                if answer.status == 503 {
                    // Two hundred wait for sixteen connections.
                    continue;
                }
                let json = answer.json();
                let rows = json["rows"].as_array().unwrap();
                let placed = rows[0]["placed"].as_i64().unwrap();
                assert_eq!(rows.len() as i64, ROWS);
                assert!(
                    rows.iter().all(|row| row["placed"] == placed),
                    "a mixed answer"
                );
                assert_eq!(json["summary"]["placed"], ROWS * placed);
                assert!(placed >= last, "an answer went back");
                last = placed;
                seen += 1;
            }
            seen
        });
    }
    let Stored::Servers(servers) = &api.stored else {
        unreachable!()
    };
    let mut writer = servers.connection().await;
    for tick in 2..2 + SWITCHES {
        let mut transaction = writer.begin().await.unwrap();
        // In two halves, as far apart as a transaction allows.
        for half in ["<", ">="] {
            let sql = format!(
                "UPDATE route_stats_daily SET placed = {tick}
                 WHERE stat_date {half} DATE '2018-06-01'"
            );
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
                .execute(&mut *transaction)
                .await
                .unwrap();
            tokio::task::yield_now().await;
        }
        let sql = format!("UPDATE progress SET tick = {tick}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        // The next one when somebody has had the time to look.
        let question = format!("/v1/routes/stats?limit={}", 2000 + tick);
        let seen = api.get(&question).await.json();
        assert_eq!(seen["summary"]["placed"], ROWS * tick);
    }
    over.store(true, Ordering::Relaxed);
    let mut answers = 0;
    while let Some(reader) = readers.join_next().await {
        answers += reader.unwrap();
    }
    assert!(answers >= READERS, "{answers}");
}
