//! `/metrics`: what the service counts, for Prometheus.

use axum::extract::State;
use eip_http::Page;
use eip_http::openapi::Problems;

use crate::api::Api;

/// What the service counts, for Prometheus.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics",
    responses((status = 200, body = str, content_type = "text/plain"), Problems))]
pub(crate) async fn show(State(api): State<Api>) -> Page {
    let mut page = Page::new("eip_api");
    api.service.requests().write(&mut page);
    let cache = api.cache.counts();
    for (name, help, value) in [
        ("cache_hits_total", "Answers out of the cache.", cache.hits),
        (
            "cache_misses_total",
            "Answers that the cache did not have.",
            cache.misses,
        ),
        (
            "cache_failures_total",
            "Times that the cache did not answer.",
            cache.failures,
        ),
        (
            "cache_refused_total",
            "Times that the cache held something else in place of an answer.",
            cache.refused,
        ),
    ] {
        page.one(name, "counter", help, value);
    }
    page
}
