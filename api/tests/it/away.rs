//! A store that is away: its name for what needs it, an answer for everything else.

use axum::body::Body;
use axum::http::{Method, Request};
use tokio::task::JoinSet;

use crate::support::{Answer, Api, Document, Operation, send};

/// What is asked of the log, of Ingest, of the dataflow or of several spaces, or of nothing at all: their own tests have it.
const OF_OTHERS: [&str; 8] = [
    "/v1/coverage",
    "/v1/diff",
    "/v1/pipeline",
    "/v1/pipeline/refused_documents/retry",
    "/v1/runs",
    "/v1/runs/{id}",
    "/v1/session",
    "/v1/spaces",
];

/// Everything that can be asked of the views, all at the same time.
async fn every_answer(api: &Api) -> Vec<(Operation, Answer)> {
    let document = Document::of(&api.router()).await;
    let mut asking = JoinSet::new();
    for operation in document.operations() {
        let of_others = OF_OTHERS.contains(&&*operation.path);
        if of_others || operation.statuses().contains("default") {
            continue;
        }
        let path = operation
            .path
            .replace("{order_id}", "o-1")
            .replace("{seller}", "SP")
            .replace("{customer}", "RJ");
        let request = Request::builder()
            .method(operation.method.clone())
            .uri(path);
        let request = if operation.method == Method::POST {
            let request = request.header("content-type", "application/json");
            request.body(Body::from("{\"ids\":[\"o-1\"]}"))
        } else {
            request.body(Body::empty())
        };
        let asked = send(api.router(), request.unwrap());
        asking.spawn(async move { (operation, asked.await) });
    }
    asking.join_all().await
}

fn check(answers: &[(Operation, Answer)], store: &str, answered: &[&str]) {
    for (operation, answer) in answers {
        let path = &*operation.path;
        if answered.contains(&path) {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            continue;
        }
        assert_eq!(answer.status, 503, "{path}: {}", answer.text);
        assert!(answer.problem().contains(store), "{path}: {}", answer.text);
        assert_eq!(answer.header("retry-after"), "5", "{path}");
    }
}

#[tokio::test]
async fn without_elasticsearch_the_routes_are_answered() {
    let api = Api::without_elasticsearch();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    api.row("2018-03-01", "SP", "RJ", 3, 1).await;
    let answers = every_answer(&api).await;
    let answered = [
        "/livez",
        "/readyz",
        "/metrics",
        "/v1/routes/stats",
        "/v1/routes/worst",
        "/v1/routes/matrix",
        "/v1/routes/{seller}/{customer}",
    ];
    check(&answers, "elasticsearch", &answered);
    let stats = api.get("/v1/routes/stats").await.json();
    assert_eq!(stats["as_of"]["data_now"], serde_json::Value::Null);
    assert_eq!(stats["summary"]["placed"], 7);
}

#[tokio::test]
async fn without_postgresql_no_view_is_of_a_known_moment() {
    let api = Api::without_postgres();
    api.make_tables().await;
    let answers = every_answer(&api).await;
    check(&answers, "postgres", &["/livez", "/metrics"]);
}
