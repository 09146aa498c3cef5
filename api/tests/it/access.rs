//! Who may ask what: tokens, roles, and the sessions of pages.

mod passed_on;
mod session;

use axum::body::Body;
use axum::http::Request;
use eip_api::ApiConfig;
use eip_http::{Role, Tokens, token_sha256};

use crate::support::{Answer, Api};

/// One token of each role, named by it; the token is the name.
fn tokens() -> Tokens {
    let mut tokens = Tokens::default();
    for role in Role::ALL {
        tokens
            .add(role.name(), role, &[token_sha256(role.name())])
            .unwrap();
    }
    tokens
}

fn with_tokens(config: &mut ApiConfig) {
    config.tokens = tokens();
}

/// Views that a dataflow has written, behind tokens.
async fn guarded() -> Api {
    let api = Api::embedded_with(with_tokens);
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    api
}

async fn ask(api: &Api, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/json");
    api.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

/// What needs a token, by method, path and body, and the role that is enough.
const KINDS: [(&str, &str, &str, Role); 14] = [
    ("GET", "/v1/overview", "", Role::Read),
    ("GET", "/v1/shipments", "", Role::Read),
    ("HEAD", "/v1/shipments", "", Role::Read),
    ("GET", "/v1/shipments/export", "", Role::Read),
    ("GET", "/v1/routes/matrix", "", Role::Read),
    ("GET", "/metrics", "", Role::Read),
    ("GET", "/v1/session", "", Role::Read),
    ("POST", "/v1/shipments/lookup", "{\"ids\":[]}", Role::Read),
    ("GET", "/v1/runs", "", Role::Read),
    ("POST", "/v1/runs", "{}", Role::Replay),
    ("PATCH", "/v1/runs/0123456789abcdef", "{}", Role::Replay),
    ("DELETE", "/v1/runs/0123456789abcdef", "", Role::Replay),
    ("POST", "/v1/datasets/olist/check", "{}", Role::Replay),
    (
        "POST",
        "/v1/pipeline/refused_documents/retry",
        "{}",
        Role::Replay,
    ),
];

#[tokio::test]
async fn each_role_may_do_its_part_and_is_told_which_role_the_rest_needs() {
    let api = guarded().await;
    for (method, path, body, needed) in KINDS {
        for role in Role::ALL {
            let bearer = format!("Bearer {role}");
            let answer = ask(&api, method, path, &[("authorization", &bearer)], body).await;
            let what = format!("{role}: {method} {path}: {} {}", answer.status, answer.text);
            if role < needed {
                assert_eq!(answer.status, 403, "{what}");
                assert_eq!(answer.code(), "role", "{what}");
                let detail = answer.problem();
                assert!(detail.contains(&format!("role {needed}")), "{what}");
            } else if path.starts_with("/v1/runs") || path.starts_with("/v1/datasets") {
                assert_eq!(answer.code(), "no_ingest", "{what}");
            } else if path.starts_with("/v1/pipeline") {
                assert_eq!(answer.code(), "no_dataflow", "{what}");
            } else {
                assert_eq!(answer.status, 200, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_shown() {
    let api = guarded().await;
    let hash = format!("Bearer {}", token_sha256("admin"));
    let bearer = |value| ("authorization", value);
    for (headers, code) in [
        (vec![], "no_token"),
        (vec![bearer("Bearer admin"); 2], "no_token"),
        (vec![bearer("Bearer nobody")], "bad_token"),
        (vec![bearer("Bearer ")], "bad_token"),
        (vec![bearer("Basic YWRtaW4=")], "bad_token"),
        (vec![bearer("admin")], "bad_token"),
        (vec![bearer(&hash)], "bad_token"),
        (vec![("cookie", "eip-session=nothing")], "session_ended"),
        (vec![("cookie", "eip-session=")], "session_ended"),
        (vec![("cookie", "other=1")], "no_token"),
    ] {
        for (method, path, body, _) in KINDS {
            let answer = ask(&api, method, path, &headers, body).await;
            let what = format!("{method} {path} {headers:?}: {}", answer.text);
            assert_eq!(answer.status, 401, "{what}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"eip\"");
            if method != "HEAD" {
                assert_eq!(answer.code(), code, "{what}");
            }
        }
    }
    // These say nothing that is not for everybody; the stores' own words are not among it.
    for path in ["/livez", "/readyz"] {
        assert_eq!(ask(&api, "GET", path, &[], "").await.status, 200, "{path}");
    }
    let verbose = ask(&api, "GET", "/readyz?verbose", &[], "").await;
    assert_eq!(verbose.code(), "no_token");
    let read = [bearer("Bearer read")];
    let verbose = ask(&api, "GET", "/readyz?verbose", &read, "").await;
    assert!(verbose.text.contains("tick 1700"), "{}", verbose.text);
}

#[tokio::test]
async fn without_tokens_everybody_may_do_everything() {
    let api = Api::embedded();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    for headers in [vec![], vec![("authorization", "Bearer whatever")]] {
        let answer = ask(&api, "GET", "/v1/overview", &headers, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let identity = ask(&api, "GET", "/v1/session", &headers, "").await.json();
        assert!(identity["name"].is_null() && identity["session"].is_null());
        assert_eq!(identity["role"], "admin");
        let begun = ask(&api, "POST", "/v1/session", &headers, "").await;
        assert_eq!(
            (begun.status.as_u16(), begun.code().as_str()),
            (409, "no_tokens")
        );
    }
}
