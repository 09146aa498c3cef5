//! Requests about a run that another instance executes are passed on to it.
//!
//! The ledger says where it takes commands. One that does not answer loses its runs 30 s after its
//! last sign of life; until then nobody else can do anything about them. They are passed on over plain
//! HTTP: an instance that advertises anything else does not start.

use std::time::Duration;

use axum::body::Body;
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use futures_util::stream;

use super::problem::Problem;

/// How long the owner may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Marks what was passed on once; it is not passed on again.
const PASSED_ON: &str = "eip-passed-on";
/// Headers that are passed on with a request.
const PASSED_HEADERS: [&str; 4] = ["authorization", "content-type", "accept", "x-request-id"];

/// The other instances.
pub(super) struct Owners {
    own_url: Option<String>,
    client: reqwest::Client,
}

/// Whether other instances can pass requests on to this URL.
pub(super) fn takes_requests(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok();
    uri.is_some_and(|uri| {
        let is_plain = uri.scheme() == Some(&Scheme::HTTP) && uri.query().is_none();
        is_plain && uri.host().is_some_and(|host| !host.is_empty())
    })
}

/// A request that may have to go to another instance.
pub(super) struct Passed<'a> {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Owners {
    pub(super) fn new(own_url: Option<String>) -> Self {
        Self {
            own_url,
            client: reqwest::Client::new(),
        }
    }

    /// Asks the owner, if that is another instance than this one.
    pub(super) async fn pass_on(
        &self,
        owner_url: Option<&str>,
        request: Passed<'_>,
    ) -> Result<Option<Response>, Problem> {
        let Some(owner) = owner_url.filter(|&owner| Some(owner) != self.own_url.as_deref()) else {
            return Ok(None);
        };
        if request.headers.contains_key(PASSED_ON) {
            return Ok(None);
        }
        let url = format!("{}{}", owner.trim_end_matches('/'), request.path);
        let mut passed = self
            .client
            .request(request.method, &url)
            .header(PASSED_ON, "1")
            .body(request.body);
        if !request.path.contains("/events") {
            passed = passed.timeout(PATIENCE);
        }
        for name in PASSED_HEADERS {
            if let Some(value) = request.headers.get(name) {
                passed = passed.header(name, value);
            }
        }
        let answer = passed.send().await.map_err(|error| {
            let detail = format!(
                "the run belongs to the instance at {owner}, which does not answer ({}); when it \
                 has given no sign of life for 30 s, the run is interrupted and its key goes on \
                 with it",
                error.without_url()
            );
            Problem::unavailable("owner_unreachable", detail)
        })?;
        let mut response = Response::builder().status(answer.status());
        for name in [
            header::CONTENT_TYPE,
            header::LOCATION,
            header::RETRY_AFTER,
            header::CACHE_CONTROL,
            header::CONTENT_SECURITY_POLICY,
        ] {
            if let Some(value) = answer.headers().get(&name) {
                response = response.header(name, value);
            }
        }
        let body = Body::from_stream(stream::try_unfold(answer, |mut answer| async move {
            let chunk = answer.chunk().await?;
            Ok::<_, reqwest::Error>(chunk.map(|chunk| (chunk, answer)))
        }));
        response.body(body).map(Some).map_err(|error| {
            Problem::new(
                StatusCode::BAD_GATEWAY,
                "owner_unreachable",
                error.to_string(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::takes_requests;

    #[test]
    fn only_a_plain_http_url_takes_requests_that_are_passed_on() {
        for url in [
            "http://ingest-1:8080",
            "HTTP://10.0.0.1",
            "http://[::1]:1/below/",
        ] {
            assert!(takes_requests(url), "{url}");
        }
        for url in [
            "",
            "ingest-1:8080",
            "https://ingest-1:8080",
            "http://",
            "http:///runs",
            "http://ingest-1/?a=b",
            "http://in gest",
            "ftp://ingest-1",
        ] {
            assert!(!takes_requests(url), "{url}");
        }
    }
}
