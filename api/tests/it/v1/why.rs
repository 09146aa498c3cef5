//! `GET /v1/shipments/{orderId}/why` where there is no log to explain with. What it explains is tested over whole
//! chains (`tests/it/api/why.rs` of the workspace).

use axum::body::Body;
use axum::http::Request;
use eip_api::{ApiConfig, CacheConfig, LogConfig, router};
use eip_log::StateDir;

use crate::support::{Answer, Api, send};

/// What an API says that reads the log in `log`.
async fn why(api: &Api, log: LogConfig) -> Answer {
    let config = ApiConfig {
        log: Some(log),
        ..api.stored.config(CacheConfig::Memory)
    };
    let router = router(eip_api::Api::open(&config).unwrap());
    let request = Request::get("/v1/shipments/o-1/why").body(Body::empty());
    send(router, request.unwrap()).await
}

#[tokio::test]
async fn an_api_without_a_log_says_how_to_name_one() {
    Api::on_both(async |api| {
        api.delivered_order("o-1").await;
        let answer = api.get("/v1/shipments/o-1/why").await;
        assert_eq!(answer.status, 404);
        let problem = answer.problem();
        assert!(
            problem.contains("knows no log") && problem.contains("--kafka"),
            "{problem}"
        );
    })
    .await;
}

#[tokio::test]
async fn another_log_than_that_of_the_views_explains_nothing() {
    Api::on_both(async |api| {
        api.delivered_order("o-1").await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let missing = why(&api, LogConfig::Journal(path.clone())).await;
        assert_eq!(missing.status, 503);
        assert!(
            missing.problem().contains("is no state folder"),
            "{}",
            missing.text
        );
        StateDir::create(&path, 2).unwrap();
        let answer = why(&api, LogConfig::Journal(path)).await;
        assert_eq!(answer.status, 503);
        let problem = answer.problem();
        assert!(problem.contains("were made from log abc"), "{problem}");
    })
    .await;
}

#[tokio::test]
async fn an_id_that_can_be_none_and_an_unknown_parameter_are_bad_requests() {
    let api = Api::embedded();
    for path in ["/v1/shipments/%01/why", "/v1/shipments/o-1/why?deep=true"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(!answer.problem().is_empty());
    }
}
