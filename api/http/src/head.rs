//! Requests whose head nobody could read, answered in the form of all other refusals.
//!
//! hyper answers a head that it cannot read or that is too large by itself, before there is a request
//! that a handler could see, and without a body. [`Refusing`] is the socket that it writes to: it keeps
//! such an answer back, and whoever owns the connection writes [`answer`] instead. An answer of ours
//! is never taken for one of these: all our refusals have a body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::problem::{MEDIA_TYPE, Problem};

/// What hyper answers by itself (its HTTP/1 role `Server`, `on_error`), and what to say about it.
const REFUSALS: [(StatusCode, &str, &str); 3] = [
    (
        StatusCode::BAD_REQUEST,
        "bad_head",
        "the request's head is no HTTP/1.1: a method, a path and a version, then a header a line",
    ),
    (
        StatusCode::URI_TOO_LONG,
        "long_path",
        "the request's path and query are too long",
    ),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "large_head",
        "the request's head is larger than this takes: at most 32 KiB and 100 headers",
    ),
];

/// A socket that keeps back hyper's own refusals.
pub(crate) struct Refusing<T> {
    socket: T,
    refusal: Option<String>,
}

impl<T> Refusing<T> {
    pub(crate) fn new(socket: T) -> Self {
        let refusal = None;
        Self { socket, refusal }
    }

    /// The socket, and what is to be answered on it before it is closed.
    pub(crate) fn into_parts(self) -> (T, Option<String>) {
        (self.socket, self.refusal)
    }

    /// Whether this is a refusal that is now kept back. Once one was, hyper has no more to say.
    fn keeps(&mut self, written: &[u8]) -> bool {
        let kept = refusal(written);
        let is_kept = kept.is_some();
        self.refusal = self.refusal.take().or(kept);
        is_kept
    }
}

/// Our answer in the place of hyper's.
fn refusal(written: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(written).ok()?;
    let is_all = head.ends_with("\r\n\r\n") && head.contains("\r\ncontent-length: 0\r\n");
    let (status, code, detail) = REFUSALS.into_iter().find(|(status, _, _)| {
        let rest = head.strip_prefix("HTTP/1.1 ");
        rest.is_some_and(|rest| rest.starts_with(status.as_str()))
    })?;
    is_all.then(|| answer(status, code, detail))
}

/// A whole answer to a request that no handler sees; the connection ends with it.
pub(crate) fn answer(status: StatusCode, code: &'static str, detail: &str) -> String {
    let title = status.canonical_reason().unwrap_or("error");
    let body = Problem::new(status, code, detail).body(None, None);
    let body = String::from_utf8_lossy(&body);
    format!(
        "HTTP/1.1 {} {title}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        status.as_u16(),
        body.len()
    )
}

impl<T: AsyncRead + Unpin> AsyncRead for Refusing<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Refusing<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.keeps(buffer) {
            return Poll::Ready(Ok(buffer.len()));
        }
        Pin::new(&mut self.socket).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [head] = buffers
            && self.keeps(head)
        {
            return Poll::Ready(Ok(head.len()));
        }
        Pin::new(&mut self.socket).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
