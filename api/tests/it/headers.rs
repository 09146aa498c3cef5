//! What a browser is told, and how answers are packed.

use std::io::Read as _;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use tower::ServiceExt as _;

use crate::support::{Answer, Api};

async fn filled() -> Api {
    let api = Api::embedded();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    for day in 1..29 {
        let day = format!("2018-03-{day:02}");
        api.row(&day, "SP", "RJ", 3, 1).await;
    }
    api
}

async fn send(api: &Api, method: &str, path: &str, encoding: &str) -> Response<Body> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("accept-encoding", encoding)
        .body(Body::empty());
    api.router().oneshot(request.unwrap()).await.unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_answer_tells_a_browser_to_trust_nothing_from_elsewhere() {
    let api = filled().await;
    let check = |answer: &Answer, what: &str| {
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{what}: {name}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), "", "{what}");
        assert!(!answer.header("cache-control").is_empty(), "{what}");
        assert!(!answer.header("x-request-id").is_empty(), "{what}");
    };
    for path in [
        "/v1/overview",
        "/v1/shipments/export",
        "/v1/session",
        "/metrics",
        "/livez",
        "/readyz?verbose",
        "/v1/shipments?limit=0",
        "/v1/runs",
        "/nothing",
    ] {
        check(&api.get(path).await, path);
    }
    let request = Request::delete("/v1/overview").body(Body::empty());
    check(&api.send(request.unwrap()).await, "405");
}

#[tokio::test]
async fn long_answers_are_packed_as_the_client_wants_them() {
    let api = filled().await;
    let path = "/v1/routes/stats?group=day,route";
    let plain = send(&api, "GET", path, "identity").await;
    assert_eq!(header(&plain, "content-encoding"), "");
    let plain = to_bytes(plain.into_body(), usize::MAX).await.unwrap();
    assert!(plain.len() > 4_000);
    let after_as_of = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.split_once("},").unwrap().1.to_owned()
    };
    for (accepted, encoding) in [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip;q=0.5, zstd;q=0.1", "gzip"),
        ("br, zstd", "zstd"),
    ] {
        let packed = send(&api, "GET", path, accepted).await;
        assert_eq!(header(&packed, "content-encoding"), encoding, "{accepted}");
        assert_eq!(header(&packed, "vary"), "accept-encoding");
        let packed = to_bytes(packed.into_body(), usize::MAX).await.unwrap();
        assert!(
            packed.len() < plain.len() / 3,
            "{accepted}: {}",
            packed.len()
        );
        let mut unpacked = Vec::new();
        if encoding == "gzip" {
            let mut reader = flate2::read::GzDecoder::new(&packed[..]);
            reader.read_to_end(&mut unpacked).unwrap();
        } else {
            unpacked = zstd::decode_all(&packed[..]).unwrap();
        }
        assert_eq!(after_as_of(&unpacked), after_as_of(&plain));
    }
    // Short ones, those with secrets among them, and what has to arrive piece by piece stay as they are.
    for path in ["/livez", "/v1/session", "/v1/stream"] {
        let answer = send(&api, "GET", path, "gzip").await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "content-encoding"), "", "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let api = filled().await;
    for path in [
        "/v1/overview",
        "/v1/routes/stats",
        "/v1/shipments?limit=0",
        "/v1/shipments/none",
        "/nothing",
        "/livez",
        "/readyz",
    ] {
        let get = send(&api, "GET", path, "identity").await;
        let head = send(&api, "HEAD", path, "identity").await;
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "content-security-policy", "cache-control"] {
            assert_eq!(header(&head, name), header(&get, name), "{path}: {name}");
        }
        let body = to_bytes(head.into_body(), usize::MAX).await.unwrap();
        assert!(body.is_empty(), "{path}: {body:?}");
    }
}
