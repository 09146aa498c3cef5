//! Request ids: one name for a request in the client's records, the answer and the log.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tower_http::request_id::{MakeRequestId as _, MakeRequestUuid};
use tracing::Instrument as _;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id that is taken from a client.
const MAX_BYTES: usize = 128;

/// Takes the client's `X-Request-Id` or makes one, puts it into the log's lines about the request
/// and into the answer, and logs how the request went and whose it was. Only the path is logged: a header
/// may hold a token, a query what a client took for one.
pub(crate) async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&HEADER).filter(|id| is_plain(id));
    let id = given.cloned().unwrap_or_else(|| made(&request));
    request.headers_mut().insert(HEADER, id.clone());
    let method = request.method().clone();
    let text = id.to_str().unwrap_or_default();
    let span = tracing::info_span!(
        "request",
        id = text,
        %method,
        path = request.uri().path(),
        caller = tracing::field::Empty,
    );
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(HEADER, id);
    let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
    // Whoever watches asks often; that is no news.
    if method == Method::GET && response.status().is_success() {
        tracing::debug!(parent: &span, status, ms, "answered");
    } else {
        tracing::info!(parent: &span, status, ms, "answered");
    }
    response
}

/// The id of a request that has gone through [`identify`].
pub(crate) fn of(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(&HEADER).cloned()
}

/// Whether an id can stand in a line of a log.
fn is_plain(id: &HeaderValue) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    (1..=MAX_BYTES).contains(&id.len()) && id.as_bytes().iter().all(allowed)
}

fn made(request: &Request) -> HeaderValue {
    let id = MakeRequestUuid.make_request_id(request);
    id.expect("a random id needs nothing").into_header_value()
}
