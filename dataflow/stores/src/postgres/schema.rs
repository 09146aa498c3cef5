//! The tables: how they are made and checked, and how they are read.

use eip_contract::{Day, Offset, Space};
use eip_views::RouteStatsRow;
use futures_util::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::super::error::{Fault, Retry, StoreError};
use super::super::{DocumentView, Progress, RefusedDocument, StoredDeadLetter};
use super::check_topic;
use super::failure::Failure;

/// The format of the tables that this program reads and writes, kept in the progress row.
pub const POSTGRES_FORMAT: u32 = 1;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations/postgres");

/// Makes or migrates the schema and tables of `space`, and checks whose they are.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    space: &Space,
    topic_id: &str,
) -> Result<(), Failure> {
    make_schema(connection, space).await?;
    check_format(connection, space).await?;
    MIGRATIONS.run(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO progress (format, topic_id) VALUES ($1, $2) ON CONFLICT (one) DO NOTHING",
    )
    .bind(POSTGRES_FORMAT as i32)
    .bind(topic_id)
    .execute(&mut *connection)
    .await?;
    let stored: String = sqlx::query_scalar("SELECT topic_id FROM progress")
        .fetch_one(connection)
        .await?;
    Ok(check_topic(space, &stored, topic_id)?)
}

async fn make_schema(connection: &mut PgConnection, space: &Space) -> Result<(), Failure> {
    // Looked for first: `IF NOT EXISTS` wants the right to make schemas even where there is one.
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
            .bind(space.schema())
            .fetch_one(&mut *connection)
            .await?;
    if there {
        return Ok(());
    }
    let sql = format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", space.schema());
    match sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map_err(Failure::from)
    {
        Ok(_done) => Ok(()),
        // Somebody else made it in the same moment.
        Err(failure) if matches!(failure.code().as_deref(), Some("23505" | "42P06")) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Refuses tables that a newer program made. Missing ones are none.
pub(super) async fn check_format(
    connection: &mut PgConnection,
    space: &Space,
) -> Result<(), Failure> {
    if !has_tables(connection).await? {
        return Ok(());
    }
    let format: Option<i32> = sqlx::query_scalar("SELECT format FROM progress")
        .fetch_optional(connection)
        .await?;
    match format {
        Some(format) if format > POSTGRES_FORMAT as i32 => {
            let message = format!(
                "the tables of space {space} in PostgreSQL have format {format}, this program \
                 knows up to {POSTGRES_FORMAT}: use the newer program, or another space"
            );
            Err(StoreError::new(Fault::User, Retry::Never, message).into())
        }
        _ => Ok(()),
    }
}

/// Whether the space's tables are there.
pub(super) async fn has_tables(connection: &mut PgConnection) -> Result<bool, Failure> {
    let there = sqlx::query_scalar("SELECT to_regclass('progress') IS NOT NULL")
        .fetch_one(connection)
        .await?;
    Ok(there)
}

/// [`read_progress`], and none where there are no tables.
pub(super) async fn progress_if_any(
    connection: &mut PgConnection,
) -> Result<Option<Progress>, Failure> {
    if has_tables(connection).await? {
        read_progress(connection).await
    } else {
        Ok(None)
    }
}

/// How far the views are written; none as long as no epoch was taken.
pub(crate) async fn read_progress(
    connection: &mut PgConnection,
) -> Result<Option<Progress>, Failure> {
    // All columns: a reader may come before the tables have been brought up to date. The statement
    // is not kept, since that adds a column to it.
    let row = sqlx::query("SELECT * FROM progress WHERE epoch > 0")
        .persistent(false)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let offsets: Vec<i64> = row.try_get("offsets")?;
    let last: Option<String> = match row.try_get("last_records") {
        Err(sqlx::Error::ColumnNotFound(_)) => None,
        last => last?,
    };
    let last = serde_json::from_str(last.as_deref().unwrap_or("[]")).map_err(|error| {
        let message = format!("the last records of the progress row are {last:?}, not marks");
        StoreError::new(Fault::External, Retry::Never, message).because(error)
    })?;
    Ok(Some(Progress {
        epoch: row.try_get::<i64, _>("epoch")? as u64,
        tick: row.try_get::<i64, _>("tick")? as u64,
        offsets: offsets
            .into_iter()
            .map(|next| Offset(next as u64))
            .collect(),
        last,
        topic_id: row.try_get("topic_id")?,
    }))
}

/// All rows in the order of their key.
pub(super) async fn read_rows(
    connection: &mut PgConnection,
) -> Result<Vec<RouteStatsRow>, Failure> {
    let mut rows = Vec::new();
    let mut stream = sqlx::query(
        "SELECT stat_date - DATE '1970-01-01', seller_region, customer_region, placed, approved,
                assigned, handed, delayed, delivered, delivered_late, lead_count, lead_seconds_sum,
                lead_seconds_p50, lead_seconds_p90, lead_seconds_p99, late_seconds_sum
         FROM route_stats_daily ORDER BY stat_date, seller_region, customer_region",
    )
    .fetch(connection);
    while let Some(row) = stream.try_next().await? {
        rows.push(stats_row(&row)?);
    }
    Ok(rows)
}

fn stats_row(row: &PgRow) -> Result<RouteStatsRow, Failure> {
    let days: i32 = row.try_get(0)?;
    let mut integers = [None; 13];
    for (place, value) in integers.iter_mut().enumerate() {
        *value = row.try_get(place + 3)?;
    }
    let date = u32::try_from(days).ok().and_then(Day::from_days);
    let (seller, customer) = (row.try_get(1)?, row.try_get(2)?);
    date.and_then(|date| RouteStatsRow::from_integers(date, seller, customer, integers))
        .ok_or_else(|| {
            let message = format!(
                "a row of route_stats_daily {days} days after 1970-01-01 is none that a dataflow \
                 wrote, and the table's constraints are gone: remove the row"
            );
            StoreError::new(Fault::External, Retry::Never, message).into()
        })
}

/// Records that were no canonical events, by position.
pub(super) async fn read_dead_letters(
    connection: &mut PgConnection,
) -> Result<Vec<StoredDeadLetter>, Failure> {
    let sql = "SELECT partition, \"offset\", code, reason FROM dead_letters ORDER BY 1, 2";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    let letter = |row: &PgRow| {
        Ok(StoredDeadLetter {
            partition: row.try_get::<i32, _>(0)? as u32,
            offset: Offset(row.try_get::<i64, _>(1)? as u64),
            code: row.try_get(2)?,
            reason: row.try_get(3)?,
        })
    };
    rows.iter().map(letter).collect()
}

/// Documents that the document store refused, by view (in the order of [`DocumentView::ALL`]) and
/// id.
pub(super) async fn read_refused(
    connection: &mut PgConnection,
) -> Result<Vec<RefusedDocument>, Failure> {
    let sql = "SELECT id, version, doc, reason FROM refused_documents WHERE view = $1 ORDER BY id";
    let mut refused = Vec::new();
    for view in DocumentView::ALL {
        let rows = sqlx::query(sql)
            .bind(view.name())
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            refused.push(RefusedDocument {
                view,
                id: row.try_get(0)?,
                version: row.try_get::<i64, _>(1)? as u64,
                doc: row.try_get(2)?,
                reason: row.try_get(3)?,
            });
        }
    }
    Ok(refused)
}
