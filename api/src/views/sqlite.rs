//! The views in the SQLite file of a state folder that a dataflow writes. The file may appear after
//! the API, or be made again under its name.

use std::path::Path;
use std::time::Duration;

use eip_contract::Day;
use eip_contract::document::RouteStatsRow;
use serde_json::value::RawValue;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Row as _, Sqlite, Transaction};

use super::{FORMAT, Progress, StatsFilter, StatsTotals, ViewsError};

/// As many requests as cores of a small machine can serve; others wait their turn.
const CONNECTIONS: u32 = 4;
/// A file that was made again under the same name is seen after this at the latest.
const LIFETIME: Duration = Duration::from_secs(30);
/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// The views of one state folder.
#[derive(Clone, Debug)]
pub(crate) struct Views {
    pool: SqlitePool,
}

/// One moment of them.
pub(crate) struct Moment {
    transaction: Transaction<'static, Sqlite>,
}

impl Views {
    /// The views in the folder `state`, whether they are there yet or not.
    pub(super) fn of(state: &Path) -> Self {
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

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn moment(&self) -> Result<(Progress, Moment), ViewsError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let row = sqlx::query("SELECT format, topic_id, epoch, tick, offsets FROM progress")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?
            .ok_or(ViewsError::NotYet)?;
        let format: i64 = row.try_get(0).map_err(failed)?;
        if format > FORMAT {
            return Err(ViewsError::NewerFormat(format));
        }
        let offsets: &str = row.try_get(4).map_err(failed)?;
        let progress = Progress {
            topic_id: row.try_get(1).map_err(failed)?,
            epoch: row.try_get(2).map_err(failed)?,
            tick: row.try_get(3).map_err(failed)?,
            offsets: serde_json::from_str(offsets).map_err(ViewsError::Json)?,
        };
        Ok((progress, Moment { transaction }))
    }
}

impl Moment {
    pub(super) async fn shipment(
        &mut self,
        order_id: &str,
    ) -> Result<Option<Box<RawValue>>, ViewsError> {
        let doc: Option<String> = sqlx::query_scalar("SELECT doc FROM shipments WHERE id = ?1")
            .bind(order_id)
            .fetch_optional(&mut *self.transaction)
            .await
            .map_err(failed)?;
        doc.map(RawValue::from_string)
            .transpose()
            .map_err(ViewsError::Json)
    }

    pub(super) async fn events(
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
        .await
        .map_err(failed)?;
        let raw = docs.into_iter().map(RawValue::from_string);
        raw.collect::<Result<_, _>>().map_err(ViewsError::Json)
    }

    pub(super) async fn stats_totals(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<StatsTotals, ViewsError> {
        let sql = "SELECT count(*), sum(placed), sum(approved), sum(assigned), sum(handed),
                        sum(delayed), sum(delivered), sum(delivered_late), sum(lead_count),
                        sum(lead_seconds_sum), sum(late_seconds_sum)
                 FROM route_stats_daily
                 WHERE stat_date >= ?1 AND stat_date < ?2
                   AND (?3 IS NULL OR seller_region = ?3) AND (?4 IS NULL OR customer_region = ?4)";
        let row = bind(filter, sqlx::query(sql))
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        StatsTotals::of(&row).map_err(failed)
    }

    pub(super) async fn stats_rows(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<Vec<RouteStatsRow>, ViewsError> {
        let sql = "SELECT stat_date, seller_region, customer_region, placed, approved, assigned,
                        handed, delayed, delivered, delivered_late, lead_count, lead_seconds_sum,
                        lead_seconds_p50, lead_seconds_p90, lead_seconds_p99, late_seconds_sum
                 FROM route_stats_daily
                 WHERE stat_date >= ?1 AND stat_date < ?2
                   AND (?3 IS NULL OR seller_region = ?3) AND (?4 IS NULL OR customer_region = ?4)
                 ORDER BY stat_date, seller_region, customer_region LIMIT ?5";
        let rows = bind(filter, sqlx::query(sql))
            .bind(filter.limit)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.iter().map(stats_row).collect()
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind<'q>(filter: &StatsFilter, query: Query<'q>) -> Query<'q> {
    query
        .bind(filter.start.to_string())
        .bind(filter.end.to_string())
        .bind(filter.seller_region.clone())
        .bind(filter.customer_region.clone())
}

fn stats_row(row: &SqliteRow) -> Result<RouteStatsRow, ViewsError> {
    let date: &str = row.try_get(0).map_err(failed)?;
    let date = Day::parse(date.as_bytes()).map_err(|_| ViewsError::Row)?;
    let mut integers = [None; 13];
    for (place, value) in integers.iter_mut().enumerate() {
        *value = row.try_get(place + 3).map_err(failed)?;
    }
    let seller = row.try_get(1).map_err(failed)?;
    let customer = row.try_get(2).map_err(failed)?;
    RouteStatsRow::from_integers(date, seller, customer, integers).ok_or(ViewsError::Row)
}

fn failed(error: sqlx::Error) -> ViewsError {
    // 14: SQLite cannot open the file; without tables it is being made.
    let not_yet = error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("14") || error.message().starts_with("no such table")
    });
    if not_yet {
        ViewsError::NotYet
    } else {
        ViewsError::Sql(error)
    }
}
