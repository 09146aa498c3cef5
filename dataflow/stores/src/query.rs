//! Asking the views, as services do: of one moment, asynchronously, with typed conditions only.
//!
//! [`Queries`] finds the views when they are asked for, since they may appear after it. A request asks
//! one [`Moment`]: what it puts together from SQLite or PostgreSQL is of one instant. Documents in
//! Elasticsearch may be of a later tick than PostgreSQL's rows, never of an earlier one; a search there
//! finds everything up to [`Moment::visible_tick`].

mod changes;
mod condition;
#[cfg_attr(not(feature = "servers"), path = "no_servers/query/elasticsearch.rs")]
mod elasticsearch;
#[cfg_attr(not(feature = "servers"), path = "no_servers/query/postgres.rs")]
mod postgres;
mod sqlite;
mod stats;
mod troubles;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use eip_contract::{EventTime, Space};
use eip_views::{Kept, SHIPMENTS, VIEWS, Value, View};

use crate::Progress;
use crate::error::StoreError;

pub use changes::{Change, ChangeQuery};
pub use condition::{After, Condition, Count, Direction, Search, Sort, Total};
pub use stats::{By, Period, StatsGroup, StatsQuery};
pub use troubles::{RefusedHead, Troubles};

use elasticsearch::SearchedDocuments;
use postgres::{PostgresMoment, PostgresQueries};
use sqlite::{SqliteMoment, SqliteQueries};

/// How long a store may take over one question.
const PATIENCE: Duration = Duration::from_secs(8);

/// The views of one chain, to be asked.
#[derive(Clone)]
pub struct Queries(Kind);

#[derive(Clone)]
enum Kind {
    Sqlite(SqliteQueries),
    Servers(PostgresQueries, SearchedDocuments),
}

/// One moment of them.
pub struct Moment {
    progress: Progress,
    visible_tick: u64,
    kind: MomentKind,
}

enum MomentKind {
    Sqlite(SqliteMoment),
    Servers(PostgresMoment, SearchedDocuments),
}

/// The values of a document, one a column of its view.
pub type Document = Vec<Value<'static>>;

/// How many shipments have some values of [`FACETS`] together.
pub type FacetCount = (Vec<Value<'static>>, u64);

/// What shipments are counted by.
pub const FACETS: [&str; 4] = ["status", "sellerRegion", "customerRegion", "delayed"];

/// A page of documents.
#[derive(Debug)]
pub struct Found {
    /// In the order that was asked for.
    pub documents: Vec<Document>,
    /// How many there are on all pages, as far as they were counted.
    pub total: Total,
}

impl Queries {
    /// The SQLite views in the folder `state`, whether they are there yet or not.
    pub fn sqlite(state: &Path) -> Self {
        Self(Kind::Sqlite(SqliteQueries::of(state)))
    }

    /// The views of a space on the servers. Nothing is asked yet.
    pub fn servers(
        postgres: &str,
        elasticsearch: &str,
        elasticsearch_ca: Option<PathBuf>,
        space: &Space,
    ) -> Result<Self, StoreError> {
        let mut config = crate::ElasticsearchConfig::new(elasticsearch, space.clone());
        config.ca = elasticsearch_ca;
        config.timeout = PATIENCE;
        Ok(Self(Kind::Servers(
            PostgresQueries::open(postgres, space)?,
            SearchedDocuments::open(&config)?,
        )))
    }

    /// The name of the store of the rows and of the progress.
    pub fn store_of_rows(&self) -> &'static str {
        match &self.0 {
            Kind::Sqlite(_) => "sqlite",
            Kind::Servers(..) => "postgres",
        }
    }

    /// The name of the store of the documents, where it is another one.
    pub fn store_of_documents(&self) -> Option<&'static str> {
        match &self.0 {
            Kind::Sqlite(_) => None,
            Kind::Servers(..) => Some("elasticsearch"),
        }
    }

    /// How many shipments the store of the documents finds now, whatever the rows say; of one store none is
    /// asked.
    pub async fn ask_documents(&self) -> Result<u64, QueryError> {
        match &self.0 {
            Kind::Sqlite(_) => Ok(0),
            Kind::Servers(_, documents) => documents.count(&Condition::ANYTHING).await,
        }
    }

    /// Closes connections and files.
    pub async fn close(&self) {
        match &self.0 {
            Kind::Sqlite(sqlite) => sqlite.close().await,
            Kind::Servers(postgres, _) => postgres.close().await,
        }
    }

    /// The present moment.
    pub async fn moment(&self) -> Result<Moment, QueryError> {
        let (progress, visible_tick, kind) = match &self.0 {
            Kind::Sqlite(sqlite) => {
                let (progress, moment) = sqlite.moment().await?;
                let tick = progress.tick;
                (progress, tick, MomentKind::Sqlite(moment))
            }
            Kind::Servers(postgres, documents) => {
                let (progress, visible, moment) = postgres.moment().await?;
                (
                    progress,
                    visible,
                    MomentKind::Servers(moment, documents.clone()),
                )
            }
        };
        if progress.tick == 0 {
            return Err(QueryError::NotYet);
        }
        Ok(Moment {
            progress,
            visible_tick,
            kind,
        })
    }
}

impl Moment {
    /// How far the rows are written.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Up to which tick a search finds every document.
    pub fn visible_tick(&self) -> u64 {
        self.visible_tick
    }

    /// Whether all searches of this moment are of its tick. Otherwise a later one may see later ticks.
    pub fn searches_one_tick(&self) -> bool {
        matches!(self.kind, MomentKind::Sqlite(_))
    }

    /// The shipment of one order.
    pub async fn shipment(&mut self, order_id: &str) -> Result<Option<Document>, QueryError> {
        let ids = [order_id.to_owned()];
        let found = match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.shipments(&ids).await?,
            MomentKind::Servers(_, documents) => documents.shipments(&ids).await?,
        };
        Ok(found.into_iter().next())
    }

    /// The shipments of these orders, in any order; one that is not there is left out.
    pub async fn shipments(&mut self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.shipments(ids).await,
            MomentKind::Servers(_, documents) => documents.shipments(ids).await,
        }
    }

    /// The events with these ids, in their order; one that is not there is left out.
    pub async fn events(&mut self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.events(ids).await,
            MomentKind::Servers(_, documents) => documents.events(ids).await,
        }
    }

    /// A page of shipments.
    pub async fn search(&mut self, search: &Search) -> Result<Found, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.search(search).await,
            MomentKind::Servers(_, documents) => documents.search(search).await,
        }
    }

    /// How many shipments meet the condition, exactly.
    pub async fn count(&mut self, condition: &Condition) -> Result<u64, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.count(condition).await,
            MomentKind::Servers(_, documents) => documents.count(condition).await,
        }
    }

    /// How many of the shipments `within` meet each of the conditions, exactly, in one pass over them.
    pub async fn counts(
        &mut self,
        within: &Condition,
        conditions: &[Condition],
    ) -> Result<Vec<u64>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.counts(within, conditions).await,
            MomentKind::Servers(_, documents) => documents.counts(within, conditions).await,
        }
    }

    /// The shipments that meet the condition, counted by all of [`FACETS`] together. Sums over it are
    /// exact.
    pub async fn facets(&mut self, condition: &Condition) -> Result<Vec<FacetCount>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.facets(condition).await,
            MomentKind::Servers(_, documents) => documents.facets(condition).await,
        }
    }

    /// The greatest time of any fact; none where there is none.
    pub async fn latest_event(&mut self) -> Result<Option<EventTime>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.latest_event().await,
            MomentKind::Servers(_, documents) => documents.latest_event().await,
        }
    }

    /// What did not get into the views, and so many of the last ones of each kind.
    pub async fn troubles(&mut self, latest: u32) -> Result<Troubles, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.troubles(latest).await,
            MomentKind::Servers(moment, _) => moment.troubles(latest).await,
        }
    }

    /// The stores that are asked, by name, each with the views that it keeps.
    pub fn stores(&self) -> Vec<(&'static str, Vec<&'static View>)> {
        let (rows, documents): (Vec<_>, Vec<_>) = VIEWS
            .into_iter()
            .partition(|view| matches!(view.kept, Kept::Rows { .. }));
        match &self.kind {
            MomentKind::Sqlite(_) => vec![("sqlite", VIEWS.to_vec())],
            MomentKind::Servers(..) => vec![("elasticsearch", documents), ("postgres", rows)],
        }
    }

    /// From which tick on it is known what has changed; none while other documents than before are being
    /// written for the first time.
    pub async fn changes_known_from(&mut self) -> Result<Option<u64>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.changes_known_from().await,
            MomentKind::Servers(moment, _) => moment.changes_known_from().await,
        }
    }

    /// A page of changed shipments, in order of tick and id. One that was deleted and is there again comes
    /// twice.
    pub async fn changes(&mut self, query: &ChangeQuery) -> Result<Vec<Change>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.changes(query).await,
            MomentKind::Servers(moment, documents) => {
                let written = documents.written(query).await?;
                let mut deleted = moment.deleted(query).await?;
                // Entries are written before documents are deleted, and a dataflow that died in between
                // may have left a document that its successor wants.
                let ids: Vec<String> = deleted.iter().map(|change| change.id.clone()).collect();
                let mut there: HashMap<String, Document> = HashMap::new();
                for document in documents.shipments(&ids).await? {
                    if let Value::Text(id) = &document[0] {
                        there.insert(id.to_string(), document);
                    }
                }
                for change in &mut deleted {
                    change.document = there.remove(&change.id);
                }
                Ok(query.joined(written, deleted))
            }
        }
    }

    /// How many changes there are after `since` and up to `upto`, as [`Moment::changes`] lists them.
    pub async fn count_changes(&mut self, since: u64, upto: u64) -> Result<u64, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.count_changes(since, upto).await,
            MomentKind::Servers(moment, documents) => {
                let written = documents.count_written(since, upto).await?;
                Ok(written + moment.count_deleted(since, upto).await?)
            }
        }
    }

    /// Daily statistics, summed into groups.
    pub async fn stats(&mut self, query: &StatsQuery) -> Result<Vec<StatsGroup>, QueryError> {
        match &mut self.kind {
            MomentKind::Sqlite(moment) => moment.stats(query).await,
            MomentKind::Servers(moment, _) => moment.stats(query).await,
        }
    }
}

/// The six times of a shipment, by rank.
pub const TIMES: [&str; 6] = [
    "placedAt",
    "approvedAt",
    "warehouseAssignedAt",
    "handedToCarrierAt",
    "delayedAt",
    "deliveredAt",
];

/// The place of a column of shipments.
pub(crate) fn place(column: &str) -> usize {
    SHIPMENTS.place(column).expect("a column of shipments")
}

/// Why the views could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// No dataflow has written any yet.
    #[error("there are no views yet: let a dataflow write them")]
    NotYet,
    /// An older or newer program wrote them.
    #[error("the views have format {found}, this program reads {known}: {way_out}")]
    Format {
        /// Theirs.
        found: i64,
        /// Ours.
        known: u32,
        /// What to do.
        way_out: &'static str,
    },
    /// A row or document that no dataflow wrote.
    #[error("what is stored is not as a dataflow writes it: {0}; run `eip repair`")]
    Broken(String),
    /// The store does not answer now.
    #[error("{store} cannot be read now")]
    Unavailable {
        /// Which: `sqlite`, `postgres`, `elasticsearch`.
        store: &'static str,
        /// What it said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl QueryError {
    fn unavailable(
        store: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let cause = cause.into();
        Self::Unavailable { store, cause }
    }

    fn check_format(found: i64, known: u32) -> Result<(), Self> {
        let way_out = match found.cmp(&i64::from(known)) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Less => "run `eip dataflow`, which makes them again",
            std::cmp::Ordering::Greater => "use the newer program",
        };
        Err(Self::Format {
            found,
            known,
            way_out,
        })
    }
}
