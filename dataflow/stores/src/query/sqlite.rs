//! The views in the SQLite file of a state folder that a dataflow writes. The file may appear later, or
//! be made again under its name.

use std::path::Path;
use std::time::Duration;

use eip_contract::{Day, EventTime};
use eip_views::{Column, SHIPMENT_EVENTS, SHIPMENTS, Value, View};
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow,
};
use sqlx::{Arguments as _, AssertSqlSafe, ConnectOptions as _, Row as _, Sqlite, Transaction};

use super::condition::{Condition, Direction, Search, Total};
use super::stats::{StatsGroup, StatsQuery, Words};
use super::troubles::{self, Troubles};
use super::{Document, FACETS, FacetCount, Found, QueryError, TIMES, place};
use crate::Progress;
use crate::sqlite::{FORMAT, read_progress, select, stored_value, stored_values};

/// As many requests as cores of a small machine can serve; others wait their turn.
const CONNECTIONS: u32 = 4;
/// A file that was made again under the same name is seen after this at the latest.
const LIFETIME: Duration = Duration::from_secs(30);
/// How long a request waits for a connection.
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
            .acquire_timeout(WAIT)
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

/// SQL with its values.
struct Sql {
    text: String,
    values: SqliteArguments,
}

impl Sql {
    fn begin(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: SqliteArguments::default(),
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        self.text.push('?');
        let added = match value {
            Value::Text(text) => self.values.add(text.as_ref()),
            Value::Day(day) => self.values.add(day.to_string()),
            value => self.values.add(value.as_integer()),
        };
        added.expect("texts and integers always encode");
    }

    fn name(&mut self, column: usize) {
        match column {
            0 => self.text.push_str("id"),
            column => self.text.push_str(&SHIPMENTS.columns[column].sql_name()),
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::All(all) => self.joined(all, " AND ", "1"),
            Condition::Any(any) => self.joined(any, " OR ", "0"),
            Condition::Not(not) => {
                // What is not known is not so: NULL counts as false before it is turned round.
                self.text.push_str("NOT coalesce(");
                self.condition(not);
                self.text.push_str(", 0)");
            }
            Condition::OneOf(column, values) => {
                self.name(*column);
                self.text.push_str(" IN (");
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        self.text.push(',');
                    }
                    self.value(value);
                }
                self.text.push(')');
            }
            Condition::Range {
                column,
                from,
                below,
            } => {
                self.text.push('(');
                self.name(*column);
                self.text.push_str(" IS NOT NULL");
                for (sign, bound) in [(" >= ", from), (" < ", below)] {
                    if let Some(bound) = bound {
                        self.text.push_str(" AND ");
                        self.name(*column);
                        self.text.push_str(sign);
                        self.value(bound);
                    }
                }
                self.text.push(')');
            }
            Condition::Known(column) => {
                self.name(*column);
                self.text.push_str(" IS NOT NULL");
            }
            Condition::Prefix(column, prefix) => {
                // Bytes are compared, so what begins so lies between it and the greatest character.
                self.text.push('(');
                self.name(*column);
                self.text.push_str(" >= ");
                self.value(&Value::from(prefix.as_str()));
                self.text.push_str(" AND ");
                self.name(*column);
                self.text.push_str(" < ");
                self.value(&Value::from(format!("{prefix}\u{10ffff}").as_str()));
                self.text.push(')');
            }
        }
    }

    fn joined(&mut self, conditions: &[Condition], between: &str, none: &str) {
        if conditions.is_empty() {
            self.text.push_str(none);
            return;
        }
        self.text.push('(');
        for (place, condition) in conditions.iter().enumerate() {
            if place > 0 {
                self.text.push_str(between);
            }
            self.condition(condition);
        }
        self.text.push(')');
    }

    /// What comes after the last shipment of a page.
    fn after(&mut self, search: &Search) {
        let Some(after) = &search.after else { return };
        let column = search.sort.column;
        self.text.push_str(" AND (");
        let is_known = after.value != Value::Null;
        if is_known {
            self.name(column);
            self.text.push_str(match search.sort.direction {
                Direction::Ascending => " > ",
                Direction::Descending => " < ",
            });
            self.value(&after.value);
            self.text.push_str(" OR ");
            self.name(column);
            self.text.push_str(" IS NULL OR ");
        }
        self.text.push('(');
        self.name(column);
        self.text.push_str(" IS ");
        self.value(&after.value);
        self.text.push_str(" AND id > ");
        self.value(&Value::from(after.id.as_str()));
        self.text.push_str("))");
    }

    async fn all(self, moment: &mut SqliteMoment) -> Result<Vec<SqliteRow>, QueryError> {
        sqlx::query_with(AssertSqlSafe(self.text), self.values)
            .fetch_all(&mut *moment.transaction)
            .await
            .map_err(failed)
    }
}

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
        let total = self.total(&search.condition, search.count_all).await?;
        let mut sql = Sql::begin(select(&SHIPMENTS, "0"));
        sql.text.push_str(" WHERE ");
        sql.condition(&search.condition);
        sql.after(search);
        sql.text.push_str(" ORDER BY ");
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
            .collect::<Result<_, _>>()?;
        Ok(Found { documents, total })
    }

    async fn total(&mut self, condition: &Condition, all: bool) -> Result<Total, QueryError> {
        if all {
            return self.count(condition).await.map(Total::Exactly);
        }
        let mut sql = Sql::begin("SELECT count(*) FROM (SELECT 1 FROM shipments WHERE ");
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
        let mut sql = Sql::begin("SELECT count(*) FROM shipments WHERE ");
        sql.condition(condition);
        first_integer(&sql.all(self).await?)
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
        let mut sql = Sql::begin(format!("SELECT {names}, count(*) FROM shipments WHERE "));
        sql.condition(condition);
        sql.text.push_str(" GROUP BY ");
        if *condition == Condition::ANYTHING {
            sql.text.push_str(&names);
        } else {
            // With a + no index serves a column: walking the one over these columns and looking each
            // shipment up takes twice the time of going over the table.
            sql.text.push('+');
            sql.text.push_str(&names.replace(", ", ", +"));
        }
        let rows = sql.all(self).await?;
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
        let greatest: Vec<String> = TIMES
            .iter()
            .map(|name| {
                let column = SHIPMENTS.columns[place(name)].sql_name();
                format!("coalesce(max({column}), -1)")
            })
            .collect();
        let sql = format!("SELECT max({}) FROM shipments", greatest.join(", "));
        let seconds: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *self.transaction)
            .await
            .map_err(failed)?;
        Ok(EventTime::from_seconds(seconds))
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
        let list = |regions: &[String]| serde_json::to_string(regions).expect("texts are JSON");
        let rows = sqlx::query(AssertSqlSafe(query.sql(&WORDS)))
            .bind(query.start.to_string())
            .bind(query.end.to_string())
            .bind(list(&query.sellers))
            .bind(list(&query.customers))
            .fetch_all(&mut *self.transaction)
            .await
            .map_err(failed)?;
        rows.iter().map(group).collect()
    }
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
    // 14: SQLite cannot open the file; without tables it is being made.
    let not_yet = error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("14") || error.message().starts_with("no such table")
    });
    if not_yet {
        QueryError::NotYet
    } else {
        QueryError::unavailable("sqlite", error)
    }
}
