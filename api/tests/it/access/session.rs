//! `/v1/session`

use std::sync::atomic::{AtomicI64, Ordering};

use eip_http::SESSION_LASTS;

use super::{ask, guarded, with_tokens};
use crate::support::Api;

const LOOKUP: &str = "/v1/shipments/lookup";
const IDS: &str = "{\"ids\":[\"a-1\"]}";

/// A page that has signed in.
struct Page {
    cookie: String,
    csrf: String,
}

async fn sign_in(api: &Api, token: &str) -> Page {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let begun = ask(api, "POST", "/v1/session", &headers, "").await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    assert!(!begun.text.contains(cookie.split_once('=').unwrap().1));
    Page {
        cookie: cookie.to_owned(),
        csrf: begun.json()["session"]["csrf"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_gets() {
    let api = guarded().await;
    let bearer = ("authorization", "Bearer replay");
    let begun = ask(&api, "POST", "/v1/session", &[bearer], "").await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let cookie = begun.header("set-cookie").to_owned();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/; Max-Age=28800; HttpOnly; SameSite=Strict"
    );
    let id = pair.strip_prefix("eip-session=").unwrap();
    assert_eq!(id.len(), 64);
    assert!(!cookie.contains("replay"), "{cookie}");
    assert_eq!(begun.header("cache-control"), "no-store");
    let identity = begun.json();
    assert_eq!(
        (&identity["name"], &identity["role"]),
        (&"replay".into(), &"replay".into())
    );
    assert_eq!(identity["session"]["ends_in"], SESSION_LASTS.as_secs());

    let forwarded = ("x-forwarded-proto", "https");
    let over_tls = ask(&api, "POST", "/v1/session", &[bearer, forwarded], "").await;
    let cookie = over_tls.header("set-cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-eip-session=") && cookie.ends_with("; SameSite=Strict; Secure"),
        "{cookie}"
    );
    // One that came over TLS is good there only.
    let pair = ("cookie", cookie.split(';').next().unwrap());
    let there = ask(&api, "GET", "/v1/overview", &[pair, forwarded], "").await;
    assert_eq!(there.status, 200, "{}", there.text);
    assert_eq!(
        ask(&api, "GET", "/v1/overview", &[pair], "").await.status,
        401
    );
}

#[tokio::test]
async fn a_page_reads_by_its_cookie_and_writes_with_its_csrf_token_too() {
    let api = guarded().await;
    let page = sign_in(&api, "replay").await;
    let other = sign_in(&api, "replay").await;
    let cookie = ("cookie", page.cookie.as_str());
    let read = ask(&api, "GET", "/v1/overview", &[cookie], "").await;
    assert_eq!(read.status, 200, "{}", read.text);
    let identity = ask(&api, "GET", "/v1/session", &[cookie], "").await.json();
    assert_eq!(identity["session"]["csrf"], page.csrf);

    let csrf = |value| ("x-csrf-token", value);
    let half = &page.csrf[..32];
    for (headers, why) in [
        (vec![cookie], "missing"),
        (vec![cookie, csrf("")], "empty"),
        (vec![cookie, csrf(half)], "half"),
        (vec![cookie, csrf(&other.csrf)], "another session's"),
        (vec![cookie, csrf(&page.csrf), csrf(&page.csrf)], "twice"),
    ] {
        for (method, path) in [
            ("POST", LOOKUP),
            ("POST", "/v1/runs"),
            ("DELETE", "/v1/session"),
        ] {
            let answer = ask(&api, method, path, &headers, IDS).await;
            assert_eq!(answer.status, 403, "{why}: {path}: {}", answer.text);
            assert_eq!(answer.code(), "csrf", "{why}: {path}");
        }
    }
    let both = [cookie, csrf(&page.csrf)];
    assert_eq!(ask(&api, "POST", LOOKUP, &both, IDS).await.status, 200);
    // Nobody's browser sends a bearer token by itself, so it needs none; it counts before a cookie.
    let bearer = ("authorization", "Bearer read");
    assert_eq!(ask(&api, "POST", LOOKUP, &[bearer], IDS).await.status, 200);
    let identity = ask(&api, "GET", "/v1/session", &[bearer, cookie], "").await;
    assert_eq!(identity.json()["name"], "read");
    assert!(identity.json()["session"].is_null());
}

#[tokio::test]
async fn a_session_ends_when_it_is_ended_and_is_not_prolonged() {
    let api = guarded().await;
    let page = sign_in(&api, "read").await;
    let other = sign_in(&api, "read").await;
    let headers = [
        ("cookie", page.cookie.as_str()),
        ("x-csrf-token", page.csrf.as_str()),
    ];
    let renewed = ask(&api, "POST", "/v1/session", &headers, "").await;
    assert_eq!(renewed.code(), "no_token", "{}", renewed.text);
    // The least role may end its own session.
    let ended = ask(&api, "DELETE", "/v1/session", &headers, "").await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    let cleared = "eip-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
    assert_eq!(ended.header("set-cookie"), cleared);
    for (method, path) in [("GET", "/v1/overview"), ("DELETE", "/v1/session")] {
        let answer = ask(&api, method, path, &headers, "").await;
        assert_eq!(answer.code(), "session_ended", "{}", answer.text);
    }
    let cookie = [("cookie", other.cookie.as_str())];
    assert_eq!(
        ask(&api, "GET", "/v1/overview", &cookie, "").await.status,
        200
    );
    let bearer = [("authorization", "Bearer read")];
    let none = ask(&api, "DELETE", "/v1/session", &bearer, "").await;
    assert_eq!(none.code(), "no_such_session");
}

static NOW: AtomicI64 = AtomicI64::new(1_700_000_000_000);

#[tokio::test]
async fn a_session_ends_by_itself() {
    let api = Api::embedded_with(|config| {
        with_tokens(config);
        config.wall_ms = || NOW.load(Ordering::Relaxed);
    });
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    let page = sign_in(&api, "admin").await;
    let cookie = [("cookie", page.cookie.as_str())];
    let lasts = SESSION_LASTS.as_millis() as i64;
    NOW.fetch_add(lasts - 1_000, Ordering::Relaxed);
    let identity = ask(&api, "GET", "/v1/session", &cookie, "").await;
    assert_eq!(identity.json()["session"]["ends_in"], 1);
    NOW.fetch_add(1_000, Ordering::Relaxed);
    let ended = ask(&api, "GET", "/v1/session", &cookie, "").await;
    assert_eq!(
        (ended.status.as_u16(), ended.code().as_str()),
        (401, "session_ended")
    );
}

#[tokio::test]
async fn a_session_of_another_process_is_none_here() {
    let page = sign_in(&guarded().await, "admin").await;
    let cookie = [("cookie", page.cookie.as_str())];
    let answer = ask(&guarded().await, "GET", "/v1/overview", &cookie, "").await;
    assert_eq!(answer.code(), "session_ended");
    assert!(!page.csrf.is_empty());
}
