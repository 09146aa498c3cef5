//! `/metrics`: a few counters in Prometheus' text form
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::Api;
use crate::openapi::Problems;

/// Counts every request.
pub(crate) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let class = usize::from(response.status().as_u16() / 100);
    if let Some(count) = api.requests.0.get(class.wrapping_sub(1)) {
        count.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// What the service counts, for Prometheus.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics",
    responses((status = 200, body = str, content_type = "text/plain"), Problems))]
pub(crate) async fn show(State(api): State<Api>) -> Response {
    let cache = api.cache.counts();
    let mut text = String::from(
        "# HELP eip_api_requests_total Requests answered, by the class of their status.\n\
         # TYPE eip_api_requests_total counter\n",
    );
    for (class, count) in (1..).zip(&api.requests.0) {
        let count = count.load(Ordering::Relaxed);
        line(
            &mut text,
            format_args!("requests_total{{class=\"{class}xx\"}} {count}"),
        );
    }
    for (name, help, value) in [
        ("hits", "Answers out of the cache.", cache.hits),
        (
            "misses",
            "Answers that the cache did not have.",
            cache.misses,
        ),
        (
            "failures",
            "Times that the cache did not answer.",
            cache.failures,
        ),
        (
            "refused",
            "Times that the cache held something else in place of an answer.",
            cache.refused,
        ),
    ] {
        text.push_str("# HELP ");
        line(&mut text, format_args!("cache_{name}_total {help}"));
        text.push_str("# TYPE ");
        line(&mut text, format_args!("cache_{name}_total counter"));
        line(&mut text, format_args!("cache_{name}_total {value}"));
    }
    let form = "text/plain; version=0.0.4; charset=utf-8";
    ([(CONTENT_TYPE, form)], text).into_response()
}

fn line(text: &mut String, rest: std::fmt::Arguments<'_>) {
    writeln!(text, "eip_api_{rest}").expect("a string takes all text");
}
