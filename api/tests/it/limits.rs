//! Requests that are too many or too large.

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use eip_http::{Role, Tokens, token_sha256};

use crate::support::{Answer, Api};

async fn ask(api: &Api, address: &str, token: Option<&str>, path: &str) -> Answer {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut request = request.body(Body::empty()).unwrap();
    let peer: std::net::SocketAddr = address.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    api.send(request).await
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_back_and_others_are_answered() {
    let mut tokens = Tokens::default();
    for name in ["ann", "bob"] {
        let hash = [token_sha256(name)];
        tokens.add(name, Role::Read, &hash).unwrap();
    }
    let api = Api::embedded_with(|config| {
        config.tokens = tokens;
        config.limits.max_rate = 1;
    });
    let (here, there) = ("10.0.0.1:1", "10.0.0.2:1");
    // A busy machine may take a second for a request, and then there is room for the next one.
    let refused = async |address: &str, token: Option<&str>| loop {
        let answer = ask(&api, address, token, "/v1/session").await;
        if answer.status == 429 {
            break answer;
        }
    };
    // A name is one caller, whatever address it comes from; it does not count against the address.
    let first = ask(&api, here, Some("ann"), "/v1/session").await;
    assert_eq!(first.status, 200, "{}", first.text);
    let second = refused(there, Some("ann")).await;
    assert_eq!(second.code(), "too_many");
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(second.json()["retry_after"], 1);
    let other = ask(&api, here, Some("bob"), "/v1/session").await;
    assert_eq!(other.status, 200, "{}", other.text);
    // So is one without a token by its address, and each guess counts.
    let guess = ask(&api, here, Some("guess"), "/v1/session").await;
    assert_eq!(guess.status, 401, "{}", guess.text);
    refused(here, Some("another guess")).await;
    let guess = ask(&api, there, Some("guess"), "/v1/session").await;
    assert_eq!(guess.status, 401, "{}", guess.text);
    // What watches over the service is answered all the same.
    for _ in 0..5 {
        assert_eq!(ask(&api, here, None, "/livez").await.status, 200);
    }
}

#[tokio::test]
async fn more_than_can_be_answered_at_once_is_told_to_come_back() {
    let api = Api::embedded_with(|config| config.limits.max_requests = 1);
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    let here = "127.0.0.1:1";
    // An answer that is not read yet has its place.
    let request = Request::get("/v1/shipments/export").body(Body::empty());
    let held = tower::ServiceExt::oneshot(api.router(), request.unwrap());
    let held = held.await.unwrap();
    assert_eq!(held.status(), 200);
    let refused = ask(&api, here, None, "/v1/overview").await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (429, "too_many")
    );
    assert_eq!(refused.header("retry-after"), "1");
    drop(held);
    assert_eq!(ask(&api, here, None, "/v1/overview").await.status, 200);
    // One that goes on for as long as somebody listens has not.
    let request = Request::get("/v1/stream").body(Body::empty());
    let stream = tower::ServiceExt::oneshot(api.router(), request.unwrap());
    let stream = stream.await.unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(ask(&api, here, None, "/v1/overview").await.status, 200);
}
