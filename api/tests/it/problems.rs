//! What every path has in common: errors are problems, requests have ids.

use axum::body::Body;
use axum::http::{HeaderValue, Request};

use crate::support::Api;

#[tokio::test]
async fn an_unknown_path_is_a_problem() {
    let answer = Api::embedded().get("/v2/nothing").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.problem(), "there is nothing at this path");
    assert_eq!(answer.json()["instance"], "/v2/nothing");
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
    let request = Request::get("/v1/overview")
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
    let own = api.get("/livez").await;
    assert_eq!(own.header("x-request-id").len(), 36);
}

#[tokio::test]
async fn an_id_that_could_forge_a_header_or_a_line_of_a_log_is_replaced() {
    let api = Api::embedded();
    let long = "x".repeat(129);
    for unfit in [
        b"".as_slice(),
        b"a b",
        b"a\tb",
        b"a\"b",
        b"<script>",
        b"a;b=c",
        b"\x1b[31mred",
        b"caf\xe9",
        b"a,b",
        long.as_bytes(),
    ] {
        // A header's value holds no line break at all: the client could not even send it.
        let Ok(value) = HeaderValue::from_bytes(unfit) else {
            continue;
        };
        let mut request = Request::get("/v2/nothing").body(Body::empty()).unwrap();
        request.headers_mut().insert("x-request-id", value);
        let answer = api.send(request).await;
        let id = answer.header("x-request-id");
        assert_eq!(id.len(), 36, "{unfit:?}: {id}");
        assert_eq!(answer.json()["requestId"], id);
    }
    // Of several, the first counts, and one is answered.
    let request = Request::get("/livez")
        .header("x-request-id", "one")
        .header("x-request-id", "two")
        .body(Body::empty());
    let answer = api.send(request.unwrap()).await;
    let ids = answer.response.headers().get_all("x-request-id");
    assert_eq!(ids.iter().collect::<Vec<_>>(), ["one"]);
}

#[tokio::test]
async fn every_refusal_has_a_name_a_path_and_an_id() {
    let api = Api::embedded();
    for (method, path, body, status, code) in [
        ("GET", "/v1/shipments?limit=0", "", 400, "bad_field"),
        ("GET", "/v1/shipments?colour=red", "", 400, "bad_request"),
        ("GET", "/v1/routes/stats?group=%ff", "", 400, "bad_field"),
        ("POST", "/v1/shipments/lookup", "{", 400, "bad_request"),
        ("GET", "/v1/runs", "", 404, "no_ingest"),
        ("GET", "/v1/nothing", "", 404, "no_such_path"),
        ("PUT", "/v1/shipments", "", 405, "no_such_method"),
        ("BREW", "/v1/shipments", "", 405, "no_such_method"),
        ("GET", "/v1/shipments", "", 503, "no_views"),
        ("GET", "/readyz", "", 503, "no_views"),
        ("GET", "/readyz?detail", "", 400, "bad_request"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let answer = api.send(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(answer.code(), code, "{method} {path}: {}", answer.text);
        let instance = path.split('?').next().unwrap();
        assert_eq!(answer.json()["instance"], instance);
        assert_eq!(answer.header("retry-after").is_empty(), status != 503);
    }
}
