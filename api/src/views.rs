//! The stored views, as the API reads them: from the SQLite file of a state folder, or from
//! PostgreSQL and Elasticsearch.
//!
//! A request reads from one [`Snapshot`], so what it puts together from SQLite or PostgreSQL is of
//! one moment. The views are looked for when they are needed: they may appear after the API.

mod elasticsearch;
mod servers;
mod sqlite;

use axum::http::StatusCode;
use eip_contract::Day;
use eip_contract::document::RouteStatsRow;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::config::ViewsConfig;
use crate::problem::Problem;

/// The newest format of the views that is understood here.
const FORMAT: i64 = 1;

/// The views of one chain.
#[derive(Clone)]
pub(crate) enum Views {
    Sqlite(sqlite::Views),
    Servers(servers::Views),
}

/// How far the views are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    pub(crate) topic_id: String,
    pub(crate) epoch: i64,
    pub(crate) tick: i64,
    /// By partition the next offset to read.
    pub(crate) offsets: Vec<u64>,
}

/// Which rows of `route_stats_daily` a request wants.
pub(crate) struct StatsFilter {
    pub(crate) start: Day,
    pub(crate) end: Day,
    pub(crate) seller_region: Option<String>,
    pub(crate) customer_region: Option<String>,
    pub(crate) limit: u32,
}

/// Sums over rows of `route_stats_daily`.
pub(crate) struct StatsTotals {
    pub(crate) rows: i64,
    /// In the order of [`StatsTotals::COLUMNS`].
    pub(crate) sums: [i64; 10],
}

impl StatsTotals {
    /// The columns that add up.
    pub(crate) const COLUMNS: [&'static str; 10] = [
        "placed",
        "approved",
        "assigned",
        "handed",
        "delayed",
        "delivered",
        "delivered_late",
        "lead_count",
        "lead_seconds_sum",
        "late_seconds_sum",
    ];

    /// From a row of `count(*)` and the sums of the columns, which are NULL where nothing is.
    fn of<'r, R: Row>(row: &'r R) -> Result<Self, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
    {
        let mut sums = [0; 10];
        for (place, sum) in sums.iter_mut().enumerate() {
            let stored: Option<i64> = row.try_get(place + 1)?;
            *sum = stored.unwrap_or(0);
        }
        let rows = row.try_get(0)?;
        Ok(Self { rows, sums })
    }
}

/// One moment of the views.
pub(crate) struct Snapshot {
    pub(crate) progress: Progress,
    moment: Moment,
}

enum Moment {
    Sqlite(sqlite::Moment),
    Servers(servers::Moment),
}

impl Views {
    /// The views that `config` names, whether they are there yet or not.
    pub(crate) fn open(config: &ViewsConfig) -> Result<Self, OpenError> {
        match config {
            ViewsConfig::Sqlite(state) => Ok(Self::Sqlite(sqlite::Views::of(state))),
            ViewsConfig::Servers {
                postgres,
                elasticsearch,
                elasticsearch_ca,
                space,
            } => {
                let documents = elasticsearch::Documents::open(
                    elasticsearch,
                    elasticsearch_ca.as_deref(),
                    space,
                )?;
                Ok(Self::Servers(servers::Views::open(
                    postgres, space, documents,
                )?))
            }
        }
    }

    /// Closes connections and files.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(views) => views.close().await,
            Self::Servers(views) => views.close().await,
        }
    }

    /// The present moment of the views.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, ViewsError> {
        let (progress, moment) = match self {
            Self::Sqlite(views) => {
                let (progress, moment) = views.moment().await?;
                (progress, Moment::Sqlite(moment))
            }
            Self::Servers(views) => {
                let (progress, moment) = views.moment().await?;
                (progress, Moment::Servers(moment))
            }
        };
        if progress.tick == 0 {
            return Err(ViewsError::NotYet);
        }
        Ok(Snapshot { progress, moment })
    }
}

impl Snapshot {
    /// The document of one order.
    pub(crate) async fn shipment(
        &mut self,
        order_id: &str,
    ) -> Result<Option<Box<RawValue>>, ViewsError> {
        match &mut self.moment {
            Moment::Sqlite(moment) => moment.shipment(order_id).await,
            Moment::Servers(moment) => moment.shipment(order_id).await,
        }
    }

    /// The events with these ids, in their order; one that is not there is left out.
    pub(crate) async fn events(
        &mut self,
        event_ids: &[String],
    ) -> Result<Vec<Box<RawValue>>, ViewsError> {
        match &mut self.moment {
            Moment::Sqlite(moment) => moment.events(event_ids).await,
            Moment::Servers(moment) => moment.events(event_ids).await,
        }
    }

    /// Sums over all rows that match.
    pub(crate) async fn stats_totals(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<StatsTotals, ViewsError> {
        match &mut self.moment {
            Moment::Sqlite(moment) => moment.stats_totals(filter).await,
            Moment::Servers(moment) => moment.stats_totals(filter).await,
        }
    }

    /// The first rows that match, in the order of their key.
    pub(crate) async fn stats_rows(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<Vec<RouteStatsRow>, ViewsError> {
        match &mut self.moment {
            Moment::Sqlite(moment) => moment.stats_rows(filter).await,
            Moment::Servers(moment) => moment.stats_rows(filter).await,
        }
    }
}

/// Why an API cannot begin: its settings are wrong.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address that is none.
    #[error("the address of {0} cannot be used")]
    Address(
        &'static str,
        #[source] Box<dyn std::error::Error + Send + Sync>,
    ),
    /// The file with trusted certificates.
    #[error("{} cannot be read", .0.display())]
    Ca(std::path::PathBuf, #[source] std::io::Error),
}

/// Why the views could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewsError {
    /// No dataflow has written any yet.
    #[error("there are no views yet: let a dataflow write them")]
    NotYet,
    /// A newer program wrote them.
    #[error("the views have format {0}, this program knows up to {FORMAT}: use the newer program")]
    NewerFormat(i64),
    /// A row that no dataflow wrote.
    #[error("a stored row cannot be read")]
    Row,
    /// A document or a progress row that no dataflow wrote.
    #[error("a stored document cannot be read")]
    Json(#[source] serde_json::Error),
    /// A document that somebody else changed.
    #[error("a stored document is not as a dataflow writes it; run `eip repair`")]
    Document,
    /// The file or server cannot be read now.
    #[error("the views cannot be read now")]
    Sql(#[source] sqlx::Error),
    /// Elasticsearch cannot be read now.
    #[error("the documents cannot be read now")]
    Elasticsearch(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        let status = match error {
            ViewsError::NotYet
            | ViewsError::NewerFormat(_)
            | ViewsError::Sql(_)
            | ViewsError::Elasticsearch(_) => StatusCode::SERVICE_UNAVAILABLE,
            ViewsError::Row | ViewsError::Json(_) | ViewsError::Document => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        if let ViewsError::NotYet = error {
            tracing::debug!(%error, "not ready");
        } else {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, "the views cannot be read");
        }
        Self::new(status, error.to_string())
    }
}
