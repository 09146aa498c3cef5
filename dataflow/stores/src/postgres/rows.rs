//! The rows of a view: how one tick changes them, set by set, and how they are read.
//!
//! Many rows are removed by their keys and appended by one binary COPY: 45,600 rows took 0.13 s into
//! an empty table and 0.28 s over equal ones, a COPY into a staging table and one `MERGE` from it
//! 0.17 and 0.30 s. A few rows are one `INSERT … ON CONFLICT`: it keeps the index as it is, and the
//! end of a COPY waits 40 ms for the kernel, since the driver leaves Nagle's algorithm on and sends
//! that end by itself.
//!
//! Days and times pass as integers, of days and seconds since 1970-01-01.

use eip_contract::{Day, EventTime, EventType};
use eip_views::{Column, Kind, Row, Value, View};
use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row as _};

use super::super::RowChanges;
use super::super::error::{Fault, Retry, StoreError};
use super::copy;
use super::failure::Failure;

/// From this many rows on, COPY is the faster way.
const MANY: usize = 2000;

/// Makes the upserts stand and the deletes not.
pub(super) async fn write(
    connection: &mut PgConnection,
    changes: &RowChanges,
) -> Result<(), Failure> {
    let RowChanges {
        view,
        upserts,
        deletes,
    } = changes;
    let mut keys: Vec<&Row> = deletes.iter().collect();
    if upserts.len() < MANY {
        delete(connection, view, &keys).await?;
        return upsert(connection, view, upserts).await;
    }
    let mut rows: Vec<&Row> = upserts.iter().collect();
    if !rows.is_sorted() {
        rows.sort_unstable();
    }
    keys.extend(&rows);
    delete(connection, view, &keys).await?;
    copy::rows(connection, view, &rows).await
}

/// Deletes the rows whose first values these are.
async fn delete(connection: &mut PgConnection, view: &View, keys: &[&Row]) -> Result<(), Failure> {
    if keys.is_empty() {
        return Ok(());
    }
    let (arrays, names) = (arrays(view.key()), names(view.key()));
    let conditions: Vec<String> = view
        .key()
        .iter()
        .map(|column| {
            let stored = format!("stored.{}", column.sql_name());
            format!("{stored} = {}", passed(column, "key."))
        })
        .collect();
    let sql = format!(
        "DELETE FROM {} AS stored USING unnest({arrays}) AS key ({names}) WHERE {}",
        view.name,
        conditions.join(" AND ")
    );
    // Planned anew with each tick's real number of keys: a plan for a few would be kept for many.
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    bound(query, view.key(), keys).execute(connection).await?;
    Ok(())
}

/// `INSERT` of any number of rows: an array a column.
async fn upsert(connection: &mut PgConnection, view: &View, rows: &[Row]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let all = names(view.columns);
    let values: Vec<String> = view
        .columns
        .iter()
        .map(|column| passed(column, "new."))
        .collect();
    let updates: Vec<String> = view.columns[view.key().len()..]
        .iter()
        .map(|column| format!("{0} = excluded.{0}", column.sql_name()))
        .collect();
    let update = if updates.is_empty() {
        "NOTHING".to_owned()
    } else {
        format!("UPDATE SET {}", updates.join(", "))
    };
    let sql = format!(
        "INSERT INTO {} ({all}) SELECT {} FROM unnest({}) AS new ({all})
         ON CONFLICT ({}) DO {update}",
        view.name,
        values.join(", "),
        arrays(view.columns),
        names(view.key()),
    );
    let rows: Vec<&Row> = rows.iter().collect();
    let query = sqlx::query(AssertSqlSafe(sql));
    bound(query, view.columns, &rows)
        .execute(connection)
        .await?;
    Ok(())
}

fn names(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(Column::sql_name).collect();
    names.join(", ")
}

/// A parameter a column, each an array.
fn arrays(columns: &[Column]) -> String {
    let array = |(number, column): (usize, &Column)| {
        let of = match column.kind {
            Kind::Id | Kind::Text | Kind::EventType => "text",
            Kind::Day => "integer",
            Kind::Time | Kind::Integer => "bigint",
            Kind::Boolean => "boolean",
        };
        format!("${}::{of}[]", number + 1)
    };
    let arrays: Vec<String> = columns.iter().enumerate().map(array).collect();
    arrays.join(", ")
}

/// What was passed of a column, as the table keeps it.
fn passed(column: &Column, table: &str) -> String {
    let name = column.sql_name();
    match column.kind {
        Kind::Day => format!("DATE '1970-01-01' + {table}{name}"),
        Kind::Time => format!("to_timestamp({table}{name})"),
        _ => format!("{table}{name}"),
    }
}

/// A kept column, as it is passed.
fn kept(column: &Column) -> String {
    let name = column.sql_name();
    match column.kind {
        Kind::Day => format!("{name} - DATE '1970-01-01'"),
        Kind::Time => format!("floor(extract(epoch FROM {name}))::bigint"),
        _ => name,
    }
}

/// Binds the values of the columns, which are the first of each row, an array a column.
fn bound<'q>(
    mut query: Query<'q, Postgres, PgArguments>,
    columns: &[Column],
    rows: &[&'q Row],
) -> Query<'q, Postgres, PgArguments> {
    for (place, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| &row[place]);
        query = match column.kind {
            Kind::Id | Kind::Text | Kind::EventType => {
                let text = |value: &'q Value<'_>| match value {
                    Value::Text(text) => Some(text.as_ref()),
                    Value::EventType(event_type) => Some(event_type.name()),
                    _ => None,
                };
                query.bind(values.map(text).collect::<Vec<Option<&str>>>())
            }
            Kind::Day => {
                let days = |value: &Value<'_>| match value {
                    Value::Day(day) => Some(day.days() as i32),
                    _ => None,
                };
                query.bind(values.map(days).collect::<Vec<Option<i32>>>())
            }
            Kind::Time | Kind::Integer => {
                query.bind(values.map(Value::as_integer).collect::<Vec<Option<i64>>>())
            }
            Kind::Boolean => {
                let boolean = |value: &Value<'_>| value.as_integer().map(|integer| integer != 0);
                query.bind(values.map(boolean).collect::<Vec<Option<bool>>>())
            }
        };
    }
    query
}

/// All rows of a view in the order of their key.
pub(super) async fn read(connection: &mut PgConnection, view: &View) -> Result<Vec<Row>, Failure> {
    let columns: Vec<String> = view.columns.iter().map(kept).collect();
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {}",
        columns.join(", "),
        view.name,
        names(view.key())
    );
    let mut rows = Vec::new();
    let mut stream = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = stream.try_next().await? {
        let mut values = Row::with_capacity(view.columns.len());
        for (place, column) in view.columns.iter().enumerate() {
            values.push(value(column, &row, place)?.ok_or_else(|| foreign(view, column))?);
        }
        rows.push(values);
    }
    drop(stream);
    // Types are texts here, and sort by their rank elsewhere.
    if !rows.is_sorted() {
        rows.sort_unstable();
    }
    Ok(rows)
}

/// The value of a column; none when it means nothing.
fn value(
    column: &Column,
    row: &PgRow,
    place: usize,
) -> Result<Option<Value<'static>>, sqlx::Error> {
    let found = match column.kind {
        Kind::Id | Kind::Text => row.try_get::<Option<String>, _>(place)?.map(Value::from),
        Kind::Integer => row.try_get::<Option<i64>, _>(place)?.map(Value::Integer),
        Kind::Boolean => row.try_get::<Option<bool>, _>(place)?.map(Value::Boolean),
        Kind::Day => match row.try_get::<Option<i32>, _>(place)? {
            None => None,
            Some(days) => match u32::try_from(days).ok().and_then(Day::from_days) {
                None => return Ok(None),
                Some(day) => Some(Value::Day(day)),
            },
        },
        Kind::Time => match row.try_get::<Option<i64>, _>(place)? {
            None => None,
            Some(seconds) => match EventTime::from_seconds(seconds) {
                None => return Ok(None),
                Some(time) => Some(Value::Time(time)),
            },
        },
        Kind::EventType => match row.try_get::<Option<&str>, _>(place)? {
            None => None,
            Some(name) => match EventType::from_name(name) {
                None => return Ok(None),
                Some(event_type) => Some(Value::EventType(event_type)),
            },
        },
    };
    Ok(match found {
        None => column.nullable.then_some(Value::Null),
        found => found,
    })
}

fn foreign(view: &View, column: &Column) -> Failure {
    let message = format!(
        "a row of {} has a {} that no dataflow wrote: remove the row",
        view.name,
        column.sql_name()
    );
    StoreError::new(Fault::External, Retry::Never, message).into()
}
