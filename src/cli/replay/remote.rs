//! A run through an ingest service: posted, followed, steered; whoever leaves does not end it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use eip_ingest::run::ScaleFactor;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::Exit;
use super::super::bearer::Bearer;
use super::ended::{self, ENDED_BEFORE, has_ended};
use crate::interrupt;
use crate::keys::Keys;
use crate::pace::{Pressed, Pressing};
use crate::text::thousands;

/// Time between two questions about the run.
const EVERY: Duration = Duration::from_millis(300);
/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often a service that does not answer is asked again.
const ATTEMPTS: u32 = 20;

/// Through which service.
#[derive(Args)]
#[command(next_help_heading = "Through a service")]
pub(super) struct Remote {
    /// Start the run through the ingest service at this address, instead of in this process.
    #[arg(long, value_name = "URL", env = "EIP_INGEST")]
    pub(super) ingest: Option<String>,
    #[command(flatten)]
    bearer: Bearer,
    /// Return once the run is started.
    #[arg(long, requires = "ingest")]
    detach: bool,
}

impl Remote {
    /// Posts the run and follows it.
    pub(super) fn run(&self, body: &Value, key: &str, requester: String) -> anyhow::Result<Exit> {
        interrupt::token();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let service = Service::new(self, requester)?;
            let (_, posted) = service
                .ask(Method::POST, "/v1/runs", Some(body), Some(key))
                .await?;
            let run = posted["run"].as_str().context("the answer names no run")?;
            let space = posted["space"].as_str().unwrap_or("main");
            let path = format!("/v1/runs/{run}?space={space}");
            out!("run {run}");
            if posted["made_space"] == true {
                err!("made the space {space}");
            }
            if has_ended(posted["state"].as_str().unwrap_or_default()) {
                out!("{ENDED_BEFORE}");
                return Ok(ended::show(&posted));
            }
            if self.detach {
                return Ok(Exit::Done);
            }
            follow(&service, &path, run).await
        })
    }
}

/// The service and how it is asked.
struct Service {
    url: String,
    token: Option<String>,
    requester: String,
    client: reqwest::Client,
}

impl Service {
    fn new(remote: &Remote, requester: String) -> anyhow::Result<Self> {
        let url = remote.ingest.clone().context("--ingest is missing")?;
        if !url.starts_with("http://") {
            bail!("--ingest {url}: an address like http://host:port is needed");
        }
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            token: remote.bearer.token()?,
            requester,
            client: reqwest::Client::builder().timeout(PATIENCE).build()?,
        })
    }

    /// One question. An answer that says no is an error with its words.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let url = format!("{}{path}", self.url);
        let mut request = self
            .client
            .request(method.clone(), &url)
            .header("eip-requester", &self.requester)
            .header("eip-origin", "cli");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("no answer from the ingest service at {}", self.url))?;
        let status = answer.status();
        let text = answer.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !status.is_success() {
            let detail = body["detail"].as_str().unwrap_or(&text);
            bail!("{method} {path}: {status}: {detail}");
        }
        Ok((status, body))
    }

    /// The run as it is now; a service that is being restarted is asked again.
    async fn look(&self, path: &str) -> anyhow::Result<Value> {
        let mut attempt = 1;
        loop {
            match self.ask(Method::GET, path, None, None).await {
                Ok((_, run)) => return Ok(run),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(error) => {
                    tracing::warn!("{error:#}; asking again");
                    attempt += 1;
                    tokio::time::sleep(EVERY * attempt.min(10)).await;
                }
            }
        }
    }
}

/// Shows the run until it ends or somebody looks away.
async fn follow(service: &Service, path: &str, id: &str) -> anyhow::Result<Exit> {
    let keys = Keys::open();
    let mut pressing = Pressing::default();
    if keys.is_some() {
        err!("keys: space pauses and resumes, + and - change the speed, q leaves");
    }
    let bar = ProgressBar::no_length();
    bar.set_style(ProgressStyle::with_template("{msg}")?);
    let (mut last, mut told) = (String::new(), None::<Instant>);
    loop {
        let run = service.look(path).await?;
        let state = run["state"].as_str().unwrap_or_default();
        if has_ended(state) {
            bar.finish_and_clear();
            return Ok(ended::show(&run));
        }
        let line = line(&run, state);
        if line != last {
            if bar.is_hidden() && told.is_none_or(|told| told.elapsed() >= LINE_EVERY) {
                err!("{line}");
                told = Some(Instant::now());
            }
            bar.set_message(line.clone());
            last = line;
        }
        let signal = interrupt::asked() && interrupt::take();
        let Some(keys) = &keys else {
            if signal {
                err!(
                    "the run goes on; `curl -X DELETE {}{path}` cancels it",
                    service.url
                );
                return Ok(Exit::Interrupted);
            }
            tokio::time::sleep(EVERY).await;
            continue;
        };
        while let Some(pressed) = pressing.next(keys, signal) {
            let words = match pressed {
                Pressed::Say(text) => Ok(text.to_owned()),
                Pressed::Leave => {
                    bar.finish_and_clear();
                    out!("run {id} goes on");
                    return Ok(Exit::Done);
                }
                Pressed::Cancel => command(service, Method::DELETE, path, None, "cancelling").await,
                Pressed::Pause => {
                    let change = json!({"paused": state != "paused"});
                    command(service, Method::PATCH, path, Some(&change), "").await
                }
                Pressed::Speed(times) => {
                    let now = run["progress"]["scale_factor"].as_f64();
                    let now = now.and_then(|now| ScaleFactor::new(now).ok());
                    match now.and_then(|now| times.of(now)) {
                        None => Ok("there is no speed to change".to_owned()),
                        Some(scale) => {
                            let change = json!({"scale_factor": scale.as_f64()});
                            command(service, Method::PATCH, path, Some(&change), "").await
                        }
                    }
                }
            };
            let words = words.unwrap_or_else(|error| format!("{error:#}"));
            if !words.is_empty() {
                bar.suspend(|| err!("{words}"));
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// A command to the run; gives what to tell about it.
async fn command(
    service: &Service,
    method: Method,
    path: &str,
    body: Option<&Value>,
    told: &str,
) -> anyhow::Result<String> {
    service.ask(method, path, body, None).await?;
    Ok(told.to_owned())
}

fn line(run: &Value, state: &str) -> String {
    let progress = &run["progress"];
    let number = |name: &str| progress[name].as_u64();
    let mut parts = vec![state.to_owned()];
    if let Some(records) = number("records") {
        let total = number("total").map_or(String::new(), |total| format!("/{}", thousands(total)));
        parts.push(format!("{}{total} records", thousands(records)));
    }
    if let Some(clock) = progress["simulated_at"].as_str() {
        parts.push(format!(
            "clock {clock}  x {}  {}/s  {} s left  late p99.9 {:.2} ms",
            progress["scale_factor"].as_f64().unwrap_or_default(),
            thousands(number("rate_per_second").unwrap_or(0)),
            progress["seconds_left"].as_i64().unwrap_or(0),
            progress["lateness_us"]["p999"].as_u64().unwrap_or(0) as f64 / 1e3
        ));
    } else if let Some(time) = progress["event_time"].as_str() {
        parts.push(format!("reached {time}"));
    }
    parts.join("  ")
}
