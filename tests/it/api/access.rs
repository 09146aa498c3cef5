//! Tokens and sessions over the real services: `eip api` before `eip ingest`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::served::Served;
use crate::service::{Service, has_ended};
use crate::support::{Eip, generate};

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

fn ask(method: Method, url: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut request = reqwest::Client::new().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer {
            status,
            headers,
            body,
        }
    })
}

/// Flags for these holders, each with its name as the token.
fn flags(holders: &[(&str, &str)]) -> Vec<String> {
    let tokens = holders.iter().flat_map(|(name, role)| {
        let sha256 = eip_http::token_sha256(name);
        ["--token".to_owned(), format!("{name}:{role}:{sha256}")]
    });
    tokens.collect()
}

/// A page that has signed in: its cookie and its CSRF token.
fn sign_in(url: &str, token: &str) -> (String, String) {
    let bearer = format!("Bearer {token}");
    let url = format!("{url}/v1/session");
    let begun = ask(
        Method::POST,
        &url,
        &[("authorization", &bearer)],
        &json!(null),
    );
    assert_eq!(begun.status, 201, "{}", begun.body);
    let cookie = begun.headers["set-cookie"].to_str().unwrap();
    let csrf = begun.body["session"]["csrf"].as_str().unwrap();
    (
        cookie.split(';').next().unwrap().to_owned(),
        csrf.to_owned(),
    )
}

#[test]
fn a_page_starts_a_run_and_the_ledger_says_whose_it_is() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 300, 5);
    let known = flags(&[("ann", "replay"), ("bob", "read")]);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let ingest = Service::start_with(&eip, &data, &known);
    let here_only = flags(&[("eve", "admin")]);
    let here_only = here_only.iter().map(String::as_str);
    let args: Vec<&str> = ["--ingest", &ingest.url]
        .into_iter()
        .chain(known.iter().copied())
        .chain(here_only)
        .collect();
    let served = Served::start_with(&eip, &args);
    let runs = format!("{}/v1/runs", served.url);
    let fast = json!({ "mode": "fast", "dataset": "data" });

    let (cookie, csrf) = sign_in(&served.url, "ann");
    let cookie = ("cookie", cookie.as_str());
    let key = ("idempotency-key", "page-1");
    let forged = ask(Method::POST, &runs, &[cookie, key], &fast);
    assert_eq!((forged.status, &forged.body["code"]), (403, &json!("csrf")));
    let csrf = ("x-csrf-token", csrf.as_str());
    let started = ask(Method::POST, &runs, &[cookie, key, csrf], &fast);
    assert_eq!(started.status, 202, "{}", started.body);
    assert_eq!(started.body["requester"], "ann");
    let run = format!("{runs}/{}", started.body["run"].as_str().unwrap());
    let ended = loop {
        let run = ask(Method::GET, &run, &[cookie], &json!(null));
        assert_eq!(run.status, 200, "{}", run.body);
        if has_ended(&run.body) {
            break run.body;
        }
    };
    assert_eq!(ended["state"], "committed", "{ended}");
    let receipt = ask(
        Method::GET,
        &format!("{run}/receipt"),
        &[cookie],
        &json!(null),
    );
    let policy = receipt.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("style-src 'unsafe-inline'"),
        "a receipt brings its style: {policy}"
    );

    // What a holder may not do is refused here; whom Ingest does not know, there.
    let (cookie, csrf) = sign_in(&served.url, "bob");
    let page = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let refused = ask(Method::DELETE, &run, &page, &json!(null));
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (403, &json!("role"))
    );
    let eve = [
        ("authorization", "Bearer eve"),
        ("idempotency-key", "page-2"),
    ];
    let unknown = ask(Method::POST, &runs, &eve, &fast);
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (401, &json!("bad_token"))
    );

    // The command line asks with a token too.
    ingest.kill();
    eip.fast(&data).ok();
    let asked = |token: &[&str]| {
        let args = ["overview", "--api", &served.url];
        eip.run(args.iter().chain(token).copied())
    };
    asked(&["--token", "bob"]).ok();
    let without = asked(&[]);
    assert_eq!(without.code, Some(1), "{}", without.out);
    assert!(
        without.err.contains("Authorization: Bearer"),
        "{}",
        without.err
    );
}

#[test]
fn no_request_forges_a_line_of_the_log_and_no_secret_is_in_it() {
    let eip = Eip::new();
    let data = generate(&eip.path(""), 50, 5);
    eip.fast(&data).ok();
    let mut args = vec!["--log".to_owned(), "trace".to_owned()];
    args.extend(flags(&[("the-holder", "admin")]));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let file = eip.path("api.log");
    let served = Served::start_logging(&eip, &args, &file);
    let (cookie, csrf) = sign_in(&served.url, "the-holder");
    let address = served.url.strip_prefix("http://").unwrap();
    let forged = "2099-01-01T00:00:00.000000Z ERROR eip: forged";
    let escaped = "%0d%0a2099-01-01T00:00:00.000000Z%20ERROR%20eip:%20forged";
    for head in [
        format!("GET /v1/x{escaped} HTTP/1.1"),
        format!("GET /v1/shipments/x{escaped} HTTP/1.1"),
        format!("GET /v1/shipments?q={escaped} HTTP/1.1"),
        format!("GET /v1/shipments?{escaped}=1 HTTP/1.1"),
        format!("GET /v1/overview HTTP/1.1\r\nx-request-id: a {forged}"),
        format!("GET /v1/overview HTTP/1.1\r\nuser-agent: a\r {forged}"),
        format!("GET /v1/overview HTTP/1.1\r\nx-request-id: a\r {forged}"),
        format!("GET /v1/overview HTTP/1.1\r\nx-request-id: a\r\n {forged}"),
        format!("GET /v1/overview HTTP/1.1\r\nx-request-id: a\n{forged}"),
        format!("GET /\u{1b}[2K\r{forged} HTTP/1.1"),
    ] {
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!("{head}\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let head = answer.split("\r\n\r\n").next().unwrap();
        assert!(head.starts_with("HTTP/1.1 "), "{answer}");
        assert!(!head.contains("forged"), "{answer}");
    }
    drop(served);
    let log = std::fs::read_to_string(&file).unwrap();
    assert!(log.contains("answered"), "{log}");
    assert!(log.contains("caller=\"the-holder\""), "{log}");
    for line in log.lines().filter(|line| line.contains("forged")) {
        assert!(!line.starts_with("2099"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
    let id = cookie.split_once('=').unwrap().1;
    for secret in [id, &csrf, "Bearer the-holder"] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn each_setting_of_the_api_has_a_flag_a_variable_and_a_key() {
    let eip = Eip::new();
    let sha256 = eip_http::token_sha256("x");
    let file = eip.path("api.toml");
    let text = format!(
        "listen = \"127.0.0.1:1\"\n[limits]\nmax_rate = 7\n[tokens.ops]\nrole = \"read\"\nsha256 = \"{sha256}\"\n"
    );
    std::fs::write(&file, text).unwrap();
    let output = eip
        .command(["api", "--print-config", "--max-requests", "9"])
        .env("EIP_API_CONFIG", &file)
        .env("EIP_API_REQUEST_TIMEOUT", "5s")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    for line in [
        format!("listen = \"127.0.0.1:1\"  # file {}:1", file.display()),
        format!("limits.max_rate = 7  # file {}:3", file.display()),
        "limits.max_requests = 9  # flag".to_owned(),
        "limits.request_timeout = \"5s\"  # environment EIP_API_REQUEST_TIMEOUT".to_owned(),
        "limits.max_body_bytes = 524288  # default".to_owned(),
        format!("tokens = \"********\"  # file {}:4", file.display()),
    ] {
        assert!(printed.lines().any(|one| one == line), "{line}\n{printed}");
    }
    assert!(!printed.contains(&sha256), "{printed}");
    let data = generate(&eip.path(""), 50, 5);
    eip.fast(&data).ok();
    let refused = eip.run(["api", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    assert!(
        refused.err.contains("without tokens the API listens on"),
        "{}",
        refused.err
    );
}
