//! Rows and progress in PostgreSQL, of one moment.

use std::sync::Arc;
use std::time::Duration;

use eip_contract::{Day, Space};
use eip_views::SHIPMENTS;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Postgres, Row as _, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::QueryError;
use super::changes::{Change, ChangeQuery};
use super::stats::{StatsGroup, StatsQuery, Words};
use super::troubles::{self, RefusedHead, Troubles};
use crate::Progress;
use crate::error::{Fault, Retry, StoreError};
use crate::postgres::{POSTGRES_FORMAT, read_progress};

/// A few of a server's hundred; other requests wait their turn.
const CONNECTIONS: u32 = 16;
/// How long a request waits for its turn, as with SQLite.
const TURN: Duration = Duration::from_secs(25);
/// How long a request then waits for a connection, which the server is asked for again and again.
const WAIT: Duration = Duration::from_secs(5);
/// The moment of one request.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

const WORDS: Words = Words {
    day: "(stat_date - DATE '1970-01-01')",
    week: "(date_trunc('week', stat_date)::date - DATE '1970-01-01')",
    month: "(date_trunc('month', stat_date)::date - DATE '1970-01-01')",
    sum_end: "::bigint",
    days: "stat_date >= DATE '1970-01-01' + $1 AND stat_date < DATE '1970-01-01' + $2",
    regions: [
        "(cardinality($3::text[]) = 0 OR seller_region = ANY($3))",
        "(cardinality($4::text[]) = 0 OR customer_region = ANY($4))",
    ],
};

/// The rows of one space.
#[derive(Clone)]
pub(super) struct PostgresQueries {
    pool: PgPool,
    /// The pool has one limit of time for a turn and for a server that is away; these are two.
    turns: Arc<Semaphore>,
}

/// One moment of them.
pub(super) struct PostgresMoment {
    transaction: Transaction<'static, Postgres>,
    /// Given back after the connection.
    _turn: OwnedSemaphorePermit,
}

impl PostgresQueries {
    pub(super) fn open(url: &str, space: &Space) -> Result<Self, StoreError> {
        let options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| {
            let message = "the address of PostgreSQL cannot be used";
            StoreError::new(Fault::User, Retry::Never, message).because(error)
        })?;
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
        let turns = Arc::new(Semaphore::new(CONNECTIONS as usize));
        Ok(Self { pool, turns })
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Progress, the visible tick, and the moment.
    pub(super) async fn moment(&self) -> Result<(Progress, u64, PostgresMoment), QueryError> {
        let turn = timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(failed(sqlx::Error::PoolTimedOut));
        };
        let mut transaction = self.pool.begin_with(BEGIN).await.map_err(failed)?;
        let row = sqlx::query("SELECT format, visible_tick FROM progress")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?
            .ok_or(QueryError::NotYet)?;
        let format: i32 = row.try_get(0).map_err(failed)?;
        QueryError::check_format(format.into(), POSTGRES_FORMAT)?;
        let visible: i64 = row.try_get(1).map_err(failed)?;
        let progress = read_progress(&mut transaction)
            .await
            .map_err(|failure| {
                let error = failure.told("read the progress", "PostgreSQL");
                QueryError::unavailable("postgres", error)
            })?
            .ok_or(QueryError::NotYet)?;
        let moment = PostgresMoment {
            transaction,
            _turn: turn,
        };
        Ok((progress, visible as u64, moment))
    }
}

impl PostgresMoment {
    pub(super) async fn troubles(&mut self, latest: u32) -> Result<Troubles, QueryError> {
        let by_code: Vec<(String, i64)> = sqlx::query_as(troubles::BY_CODE)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        let letters: Vec<(i32, i64, String, String)> =
            sqlx::query_as(AssertSqlSafe(format!("{}{latest}", troubles::LATEST)))
                .fetch_all(&mut *self.transaction)
                .await
                .map_err(failed)?;
        let refused: i64 = sqlx::query_scalar("SELECT count(*) FROM refused_documents")
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        let refused_last: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT view, id, reason FROM refused_documents
             ORDER BY refused_at DESC, view, id LIMIT $1",
        )
        .bind(i64::from(latest))
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(failed)?;
        let count = |(code, count): (String, i64)| (code, count as u64);
        let letters = letters
            .into_iter()
            .map(|(partition, offset, code, reason)| {
                troubles::dead_letter((partition.into(), offset, code, reason))
            });
        let refused_last = refused_last.into_iter();
        Ok(Troubles {
            dead_letters: by_code.into_iter().map(count).collect(),
            latest_dead_letters: letters.collect(),
            refused: refused as u64,
            latest_refused: refused_last
                .map(|(view, id, reason)| RefusedHead { view, id, reason })
                .collect(),
        })
    }

    pub(super) async fn changes_known_from(&mut self) -> Result<Option<u64>, QueryError> {
        let tick: Option<i64> = sqlx::query_scalar("SELECT changes_from FROM progress")
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        Ok(tick.map(|tick| tick as u64))
    }

    /// A page of entries of deleted shipments.
    pub(super) async fn deleted(&mut self, query: &ChangeQuery) -> Result<Vec<Change>, QueryError> {
        let (tick, id) = query.place();
        let rows = sqlx::query(
            "SELECT tick, id FROM deleted_documents
             WHERE view = $1 AND (tick, id) > ($2, $3) AND tick <= $4
             ORDER BY tick, id LIMIT $5",
        )
        .bind(SHIPMENTS.name)
        .bind(tick)
        .bind(id)
        .bind(query.upto as i64)
        .bind(i64::from(query.limit))
        .fetch_all(&mut *self.transaction)
        .await
        .map_err(failed)?;
        let change = |row: &PgRow| {
            Ok(Change {
                tick: row.try_get::<i64, _>(0).map_err(failed)? as u64,
                id: row.try_get(1).map_err(failed)?,
                document: None,
            })
        };
        rows.iter().map(change).collect()
    }

    /// How many entries of deleted shipments there are in these ticks.
    pub(super) async fn count_deleted(&mut self, since: u64, upto: u64) -> Result<u64, QueryError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM deleted_documents WHERE view = $1 AND tick > $2 AND tick <= $3",
        )
        .bind(SHIPMENTS.name)
        .bind(since as i64)
        .bind(upto as i64)
        .fetch_one(&mut *self.transaction)
        .await
        .map_err(failed)?;
        Ok(count as u64)
    }

    pub(super) async fn stats(
        &mut self,
        query: &StatsQuery,
    ) -> Result<Vec<StatsGroup>, QueryError> {
        let rows = sqlx::query(AssertSqlSafe(query.sql(&WORDS, "")))
            .bind(query.start.days() as i32)
            .bind(query.end.days() as i32)
            .bind(&query.sellers)
            .bind(&query.customers)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.iter().map(group).collect()
    }
}

fn group(row: &PgRow) -> Result<StatsGroup, QueryError> {
    // A column of nothing but NULL is a text.
    let period: Option<i32> = row.try_get(0).ok().flatten();
    let day = |days: i32| {
        let day = u32::try_from(days).ok().and_then(Day::from_days);
        day.ok_or_else(|| QueryError::Broken(format!("a day is {days} days after 1970-01-01")))
    };
    StatsGroup::of(row, period.map(day).transpose()?).map_err(failed)
}

fn failed(error: sqlx::Error) -> QueryError {
    // No table, no schema, no column: they are being made or brought up to date.
    let not_yet = error
        .as_database_error()
        .is_some_and(|error| matches!(error.code().as_deref(), Some("42P01" | "3F000" | "42703")));
    if not_yet {
        QueryError::NotYet
    } else {
        QueryError::unavailable("postgres", error)
    }
}
