//! The sockets: how many, how long a request's head and a write may take, and how a connection ends.
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
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::head::{Refusing, answer};
use crate::limits::Limits;
use crate::write_timeout::Progressing;

/// Most bytes of a request's head; [`crate::head`] tells.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// Most bytes that the kernel takes before it can send them. It says that it takes more when half of them are
/// gone: of the megabytes that it takes otherwise, a slow client may not read that much in time.
const UNSENT_BYTES: u32 = 128 << 10;
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
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
    let stream = Progressing::new(stream, limits.write_timeout);
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
    let (stream, mut refusal) = parts.io.into_inner().into_parts();
    let (mut stream, has_stopped) = stream.into_parts();
    if has_stopped {
        tracing::debug!("a client took nothing of its answer for too long");
        // What it has not taken is thrown away, which the kernel would keep for it otherwise.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        return;
    }
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
        // A client that has gone meanwhile misses nothing.
        let written = stream.write_all(refusal.as_bytes());
        let _ = tokio::time::timeout(limits.write_timeout, written).await;
    }
    if stream.shutdown().await.is_ok() && !stopping {
        let _ = tokio::time::timeout(LINGER, drain(stream)).await;
    }
}

async fn drain(mut stream: TcpStream) {
    let mut ignored = vec![0; 64 << 10];
    while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::task::{Context, Poll};

    use axum::body::{Bytes, HttpBody};
    use axum::routing::get;
    use hyper::body::Frame;
    use tokio::net::TcpSocket;
    use tokio::sync::oneshot;

    use super::*;

    /// Bytes a piece.
    const PIECE: usize = 16 << 10;

    /// A body of so many pieces, and who is told when it is dropped.
    struct Pieces {
        left: usize,
        _held: oneshot::Sender<()>,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; PIECE])))))
        }
    }

    /// A service of one connection at a time that answers with so many pieces, a client that has asked for
    /// them, and what ends with the answer.
    async fn asked(
        pieces: usize,
        write_timeout: Duration,
    ) -> (TcpStream, SocketAddr, oneshot::Receiver<()>) {
        let (held, dropped) = oneshot::channel();
        let held = Arc::new(Mutex::new(Some(held)));
        let large = move || {
            let held = held.lock().unwrap().take();
            let body = held.map(|held| {
                Body::new(Pieces {
                    left: pieces,
                    _held: held,
                })
            });
            std::future::ready(body.unwrap_or_default())
        };
        let router = Router::new()
            .route("/large", get(large))
            .route("/small", get(async || "small"));
        let limits = Limits {
            write_timeout,
            max_connections: 1,
            ..Limits::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = serve_connections(listener, router, limits, CancellationToken::new());
        TaskTracker::new().spawn(served);
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(PIECE as u32).unwrap();
        let mut client = socket.connect(address).await.unwrap();
        client
            .write_all(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        (client, address, dropped)
    }

    #[tokio::test]
    async fn a_client_that_never_reads_is_cut_off_and_holds_nothing() {
        let (mut client, address, dropped) = asked(usize::MAX, Duration::from_millis(200)).await;
        let other = async {
            let mut other = TcpStream::connect(address).await.unwrap();
            let request = b"GET /small HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
            other.write_all(request).await.unwrap();
            let mut answer = String::new();
            other.read_to_string(&mut answer).await.unwrap();
            answer
        };
        // Its answer is dropped, and its place is another's.
        dropped.await.unwrap_err();
        assert!(other.await.ends_with("small"));
        let mut ignored = Vec::new();
        let cut_off = client.read_to_end(&mut ignored).await;
        assert_eq!(
            cut_off.unwrap_err().kind(),
            std::io::ErrorKind::ConnectionReset
        );
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_all() {
        const PIECES: usize = 300;
        let timeout = Duration::from_secs(2);
        let (mut client, _, dropped) = asked(PIECES, timeout).await;
        let begun = tokio::time::Instant::now();
        let (mut answer, mut piece) = (Vec::new(), vec![0; PIECE]);
        while !answer.ends_with(b"\r\n0\r\n\r\n") {
            // All of it takes longer than one write may.
            tokio::time::sleep(timeout * 3 / 2 / PIECES as u32).await;
            let read = client.read(&mut piece).await.unwrap();
            assert!(read > 0, "cut off after {} bytes", answer.len());
            answer.extend_from_slice(&piece[..read]);
        }
        assert!(answer.len() > PIECES * PIECE);
        assert!(begun.elapsed() > timeout);
        dropped.await.unwrap_err();
    }
}
