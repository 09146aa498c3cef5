//! The sockets: how many, how long a request's head may take, and how a connection ends.
//!
//! A client that still sends when its answer is there (a body that was refused) loses the answer if
//! the socket is closed under it: the kernel resets a connection with unread bytes. So the writing
//! side is closed first, and what comes is thrown away for a moment.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::head::{Refusing, answer};
use crate::limits::Limits;

/// Most bytes of a request's head; [`crate::head`] tells.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// For how long a client is listened to that has its answer.
const LINGER: Duration = Duration::from_secs(2);

/// Answers connections until `shutdown`; then requests under way are finished, within the time that
/// any request has.
pub(crate) async fn serve_connections(
    mut listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let free = Arc::new(Semaphore::new(limits.max_connections));
    let tracker = TaskTracker::new();
    let given_up = CancellationToken::new();
    loop {
        let next = async {
            let place = Arc::clone(&free).acquire_owned().await;
            // Errors of a single connection are no errors of the listener; axum's waits and goes on.
            (place, Listener::accept(&mut listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            next = next => next,
            () = shutdown.cancelled() => break,
        };
        let connection = connection(stream, peer, router.clone(), limits, shutdown.clone());
        let given_up = given_up.clone();
        tracker.spawn(async move {
            let _place = place;
            given_up.run_until_cancelled(connection).await;
        });
    }
    drop(listener);
    tracker.close();
    let ended = tokio::time::timeout(limits.request_timeout, tracker.wait()).await;
    if ended.is_err() {
        given_up.cancel();
        tracker.wait().await;
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    // An answer is written at once; a failure here costs time only.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered = router.clone().oneshot(request.map(Body::new));
        Box::pin(async { answered.await.map_err(|never: Infallible| never) })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Refusing::new(stream)), service);
    let mut stopping = false;
    let ended = loop {
        tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => break ended,
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                std::pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    let parts = connection.into_parts();
    let (mut stream, mut refusal) = parts.io.into_inner().into_parts();
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
        // A connection that was only kept open ends without a word.
        if error.is_timeout() && !parts.read_buf.is_empty() {
            let seconds = limits.header_timeout.as_secs_f64();
            let detail = format!("the request's head was not there within {seconds} s");
            refusal = Some(answer(StatusCode::REQUEST_TIMEOUT, "slow_head", &detail));
        }
    }
    if let Some(refusal) = refusal {
        // Whoever has gone meanwhile misses nothing.
        let _ = stream.write_all(refusal.as_bytes()).await;
    }
    if stream.shutdown().await.is_ok() && !stopping {
        let _ = tokio::time::timeout(LINGER, drain(stream)).await;
    }
}

async fn drain(mut stream: TcpStream) {
    let mut ignored = vec![0; 64 << 10];
    while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}
