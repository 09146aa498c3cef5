//! Not too much at once: requests that are being answered, and requests of one caller in a second.
//!
//! A caller is the name of a token, or where there is none the address that the connection comes from.
//! Questions whether the service is alive and ready are let through: who asks them acts on the answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::Who;
use crate::health;
use crate::limits::Limits;
use crate::problem::Problem;

/// When a place may be free again.
const BUSY: Duration = Duration::from_secs(1);
/// After how many requests those who have not come for a while are forgotten.
const FORGET_EVERY: u32 = 1 << 12;

/// Who counts as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Name(Arc<str>),
    Address(IpAddr),
}

/// What is under way.
pub(crate) struct Traffic {
    places: Arc<Semaphore>,
    most: usize,
    rate: DefaultKeyedRateLimiter<Key>,
    max_rate: NonZeroU32,
    clock: DefaultClock,
    seen: AtomicU32,
}

impl Traffic {
    pub(crate) fn new(limits: Limits) -> Self {
        let max_rate = NonZeroU32::new(limits.max_rate).unwrap_or(NonZeroU32::MIN);
        Self {
            places: Arc::new(Semaphore::new(limits.max_requests)),
            most: limits.max_requests,
            rate: RateLimiter::keyed(Quota::per_second(max_rate)),
            max_rate,
            clock: DefaultClock::default(),
            seen: AtomicU32::new(0),
        }
    }

    fn admit(&self, request: &Request) -> Result<OwnedSemaphorePermit, Problem> {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed);
        if seen.is_multiple_of(FORGET_EVERY) {
            self.rate.retain_recent();
        }
        if let Err(later) = self.rate.check_key(&key(request)) {
            let detail = format!(
                "more than {} requests of one caller in a second",
                self.max_rate
            );
            return Err(Problem::too_many(
                detail,
                later.wait_time_from(self.clock.now()),
            ));
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map_err(|_| {
            let detail = format!(
                "{} requests are being answered, which is the most",
                self.most
            );
            Problem::too_many(detail, BUSY)
        })
    }
}

/// Lets a request through if there is room for it; its place is free again when its answer is sent.
pub(crate) async fn admit(
    State(traffic): State<Arc<Traffic>>,
    request: Request,
    next: Next,
) -> Response {
    if health::PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match traffic.admit(&request) {
        Ok(place) => {
            let response = next.run(request).await;
            if is_stream(&response) {
                return response;
            }
            response.map(|body| {
                Body::new(Holding {
                    body,
                    _place: place,
                })
            })
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whether an answer goes on for as long as somebody listens. The service bounds these by themselves.
fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.map(HeaderValue::as_bytes) == Some(b"text/event-stream")
}

fn key(request: &Request) -> Key {
    let extensions = request.extensions();
    let caller = extensions
        .get::<Who>()
        .and_then(|who| who.caller.as_ref().ok());
    if let Some(name) = caller.and_then(|caller| caller.key()) {
        return Key::Name(Arc::clone(name));
    }
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip());
    Key::Address(network(address))
}

/// One host has a whole /64 of addresses of version 6 to itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(bits).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// A body that keeps a place for as long as it is being sent.
struct Holding {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Holding {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(address: &str) -> Request {
        let mut request = Request::new(Body::empty());
        let peer: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    }

    #[test]
    fn one_caller_too_often_is_told_when_to_come_back_and_others_are_not() {
        let traffic = Traffic::new(Limits {
            max_rate: 2,
            ..Limits::default()
        });
        let (one, other) = (request("10.0.0.1:1"), request("10.0.0.2:1"));
        assert!(traffic.admit(&one).is_ok() && traffic.admit(&one).is_ok());
        let refused = traffic.admit(&one).unwrap_err();
        assert_eq!(refused.code(), "too_many");
        let body: serde_json::Value = serde_json::from_slice(&refused.body(None, None)).unwrap();
        assert_eq!(body["retry_after"], 1);
        assert!(traffic.admit(&other).is_ok());
    }

    #[test]
    fn a_place_is_free_again_when_the_answer_is_sent() {
        let traffic = Traffic::new(Limits {
            max_requests: 1,
            ..Limits::default()
        });
        let held = traffic.admit(&request("10.0.0.1:1")).unwrap();
        let refused = traffic.admit(&request("10.0.0.2:1")).unwrap_err();
        assert_eq!(refused.code(), "too_many");
        drop(held);
        assert!(traffic.admit(&request("10.0.0.2:1")).is_ok());
    }

    #[test]
    fn addresses_of_one_network_are_one_caller() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
