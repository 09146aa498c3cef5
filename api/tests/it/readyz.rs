//! `GET /readyz`

use serde_json::json;

use crate::support::Api;

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
