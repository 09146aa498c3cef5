//! What the API has to be told.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eip_contract::Space;
use eip_http::{Limits, Tokens};

use crate::log::LogConfig;

/// All settings of one API.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where the views are.
    pub views: ViewsConfig,
    /// Where answers are kept for a while.
    pub cache: CacheConfig,
    /// How long an answer is kept. It is never given for a later tick than it was made from, so
    /// this bounds memory, not age.
    pub keep: Duration,
    /// For how long it is taken as known where the views stand. An answer may be of a tick that another
    /// one has followed within this time, and says of which it is.
    pub fresh: Duration,
    /// Who may do what; without any, everybody may do all, on loopback only.
    pub tokens: Tokens,
    /// How much one client may take.
    pub limits: Limits,
    /// Ingest's address, where requests about replays are passed on to.
    pub ingest: Option<String>,
    /// The dataflow's address (its `--listen`), which knows what it waits for.
    pub dataflow: Option<String>,
    /// The log that the views are made from, for what only it knows (where a field comes from).
    pub log: Option<LogConfig>,
    /// The wall clock, in milliseconds since 1970, for what answers are as of.
    pub wall_ms: fn() -> i64,
}

impl ApiConfig {
    /// How long an answer is kept unless told otherwise.
    pub const KEEP: Duration = Duration::from_mins(1);

    /// How fresh answers are unless told otherwise: at most 20 looks a second.
    pub const FRESH: Duration = Duration::from_millis(50);

    /// The limits unless told otherwise. The greatest body is a list of ids to look up.
    pub fn limits() -> Limits {
        Limits {
            max_body_bytes: 512 << 10,
            request_timeout: Duration::from_secs(30),
            ..Limits::default()
        }
    }

    /// The embedded default: the SQLite views of a space whose place has the state folder `root`, and a
    /// cache in memory.
    pub fn embedded(root: &Path, space: &Space, wall_ms: fn() -> i64) -> Self {
        Self {
            views: ViewsConfig::Sqlite {
                root: root.to_owned(),
                space: space.clone(),
            },
            cache: CacheConfig::Memory,
            keep: Self::KEEP,
            fresh: Self::FRESH,
            tokens: Tokens::default(),
            limits: Self::limits(),
            ingest: None,
            dataflow: None,
            log: Some(LogConfig::Journal(space.folder(root))),
            wall_ms,
        }
    }
}

/// Where the views are.
#[derive(Clone)]
pub enum ViewsConfig {
    /// In the SQLite file of a state folder.
    Sqlite {
        /// The state folder of `main`; those of the other spaces are in it.
        root: PathBuf,
        /// Whose views.
        space: Space,
    },
    /// On the servers.
    Servers {
        /// URL of PostgreSQL.
        postgres: String,
        /// URL of Elasticsearch; may carry `user:password@`.
        elasticsearch: String,
        /// A file of PEM certificates that are trusted for Elasticsearch besides the public ones.
        elasticsearch_ca: Option<PathBuf>,
        /// Whose views.
        space: Space,
    },
}

impl ViewsConfig {
    /// The space whose views these are.
    pub fn space(&self) -> Space {
        match self {
            Self::Sqlite { space, .. } | Self::Servers { space, .. } => space.clone(),
        }
    }
}

impl fmt::Debug for ViewsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { root, space } => f
                .debug_struct("Sqlite")
                .field("root", root)
                .field("space", space)
                .finish(),
            // The addresses may hold passwords.
            Self::Servers { space, .. } => f
                .debug_struct("Servers")
                .field("space", space)
                .finish_non_exhaustive(),
        }
    }
}

/// Where answers are kept for a while.
#[derive(Clone)]
pub enum CacheConfig {
    /// In this process only.
    Memory,
    /// Also in Redis, for all APIs together.
    Redis(RedisConfig),
}

/// Where Redis is.
#[derive(Clone)]
pub struct RedisConfig {
    /// `redis://user:password@host:6379`, or `rediss://` for TLS.
    pub url: String,
    /// Certificates (PEM) that its own may be signed by; without them, those of this machine.
    pub ca: Option<PathBuf>,
    /// How long an answer of it is waited for.
    pub patience: Duration,
}

impl RedisConfig {
    /// The stores answer in a few milliseconds: a cache that takes longer than this helps nobody.
    pub const PATIENCE: Duration = Duration::from_millis(50);

    /// Redis at this address, trusted as far as this machine trusts it.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            ca: None,
            patience: Self::PATIENCE,
        }
    }
}

impl fmt::Debug for CacheConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "Memory",
            Self::Redis(_) => "Redis",
        })
    }
}
