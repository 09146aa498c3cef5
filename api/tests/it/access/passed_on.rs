//! What Ingest gets of a request that is passed on.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{ask, with_tokens};
use crate::support::Api;

type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A stand-in that notes what it is asked, and an API that passes on to it.
async fn with_stand_in() -> (Api, Seen, TaskTracker) {
    let seen = Seen::default();
    let note = async |State(seen): State<Seen>, request: Request| {
        let line = format!("{} {}", request.method(), request.uri());
        seen.lock().unwrap().push((line, request.headers().clone()));
        let secrets = [
            ("set-cookie", "a=b"),
            ("x-other", "1"),
            ("location", "/v1/runs/x"),
        ];
        (secrets, "{}").into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(note).with_state(Arc::clone(&seen));
    let tasks = TaskTracker::new();
    // It ends with the test's runtime.
    tasks.spawn(async move { axum::serve(listener, router).await });
    let api = Api::embedded_with(|config| {
        with_tokens(config);
        config.ingest = Some(url);
    });
    (api, seen, tasks)
}

#[tokio::test]
async fn ingest_sees_the_callers_token_and_nothing_of_a_session() {
    let (api, seen, _tasks) = with_stand_in().await;
    let bearer = ("authorization", "Bearer replay");
    let begun = ask(&api, "POST", "/v1/session", &[bearer], "").await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let csrf = begun.json()["session"]["csrf"].as_str().unwrap().to_owned();
    let common = [
        ("idempotency-key", "k-1"),
        ("x-request-id", "me-1"),
        ("eip-requester", "ann"),
        ("eip-origin", "page"),
        ("x-secret", "1"),
    ];
    let by_session = [("cookie", cookie), ("x-csrf-token", csrf.as_str())];
    for headers in [&by_session[..], &[bearer]] {
        let headers: Vec<_> = headers.iter().chain(&common).copied().collect();
        let answer = ask(&api, "POST", "/v1/runs?space=main", &headers, "{}").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("location"), "/v1/runs/x");
        assert_eq!(answer.header("set-cookie"), "");
        assert_eq!(answer.header("x-other"), "");
        assert_eq!(answer.header("x-request-id"), "me-1");
    }
    for (line, headers) in seen.lock().unwrap().iter() {
        assert_eq!(line, "POST /v1/runs?space=main");
        assert_eq!(headers["authorization"], "Bearer replay");
        for (name, value) in &common[..4] {
            assert_eq!(headers[*name], *value);
        }
        for name in ["cookie", "x-csrf-token", "x-secret", "origin"] {
            assert!(headers.get(name).is_none(), "{name}");
        }
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_refused_here_never_reaches_ingest() {
    let (api, seen, _tasks) = with_stand_in().await;
    let begun = ask(
        &api,
        "POST",
        "/v1/session",
        &[("authorization", "Bearer replay")],
        "",
    )
    .await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let long = " ".repeat(600 << 10);
    for (headers, body, status) in [
        (vec![], "{}", 401),
        (vec![("authorization", "Bearer read")], "{}", 403),
        (vec![("cookie", cookie)], "{}", 403),
        (vec![("authorization", "Bearer replay")], &long, 413),
    ] {
        let answer = ask(&api, "POST", "/v1/runs", &headers, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        answer.code();
    }
    assert_eq!(seen.lock().unwrap().len(), 0);
}
