//! How much one client may take: sizes, times and numbers, each with its default.

use std::time::Duration;

/// The limits that every service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a request's body.
    pub max_body_bytes: usize,
    /// A request's head has to be there by then.
    pub header_timeout: Duration,
    /// A request's body has to be there by then.
    pub body_timeout: Duration,
    /// An answer has to begin by then.
    pub request_timeout: Duration,
    /// A client has to take some more of its answer by then; its connection is closed otherwise.
    pub write_timeout: Duration,
    /// Connections at a time; more of them wait to be taken.
    pub max_connections: usize,
    /// Requests that are answered at a time; more are told to come back.
    pub max_requests: usize,
    /// Requests of one caller in a second, all at once or one after the other; more are told to come back.
    pub max_rate: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 10,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_mins(1),
            max_connections: 4_096,
            max_requests: 2_048,
            max_rate: 5_000,
        }
    }
}
