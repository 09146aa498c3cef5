//! Reading the SQLite file from outside of the dataflow, while it writes or long after.

use std::path::{Path, PathBuf};

use eip_contract::Offset;
use eip_views::{Row, View};
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use super::super::error::{Fault, Retry, StoreError};
use super::super::reader::ReadViews;
use super::super::{Progress, RefusedDocument, StoredDeadLetter};
use super::documents::{self, line_order, select};
use super::failure::{FILE, sql_error};
use super::new_runtime;
use super::schema::{self, check_readable, read_options, read_progress, read_rows};

/// A reader of one state folder's views. Each call sees one moment of them; several calls do
/// between [`ReadViews::begin`] and [`ReadViews::end`].
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct SqliteViews {
    /// None only while the reader is being dropped.
    connection: Option<SqliteConnection>,
    runtime: Runtime,
    path: PathBuf,
}

impl SqliteViews {
    /// Opens the views in the folder `state`.
    pub fn open(state: &Path) -> Result<Self, StoreError> {
        let path = state.join(FILE);
        if !path.is_file() {
            return Err(StoreError::new(
                Fault::User,
                Retry::Never,
                format!(
                    "there are no views in {}: no dataflow has run there",
                    state.display()
                ),
            ));
        }
        let runtime = new_runtime()?;
        let connection = runtime.block_on(async {
            let mut connection = read_options(&path)
                .connect()
                .await
                .map_err(|error| sql_error("cannot open", &path, error))?;
            check_readable(&mut connection, &path).await?;
            Ok::<_, StoreError>(connection)
        })?;
        Ok(Self {
            connection: Some(connection),
            runtime,
            path,
        })
    }
}

impl ReadViews for SqliteViews {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.execute("BEGIN")
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.execute("ROLLBACK")
    }

    fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        let (runtime, connection, _path) = self.parts();
        runtime.block_on(read_progress(connection))
    }

    fn count(&mut self, view: &'static View) -> Result<u64, StoreError> {
        let (runtime, connection, _path) = self.parts();
        runtime.block_on(schema::count(connection, view))
    }

    fn count_dead_letters(&mut self) -> Result<u64, StoreError> {
        let mut count = 0;
        self.for_each_row(sqlx::query("SELECT count(*) FROM dead_letters"), |row| {
            count = row.try_get::<i64, _>(0)? as u64;
            Ok(())
        })?;
        Ok(count)
    }

    fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let mut letters = Vec::new();
        let sql = "SELECT partition, \"offset\", code, reason FROM dead_letters ORDER BY 1, 2";
        self.for_each_row(sqlx::query(sql), |row| {
            letters.push(StoredDeadLetter {
                partition: row.try_get(0)?,
                offset: Offset(row.try_get::<i64, _>(1)? as u64),
                code: row.try_get(2)?,
                reason: row.try_get(3)?,
            });
            Ok(())
        })?;
        Ok(letters)
    }

    fn documents(
        &mut self,
        view: &'static View,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        // The order of the ids is not that of the lines: with escapes in them, or where one id
        // goes on with a space behind the other's end.
        let sql = format!("{} {}", select(view, "0"), line_order(view));
        let mut line = Vec::new();
        let mut unreadable = None;
        self.for_each_row(sqlx::query(AssertSqlSafe(sql)), |row| {
            if let Err(error) = documents::line(view, row, &mut line) {
                unreadable = Some(error);
            } else if unreadable.is_none() {
                each(row.try_get(0)?, &line);
            }
            Ok(())
        })?;
        unreadable.map_or(Ok(()), Err)
    }

    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError> {
        let (runtime, connection, _path) = self.parts();
        runtime.block_on(read_rows(connection, view))
    }

    fn refused(&mut self, _view: &'static View) -> Result<Vec<RefusedDocument>, StoreError> {
        Ok(Vec::new())
    }
}

impl SqliteViews {
    fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let (runtime, connection, path) = self.parts();
        let done = runtime.block_on(sqlx::query(sql).execute(connection));
        done.map(|_done| ())
            .map_err(|error| sql_error("cannot read", path, error))
    }

    /// Streams a query's rows through `each`.
    pub(super) fn for_each_row(
        &mut self,
        query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
        mut each: impl FnMut(&sqlx::sqlite::SqliteRow) -> Result<(), sqlx::Error>,
    ) -> Result<(), StoreError> {
        let (runtime, connection, path) = self.parts();
        let done = runtime.block_on(async {
            let mut stream = query.fetch(connection);
            while let Some(row) = stream.try_next().await? {
                each(&row)?;
            }
            Ok(())
        });
        done.map_err(|error| sql_error("cannot read", path, error))
    }

    fn parts(&mut self) -> (&Runtime, &mut SqliteConnection, &Path) {
        let connection = self.connection.as_mut().expect("open until dropped");
        (&self.runtime, connection, &self.path)
    }
}

impl Drop for SqliteViews {
    fn drop(&mut self) {
        // Closed here and not left to its thread, so that a writer that opens next is alone.
        if let Some(connection) = self.connection.take()
            && let Err(error) = self.runtime.block_on(connection.close())
        {
            tracing::debug!(%error, "a reader of the views was not closed in order");
        }
    }
}
