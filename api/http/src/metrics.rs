//! Figures for Prometheus, in its text form (<https://prometheus.io/docs/instrumenting/exposition_formats/>):
//! a page of them, and those of a service's requests.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

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

/// The requests of a service, by route, method and status, and how long they took.
#[derive(Debug, Default)]
pub struct Requests(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    answered: BTreeMap<Answered, u64>,
    latency: BTreeMap<String, Latency>,
}

/// A histogram; each bucket counts for itself here and is summed up when it is printed.
#[derive(Debug, Default)]
struct Latency {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Requests {
    fn answered(&self, route: String, method: &Method, status: u16, took: Duration) {
        let mut counts = self.counts();
        let latency = counts.latency.entry(route.clone()).or_default();
        if let Some(bucket) = BUCKETS.iter().position(|(_, bound)| took <= *bound) {
            latency.buckets[bucket] += 1;
        }
        latency.count += 1;
        latency.sum += took;
        let key = (route, method_name(method), status);
        *counts.answered.entry(key).or_default() += 1;
    }

    /// Adds them to a page.
    pub fn write(&self, page: &mut Page) {
        let counts = self.counts();
        page.head("requests_total", "counter", "Requests answered.");
        for ((route, method, status), count) in &counts.answered {
            let labels = format!(r#"route="{route}",method="{method}",status="{status}""#);
            page.line("requests_total", &labels, count);
        }
        let help = "Time from a request's head to the head of its answer.";
        page.head("request_seconds", "histogram", help);
        for (route, latency) in &counts.latency {
            page.latency(route, latency);
        }
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Every change is an addition, so a panic elsewhere leaves the counts usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page of figures whose names begin alike.
#[derive(Clone, Debug)]
pub struct Page {
    prefix: &'static str,
    text: String,
}

impl Page {
    /// An empty page of figures `<prefix>_<name>`.
    pub fn new(prefix: &'static str) -> Self {
        let text = String::new();
        Self { prefix, text }
    }

    /// Begins a figure: its name, its type (`counter`, `gauge`, `histogram`) and what it is.
    pub fn head(&mut self, name: &str, kind: &str, help: &str) {
        let prefix = self.prefix;
        self.add(format_args!(
            "# HELP {prefix}_{name} {help}\n# TYPE {prefix}_{name} {kind}\n"
        ));
    }

    /// One series of it: `labels` as `name="value"`, separated by commas, or nothing.
    pub fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let prefix = self.prefix;
        if labels.is_empty() {
            self.add(format_args!("{prefix}_{name} {value}\n"));
        } else {
            self.add(format_args!("{prefix}_{name}{{{labels}}} {value}\n"));
        }
    }

    /// A figure of one series without labels.
    pub fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }

    fn latency(&mut self, route: &str, latency: &Latency) {
        let mut below = 0;
        for ((bound, _), count) in BUCKETS.iter().zip(latency.buckets) {
            below += count;
            let labels = format!(r#"route="{route}",le="{bound}""#);
            self.line("request_seconds_bucket", &labels, below);
        }
        let labels = format!(r#"route="{route}",le="+Inf""#);
        self.line("request_seconds_bucket", &labels, latency.count);
        let labels = format!(r#"route="{route}""#);
        self.line("request_seconds_sum", &labels, latency.sum.as_secs_f64());
        self.line("request_seconds_count", &labels, latency.count);
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.write_fmt(text).expect("a string takes all text");
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let form = "text/plain; version=0.0.4; charset=utf-8";
        ([(header::CONTENT_TYPE, form)], self.text).into_response()
    }
}

/// Counts every request, by the route and not by the path: a client cannot make new series.
pub(crate) async fn count(
    State(requests): State<Arc<Requests>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let response = next.run(request).await;
    requests.answered(route, &method, response.status().as_u16(), began.elapsed());
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
        let requests = Requests::default();
        for ms in [1, 3, 40, 60_000] {
            let took = Duration::from_millis(ms);
            requests.answered("/v1/runs".to_owned(), &Method::GET, 200, took);
        }
        let mut page = Page::new("eip_x");
        requests.write(&mut page);
        page.one("live", "gauge", "What lives.", 2);
        for line in [
            r#"eip_x_requests_total{route="/v1/runs",method="GET",status="200"} 4"#,
            r#"eip_x_request_seconds_bucket{route="/v1/runs",le="0.001"} 1"#,
            r#"eip_x_request_seconds_bucket{route="/v1/runs",le="0.025"} 2"#,
            r#"eip_x_request_seconds_bucket{route="/v1/runs",le="30"} 3"#,
            r#"eip_x_request_seconds_bucket{route="/v1/runs",le="+Inf"} 4"#,
            r#"eip_x_request_seconds_sum{route="/v1/runs"} 60.044"#,
            "# TYPE eip_x_live gauge",
            "eip_x_live 2",
        ] {
            assert!(
                page.text.lines().any(|printed| printed == line),
                "{line}\n{}",
                page.text
            );
        }
    }
}
