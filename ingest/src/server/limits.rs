//! How much one client may take: sizes, times and numbers, each with its default.

use std::time::Duration;

/// The limits of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Most bytes of a request's body, other than of `POST /v1/rows`.
    pub max_body_bytes: usize,
    /// Most bytes of a body of `POST /v1/rows`, as they are sent and when they are unpacked.
    pub max_rows_bytes: usize,
    /// Most rows of one `POST /v1/rows`.
    pub max_rows: usize,
    /// A request's head has to be there by then.
    pub header_timeout: Duration,
    /// A request's body has to be there by then.
    pub body_timeout: Duration,
    /// An answer has to begin by then.
    pub request_timeout: Duration,
    /// Connections at a time; more of them wait to be taken.
    pub max_connections: usize,
    /// Runs of one space that are executed at a time, a thread each.
    pub max_live_runs: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 10,
            max_rows_bytes: 64 << 20,
            max_rows: 100_000,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_mins(1),
            max_connections: 1_024,
            max_live_runs: 16,
        }
    }
}
