//! What the service is told once, and why it may not start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use eip_log::Log;

use super::access::Tokens;
use super::limits::HttpLimits;
use crate::rules::RulesError;
use crate::run::RunError;

/// Everything that the service needs.
pub struct ServerConfig {
    /// The log that it writes.
    pub log: Log,
    /// Under which URL others reach this instance; `None`: under the address that it listens on.
    pub advertise: Option<String>,
    /// Names of datasets and the folders that they stand for.
    pub datasets: BTreeMap<String, PathBuf>,
    /// Names of rules and the files that they stand for; `default` is always there.
    pub rules: BTreeMap<String, PathBuf>,
    /// Who may do what; without any, everybody may do all, on loopback only.
    pub tokens: Tokens,
    /// How large an input may be.
    pub limits: eip_olist::Limits,
    /// How much one client may take.
    pub http: HttpLimits,
    /// Wall milliseconds since the epoch.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl ServerConfig {
    /// A service over a log that knows no names and no tokens, with the default limits.
    pub fn new(log: impl Into<Log>, clock: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        Self {
            log: log.into(),
            advertise: None,
            datasets: BTreeMap::new(),
            rules: BTreeMap::new(),
            tokens: Tokens::default(),
            limits: eip_olist::Limits::default(),
            http: HttpLimits::default(),
            clock,
        }
    }
}

/// Why the service does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Anybody who can reach it could start runs.
    #[error(
        "{0} is not a loopback address; without tokens ingest listens on 127.0.0.1 or [::1] only \
         (`eip token new` makes one)"
    )]
    NotLoopback(SocketAddr),
    /// The socket failed.
    #[error("the socket failed")]
    Listen(#[source] std::io::Error),
    /// A rules file of the configuration.
    #[error("rules {name} cannot be used")]
    Rules {
        /// Their name in the configuration.
        name: String,
        /// Why.
        #[source]
        source: RulesError,
    },
    /// A name that a request could not carry.
    #[error("{0:?} is no name; use 1 to 64 lower-case letters, digits, hyphens and underscores")]
    BadName(String),
    /// The log.
    #[error("the log cannot be used")]
    Runs(#[from] RunError),
    /// The thread that writes the log could not start.
    #[error("no thread for the runs")]
    Thread(#[source] std::io::Error),
    /// The thread that writes the log is gone.
    #[error("the thread that executes the runs has panicked")]
    WorkerPanicked,
}
