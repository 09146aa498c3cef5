//! `/metrics`: what the service counts, in Prometheus' text form
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;

use crate::run::RunOutcome;

/// Upper bounds of the latency's buckets, in seconds as they are printed, and as they are compared.
const BUCKETS: [(&str, Duration); 11] = [
    ("0.001", Duration::from_millis(1)),
    ("0.005", Duration::from_millis(5)),
    ("0.01", Duration::from_millis(10)),
    ("0.025", Duration::from_millis(25)),
    ("0.05", Duration::from_millis(50)),
    ("0.1", Duration::from_millis(100)),
    ("0.25", Duration::from_millis(250)),
    ("0.5", Duration::from_millis(500)),
    ("1", Duration::from_secs(1)),
    ("5", Duration::from_secs(5)),
    ("30", Duration::from_secs(30)),
];

/// A route as the router has it, the method, the status.
type Answered = (String, &'static str, u16);

/// Everything that is counted.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<Answered, u64>,
    latency: BTreeMap<String, Latency>,
    runs: BTreeMap<(&'static str, &'static str), u64>,
    runs_failed: u64,
    events: u64,
    tombstones: u64,
    rejects: u64,
}

/// A histogram; each bucket counts for itself here and is summed up when it is printed.
#[derive(Debug, Default)]
struct Latency {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Metrics {
    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Every change is an addition, so a panic elsewhere leaves the counts usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run of this process has ended in the ledger.
    pub(super) fn run_ended(&self, outcome: &RunOutcome) {
        let mut counts = self.counts();
        let key = (outcome.kind.name(), outcome.state.name());
        *counts.runs.entry(key).or_default() += 1;
        counts.events += outcome.summary.events_written();
        counts.tombstones += outcome.summary.tombstones;
        counts.rejects += outcome.summary.rows_rejected();
    }

    /// A run of this process has failed.
    pub(super) fn run_failed(&self) {
        self.counts().runs_failed += 1;
    }

    fn answered(&self, route: String, method: &Method, status: u16, took: Duration) {
        let mut counts = self.counts();
        let latency = counts.latency.entry(route.clone()).or_default();
        if let Some(bucket) = BUCKETS.iter().position(|(_, bound)| took <= *bound) {
            latency.buckets[bucket] += 1;
        }
        latency.count += 1;
        latency.sum += took;
        let key = (route, method_name(method), status);
        *counts.requests.entry(key).or_default() += 1;
    }

    /// The page. `live_runs` is what is so now.
    pub(super) fn page(&self, live_runs: usize) -> String {
        let counts = self.counts();
        let mut page = Page(String::new());
        page.head("requests_total", "counter", "Requests answered.");
        for ((route, method, status), count) in &counts.requests {
            let labels = format!(r#"{{route="{route}",method="{method}",status="{status}"}}"#);
            page.line("requests_total", &labels, count);
        }
        let help = "Time from a request's head to the head of its answer.";
        page.head("request_seconds", "histogram", help);
        for (route, latency) in &counts.latency {
            page.latency(route, latency);
        }
        page.head("runs_total", "counter", "Runs that ended as they should.");
        for ((kind, state), count) in &counts.runs {
            let labels = format!(r#"{{kind="{kind}",state="{state}"}}"#);
            page.line("runs_total", &labels, count);
        }
        for (name, kind, help, value) in [
            (
                "runs_failed_total",
                "counter",
                "Runs that failed.",
                counts.runs_failed,
            ),
            (
                "events_total",
                "counter",
                "Events written to the log.",
                counts.events,
            ),
            (
                "tombstones_total",
                "counter",
                "Tombstones written to the log.",
                counts.tombstones,
            ),
            ("rejects_total", "counter", "Rows rejected.", counts.rejects),
            (
                "live_runs",
                "gauge",
                "Runs that are being executed.",
                live_runs as u64,
            ),
        ] {
            page.head(name, kind, help);
            page.line(name, "", value);
        }
        page.0
    }
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let text = format!("# HELP eip_ingest_{name} {help}\n# TYPE eip_ingest_{name} {kind}\n");
        self.0.push_str(&text);
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        writeln!(self.0, "eip_ingest_{name}{labels} {value}").expect("a string takes all text");
    }

    fn latency(&mut self, route: &str, latency: &Latency) {
        let mut below = 0;
        for ((bound, _), count) in BUCKETS.iter().zip(latency.buckets) {
            below += count;
            let labels = format!(r#"{{route="{route}",le="{bound}"}}"#);
            self.line("request_seconds_bucket", &labels, below);
        }
        let labels = format!(r#"{{route="{route}",le="+Inf"}}"#);
        self.line("request_seconds_bucket", &labels, latency.count);
        let labels = format!(r#"{{route="{route}"}}"#);
        self.line("request_seconds_sum", &labels, latency.sum.as_secs_f64());
        self.line("request_seconds_count", &labels, latency.count);
    }
}

/// Counts every request, by the route and not by the path: a client cannot make new series.
pub(super) async fn count(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.answered(route, &method, response.status().as_u16(), began.elapsed());
    response
}

/// A client may make up methods, too.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_of_a_latency_counts_those_below_it_too() {
        let metrics = Metrics::default();
        for ms in [1, 3, 40, 60_000] {
            let took = Duration::from_millis(ms);
            metrics.answered("/v1/runs".to_owned(), &Method::GET, 200, took);
        }
        let page = metrics.page(2);
        for line in [
            r#"eip_ingest_requests_total{route="/v1/runs",method="GET",status="200"} 4"#,
            r#"eip_ingest_request_seconds_bucket{route="/v1/runs",le="0.001"} 1"#,
            r#"eip_ingest_request_seconds_bucket{route="/v1/runs",le="0.025"} 2"#,
            r#"eip_ingest_request_seconds_bucket{route="/v1/runs",le="30"} 3"#,
            r#"eip_ingest_request_seconds_bucket{route="/v1/runs",le="+Inf"} 4"#,
            r#"eip_ingest_request_seconds_sum{route="/v1/runs"} 60.044"#,
            "eip_ingest_live_runs 2",
        ] {
            assert!(
                page.lines().any(|printed| printed == line),
                "{line}\n{page}"
            );
        }
    }
}
