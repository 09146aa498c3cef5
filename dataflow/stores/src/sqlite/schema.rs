//! The file: how it is opened and checked, and how it is read.

use std::path::Path;
use std::time::Duration;

use eip_contract::Offset;
use eip_log::Mark;
use eip_views::{Dialect, Row, VIEWS, View};
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use super::super::changes::leaves_entries;
use super::super::error::{Fault, Retry, StoreError};
use super::super::migrations::{MigrationFile, migrator};
use super::super::{Look, Progress, StoredDocument, TICK_BITS, content_hash, document_views};
use super::failure::{FILE, broken, read_error, sql_error};

/// The format that this program reads and writes, kept in the progress row.
pub const FORMAT: u32 = 2;

/// Fewer and larger pages than SQLite's default 4,096 bytes: a fifth less CPU time on a backfill.
const PAGE_BYTES: u32 = 8192;
/// In KiB, negative as SQLite wants it: all of the real data stays in memory while it is written.
const CACHE_KIB: &str = "-262144";
/// After a large tick the write-ahead log shrinks to this.
const LOG_BYTES: &str = "67108864";
/// How long to wait for a lock: only a checkpoint or a person with a shell can hold one.
const BUSY: Duration = Duration::from_secs(30);

/// The tick that wrote a document, as SQL.
pub(crate) const TICK: &str = "ver & 4398046511103";

/// The files of `migrations/sqlite` by number. A file that was released is never changed again.
pub(crate) const MIGRATIONS: &[MigrationFile] = &[
    (
        1,
        "views",
        include_str!("../../migrations/sqlite/0001_views.sql"),
    ),
    (
        2,
        "last records",
        include_str!("../../migrations/sqlite/0002_last_records.sql"),
    ),
    (
        3,
        "view formats",
        include_str!("../../migrations/sqlite/0003_view_formats.sql"),
    ),
    (
        4,
        "changes",
        include_str!("../../migrations/sqlite/0004_changes.sql"),
    ),
];

/// Opens the file for writing, makes or migrates its tables and checks whose it is.
pub(super) async fn open(path: &Path, topic_id: &str) -> Result<SqliteConnection, StoreError> {
    let options = common(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .pragma("journal_size_limit", LOG_BYTES);
    let failed = |error| sql_error("cannot open", path, error);
    let mut connection = options.connect().await.map_err(failed)?;
    check_format(&mut connection, path).await?;
    migrator(MIGRATIONS)
        .run(&mut connection)
        .await
        .map_err(|error| {
            let message = format!("cannot bring the tables of {} up to date", path.display());
            StoreError::new(Fault::External, Retry::Never, message).because(error)
        })?;
    sqlx::query(
        "INSERT INTO progress (one, format, topic_id, epoch, tick, offsets)
         VALUES (1, ?1, ?2, 0, 0, '[]') ON CONFLICT DO NOTHING",
    )
    .bind(FORMAT)
    .bind(topic_id)
    .execute(&mut connection)
    .await
    .map_err(failed)?;
    let stored: String = sqlx::query_scalar("SELECT topic_id FROM progress")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if stored != topic_id {
        return Err(StoreError::new(
            Fault::User,
            Retry::Never,
            format!(
                "{} holds the views of log {stored}, not of log {topic_id}: use the state folder \
                 that belongs to it, or remove {FILE}* there to have them made again",
                path.display()
            ),
        ));
    }
    // What a program with other views has removed is not made for it again.
    let noted = noted_views(&mut connection).await.map_err(failed)?;
    let known = VIEWS.into_iter();
    let known: Vec<_> = known
        .filter(|view| noted.iter().any(|noted| noted == view.name))
        .collect();
    make_tables(&mut connection, &known).await.map_err(failed)?;
    Ok(connection)
}

/// Makes the tables of the views anew that have another format than this program's. Then nothing
/// counts as written: the first tick of a dataflow writes all of it.
async fn make_tables(
    connection: &mut SqliteConnection,
    views: &[&'static View],
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let mut made = Vec::new();
    for view in views {
        let format: Option<u32> =
            sqlx::query_scalar("SELECT format FROM view_formats WHERE view = ?1")
                .bind(view.name)
                .fetch_optional(&mut *transaction)
                .await?;
        if format == Some(view.format) {
            continue;
        }
        // The names and columns of views are this program's own.
        let sql = format!(
            "DROP TABLE IF EXISTS {}; {}",
            view.name,
            view.create_table(Dialect::Sqlite)
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT OR REPLACE INTO view_formats VALUES (?1, ?2)")
            .bind(view.name)
            .bind(view.format)
            .execute(&mut *transaction)
            .await?;
        made.push(view.name);
    }
    if !made.is_empty() {
        // What is written from here on is no change of what was there.
        sqlx::query("DELETE FROM deleted_documents")
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE progress SET format = ?1, tick = 0, offsets = '[]', last = NULL,
                                 changes_from = NULL",
        )
        .bind(FORMAT)
        .execute(&mut *transaction)
        .await?;
        tracing::debug!(?made, "tables of views made");
    }
    transaction.commit().await
}

/// The views that have a table, of whatever format.
async fn noted_views(connection: &mut SqliteConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT view FROM view_formats")
        .fetch_all(connection)
        .await
}

/// Lets the tables be those of `views`: what is missing or of another format is made, and what is
/// none of theirs any more is removed.
pub(super) async fn keep_tables(
    connection: &mut SqliteConnection,
    views: &[&'static View],
) -> Result<(), StoreError> {
    let failed = |error| sql_error("cannot write", Path::new(FILE), error);
    for gone in noted_views(connection).await.map_err(failed)? {
        if views.iter().any(|view| view.name == gone) {
            continue;
        }
        tracing::info!(view = gone, "no longer kept; its table is removed");
        let sql = format!("DROP TABLE IF EXISTS \"{gone}\"");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
        sqlx::query("DELETE FROM view_formats WHERE view = ?1")
            .bind(gone)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    make_tables(connection, views).await.map_err(failed)
}

/// Makes the indexes of all views that are not there, and removes those of an earlier program. A backfill
/// is written without them.
pub(super) async fn make_indexes(
    connection: &mut SqliteConnection,
    views: &[&'static View],
) -> Result<(), StoreError> {
    let failed = |error| sql_error("cannot write", Path::new(FILE), error);
    let tracked = views.iter().filter(|view| leaves_entries(view));
    let ticks = tracked.map(|view| {
        let view = view.name;
        format!("CREATE INDEX {view}_ticks ON {view} ({TICK}, id)")
    });
    let indexes = views.iter().flat_map(|view| view.create_indexes());
    let wanted: Vec<String> = indexes.chain(ticks).collect();
    let tables: Vec<&str> = views.iter().map(|view| view.name).collect();
    let stored: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
         AND tbl_name IN (SELECT value FROM json_each(?1))",
    )
    .bind(serde_json::to_string(&tables).expect("texts are JSON"))
    .fetch_all(&mut *connection)
    .await
    .map_err(failed)?;
    let others = stored.iter().filter(|(_, sql)| !wanted.contains(sql));
    let others = others.map(|(name, _)| format!("DROP INDEX \"{name}\""));
    let is_there = |wanted: &&String| stored.iter().any(|(_, sql)| sql == *wanted);
    let missing = wanted.iter().filter(|wanted| !is_there(wanted));
    for sql in others.chain(missing.cloned()) {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Options for a connection that never writes. The file must exist.
pub(super) fn read_options(path: &Path) -> SqliteConnectOptions {
    common(path).read_only(true)
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .pragma("cache_size", CACHE_KIB)
        .row_buffer_size(1024)
        .disable_statement_logging()
}

/// Refuses a file whose documents a reader of this program would not find.
pub(super) async fn check_readable(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    check_format(connection, path).await?;
    let format: Option<u32> = sqlx::query_scalar("SELECT format FROM progress")
        .fetch_optional(connection)
        .await
        .map_err(|error| sql_error("cannot read", path, error))?;
    match format {
        Some(format) if format < FORMAT => {
            let message = format!(
                "{} was written by an older program: run `eip dataflow`, which makes the views anew",
                path.display()
            );
            Err(StoreError::new(Fault::User, Retry::Never, message))
        }
        _ => Ok(()),
    }
}

/// Refuses a file that a newer program made. One without a progress table is new, or not ours.
pub(super) async fn check_format(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    let failed = |error| sql_error("cannot read", path, error);
    let table: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM sqlite_schema WHERE name = 'progress'")
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
    if table.is_none() {
        return Ok(());
    }
    let format: Option<i64> = sqlx::query_scalar("SELECT format FROM progress")
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    match format {
        Some(format) if format > i64::from(FORMAT) => Err(StoreError::new(
            Fault::User,
            Retry::Never,
            format!(
                "{} has format {format}, this program knows up to {FORMAT}: use the newer \
                 program, or remove {FILE}* to have the views made again from the log",
                path.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// How far the views are written; none as long as no epoch was taken.
pub(crate) async fn read_progress(
    connection: &mut SqliteConnection,
) -> Result<Option<Progress>, StoreError> {
    // A reader may come before a dataflow has brought the file up to date.
    let has_last: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM pragma_table_info('progress') WHERE name = 'last')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(read_error)?;
    let sql = if has_last {
        "SELECT epoch, tick, offsets, topic_id, last FROM progress WHERE epoch > 0"
    } else {
        "SELECT epoch, tick, offsets, topic_id, NULL FROM progress WHERE epoch > 0"
    };
    let row = sqlx::query(sql)
        .fetch_optional(connection)
        .await
        .map_err(read_error)?;
    let Some(row) = row else { return Ok(None) };
    let offsets: &str = row.try_get(2).map_err(read_error)?;
    let offsets: Vec<Offset> = serde_json::from_str(offsets).map_err(|error| {
        broken(&format!("the offsets of its progress row are {offsets:?}")).because(error)
    })?;
    let last: Option<&str> = row.try_get(4).map_err(read_error)?;
    let last: Vec<Option<Mark>> = serde_json::from_str(last.unwrap_or("[]")).map_err(|error| {
        broken(&format!(
            "the last records of its progress row are {last:?}"
        ))
        .because(error)
    })?;
    Ok(Some(Progress {
        epoch: integer(&row, 0)? as u64,
        tick: integer(&row, 1)? as u64,
        offsets,
        last,
        topic_id: row.try_get(3).map_err(read_error)?,
    }))
}

/// All rows of a view in the order of their key.
pub(super) async fn read_rows(
    connection: &mut SqliteConnection,
    view: &View,
) -> Result<Vec<Row>, StoreError> {
    let columns = view.sql_columns();
    let sql = format!(
        "SELECT {} FROM {} ORDER BY {}",
        columns.join(", "),
        view.name,
        columns[..view.key().len()].join(", ")
    );
    let mut rows = Vec::new();
    let mut stream = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = stream.try_next().await.map_err(read_error)? {
        let mut values = Row::with_capacity(view.columns.len());
        for (place, column) in view.columns.iter().enumerate() {
            values.push(super::documents::value(column, &row, place)?.into_owned());
        }
        rows.push(values);
    }
    Ok(rows)
}

/// How many documents or rows a view has.
pub(super) async fn count(
    connection: &mut SqliteConnection,
    view: &View,
) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {}", view.name);
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .map_err(read_error)?;
    Ok(count as u64)
}

/// The greatest epoch with which a document was written.
pub(super) async fn greatest_epoch(
    connection: &mut SqliteConnection,
    views: &[&'static View],
) -> Result<u64, StoreError> {
    let mut greatest = 0;
    for view in document_views(views) {
        let there: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1)")
                .bind(view.name)
                .fetch_one(&mut *connection)
                .await
                .map_err(read_error)?;
        // A view that is new has no table before the epoch is taken.
        if there {
            let sql = format!("SELECT coalesce(max(ver), 0) FROM {}", view.name);
            let version: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut *connection)
                .await
                .map_err(read_error)?;
            greatest = greatest.max(version);
        }
    }
    Ok(greatest as u64 >> TICK_BITS)
}

/// Every document in short, in no order.
pub(super) async fn scan(
    connection: &mut SqliteConnection,
    view: &View,
    look: Look,
    each: &mut dyn FnMut(StoredDocument<'_>),
) -> Result<(), StoreError> {
    let sql = match look {
        Look::Listed => {
            let order_id = super::documents::order_id(view);
            format!("SELECT id, rev, {order_id} FROM {}", view.name)
        }
        Look::Whole => super::documents::select(view, "rev"),
    };
    let mut stream = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    let mut line = Vec::new();
    while let Some(row) = stream.try_next().await.map_err(read_error)? {
        let id: &str = row.try_get(0).map_err(read_error)?;
        match look {
            Look::Listed => {
                let order_id: Option<&str> = row.try_get(2).map_err(read_error)?;
                each(StoredDocument {
                    id,
                    order_id: order_id.unwrap_or(id),
                    rev: Some(integer(&row, 1)? as u64),
                });
            }
            Look::Whole => {
                let order_id = super::documents::line(view, &row, &mut line)?;
                each(StoredDocument {
                    id,
                    order_id: order_id.unwrap_or(id),
                    rev: Some(content_hash(&line)),
                });
            }
        }
    }
    Ok(())
}

fn integer(row: &SqliteRow, column: usize) -> Result<i64, StoreError> {
    row.try_get(column).map_err(read_error)
}
