//! The tables: how they are made and checked, and how they are read.

use eip_contract::{Offset, Space};
use eip_views::{Dialect, View};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::super::error::{Fault, Retry, StoreError};
use super::super::migrations::{MigrationFile, migrator};
use super::super::{Progress, RefusedDocument, StoredDeadLetter};
use super::config::POSTGRES_FORMAT;
use super::failure::Failure;
use super::{check_topic, row_views};

/// The files of `migrations/postgres` by number. A file that was released is never changed again.
pub(crate) const MIGRATIONS: &[MigrationFile] = &[
    (
        1,
        "views",
        include_str!("../../migrations/postgres/0001_views.sql"),
    ),
    (
        2,
        "last records",
        include_str!("../../migrations/postgres/0002_last_records.sql"),
    ),
    (
        3,
        "view formats",
        include_str!("../../migrations/postgres/0003_view_formats.sql"),
    ),
    (
        4,
        "changes",
        include_str!("../../migrations/postgres/0004_changes.sql"),
    ),
];

/// Makes or migrates the schema and tables of `space`, and checks whose they are.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    space: &Space,
    topic_id: &str,
) -> Result<(), Failure> {
    make_schema(connection, space).await?;
    check_format(connection, space).await?;
    migrator(MIGRATIONS).run(&mut *connection).await?;
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

/// Lets the tables of rows be those of `views`: what is missing or of another format is made, and
/// what is none of theirs any more is removed. Where one was made nothing counts as written: the
/// first tick of a dataflow writes all of it.
pub(super) async fn keep_tables(
    connection: &mut PgConnection,
    views: &[&'static View],
) -> Result<(), Failure> {
    let stored: Vec<(String, i32, bool)> = sqlx::query_as(
        "SELECT view, format, to_regclass(quote_ident(view)) IS NOT NULL FROM view_formats",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (gone, ..) in &stored {
        if row_views(views).any(|view| view.name == gone) {
            continue;
        }
        tracing::info!(view = gone, "no longer kept; its table is removed");
        drop_table(connection, gone).await?;
        sqlx::query("DELETE FROM view_formats WHERE view = $1")
            .bind(gone)
            .execute(&mut *connection)
            .await?;
    }
    let mut made = Vec::new();
    for view in row_views(views) {
        let as_it_is = (view.name, view.format as i32, true);
        if stored
            .iter()
            .any(|(name, format, there)| (name.as_str(), *format, *there) == as_it_is)
        {
            continue;
        }
        drop_table(connection, view.name).await?;
        sqlx::raw_sql(AssertSqlSafe(view.create_table(Dialect::Postgres)))
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO view_formats VALUES ($1, $2)
             ON CONFLICT (view) DO UPDATE SET format = excluded.format",
        )
        .bind(view.name)
        .bind(view.format as i32)
        .execute(&mut *connection)
        .await?;
        made.push(view.name);
    }
    if !made.is_empty() {
        let sql = "UPDATE progress SET tick = 0, offsets = '{}', last_records = NULL";
        sqlx::query(sql).execute(connection).await?;
        tracing::debug!(?made, "tables of views made");
    }
    Ok(())
}

async fn drop_table(connection: &mut PgConnection, name: &str) -> Result<(), Failure> {
    let sql = format!("DROP TABLE IF EXISTS \"{name}\"");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}

/// `tables` and those of views, as SQL lists them.
pub(super) async fn with_views(
    connection: &mut PgConnection,
    tables: &str,
) -> Result<String, Failure> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('view_formats') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    // Tables of an earlier version, which are brought up to date when a dataflow starts.
    if !there {
        return Ok(format!("{tables}, route_stats_daily"));
    }
    let views: Option<String> =
        sqlx::query_scalar("SELECT string_agg(quote_ident(view), ', ') FROM view_formats")
            .fetch_one(connection)
            .await?;
    Ok(match views {
        Some(views) => format!("{tables}, {views}"),
        None => tables.to_owned(),
    })
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

/// How many rows a view has.
pub(super) async fn count(connection: &mut PgConnection, view: &View) -> Result<u64, Failure> {
    let sql = format!("SELECT count(*) FROM {}", view.name);
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?;
    Ok(count as u64)
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

/// Documents of a view that the document store refused, by id.
pub(super) async fn read_refused(
    connection: &mut PgConnection,
    view: &'static View,
) -> Result<Vec<RefusedDocument>, Failure> {
    let sql = "SELECT id, version, doc, reason FROM refused_documents WHERE view = $1 ORDER BY id";
    let rows = sqlx::query(sql)
        .bind(view.name)
        .fetch_all(connection)
        .await?;
    let refused = |row: &PgRow| {
        Ok(RefusedDocument {
            view,
            id: row.try_get(0)?,
            version: row.try_get::<i64, _>(1)? as u64,
            doc: row.try_get(2)?,
            reason: row.try_get(3)?,
        })
    };
    rows.iter().map(refused).collect()
}
