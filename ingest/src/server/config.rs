//! What the service is told once, and why it may not start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use eip_contract::Space;
use eip_http::{Limits, NotLoopback, Tokens};
use eip_log::Log;

use super::limits::WorkLimits;
use super::spaces::OpenSpace;
use crate::rules::RulesError;
use crate::run::RunError;

/// Everything that the service needs.
pub struct ServerConfig {
    /// The space that is meant when a request names none.
    pub space: Space,
    /// Opens the logs of spaces.
    pub open_space: OpenSpace,
    /// Under which `http://` URL others reach this instance; `None`: under the address that it listens
    /// on. Other instances pass requests on to it, and do not speak TLS.
    pub advertise: Option<String>,
    /// Names of datasets and the folders that they stand for.
    pub datasets: BTreeMap<String, PathBuf>,
    /// Names of rules and the files that they stand for; `default` is always there.
    pub rules: BTreeMap<String, PathBuf>,
    /// Who may do what; without any, everybody may do all, on loopback only.
    pub tokens: Tokens,
    /// How large an input may be.
    pub limits: eip_olist::Limits,
    /// How much one client may take of the service.
    pub http: Limits,
    /// How much work there may be.
    pub work: WorkLimits,
    /// Wall milliseconds since the epoch.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl ServerConfig {
    /// A service over one log, that of the space `main`.
    pub fn new(log: impl Into<Log>, clock: Arc<dyn Fn() -> i64 + Send + Sync>) -> Self {
        let log = log.into();
        let open = move |space: &Space, _create| Ok(space.is_main().then(|| log.clone()));
        Self::of_spaces(Space::main(), Arc::new(open), clock)
    }

    /// A service that knows no names and no tokens, with the default limits.
    pub fn of_spaces(
        space: Space,
        open_space: OpenSpace,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    ) -> Self {
        Self {
            space,
            open_space,
            advertise: None,
            datasets: BTreeMap::new(),
            rules: BTreeMap::new(),
            tokens: Tokens::default(),
            limits: eip_olist::Limits::default(),
            http: Limits::default(),
            work: WorkLimits::default(),
            clock,
        }
    }
}

/// Why the service does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Anybody who can reach it could start runs.
    #[error(transparent)]
    NotLoopback(#[from] NotLoopback),
    /// Other instances could not pass requests on to it.
    #[error(
        "{0:?} cannot be advertised: it is no http://host:port URL; instances pass requests about a \
         run on to one another without TLS, so advertise the address that they reach each other at, \
         not that of a proxy with TLS"
    )]
    BadAdvertise(String),
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
