//! The stored views, read from the SQLite file of a state folder that a dataflow writes.
//!
//! A request reads from one [`Snapshot`], so what it puts together is of one moment. The file is
//! looked for when it is needed: it may appear after the API, or be made again under its name.

use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use eip_contract::Day;
use eip_contract::document::RouteStatsRow;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _, Sqlite, Transaction};

use crate::problem::Problem;

/// The newest format of the file that is understood here.
const FORMAT: i64 = 1;
/// As many requests as cores of a small machine can serve; others wait their turn.
const CONNECTIONS: u32 = 4;
/// A file that was made again under the same name is seen after this at the latest.
const LIFETIME: Duration = Duration::from_secs(30);
/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// The views of one state folder.
#[derive(Clone, Debug)]
pub struct Views {
    pool: SqlitePool,
}

/// How far the views are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    topic_id: String,
    epoch: i64,
    tick: i64,
    /// By partition the next offset to read.
    offsets: Vec<u64>,
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
}

/// One moment of the views.
pub(crate) struct Snapshot {
    transaction: Transaction<'static, Sqlite>,
    pub(crate) progress: Progress,
}

impl Views {
    /// The views in the folder `state`, whether they are there yet or not.
    pub fn of(state: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(state.join("views.sqlite"))
            .read_only(true)
            .busy_timeout(WAIT)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .max_lifetime(LIFETIME)
            .acquire_timeout(WAIT)
            .connect_lazy_with(options);
        Self { pool }
    }

    /// Closes the file.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// The present moment of the views.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, ViewsError> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query("SELECT format, topic_id, epoch, tick, offsets FROM progress")
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or(ViewsError::NotYet)?;
        let format: i64 = row.try_get(0)?;
        if format > FORMAT {
            return Err(ViewsError::NewerFormat(format));
        }
        let offsets: &str = row.try_get(4)?;
        let progress = Progress {
            topic_id: row.try_get(1)?,
            epoch: row.try_get(2)?,
            tick: row.try_get(3)?,
            offsets: serde_json::from_str(offsets).map_err(ViewsError::Json)?,
        };
        if progress.tick == 0 {
            return Err(ViewsError::NotYet);
        }
        Ok(Snapshot {
            transaction,
            progress,
        })
    }
}

impl Snapshot {
    /// The document of one order.
    pub(crate) async fn shipment(
        &mut self,
        order_id: &str,
    ) -> Result<Option<Box<RawValue>>, ViewsError> {
        let doc: Option<String> = sqlx::query_scalar("SELECT doc FROM shipments WHERE id = ?1")
            .bind(order_id)
            .fetch_optional(&mut *self.transaction)
            .await?;
        doc.map(RawValue::from_string)
            .transpose()
            .map_err(ViewsError::Json)
    }

    /// The events with these ids, in their order; one that is not there is left out.
    pub(crate) async fn events(
        &mut self,
        event_ids: &[String],
    ) -> Result<Vec<Box<RawValue>>, ViewsError> {
        let ids = serde_json::to_string(event_ids).map_err(ViewsError::Json)?;
        let docs: Vec<String> = sqlx::query_scalar(
            "SELECT doc FROM json_each(?1) AS wanted
             JOIN shipment_events AS event ON event.id = wanted.value ORDER BY wanted.key",
        )
        .bind(ids)
        .fetch_all(&mut *self.transaction)
        .await?;
        let raw = docs.into_iter().map(RawValue::from_string);
        raw.collect::<Result<_, _>>().map_err(ViewsError::Json)
    }

    /// Sums over all rows that match.
    pub(crate) async fn stats_totals(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<StatsTotals, ViewsError> {
        let row = filter
            .bind(sqlx::query(
                "SELECT count(*), sum(placed), sum(approved), sum(assigned), sum(handed),
                        sum(delayed), sum(delivered), sum(delivered_late), sum(lead_count),
                        sum(lead_seconds_sum), sum(late_seconds_sum)
                 FROM route_stats_daily
                 WHERE stat_date >= ?1 AND stat_date < ?2
                   AND (?3 IS NULL OR seller_region = ?3) AND (?4 IS NULL OR customer_region = ?4)",
            ))
            .fetch_one(&mut *self.transaction)
            .await?;
        let mut sums = [0; 10];
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum = row.try_get::<Option<i64>, _>(place + 1)?.unwrap_or(0);
        }
        Ok(StatsTotals {
            rows: row.try_get(0)?,
            sums,
        })
    }

    /// The first rows that match, in the order of their key.
    pub(crate) async fn stats_rows(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<Vec<RouteStatsRow>, ViewsError> {
        let rows = filter
            .bind(sqlx::query(
                "SELECT stat_date, seller_region, customer_region, placed, approved, assigned,
                        handed, delayed, delivered, delivered_late, lead_count, lead_seconds_sum,
                        lead_seconds_p50, lead_seconds_p90, lead_seconds_p99, late_seconds_sum
                 FROM route_stats_daily
                 WHERE stat_date >= ?1 AND stat_date < ?2
                   AND (?3 IS NULL OR seller_region = ?3) AND (?4 IS NULL OR customer_region = ?4)
                 ORDER BY stat_date, seller_region, customer_region LIMIT ?5",
            ))
            .bind(filter.limit)
            .fetch_all(&mut *self.transaction)
            .await?;
        rows.iter().map(stats_row).collect()
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

impl StatsFilter {
    fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        query
            .bind(self.start.to_string())
            .bind(self.end.to_string())
            .bind(self.seller_region.clone())
            .bind(self.customer_region.clone())
    }
}

fn stats_row(row: &SqliteRow) -> Result<RouteStatsRow, ViewsError> {
    let date: &str = row.try_get(0)?;
    let date = Day::parse(date.as_bytes()).map_err(|_| ViewsError::Row)?;
    let mut integers = [None; 13];
    for (place, value) in integers.iter_mut().enumerate() {
        *value = row.try_get(place + 3)?;
    }
    RouteStatsRow::from_integers(date, row.try_get(1)?, row.try_get(2)?, integers)
        .ok_or(ViewsError::Row)
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
    /// The file cannot be read now.
    #[error("the views cannot be read now")]
    Sqlite(#[source] sqlx::Error),
}

impl From<sqlx::Error> for ViewsError {
    fn from(error: sqlx::Error) -> Self {
        // 14: SQLite cannot open the file; without tables it is being made.
        let not_yet = error.as_database_error().is_some_and(|error| {
            error.code().as_deref() == Some("14") || error.message().starts_with("no such table")
        });
        if not_yet {
            Self::NotYet
        } else {
            Self::Sqlite(error)
        }
    }
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        let status = match error {
            ViewsError::NotYet | ViewsError::NewerFormat(_) | ViewsError::Sqlite(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ViewsError::Row | ViewsError::Json(_) => StatusCode::INTERNAL_SERVER_ERROR,
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
