//! What keeps web pages out while there are no tokens.
//!
//! Without tokens whoever is on this machine may do everything, and so may a browser on it, for any
//! page that it shows. Two ways lead from a page to here, and each has its own header:
//!
//! ```text
//! a name of the page's own that suddenly means 127.0.0.1 (DNS rebinding) ──► Host is that name    421
//! a form or a script that sends to another origin without reading ────────► Origin is the page's 403
//! ```
//! Programs that are no browsers name the address that they were given, and send no Origin.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

/// The names by which this service may be called.
pub struct OwnNames {
    /// The host of the URL under which others reach it, in lower case.
    advertised: Option<String>,
}

impl OwnNames {
    /// Loopback's names and addresses, and the host of `url`.
    pub fn new(url: Option<&str>) -> Self {
        let uri = url.and_then(|url| url.parse::<Uri>().ok());
        let host = uri.as_ref().and_then(Uri::host);
        Self {
            advertised: host.map(str::to_ascii_lowercase),
        }
    }

    /// Whether this is one of them, with or without a port.
    fn has(&self, authority: &str) -> bool {
        // What stands before an @ is no part of a Host.
        let named = authority.parse::<Authority>().ok();
        let Some(named) = named.filter(|named| !named.as_str().contains('@')) else {
            return false;
        };
        let host = named.host().to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || address
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
            || self.advertised.as_ref() == Some(&host)
    }

    /// Refuses what a page that is not ours could have sent.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let called = called(request.uri(), headers)?;
        // No browser leaves it out.
        let Some(called) = called else {
            return Ok(());
        };
        if !self.has(called) {
            let detail = format!(
                "{called:?} is not a name of this service; without tokens it answers under localhost, \
                 a loopback address and the name that it advertises only"
            );
            return Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "other_host",
                detail,
            ));
        }
        if request.method().is_safe() {
            return Ok(());
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if origins.all(|origin| origin.to_str().is_ok_and(|origin| is_of(origin, called))) {
            return Ok(());
        }
        let detail = "the request comes from a page of another origin; without tokens, pages change \
                      nothing here";
        Err(Problem::new(StatusCode::FORBIDDEN, "other_origin", detail))
    }
}

/// Under which name the request calls the service: its target's, else its Host (RFC 9112, section
/// 3.3).
fn called<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Result<Option<&'a str>, Problem> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (host, other) = (hosts.next(), hosts.next());
    if let Some(authority) = uri.authority() {
        return Ok(Some(authority.as_str()));
    }
    let host = host
        .map(|host| host.to_str().ok())
        .map_or(Some(None), |host| host.map(Some));
    match (host, other) {
        (Some(host), None) => Ok(host),
        _ => Err(Problem::bad_request(
            "one header Host is required, and of printable characters",
        )),
    }
}

/// Whether an origin (`http://host:port`) is that of a service called by this name.
fn is_of(origin: &str, called: &str) -> bool {
    let authority = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(called))
}

/// Lets through what no page of others can have sent.
pub async fn keep_out(
    State(names): State<Arc<OwnNames>>,
    request: Request,
    next: Next,
) -> Response {
    match names.check(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Lets through what comes over loopback.
pub(crate) async fn only_this_machine(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
        return next.run(request).await;
    }
    let detail = "without tokens this is for programs on the same machine only (`eip token new`)";
    Problem::new(StatusCode::FORBIDDEN, "other_machine", detail).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_the_advertised_host_are_names_of_ours() {
        let names = OwnNames::new(Some("http://Ingest-1:8080/below"));
        for ours in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
            "ingest-1",
            "INGEST-1:99",
        ] {
            assert!(names.has(ours), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "evil.example@localhost",
            "localhost@evil.example",
            "10.0.0.1:8080",
            "0.0.0.0",
            "[::2]",
            "ingest-10",
            "local host",
        ] {
            assert!(!names.has(other), "{other}");
        }
        assert!(!OwnNames::new(None).has("ingest-1"));
    }

    #[test]
    fn an_origin_is_ours_with_the_same_host_and_port_only() {
        assert!(is_of("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(is_of("https://LOCALHOST", "localhost"));
        for other in [
            "null",
            "",
            "127.0.0.1:8080",
            "http://127.0.0.1:8081",
            "http://localhost:8080",
            "http://127.0.0.1:8080.evil.example",
            "http://127.0.0.1:8080/",
        ] {
            assert!(!is_of(other, "127.0.0.1:8080"), "{other}");
        }
    }
}
