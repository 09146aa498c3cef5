//! `eip ingest` as a process of its own, and how it is asked.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::Eip;

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// One instance; ended with the test.
pub(crate) struct Service {
    /// None for one that belongs to somebody else.
    child: Option<Child>,
    pub(crate) url: String,
}

/// What was answered; the status is 0 when nothing was, and the body says why.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Service {
    /// Starts an instance that knows `data` as the dataset `data` and the rules `end_of_day`.
    pub(crate) fn start(eip: &Eip, data: &Path) -> Self {
        Self::start_with(eip, data, &[])
    }

    /// The same with further flags.
    pub(crate) fn start_with(eip: &Eip, data: &Path, args: &[&str]) -> Self {
        let rules = crate::support::rules(&eip.path(""), "end_of_day", "0h");
        let mut child = eip
            .command(["ingest"])
            .arg("--dataset")
            .arg(format!("data={}", data.display()))
            .arg("--rules")
            .arg(format!("end_of_day={}", rules.display()))
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ");
        let url = url.unwrap_or_else(|| panic!("{line}")).to_owned();
        Self {
            child: Some(child),
            url,
        }
    }

    /// One at this address that somebody else has started.
    pub(crate) fn at(url: &str) -> Self {
        Self {
            child: None,
            url: url.to_owned(),
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        let child = self.child.as_mut().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Stops it where it is, and lets it go on.
    pub(crate) fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().unwrap();
        let pid = Pid::from_raw(child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Asks; the body is JSON.
    pub(crate) fn ask(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.send(method, path, key, "application/json", text)
    }

    /// Pushes lines of rows.
    pub(crate) fn push(&self, query: &str, key: &str, lines: String) -> Answer {
        let path = format!("/v1/rows?{query}");
        self.send(Method::POST, &path, key, "application/x-ndjson", lines)
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        key: &str,
        content_type: &str,
        body: String,
    ) -> Answer {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let request = reqwest::Client::new()
                .request(method, format!("{}{path}", self.url))
                .header("content-type", content_type)
                .header("idempotency-key", key)
                .timeout(PATIENCE)
                .body(body);
            let answer = match request.send().await {
                Ok(answer) => answer,
                Err(error) => {
                    return Answer {
                        status: 0,
                        body: Value::String(format!("{error:?}")),
                    };
                }
            };
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap_or_default();
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Answer { status, body }
        })
    }

    pub(crate) fn post(&self, key: &str, body: &Value) -> Answer {
        self.ask(Method::POST, "/v1/runs", key, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "-", &json!(null))
    }

    /// The run, once it is as wanted.
    pub(crate) fn until(&self, run: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.get(&format!("/v1/runs/{run}"));
            if answer.status == 200 && wanted(&answer.body) {
                return answer.body;
            }
            assert!(begun.elapsed() < PATIENCE, "{answer:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Posts a run and waits for its end.
    pub(crate) fn run(&self, key: &str, body: &Value) -> Value {
        let posted = self.post(key, body);
        assert_eq!(posted.status, 202, "{posted:?}");
        self.until(posted.body["run"].as_str().unwrap(), has_ended)
    }
}

/// Whether a run has ended.
pub(crate) fn has_ended(run: &Value) -> bool {
    let live = ["requested", "planned", "running", "paused"];
    !live.contains(&run["state"].as_str().unwrap_or_default())
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already; one that is stopped is killed all the same.
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
