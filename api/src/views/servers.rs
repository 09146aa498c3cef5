//! The views on the servers: rows and progress from PostgreSQL in one moment, documents from
//! Elasticsearch. A document may be of a later tick than the rows, never of an earlier one.

use std::time::Duration;

use eip_contract::document::RouteStatsRow;
use eip_contract::{Day, Space};
use serde_json::value::RawValue;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Postgres, Row as _, Transaction};

use super::elasticsearch::Documents;
use super::{FORMAT, OpenError, Progress, StatsFilter, StatsTotals, ViewsError};

/// A few of a server's hundred; other requests wait their turn.
const CONNECTIONS: u32 = 16;
/// How long a request waits for a connection.
const WAIT: Duration = Duration::from_secs(5);
/// The moment of one request.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The views of one space.
#[derive(Clone)]
pub(crate) struct Views {
    pool: PgPool,
    documents: Documents,
}

/// One moment of them.
pub(crate) struct Moment {
    transaction: Transaction<'static, Postgres>,
    documents: Documents,
}

impl Views {
    pub(super) fn open(
        postgres: &str,
        space: &Space,
        documents: Documents,
    ) -> Result<Self, OpenError> {
        let options: PgConnectOptions = postgres
            .parse()
            .map_err(|error: sqlx::Error| OpenError::Address("PostgreSQL", error.into()))?;
        let options = options
            .application_name(&space.prefixed("eip-api"))
            .disable_statement_logging();
        // A request has 10 s: a statement that takes as long helps nobody any more. A name of a
        // space has no quote in it.
        let settings = format!(
            "SET search_path TO \"{}\"; SET statement_timeout = '8s'; SET lock_timeout = '5s';
             SET idle_in_transaction_session_timeout = '15s'",
            space.schema()
        );
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(WAIT)
            .after_connect(move |connection, _meta| {
                let settings = settings.clone();
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(settings))
                        .execute(connection)
                        .await
                        .map(|_done| ())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, documents })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn moment(&self) -> Result<(Progress, Moment), ViewsError> {
        let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed)?;
        let row = sqlx::query("SELECT format, topic_id, epoch, tick, offsets FROM progress")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?
            .ok_or(ViewsError::NotYet)?;
        let format: i32 = row.try_get(0).map_err(failed)?;
        if i64::from(format) > FORMAT {
            return Err(ViewsError::NewerFormat(format.into()));
        }
        let offsets: Vec<i64> = row.try_get(4).map_err(failed)?;
        let progress = Progress {
            topic_id: row.try_get(1).map_err(failed)?,
            epoch: row.try_get(2).map_err(failed)?,
            tick: row.try_get(3).map_err(failed)?,
            offsets: offsets.into_iter().map(|next| next as u64).collect(),
        };
        let documents = self.documents.clone();
        let moment = Moment {
            transaction,
            documents,
        };
        Ok((progress, moment))
    }
}

impl Moment {
    pub(super) async fn shipment(
        &mut self,
        order_id: &str,
    ) -> Result<Option<Box<RawValue>>, ViewsError> {
        self.documents.shipment(order_id).await
    }

    pub(super) async fn events(
        &mut self,
        event_ids: &[String],
    ) -> Result<Vec<Box<RawValue>>, ViewsError> {
        self.documents.events(event_ids).await
    }

    pub(super) async fn stats_totals(
        &mut self,
        filter: &StatsFilter,
    ) -> Result<StatsTotals, ViewsError> {
        let sql = "SELECT count(*), sum(placed)::bigint, sum(approved)::bigint,
                        sum(assigned)::bigint, sum(handed)::bigint, sum(delayed)::bigint,
                        sum(delivered)::bigint, sum(delivered_late)::bigint,
                        sum(lead_count)::bigint, sum(lead_seconds_sum)::bigint,
                        sum(late_seconds_sum)::bigint
                 FROM route_stats_daily
                 WHERE stat_date >= DATE '1970-01-01' + $1 AND stat_date < DATE '1970-01-01' + $2
                   AND ($3::text IS NULL OR seller_region = $3)
                   AND ($4::text IS NULL OR customer_region = $4)";
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
        let sql = "SELECT stat_date - DATE '1970-01-01', seller_region, customer_region, placed,
                        approved, assigned, handed, delayed, delivered, delivered_late, lead_count,
                        lead_seconds_sum, lead_seconds_p50, lead_seconds_p90, lead_seconds_p99,
                        late_seconds_sum
                 FROM route_stats_daily
                 WHERE stat_date >= DATE '1970-01-01' + $1 AND stat_date < DATE '1970-01-01' + $2
                   AND ($3::text IS NULL OR seller_region = $3)
                   AND ($4::text IS NULL OR customer_region = $4)
                 ORDER BY stat_date, seller_region, customer_region LIMIT $5";
        let rows = bind(filter, sqlx::query(sql))
            .bind(i64::from(filter.limit))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.iter().map(stats_row).collect()
    }
}

type Query<'q> = sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments>;

fn bind<'q>(filter: &StatsFilter, query: Query<'q>) -> Query<'q> {
    query
        .bind(filter.start.days() as i32)
        .bind(filter.end.days() as i32)
        .bind(filter.seller_region.clone())
        .bind(filter.customer_region.clone())
}

fn stats_row(row: &PgRow) -> Result<RouteStatsRow, ViewsError> {
    let days: i32 = row.try_get(0).map_err(failed)?;
    let mut integers = [None; 13];
    for (place, value) in integers.iter_mut().enumerate() {
        *value = row.try_get(place + 3).map_err(failed)?;
    }
    let (seller, customer) = (
        row.try_get(1).map_err(failed)?,
        row.try_get(2).map_err(failed)?,
    );
    let date = u32::try_from(days).ok().and_then(Day::from_days);
    date.and_then(|date| RouteStatsRow::from_integers(date, seller, customer, integers))
        .ok_or(ViewsError::Row)
}

fn failed(error: sqlx::Error) -> ViewsError {
    // No table, no schema.
    let not_yet = error
        .as_database_error()
        .is_some_and(|error| matches!(error.code().as_deref(), Some("42P01" | "3F000")));
    if not_yet {
        ViewsError::NotYet
    } else {
        ViewsError::Sql(error)
    }
}
