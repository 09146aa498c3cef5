//! What the service is told once, and why it may not start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use eip_contract::Space;

use super::spaces::OpenSpace;
use crate::rules::RulesError;
use crate::run::RunError;

/// Everything that the service needs.
pub struct ServerConfig {
    /// The space that is meant when a request names none.
    pub space: Space,
    /// Opens the logs of spaces.
    pub open_space: OpenSpace,
    /// Where other instances pass commands on to, `http://host:port`.
    pub advertise: Option<String>,
    /// Most runs that this instance executes at once in one space.
    pub max_live_runs: usize,
    /// Names of datasets and the folders that they stand for.
    pub datasets: BTreeMap<String, PathBuf>,
    /// Names of rules and the files that they stand for; `default` is always there.
    pub rules: BTreeMap<String, PathBuf>,
    /// How large an input may be.
    pub limits: eip_olist::Limits,
    /// Wall milliseconds since the epoch.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Why the service does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It has no accounts yet.
    #[error(
        "{0} is not a loopback address; there are no tokens yet, so ingest listens on 127.0.0.1 or \
         [::1] only"
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
    /// The space that is meant when none is named.
    #[error("{0}")]
    Space(String),
    /// A thread that ends the runs on shutdown.
    #[error("a thread of the service has panicked")]
    Panicked,
}
