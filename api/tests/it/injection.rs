//! Texts that mean something to a store, a browser, a log or a spreadsheet: here they are texts.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::generated::{STRANGE, escaped};
use crate::support::{Answer, Api, Document};

const SQL: [&str; 16] = [
    "' OR 1=1 --",
    "a-1' OR '1'='1",
    "a-1\") OR (\"1\"=\"1",
    "a-1'; DROP TABLE shipments; --",
    "a-1; DELETE FROM progress",
    "' UNION SELECT topic_id FROM progress --",
    "'||(SELECT 1)||'",
    "\\'; SELECT pg_sleep(5); --",
    "a-1' AND sleep(5)#",
    "$1",
    "?1",
    ":name",
    "%",
    "a-_",
    "a-1\u{0}' OR 1=1",
    "\u{2019} OR 1=1",
];
const ELASTICSEARCH: [&str; 14] = [
    "*",
    "a-*",
    "a-?",
    "a-1~2",
    "/a-.*/",
    "_exists_:orderId",
    "orderId:a-1 OR status:*",
    "{\"match_all\":{}}",
    "{\"query\":{\"script\":{\"source\":\"1\"}}}",
    "\"}},{\"match_all\":{}},{\"term\":{\"a\":\"",
    "$ne",
    "../../_search",
    "<a-{now/d}>",
    "[1 TO 9]",
];
const MARKUP: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
];

async fn with_orders(test: impl AsyncFn(Api)) {
    Api::on_both(async |api| {
        for order_id in ["a-1", "a-2", "a-3"] {
            api.delivered_order(order_id).await;
        }
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        api.make_visible(1700).await;
        test(api).await;
    })
    .await;
}

/// What an answer shows of the views.
fn shown(answer: &Answer) -> usize {
    let json = answer.json();
    let lists = [
        "shipments",
        "results",
        "rows",
        "routes",
        "cells",
        "series",
        "events",
    ];
    let lists = lists.into_iter().filter_map(|name| json[name].as_array());
    lists.map(Vec::len).sum()
}

#[tokio::test]
async fn texts_are_values_and_never_a_query() {
    with_orders(async |api| {
        let document = Document::of(&api.router()).await;
        let texts: Vec<&str> = SQL.into_iter().chain(ELASTICSEARCH).chain(MARKUP).collect();
        for operation in document.operations() {
            let passed_on = operation.statuses().contains("default");
            if passed_on || operation.path == "/v1/stream" {
                continue;
            }
            for text in &texts {
                let text = escaped(text);
                let mut paths = Vec::new();
                for (name, _) in operation.parameters("path") {
                    let path = operation.path.replace(&format!("{{{name}}}"), &text);
                    paths.push(path.replace(['{', '}'], ""));
                }
                if operation.parameters("path").is_empty() {
                    for (name, _) in operation.parameters("query") {
                        paths.push(format!("{}?{name}={text}", operation.path));
                    }
                }
                for path in paths {
                    let answer = api.get(&path).await;
                    match answer.status.as_u16() {
                        400 | 404 | 405 => {}
                        200 if operation.path == "/v1/shipments/export" => {
                            assert_eq!(answer.header("x-total-count"), "0", "{path}");
                        }
                        200 if operation.path == "/readyz" => {}
                        200 => assert_eq!(shown(&answer), 0, "{path}: {}", answer.text),
                        other => panic!("{path}: {other}: {}", answer.text),
                    }
                }
            }
        }
        let lookup = json!({ "ids": texts }).to_string();
        let request = Request::post("/v1/shipments/lookup")
            .header("content-type", "application/json")
            .body(Body::from(lookup));
        let answer = api.send(request.unwrap()).await.json();
        for result in answer["results"].as_array().unwrap() {
            assert!(result["shipment"].is_null(), "{result}");
            assert!(result["candidates"].is_null(), "{result}");
        }
        let all = api.get("/v1/shipments?count=exact").await.json();
        assert_eq!(all["total"]["value"], 3, "nothing was changed");
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_which_any_bit_was_changed_is_refused() {
    with_orders(async |api| {
        for sort in ["order_id", "-delivered_at", "late"] {
            let query = format!("/v1/shipments?sort={sort}&limit=1");
            let page = api.get(&query).await.json();
            let cursor = page["next"].as_str().unwrap();
            let ask = async |cursor: &str| api.get(&format!("{query}&cursor={cursor}")).await;
            assert_eq!(ask(cursor).await.status, 200);
            let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                let answer = ask(&URL_SAFE_NO_PAD.encode(changed)).await;
                assert_eq!(answer.status, 400, "byte {at}: {}", answer.text);
                assert_eq!(answer.json()["field"], "cursor");
            }
            for at in 0..cursor.len() {
                for other in ["A", "_", "%00", "=", ""] {
                    let changed = format!("{}{other}{}", &cursor[..at], &cursor[at + 1..]);
                    if changed != cursor {
                        let answer = ask(&changed).await;
                        assert_eq!(answer.status, 400, "{changed}: {}", answer.text);
                    }
                }
            }
            for strange in STRANGE {
                assert_eq!(ask(&escaped(strange)).await.status, 400, "{strange:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn no_text_of_a_request_becomes_a_header() {
    let api = Api::embedded();
    api.make_tables().await;
    api.set_progress(2, 1700, &[5, 0]).await;
    for path in [
        "/v1/shipments?q=a%0d%0aX-Injected:%201",
        "/v1/shipments/a%0d%0aX-Injected:%201",
        "/v1/shipments/export?format=csv%0d%0aX-Injected:%201",
        "/v1/routes/SP%0d%0aX-Injected:%201/RJ",
        "/none%0d%0aX-Injected:%201",
    ] {
        let answer = api.get(path).await;
        assert!(
            answer.status.is_client_error() || answer.status == 200,
            "{path}"
        );
        assert_eq!(answer.header("x-injected"), "", "{path}");
        for (name, value) in answer.response.headers() {
            assert!(!value.as_bytes().contains(&b'\n'), "{path}: {name}");
        }
    }
    for bad in ["a\nb", "a\r\nX-Injected: 1", "\0"] {
        assert!(
            HeaderValue::from_str(bad).is_err(),
            "a request cannot hold {bad:?}"
        );
    }
}

#[tokio::test]
async fn markup_comes_back_as_the_text_of_json_only() {
    Api::on_both(async |api| {
        for order_id in MARKUP {
            api.delivered_order(order_id).await;
        }
        api.make_visible(1700).await;
        let page = api.get("/v1/shipments?sort=order_id").await;
        assert_eq!(page.content_type, "application/json");
        let json = page.json();
        let mut ids: Vec<&str> = Vec::new();
        for shipment in json["shipments"].as_array().unwrap() {
            ids.push(shipment["orderId"].as_str().unwrap());
        }
        let mut markup = MARKUP;
        markup.sort_unstable();
        assert_eq!(ids, markup);
        for text in MARKUP {
            for path in [
                format!("/v1/shipments/{}", escaped(&format!("{text}?"))),
                format!("/v1/shipments?sort={}", escaped(text)),
                format!("/v1/{}", escaped(text)),
                format!("/v1/shipments?{}=1", escaped(text)),
            ] {
                let answer = api.get(&path).await;
                assert!(answer.status.is_client_error(), "{path}");
                answer.problem();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_spreadsheet_executes_nothing_of_an_export() {
    Api::on_both(async |api| {
        let formulas = [
            "=1+1",
            "+1+1",
            "-1+1",
            "@SUM(A1)",
            "\t=1",
            "=cmd|' /C calc'!A0",
            "=HYPERLINK(\"http://x\",\"y\")",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
            "a;=1+1",
            "a,=1+1",
            "\"=1+1",
            "a\"\t=1",
        ];
        // What an order's id may not be is no row.
        let formulas = formulas.into_iter().filter(|text| !text.contains('\t'));
        let formulas: Vec<&str> = formulas.collect();
        for order_id in &formulas {
            api.delivered_order(order_id).await;
        }
        api.make_visible(1700).await;
        let csv = api.get("/v1/shipments/export").await.text;
        let mut lines = csv.lines();
        lines.next();
        let mut count = 0;
        for line in lines {
            // The first cell as a reader of RFC 4180 sees it.
            let cell = match line.strip_prefix('"') {
                None => line.split(',').next().unwrap().to_owned(),
                Some(rest) => {
                    let end = rest.replace("\"\"", "\u{1}\u{1}").find('"').unwrap();
                    rest[..end].replace("\"\"", "\"")
                }
            };
            let first = cell.chars().next().unwrap();
            assert!(!"=+-@\t\r\n＝＋－＠".contains(first), "{line}");
            let original = cell.strip_prefix('\'').unwrap_or(&cell);
            assert!(formulas.contains(&original), "{line}: {original}");
            count += 1;
        }
        assert_eq!(count, formulas.len());
    })
    .await;
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// What is logged of requests whose texts look like a line of the log.
async fn logged(api: &Api) -> String {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let forged = "a\n2099-01-01T00:00:00Z  INFO forged\u{1b}[31m";
    for path in [
        format!("/v1/shipments/{}", escaped(forged)),
        format!("/v1/shipments?q={}", escaped(forged)),
        format!("/v1/{}", escaped(forged)),
    ] {
        api.get(&path).await;
        let request = Request::get(&path)
            .header("x-request-id", "2099-01-01T00:00:00Z  INFO forged")
            .header(
                "user-agent",
                HeaderValue::from_bytes(b"\x80\xff forged").unwrap(),
            );
        api.send(request.body(Body::empty()).unwrap()).await;
    }
    drop(guard);
    let log = log.0.lock().unwrap().clone();
    String::from_utf8(log).unwrap()
}

#[tokio::test]
async fn no_text_of_a_request_begins_a_line_of_the_log() {
    // Nothing is there, so that failures are logged too.
    let api = Api::embedded();
    // A test on another thread, which logs nowhere, may have the macros take it that nobody listens, until
    // the next subscriber comes.
    let mut log = String::new();
    for _ in 0..50 {
        log = logged(&api).await;
        if log.matches("answered").count() == 6 {
            break;
        }
    }
    assert_eq!(log.matches("answered").count(), 6, "{log}");
    for line in log.lines() {
        assert!(!line.starts_with("2099"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}
