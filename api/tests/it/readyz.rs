//! `GET /readyz`

use eip_api::{CacheConfig, RedisConfig};
use serde_json::json;

use crate::support::{Api, Servers, Stored};

#[tokio::test]
async fn it_says_how_far_the_views_are_written() {
    Api::on_both(async |api| {
        let answer = api.get("/readyz").await;
        assert_eq!(answer.status, 200);
        let mut answer = answer.json();
        // Searches in PostgreSQL's terms: no dataflow has said here what they find.
        let visible = answer["progress"]
            .as_object_mut()
            .unwrap()
            .remove("visibleTick");
        assert!(
            visible == Some(json!(1700)) || visible == Some(json!(0)),
            "{visible:?}"
        );
        let progress = json!({ "topicId": "abc", "epoch": 2, "tick": 1700, "offsets": [5, 0] });
        assert_eq!(answer, json!({ "status": "ready", "progress": progress }));
    })
    .await;
}

#[tokio::test]
async fn it_becomes_ready_when_a_dataflow_has_written() {
    Api::without_views(async |api| {
        let not_ready = async |stage: &str| {
            let answer = api.get("/readyz").await;
            assert_eq!(answer.status, 503, "{stage}");
            assert_eq!(answer.header("retry-after"), "5");
            assert!(answer.problem().contains("let a dataflow write them"));
        };
        not_ready("no tables").await;
        api.make_tables().await;
        not_ready("no progress row").await;
        api.set_progress(1, 0, &[]).await;
        not_ready("no tick written").await;
        api.set_progress(1, 9, &[1]).await;
        assert_eq!(api.get("/readyz").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn views_of_a_newer_format_are_not_read() {
    Api::on_both(async |api| {
        api.execute("UPDATE progress SET format = 7").await;
        let answer = api.get("/readyz").await;
        assert_eq!(answer.status, 503);
        assert!(answer.problem().contains("format 7"));
    })
    .await;
}

#[tokio::test]
async fn each_dependency_says_how_it_is() {
    Api::on_both(async |api| {
        let answer = api.get("/readyz?verbose").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.content_type.starts_with("text/plain"));
        let lines: Vec<&str> = answer.text.lines().collect();
        let line = |name: &str| {
            let line = lines.iter().find(|line| line.starts_with(name));
            line.unwrap_or_else(|| panic!("{name}: {}", answer.text))
        };
        assert_eq!(lines.last(), Some(&"ready"));
        assert!(line("cache").contains("  ready  "));
        if let Stored::Servers(_) = &api.stored {
            assert!(line("postgres").contains("  ready    tick 1700 is written"));
            assert!(line("elasticsearch").contains("  ready    0 shipments are found"));
        } else {
            assert!(line("sqlite").contains("  ready    tick 1700 is written"));
        }
    })
    .await;
}

#[tokio::test]
async fn it_is_ready_without_cache_searches_and_ingest_and_says_so() {
    let mut servers = Servers::new();
    servers.other_elasticsearch = Some("http://127.0.0.1:1".to_owned());
    let redis = CacheConfig::Redis(RedisConfig::new("redis://127.0.0.1:1"));
    let api = Api::over_with(Stored::Servers(servers), redis, |config| {
        config.ingest = Some("http://127.0.0.1:1".to_owned());
    });
    // The store of the rows is there, and no dataflow has written any.
    let waiting = api.get("/readyz?verbose").await;
    assert_eq!(waiting.status, 503, "{}", waiting.text);
    assert!(
        waiting
            .text
            .contains("postgres       waiting  there are no views yet")
    );
    assert!(waiting.text.ends_with("\nnot ready\n"), "{}", waiting.text);
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    assert_eq!(api.get("/readyz").await.status, 200);
    let answer = api.get("/readyz?verbose=1").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for (name, without) in [
        ("elasticsearch", "(searches need it)"),
        ("cache", "(answers come from the stores)"),
        ("ingest", "(runs need it)"),
    ] {
        let line = answer.text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {}", answer.text));
        assert!(line.contains(" away ") && line.ends_with(without), "{line}");
    }
}

#[tokio::test]
async fn it_is_alive_before_there_are_any_views() {
    let answer = Api::embedded().get("/livez").await;
    assert_eq!(
        (answer.status.as_u16(), answer.text.as_str()),
        (200, "ok\n")
    );
}
