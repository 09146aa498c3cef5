//! Requests made from the document, with strange values of every kind: none is answered with a server
//! error, and every answer is as the document says. 300 for each backend, 10,000 with `EIP_SOAK`; the seed
//! is printed, and `EIP_SEED` repeats one.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Api, Document, Operation, requested};

/// What is wrong nearly everywhere.
pub(crate) const STRANGE: [&str; 34] = [
    "",
    " ",
    "\u{0}",
    "\u{1}",
    "\n",
    "\r\nX-Injected: 1",
    "\u{7f}",
    "\u{feff}",
    "\u{202e}abc",
    "é",
    "😀",
    "ÀÉ",
    "%",
    "%00",
    "%25",
    "&",
    "=",
    "#",
    "?",
    "+",
    ",",
    ",,,",
    "null",
    "undefined",
    "NaN",
    "-1",
    "0",
    "1e400",
    "18446744073709551616",
    "-9223372036854775809",
    "../../etc/passwd",
    "{\"$ne\":1}",
    "[]",
    "<script>alert(1)</script>",
];

#[tokio::test]
async fn no_generated_request_is_answered_with_a_server_error() {
    let (seed, count) = requested(300, 10_000);
    println!("EIP_SEED={seed}");
    Api::on_both(async |api| {
        for order_id in ["a-1", "a-2", "abcdef"] {
            api.delivered_order(order_id).await;
        }
        api.row("2018-03-01", "SP", "RJ", 3, 1).await;
        api.make_visible(1700).await;
        let document = Document::of(&api.router()).await;
        let operations = document.operations();
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut refused = 0;
        for number in 0..count {
            // Each in its turn, so that none is left out.
            let operation = &operations[number % operations.len()];
            let (request, what) = generated(operation, document, &mut dice);
            let status = if operation.path == "/v1/stream" {
                // It has no end.
                api.router().oneshot(request).await.unwrap().status()
            } else {
                api.send(request).await.status
            };
            assert!(
                !status.is_server_error(),
                "EIP_SEED={seed} {number}: {what}: {status}"
            );
            refused += usize::from(status.is_client_error());
        }
        assert!(
            refused * 10 < count * 9,
            "{refused} of {count} were refused"
        );
    })
    .await;
}

/// A request that the document allows, or nearly; with what it is.
fn generated(
    operation: &Operation,
    document: &Document,
    dice: &mut ChaCha8Rng,
) -> (Request<Body>, String) {
    let mut path = operation.path.clone();
    for (name, schema) in operation.parameters("path") {
        let mut value = value_of(&name, &schema, dice);
        if value.is_empty() {
            // Another path.
            value.push('a');
        }
        path = path.replace(&format!("{{{name}}}"), &escaped(&value));
    }
    let mut query = Vec::new();
    let parameters = operation.parameters("query");
    let chosen = dice.random_range(0..=parameters.len().min(5));
    for (name, schema) in parameters.sample(dice, chosen) {
        let value = value_of(name, schema, dice);
        query.push(format!("{name}={}", escaped(&value)));
        if dice.random_ratio(1, 40) {
            query.push(query[0].clone());
        }
    }
    if dice.random_ratio(1, 20) {
        query.push(format!(
            "{}={}",
            escaped(strange(dice)),
            escaped(strange(dice))
        ));
    }
    if !query.is_empty() {
        write!(path, "?{}", query.join("&")).unwrap();
    }
    let mut method = operation.method.clone();
    if dice.random_ratio(1, 30) {
        let all = [
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::POST,
            Method::OPTIONS,
        ];
        method = all.choose(dice).unwrap().clone();
    }
    let mut what = format!("{method} {path}");
    let mut request = Request::builder().method(method).uri(&path);
    for (name, _) in operation.parameters("header") {
        let values = [
            "*",
            "W/\"a\"",
            "main:1",
            "main:1700",
            "main:99999999999999999999",
            ",",
            "",
        ];
        request = request.header(name, *values.choose(dice).unwrap());
    }
    if dice.random_ratio(1, 20) {
        let bytes: Vec<u8> = (0..8).map(|_| dice.random_range(b' '..=255)).collect();
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            request = request.header("x-request-id", value);
        }
    }
    let body = match &operation.json["requestBody"]["content"]["application/json"]["schema"] {
        Value::Null => String::new(),
        schema => body_of(schema, document, dice),
    };
    if !body.is_empty() && !dice.random_ratio(1, 20) {
        request = request.header("content-type", "application/json");
    }
    write!(what, " {body}").unwrap();
    (request.body(Body::from(body)).unwrap(), what)
}

/// A value as its schema has it, or a strange one, as it stands in a query.
fn value_of(name: &str, schema: &Value, dice: &mut ChaCha8Rng) -> String {
    if dice.random_ratio(1, 8) {
        return strange(dice).to_owned();
    }
    let types = match &schema["type"] {
        Value::Array(all) => all.clone(),
        one => vec![one.clone()],
    };
    if types.contains(&json!("boolean")) {
        return dice.random::<bool>().to_string();
    }
    if types.contains(&json!("integer")) {
        let least = schema["minimum"].as_u64().unwrap_or(0);
        // A tick that never comes is waited for, and then a 503 as it should be.
        let greatest = schema["maximum"].as_u64();
        let greatest = if name == "min_tick" {
            1_700
        } else {
            greatest.unwrap_or(1_000)
        };
        let edges = [least.saturating_sub(1), least, greatest];
        return if dice.random_ratio(1, 4) {
            edges.choose(dice).unwrap().to_string()
        } else {
            dice.random_range(least..=greatest).to_string()
        };
    }
    let texts: &[&str] = match name {
        "status" => &["DELIVERED", "order_placed,delivered", "LOST"],
        "sort" => &["-placed_at", "late", "-lead", "order_id", "price"],
        "group" => &["day", "week,route", "route", "month", "day,week"],
        "step" => &["day", "week", "month", "year"],
        "format" => &["csv", "ndjson", "parquet", "arrow", "xls"],
        "count" => &["exact", "all"],
        "route" => &["SP-RJ", "sp-sao paulo", "SP", "-", "SP-RJ-X"],
        "late_at_least" => &["1", "2d", "99999999999", "4294967295d", "3h"],
        "order_id" | "q" | "id" => &["a-1", "abcd", " \"A-1\" ", "a", "abcdef"],
        _ if name.ends_with("region") || name == "seller" || name == "customer" => {
            &["SP", "sao paulo", "RJ,SP", "ZZ", "12345678901234567"]
        }
        _ => &[
            "2018-03-01",
            "2018-03-01T10:00:00Z",
            "1970-01-01",
            "2199-12-31",
            "2018-02-30",
        ],
    };
    (*texts.choose(dice).unwrap()).to_owned()
}

/// A body as its schema has it, with strange members, or nothing like it.
fn body_of(schema: &Value, document: &Document, dice: &mut ChaCha8Rng) -> String {
    let nonsense = [
        "",
        "{",
        "[]",
        "null",
        "{\"ids\":1}",
        "{\"ids\":[1]}",
        "{\"ids\":[],\"x\":1}",
    ];
    if dice.random_ratio(1, 5) {
        return (*nonsense.choose(dice).unwrap()).to_owned();
    }
    let schema = match schema["$ref"].as_str() {
        Some(path) => document.json.pointer(&path[1..]).unwrap(),
        None => schema,
    };
    let mut body = serde_json::Map::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let required = schema["required"]
            .as_array()
            .is_some_and(|all| all.contains(&json!(name)));
        if !required && dice.random::<bool>() {
            continue;
        }
        let value = if member["type"] == "array" {
            let count = *[0, 1, 5, 500, 501].choose(dice).unwrap();
            (0..count)
                .map(|_| json!(value_of("q", &member["items"], dice)))
                .collect()
        } else {
            let text = value_of(name, member, dice);
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        };
        body.insert(name.clone(), value);
    }
    Value::Object(body).to_string()
}

fn strange(dice: &mut ChaCha8Rng) -> &'static str {
    STRANGE.choose(dice).unwrap()
}

/// Every byte as `%XX`.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        write!(escaped, "%{byte:02X}").unwrap();
        escaped
    })
}
