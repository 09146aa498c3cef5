//! A service as a whole: what its requests pass through, and the socket that they come from.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{
    DefaultPredicate, NotForContentType, Predicate as _, SizeAbove,
};
use tower_http::timeout::TimeoutLayer;

use crate::access::{Access, identify};
use crate::body::BodyLimit;
use crate::browsers::{OwnNames, keep_out, only_this_machine};
use crate::connections::serve_connections;
use crate::limits::Limits;
use crate::metrics::{Requests, count};
use crate::problem::Problem;
use crate::traffic::{Traffic, admit};
use crate::{headers, problem, request_id};

/// Less than this is not worth packing. It also keeps the answers with secrets as they are: what is packed
/// together with a text of somebody else's betrays itself by its length (BREACH).
const PACKED_FROM: u64 = 1 << 10;

/// One service. Clones share what is counted and who is signed in.
#[derive(Clone)]
pub struct Service {
    name: &'static str,
    access: Access,
    limits: Limits,
    names: Arc<OwnNames>,
    /// Whether pages of others are kept out of all of it while there are no tokens.
    keeps_out: bool,
    traffic: Arc<Traffic>,
    requests: Arc<Requests>,
}

/// Anybody who can reach it could do everything.
#[derive(Debug, thiserror::Error)]
#[error(
    "{address} is not a loopback address; without tokens {name} listens on 127.0.0.1 or [::1] only \
     (`eip token new` makes one)"
)]
pub struct NotLoopback {
    address: SocketAddr,
    name: &'static str,
}

impl Service {
    /// A service that calls itself `name` in errors and the log.
    pub fn new(name: &'static str, access: Access, limits: Limits) -> Self {
        Self {
            name,
            access,
            limits,
            names: Arc::new(OwnNames::new(None)),
            keeps_out: true,
            traffic: Arc::new(Traffic::new(limits)),
            requests: Arc::default(),
        }
    }

    /// The same, also under the host of `url`.
    #[must_use]
    pub fn also_called(mut self, url: Option<&str>) -> Self {
        self.names = Arc::new(OwnNames::new(url));
        self
    }

    /// The same without tokens on any address, under any name: what it shows is for everybody, and what
    /// changes something is in [`Service::local`].
    #[must_use]
    pub fn shown_to_all(mut self) -> Self {
        self.keeps_out = false;
        self
    }

    /// Routes that are for programs on this machine alone while there are no tokens.
    pub fn local<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        if !self.access.is_open() {
            return routes;
        }
        let names = Arc::clone(&self.names);
        routes
            .route_layer(from_fn_with_state(names, keep_out))
            .route_layer(from_fn(only_this_machine))
    }

    /// Its limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What its requests are counted in.
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// What a body may be, for [`receive`](crate::receive).
    pub fn body_limit(&self) -> BodyLimit {
        BodyLimit {
            bytes: self.limits.max_body_bytes,
            timeout: self.limits.body_timeout,
        }
    }

    /// Refuses an address that others can reach while there are no tokens.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), NotLoopback> {
        let name = self.name;
        if !self.access.is_open() {
            return Ok(());
        }
        if !address.ip().is_loopback() {
            return Err(NotLoopback { address, name });
        }
        tracing::warn!(%address, "no tokens are set: everybody on this machine may do everything");
        Ok(())
    }

    /// Puts what all requests pass through around routes. Those that are not for everybody are behind
    /// [`authenticate`](crate::authenticate) already.
    pub fn wrap<S: Clone + Send + Sync + 'static>(&self, routes: Router<S>) -> Router<S> {
        let routes = routes
            .fallback(no_such_path)
            .method_not_allowed_fallback(no_such_method)
            .layer(from_fn_with_state(Arc::clone(&self.traffic), admit))
            .layer(from_fn_with_state(self.access.clone(), identify));
        // A page in a browser has no token.
        let routes = if self.access.is_open() && self.keeps_out {
            routes.layer(from_fn_with_state(Arc::clone(&self.names), keep_out))
        } else {
            routes
        };
        // What is packed already, and what has to arrive piece by piece, stays as it is.
        let packed = DefaultPredicate::new()
            .and(SizeAbove::new(PACKED_FROM))
            .and(NotForContentType::const_new("application/vnd.apache."));
        routes
            // From here on inside out: the last one sees a request first and its answer last.
            .layer(CatchPanicLayer::custom(panicked))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::GATEWAY_TIMEOUT,
                self.limits.request_timeout,
            ))
            .layer(from_fn(problem::render))
            .layer(
                CompressionLayer::new()
                    .quality(CompressionLevel::Fastest)
                    .compress_when(packed),
            )
            .layer(from_fn_with_state(Arc::clone(&self.requests), count))
            .layer(from_fn(headers::secure))
            .layer(from_fn(request_id::identify))
    }

    /// Answers connections until `shutdown`; then requests under way are finished, within the time that
    /// any request has.
    pub async fn serve(&self, listener: TcpListener, router: Router, shutdown: CancellationToken) {
        serve_connections(listener, router, self.limits, shutdown).await;
    }
}

/// Any other path.
async fn no_such_path() -> Problem {
    Problem::no_such("path", "there is nothing at this path")
}

/// Another method on a path that exists.
async fn no_such_method() -> Problem {
    let detail = "this path does not take this method; the header Allow names those that it takes";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
}

/// A handler that panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the layer hands the cause over"
)]
fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<&str>().copied();
    let text = text.or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    Problem::internal(text.unwrap_or("a panic without a text")).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::{Body, Bytes, to_bytes};
    use axum::extract::{ConnectInfo, Request};
    use axum::routing::{get, post};
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::*;
    use crate::{Role, Tokens, authenticate, receive, token_sha256};

    fn service(access: Access) -> Service {
        let limits = Limits {
            max_body_bytes: 10,
            body_timeout: Duration::from_millis(50),
            request_timeout: Duration::from_millis(200),
            ..Limits::default()
        };
        Service::new("a test", access, limits)
    }

    async fn ask(routes: &Router, request: Request) -> (u16, Value) {
        let response = routes.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let id = response.headers()["x-request-id"].clone();
        let kind = response.headers().get("content-type").cloned();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status >= 400 {
            assert_eq!(kind.unwrap(), "application/problem+json");
            assert_eq!(body["requestId"], id.to_str().unwrap(), "{body}");
        }
        (status, body)
    }

    async fn panics() {
        panic!("boom {}", 1);
    }

    async fn slow() {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }

    #[tokio::test]
    async fn whatever_fails_is_a_problem() {
        let service = service(Access::new(Tokens::default()));
        let read = async |body: Bytes| body.len().to_string();
        let routes = Router::new()
            .route("/read", post(read))
            .route_layer(from_fn_with_state(service.body_limit(), receive))
            .route("/panics", get(panics))
            .route("/slow", get(slow))
            .route(
                "/text",
                get(async || (StatusCode::CONFLICT, "in plain words")),
            );
        let routes = service.wrap(routes);
        let plain = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let sent = |body| Request::post("/read").body(body).unwrap();
        for (request, status, code, detail) in [
            (plain("/panics"), 500, "internal", "its log says more"),
            (plain("/slow"), 504, "timeout", "no answer in time"),
            (plain("/text"), 409, "bad_request", "in plain words"),
            (plain("/read"), 405, "no_such_method", "Allow"),
            (plain("/other"), 404, "no_such_path", "nothing"),
            (
                sent(Body::from("12345678901")),
                413,
                "too_large",
                "10 bytes",
            ),
            (
                sent(Body::new(NeverEnds)),
                408,
                "slow_body",
                "within 0.05 s",
            ),
        ] {
            let what = request.uri().clone();
            let (answered, body) = ask(&routes, request).await;
            assert_eq!(
                (answered, &body["code"]),
                (status, &code.into()),
                "{what}: {body}"
            );
            assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
            assert_eq!(body["instance"], what.path());
        }
        assert_eq!(ask(&routes, sent(Body::from("1234567890"))).await.0, 200);
    }

    /// A body that does not come.
    struct NeverEnds;

    impl axum::body::HttpBody for NeverEnds {
        type Data = Bytes;
        type Error = axum::Error;
        fn poll_frame(
            self: std::pin::Pin<&mut Self>,
            _context: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
            std::task::Poll::Pending
        }
    }

    #[tokio::test]
    async fn what_changes_something_is_for_this_machine_where_figures_are_for_everybody() {
        let mut tokens = Tokens::default();
        let hash = [token_sha256("ops")];
        tokens.add("ops", Role::Admin, &hash).unwrap();
        let from = async |routes: &Router, path: &str, peer: &str, headers: &[(&str, &str)]| {
            let method = if path == "/repair" { "POST" } else { "GET" };
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let mut request = request.body(Body::empty()).unwrap();
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
            let (status, body) = ask(routes, request).await;
            (status, body["code"].as_str().unwrap_or_default().to_owned())
        };
        let routes = |service: Service| {
            let service = service.shown_to_all();
            let repair = Router::new().route("/repair", post(async || "1"));
            let guarded = Router::new()
                .route("/metrics", get(async || "1"))
                .merge(service.local(repair))
                .route_layer(from_fn(authenticate));
            service.wrap(guarded)
        };
        let open = routes(service(Access::new(Tokens::default())));
        let (here, there) = ("127.0.0.1:1", "10.0.0.1:1");
        let named = ("host", "dataflow:8080");
        let page = ("origin", "http://page.example");
        let own = ("host", "localhost:8082");
        for (path, peer, headers, status, code) in [
            ("/metrics", there, &[named][..], 200, ""),
            ("/repair", there, &[own], 403, "other_machine"),
            ("/repair", here, &[named], 421, "other_host"),
            ("/repair", here, &[own, page], 403, "other_origin"),
            ("/repair", here, &[own], 200, ""),
        ] {
            let answer = from(&open, path, peer, headers).await;
            assert_eq!(
                answer,
                (status, code.to_owned()),
                "{path} {peer} {headers:?}"
            );
        }
        let closed = routes(service(Access::new(tokens)));
        let ops = ("authorization", "Bearer ops");
        for path in ["/metrics", "/repair"] {
            let (status, code) = from(&closed, path, there, &[named]).await;
            assert_eq!((status, code.as_str()), (401, "no_token"), "{path}");
            assert_eq!(
                from(&closed, path, there, &[named, ops]).await.0,
                200,
                "{path}"
            );
        }
    }
}
