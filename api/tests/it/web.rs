//! The dashboard's page and its files. What the page does is tested in a browser (`dev/web/tests`).

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::support::Api;

/// The names that a page has its files under, without their quotes.
fn assets(page: &str) -> Vec<String> {
    let names = page.split('"').filter(|text| text.starts_with("/assets/"));
    names.map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn every_page_is_the_same_text_under_a_policy_without_exceptions_but_its_import_map() {
    let api = Api::embedded();
    let first = api.get("/").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.content_type, "text/html; charset=utf-8");
    assert_eq!(first.header("cache-control"), "no-cache");
    let policy = first.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'; script-src 'self' 'sha256-"));
    assert!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    for path in [
        "/shipments",
        "/shipments/ab%2Fc",
        "/replays",
        "/replays/0f",
        "/pipeline",
        "/compare",
    ] {
        assert_eq!(api.get(path).await.text, first.text, "{path}");
    }
}

#[tokio::test]
async fn files_have_their_types_and_an_unknown_one_is_not_found() {
    let api = Api::embedded();
    let page = api.get("/").await.text;
    for name in assets(&page) {
        let file = api.get(&name).await;
        assert_eq!(file.status, StatusCode::OK, "{name}");
        let kind = match name.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        };
        assert_eq!(file.content_type, kind, "{name}");
        assert!(!file.header("etag").is_empty(), "{name}");
    }
    for name in [
        "/assets/x/no.js",
        "/assets/x/index.html",
        "/assets/x/..%2F..%2FCargo.toml",
    ] {
        assert_eq!(api.get(name).await.status, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn what_a_browser_has_already_is_not_sent_again() {
    let api = Api::embedded();
    let page = api.get("/").await;
    for path in ["/".to_owned(), assets(&page.text).swap_remove(0)] {
        let first = api.get(&path).await;
        let again = Request::get(&path).header("if-none-match", first.header("etag"));
        let again = api.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(again.text, "", "{path}");
        // They go in the place of those that the browser has kept (RFC 9111, section 4.3.4).
        for name in ["etag", "cache-control", "content-security-policy"] {
            assert_eq!(again.header(name), first.header(name), "{path} {name}");
        }
    }
}
