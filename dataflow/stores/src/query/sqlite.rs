//! The views in the SQLite file of a state folder that a dataflow writes. The file may appear later, or
//! be made again under its name.

mod changes;
mod sql;

use std::path::Path;
use std::time::Duration;

use eip_contract::{Day, EventTime};
use eip_views::route_stats_daily::ROUTES_INDEX;
use eip_views::shipments::FACETS_INDEX;
use eip_views::{Column, ROUTE_STATS_DAILY, SHIPMENT_EVENTS, SHIPMENTS, Value, View};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite, Transaction};

use super::condition::{Condition, Count, Direction, Search, Total};
use super::stats::{By, StatsGroup, StatsQuery, Words};
use super::troubles::{self, Troubles};
use super::{Document, FACETS, FacetCount, Found, QueryError, TIMES, place};
use crate::Progress;
use crate::sqlite::{FORMAT, read_progress, select, stored_value, stored_values};
use sql::{Sql, Unused};

/// As many requests as cores of a small machine can serve; others wait their turn.
const CONNECTIONS: u32 = 4;
/// A file that was made again under the same name is seen after this at the latest.
const LIFETIME: Duration = Duration::from_secs(30);
/// How long a request waits for its turn: when many ask at once the last ones wait long, and a refusal
/// would have them ask again. Below the time that any request has.
const TURN: Duration = Duration::from_secs(25);
/// How long a statement waits for the writer.
const WAIT: Duration = Duration::from_secs(5);
/// In KiB, negative as SQLite wants it: the pages that a connection keeps.
const CACHE_KIB: &str = "-65536";

const WORDS: Words = Words {
    day: "stat_date",
    week: "date(stat_date, 'weekday 0', '-6 days')",
    month: "substr(stat_date, 1, 7) || '-01'",
    sum_end: "",
    days: "stat_date >= ?1 AND stat_date < ?2",
    regions: [
        "(?3 = '[]' OR seller_region IN (SELECT value FROM json_each(?3)))",
        "(?4 = '[]' OR customer_region IN (SELECT value FROM json_each(?4)))",
    ],
};

/// The views of one state folder.
#[derive(Clone, Debug)]
pub(super) struct SqliteQueries {
    pool: SqlitePool,
}

/// One moment of them.
pub(super) struct SqliteMoment {
    transaction: Transaction<'static, Sqlite>,
}

impl SqliteQueries {
    pub(super) fn of(state: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(state.join(crate::sqlite::FILE))
            .read_only(true)
            .busy_timeout(WAIT)
            .pragma("cache_size", CACHE_KIB)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .max_lifetime(LIFETIME)
            .acquire_timeout(TURN)
            .acquire_slow_threshold(TURN)
            .connect_lazy_with(options);
        Self { pool }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    pub(super) async fn moment(&self) -> Result<(Progress, SqliteMoment), QueryError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let format: i64 = sqlx::query_scalar("SELECT format FROM progress")
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?
            .ok_or(QueryError::NotYet)?;
        QueryError::check_format(format, FORMAT)?;
        let progress = read_progress(&mut transaction)
            .await
            .map_err(|error| QueryError::Broken(error.chain()))?
            .ok_or(QueryError::NotYet)?;
        Ok((progress, SqliteMoment { transaction }))
    }
}

/// A page of shipments that are fewer than this is sorted; of more, the index of its order is walked until
/// the page is full. Walking looks up every shipment that is passed over: of a million with ten that meet
/// the condition it takes two seconds, going over the table a tenth of one.
const FEW: u64 = 500;

impl SqliteMoment {
    pub(super) async fn shipments(&mut self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        self.by_ids(&SHIPMENTS, ids).await
    }

    pub(super) async fn events(&mut self, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        self.by_ids(&SHIPMENT_EVENTS, ids).await
    }

    async fn by_ids(&mut self, view: &View, ids: &[String]) -> Result<Vec<Document>, QueryError> {
        let ids = serde_json::to_string(ids).expect("texts are always JSON");
        // The ids lead (CROSS JOIN keeps the order), and the table is looked up.
        let sql = format!(
            "SELECT found.* FROM json_each(?1) AS wanted CROSS JOIN ({}) AS found
             ON found.id = wanted.value ORDER BY wanted.key",
            select(view, "0")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(ids)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| document(view, row)).collect()
    }

    pub(super) async fn search(&mut self, search: &Search) -> Result<Found, QueryError> {
        let total = match search.count {
            Count::Nothing => None,
            Count::Known(count) => Some(Total::Exactly(count)),
            Count::Enough => Some(self.total(&search.condition).await?),
            Count::All => Some(Total::Exactly(self.count(&search.condition).await?)),
        };
        let are_few = matches!(total, Some(Total::Exactly(count)) if count < FEW);
        let walks = !are_few && search.sort.column == place(TIMES[0]);
        let unused = if walks { Unused::Facets } else { Unused::Both };
        let mut sql = Sql::begin(select(&SHIPMENTS, "0"), unused);
        sql.text.push_str(" WHERE ");
        sql.condition(&search.condition);
        sql.after(search);
        sql.text.push_str(" ORDER BY ");
        if are_few {
            // No index serves this.
            sql.text.push('+');
        }
        sql.name(search.sort.column);
        sql.text.push_str(match search.sort.direction {
            Direction::Ascending => " ASC NULLS LAST, id LIMIT ",
            // In this direction what has no value comes last by itself.
            Direction::Descending => " DESC, id LIMIT ",
        });
        sql.value(&Value::Integer(search.limit.into()));
        let rows = sql.all(self).await?;
        let documents = rows
            .iter()
            .map(|row| document(&SHIPMENTS, row))
            .collect::<Result<Vec<_>, _>>()?;
        let total = total.unwrap_or(Total::AtLeast(documents.len() as u64));
        Ok(Found { documents, total })
    }

    async fn total(&mut self, condition: &Condition) -> Result<Total, QueryError> {
        let begin = "SELECT count(*) FROM (SELECT 1 FROM shipments WHERE ";
        let mut sql = Sql::begin(begin, counted_by(condition));
        sql.condition(condition);
        sql.text.push_str(" LIMIT ");
        sql.value(&Value::Integer(Total::ENOUGH as i64 + 1));
        sql.text.push(')');
        let count = first_integer(&sql.all(self).await?)?;
        Ok(if count > Total::ENOUGH {
            Total::AtLeast(Total::ENOUGH)
        } else {
            Total::Exactly(count)
        })
    }

    pub(super) async fn count(&mut self, condition: &Condition) -> Result<u64, QueryError> {
        let begin = "SELECT count(*) FROM shipments WHERE ";
        let mut sql = Sql::begin(begin, counted_by(condition));
        sql.condition(condition);
        first_integer(&sql.all(self).await?)
    }

    pub(super) async fn counts(
        &mut self,
        within: &Condition,
        conditions: &[Condition],
    ) -> Result<Vec<u64>, QueryError> {
        let sql = |how: &str| {
            let mut sql = Sql::begin("SELECT ", Unused::Both);
            for (place, condition) in conditions.iter().enumerate() {
                sql.text.push_str(if place > 0 { ", " } else { "" });
                sql.text.push_str("count(CASE WHEN ");
                sql.condition(condition);
                sql.text.push_str(" THEN 1 END)");
            }
            for part in [" FROM shipments", how, " WHERE "] {
                sql.text.push_str(part);
            }
            sql.condition(within);
            sql
        };
        // This index holds all columns that relative conditions name, and is smaller than the table.
        let index = SHIPMENTS.index_name(FACETS_INDEX);
        let rows = match sql(&format!(" INDEXED BY {index}")).fetch(self).await {
            Err(error) if is_missing_index(&error) => sql("").all(self).await?,
            found => found.map_err(failed)?,
        };
        let count = |place| {
            let count: i64 = rows[0].try_get(place).map_err(failed)?;
            Ok(count as u64)
        };
        (0..conditions.len()).map(count).collect()
    }

    pub(super) async fn facets(
        &mut self,
        condition: &Condition,
    ) -> Result<Vec<FacetCount>, QueryError> {
        let columns: Vec<&Column> = FACETS
            .iter()
            .map(|name| &SHIPMENTS.columns[place(name)])
            .collect();
        let names: Vec<String> = columns.iter().map(|column| column.sql_name()).collect();
        let names = names.join(", ");
        let unordered = format!("+{}", names.replace(", ", ", +"));
        // The index over these columns holds all others that a condition names, but for the id: it is gone
        // through in the order of the groups, so nothing is sorted and no shipment is looked up.
        let index = (!condition.names(0)).then(|| SHIPMENTS.index_name(FACETS_INDEX));
        let sql = |index: Option<&str>| {
            let how = index.map(|index| format!(" INDEXED BY {index}"));
            let how = how.unwrap_or_default();
            let begin = format!("SELECT {names}, count(*) FROM shipments{how} WHERE ");
            let mut sql = Sql::begin(begin, Unused::Both);
            sql.condition(condition);
            sql.text.push_str(" GROUP BY ");
            sql.text
                .push_str(if index.is_some() { &names } else { &unordered });
            sql
        };
        let rows = match sql(index.as_deref()).fetch(self).await {
            // It is made when the first tick is written.
            Err(error) if is_missing_index(&error) => sql(None).all(self).await?,
            found => found.map_err(failed)?,
        };
        rows.iter()
            .map(|row| {
                let values = columns.iter().enumerate().map(|(place, column)| {
                    stored_value(column, row, place)
                        .map(Value::into_owned)
                        .map_err(|error| QueryError::Broken(error.chain()))
                });
                let values = values.collect::<Result<Vec<_>, _>>()?;
                let count: i64 = row.try_get(columns.len()).map_err(failed)?;
                Ok((values, count as u64))
            })
            .collect()
    }

    pub(super) async fn latest_event(&mut self) -> Result<Option<EventTime>, QueryError> {
        let columns = TIMES.map(|name| SHIPMENTS.columns[place(name)].sql_name());
        // The statistics know on which day it is, and of which types there are any on that day.
        let last: Option<(String, [bool; 6])> = self.last_day().await?;
        if let Some((day, types)) = last {
            let day = Day::parse(day.as_bytes())
                .map_err(|_| QueryError::Broken(format!("a day is {day:?}")))?;
            let since = i64::from(day.days()) * 86_400;
            let of = columns.iter().zip(types).filter(|(_, any)| *any);
            let none = std::iter::once("SELECT NULL AS found".to_owned());
            let parts = of.map(|(column, _)| {
                format!("SELECT max({column}) FROM shipments WHERE {column} >= {since}")
            });
            let parts: Vec<String> = none.chain(parts).collect();
            let sql = format!("SELECT max(found) FROM ({})", parts.join(" UNION ALL "));
            let seconds: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *self.transaction)
                .await
                .map_err(failed)?;
            if let Some(seconds) = seconds {
                return Ok(EventTime::from_seconds(seconds));
            }
        }
        // Documents may be ahead of the rows by a tick that took away what was the last.
        let greatest = columns.map(|column| format!("ifnull({column}, -1)"));
        let sql = format!("SELECT max(max({})) FROM shipments", greatest.join(", "));
        let seconds: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        Ok(seconds.and_then(EventTime::from_seconds))
    }

    /// The last day of the statistics, and by rank whether there is a fact of each type on it.
    async fn last_day(&mut self) -> Result<Option<(String, [bool; 6])>, QueryError> {
        let row = sqlx::query(
            "SELECT stat_date, sum(placed) > 0, sum(approved) > 0, sum(assigned) > 0,
                    sum(handed) > 0, sum(delayed) > 0, sum(delivered) > 0
             FROM route_stats_daily WHERE stat_date = (SELECT max(stat_date) FROM route_stats_daily)
             GROUP BY stat_date",
        )
        .fetch_optional(&mut *self.transaction)
        .await
        .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let mut types = [false; 6];
        for (rank, any) in types.iter_mut().enumerate() {
            *any = row.try_get(rank + 1).map_err(failed)?;
        }
        Ok(Some((row.try_get(0).map_err(failed)?, types)))
    }

    /// SQLite refuses no document.
    pub(super) async fn troubles(&mut self, latest: u32) -> Result<Troubles, QueryError> {
        let by_code: Vec<(String, i64)> = sqlx::query_as(troubles::BY_CODE)
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        let latest: Vec<(i64, i64, String, String)> =
            sqlx::query_as(AssertSqlSafe(format!("{}{latest}", troubles::LATEST)))
                .fetch_all(&mut *self.transaction)
                .await
                .map_err(failed)?;
        let count = |(code, count): (String, i64)| (code, count as u64);
        Ok(Troubles {
            dead_letters: by_code.into_iter().map(count).collect(),
            latest_dead_letters: latest.into_iter().map(troubles::dead_letter).collect(),
            ..Troubles::default()
        })
    }

    pub(super) async fn stats(
        &mut self,
        query: &StatsQuery,
    ) -> Result<Vec<StatsGroup>, QueryError> {
        let rows = if query.by == By::Route && is_long(query) {
            // In the order of the routes nothing has to be sorted.
            let index = ROUTE_STATS_DAILY.index_name(ROUTES_INDEX);
            match self
                .stats_rows(query, &format!(" INDEXED BY {index}"))
                .await
            {
                Err(error) if is_missing_index(&error) => self.stats_rows(query, "").await,
                found => found,
            }
        } else {
            self.stats_rows(query, " NOT INDEXED").await
        };
        rows.map_err(failed)?.iter().map(group).collect()
    }

    async fn stats_rows(
        &mut self,
        query: &StatsQuery,
        index: &str,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let list = |regions: &[String]| serde_json::to_string(regions).expect("texts are JSON");
        sqlx::query(AssertSqlSafe(query.sql(&WORDS, index)))
            .bind(query.start.to_string())
            .bind(query.end.to_string())
            .bind(list(&query.sellers))
            .bind(list(&query.customers))
            .fetch_all(&mut *self.transaction)
            .await
    }
}

/// What is counted by an index that holds all that the condition names.
fn counted_by(condition: &Condition) -> Unused {
    let placed = place(TIMES[0]);
    let others = (1..SHIPMENTS.columns.len()).filter(|&column| column != placed);
    if others.into_iter().any(|column| condition.names(column)) {
        Unused::Placed
    } else {
        Unused::None
    }
}

/// Whether a range of days is about all of them: of a part, its days are looked up.
fn is_long(query: &StatsQuery) -> bool {
    query.end.days().saturating_sub(query.start.days()) > 366
}

/// Whether a statement names an index that is not there yet.
fn is_missing_index(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.message().starts_with("no such index"))
}

fn group(row: &SqliteRow) -> Result<StatsGroup, QueryError> {
    let period: Option<&str> = row.try_get(0).map_err(failed)?;
    let day = |text: &str| {
        Day::parse(text.as_bytes()).map_err(|_| QueryError::Broken(format!("a day is {text:?}")))
    };
    StatsGroup::of(row, period.map(day).transpose()?).map_err(failed)
}

fn document(view: &View, row: &SqliteRow) -> Result<Document, QueryError> {
    let broken = |error: crate::StoreError| QueryError::Broken(error.chain());
    match stored_values(view, row).map_err(broken)? {
        Ok(values) => Ok(values.into_iter().map(Value::into_owned).collect()),
        Err(doc) => Err(QueryError::Broken(format!("{} has {doc}", view.name))),
    }
}

fn first_integer(rows: &[SqliteRow]) -> Result<u64, QueryError> {
    let count: i64 = rows[0].try_get(0).map_err(failed)?;
    Ok(count as u64)
}

fn failed(error: sqlx::Error) -> QueryError {
    // 14: SQLite cannot open the file; without tables or columns it is being made.
    let not_yet = error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("14") || error.message().starts_with("no such ")
    });
    if not_yet {
        QueryError::NotYet
    } else {
        QueryError::unavailable("sqlite", error)
    }
}
