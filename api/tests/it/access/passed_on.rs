//! What Ingest and the dataflow get of a request that is passed on.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::{ask, with_tokens};
use crate::support::Api;

type Seen = Arc<Mutex<Vec<(String, HeaderMap)>>>;
/// What a stand-in answers.
type Said = (StatusCode, &'static str);

/// A stand-in that notes what it is asked and answers this, and an API that passes on to it.
async fn with_stand_in(said: Said) -> (Api, Seen, TaskTracker) {
    let seen = Seen::default();
    let note = async |State((seen, said)): State<(Seen, Said)>, request: Request| {
        let line = format!("{} {}", request.method(), request.uri());
        seen.lock().unwrap().push((line, request.headers().clone()));
        let secrets = [
            ("set-cookie", "a=b"),
            ("x-other", "1"),
            ("location", "/v1/runs/x"),
        ];
        (said.0, secrets, said.1).into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new()
        .fallback(note)
        .with_state((Arc::clone(&seen), said));
    let tasks = TaskTracker::new();
    // It ends with the test's runtime.
    tasks.spawn(async move { axum::serve(listener, router).await });
    let api = Api::embedded_with(|config| {
        with_tokens(config);
        config.ingest = Some(url.clone());
        config.dataflow = Some(url);
    });
    (api, seen, tasks)
}

#[tokio::test]
async fn ingest_sees_the_callers_token_and_nothing_of_a_session() {
    let (api, seen, _tasks) = with_stand_in((StatusCode::OK, "{}")).await;
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
    let (api, seen, _tasks) = with_stand_in((StatusCode::OK, "{}")).await;
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

const RETRY: &str = "/v1/pipeline/refused_documents/retry";

#[tokio::test]
async fn the_dataflow_sees_the_callers_token_and_which_documents_are_meant() {
    let said = (
        StatusCode::ACCEPTED,
        "{\"sent_again\":3,\"refused_again\":null}",
    );
    let (api, seen, _tasks) = with_stand_in(said).await;
    let bearer = ("authorization", "Bearer replay");
    let begun = ask(&api, "POST", "/v1/session", &[bearer], "").await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let csrf = begun.json()["session"]["csrf"].as_str().unwrap().to_owned();
    let by_session = [("cookie", cookie), ("x-csrf-token", csrf.as_str())];
    let refused = ask(&api, "POST", RETRY, &by_session[..1], "{}").await;
    assert_eq!(refused.code(), "csrf");
    let which = "{\"view\":\"shipments\",\"ids\":[\"a\"]}";
    let answer = ask(&api, "POST", RETRY, &by_session, which).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json()["sent_again"], 3);
    let unknown = ask(&api, "POST", RETRY, &[bearer], "{\"id\":\"a\"}").await;
    assert_eq!(unknown.status, 400, "{}", unknown.text);
    let seen = seen.lock().unwrap();
    let [(line, headers)] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert_eq!(line, "POST /refused_documents/retry");
    assert_eq!(headers["authorization"], "Bearer replay");
    assert!(headers.get("cookie").is_none());
}

#[tokio::test]
async fn what_the_dataflow_refuses_is_refused_in_its_words() {
    let said = "{\"code\":\"several_processes\",\"detail\":\"start them again\"}";
    let (api, _seen, _tasks) = with_stand_in((StatusCode::CONFLICT, said)).await;
    let bearer = [("authorization", "Bearer replay")];
    let answer = ask(&api, "POST", RETRY, &bearer, "{}").await;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_eq!(answer.code(), "several_processes");
    assert_eq!(answer.problem(), "start them again");
}
