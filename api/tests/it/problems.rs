//! What every path has in common: errors are problems, requests have ids.

use axum::body::Body;
use axum::http::Request;

use crate::support::Api;

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let answer = Api::embedded().get("/v2/nothing").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.problem(), "there is nothing at /v2/nothing");
}

#[tokio::test]
async fn an_unknown_method_is_a_problem_that_names_the_known_ones() {
    let api = Api::embedded();
    let request = Request::delete("/v1/routes/stats")
        .body(Body::empty())
        .unwrap();
    let answer = api.send(request).await;
    assert_eq!(answer.status, 405);
    answer.problem();
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn a_body_that_nobody_asked_for_is_a_problem() {
    let api = Api::embedded();
    let request = Request::get("/healthz")
        .header("content-length", "1000000")
        .body(Body::from(vec![b'x'; 1_000_000]))
        .unwrap();
    let answer = api.send(request).await;
    assert_eq!(answer.status, 413);
    answer.problem();
}

#[tokio::test]
async fn a_request_keeps_the_id_that_it_came_with() {
    let api = Api::embedded();
    let request = Request::get("/none")
        .header("x-request-id", "mine-1")
        .body(Body::empty());
    let answer = api.send(request.unwrap()).await;
    assert_eq!(answer.header("x-request-id"), "mine-1");
    assert_eq!(answer.json()["requestId"], "mine-1");
    let own = api.get("/healthz").await;
    assert_eq!(own.header("x-request-id").len(), 36);
}
