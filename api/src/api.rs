//! What every request has at hand.

use std::sync::Arc;
use std::time::Duration;

use eip_contract::Space;
use eip_http::{Access, Service};

use crate::cache::ResponseCache;
use crate::config::ApiConfig;
use crate::dataflow_client::Dataflow;
use crate::hub::Hub;
use crate::ingest_client::Ingest;
use crate::ledger::RunLedger;
use crate::log::ApiLog;
use crate::memory::Memory;
use crate::present::Watch;
use crate::spaces::Spaces;
use crate::views::{self, OpenError};
use eip_stores::query::Queries;

/// POST requests that only ask.
const READING: &[&str] = &["/v1/shipments/lookup"];

/// One API: its views, its cache, who may ask. Clones share them.
#[derive(Clone)]
pub struct Api {
    /// Whose views these are.
    pub(crate) space: Space,
    pub(crate) views: Queries,
    pub(crate) cache: ResponseCache,
    /// Where the views stand, as it was seen last.
    pub(crate) watch: Arc<Watch>,
    /// For how long that is taken as known.
    pub(crate) fresh: Duration,
    /// What its requests pass through: who may do what, and how much at once.
    pub(crate) service: Service,
    /// What readers of the stream share.
    pub(crate) stream: Arc<Hub>,
    /// Where requests about replays go.
    pub(crate) ingest: Option<Ingest>,
    /// What the views are made from.
    pub(crate) log: ApiLog,
    /// The log's run ledger.
    pub(crate) ledger: Arc<RunLedger>,
    /// The dataflow that keeps the views.
    pub(crate) dataflow: Option<Dataflow>,
    /// The spaces beside this one.
    pub(crate) spaces: Spaces,
    /// What handlers keep from one request to the next.
    pub(crate) memory: Memory,
    /// The wall clock, in milliseconds.
    pub(crate) wall_ms: fn() -> i64,
}

impl Api {
    /// An API as `config` says. Nothing has to be there yet: stores and caches are connected to
    /// when they are needed. Must be called inside a runtime.
    pub fn open(config: &ApiConfig) -> Result<Self, OpenError> {
        let log = ApiLog::new(config.log.clone());
        let wall_ms = config.wall_ms;
        let access = Access::new(config.tokens.clone())
            .with_sessions(Arc::new(wall_ms))
            .reading(READING);
        Ok(Self {
            space: config.views.space(),
            views: views::open(&config.views)?,
            cache: ResponseCache::open(config)?,
            watch: Arc::default(),
            fresh: config.fresh,
            service: Service::new("the API", access, config.limits),
            stream: Arc::new(Hub::beginning(wall_ms() as u64)),
            ingest: config.ingest.as_deref().map(Ingest::at),
            ledger: Arc::new(RunLedger::of(log.clone())),
            log,
            dataflow: config.dataflow.as_deref().map(Dataflow::at),
            spaces: Spaces::beside(&config.views, config.log.as_ref()),
            memory: Memory::default(),
            wall_ms,
        })
    }

    /// Closes connections and files.
    pub(crate) async fn close(&self) {
        self.views.close().await;
    }
}
