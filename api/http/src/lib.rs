//! What the HTTP services share: Ingest, the dataflow's and the Ops Search API stand on it.
//!
//! ```text
//! socket ──► writes in time ──► head in time and size ──► request id ──► headers ──► counted ──► packed ──► problem ──► time
//!        ──► no page of another origin ──► who asks ──► not too often ──► role, CSRF ──► body ──► handler
//! ```
//! A service gives its routes to [`Service::wrap`], which puts all of that around them, and puts
//! [`authenticate`] (and [`receive`]) before those that are not for everybody. What a service answers and
//! what it depends on is its own.

mod access;
mod body;
mod browsers;
mod connections;
mod cookie;
mod head;
mod headers;
pub mod health;
mod limits;
mod metrics;
pub mod openapi;
mod page;
mod problem;
mod request_id;
mod service;
pub mod session;
mod traffic;
mod write_timeout;

pub use access::{
    Access, BadRole, Caller, Clock, HASHES_PER_NAME, Known, Role, SESSION_LASTS, Tokens,
    TokensError, authenticate, token_sha256,
};
pub use body::{BodyLimit, read, receive, refused};
pub use browsers::{OwnNames, keep_out};
pub use headers::PAGE_POLICY;
pub use limits::Limits;
pub use metrics::{Page, Requests};
pub use problem::{AsItIs, Problem};
pub use service::{NotLoopback, Service};
