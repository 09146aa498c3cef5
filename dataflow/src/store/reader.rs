//! Reading the views from outside of the dataflow, while it writes or long after.

use std::path::{Path, PathBuf};

use eip_contract::Offset;
use eip_contract::document::VIEWS;
use futures_util::TryStreamExt as _;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use super::error::{Fault, Retry, StoreError};
use super::sqlite::{
    FILE, check_format, new_runtime, read_options, read_progress, read_rows, sql_error,
};
use super::{DocumentView, Progress, StoredDeadLetter};

/// A reader of one state folder's views. Each call sees one moment of them; several calls do
/// inside of [`ViewReader::snapshot`].
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct ViewReader {
    /// None only while the reader is being dropped.
    connection: Option<SqliteConnection>,
    runtime: Runtime,
    path: PathBuf,
    in_snapshot: bool,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoredCounts {
    /// Documents of `shipment_events`.
    pub shipment_events: u64,
    /// Documents of `shipments`.
    pub shipments: u64,
    /// Rows of `route_stats_daily`.
    pub route_stats_daily: u64,
    /// Records that were no canonical events.
    pub dead_letters: u64,
}

impl ViewReader {
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
            check_format(&mut connection, &path).await?;
            Ok::<_, StoreError>(connection)
        })?;
        Ok(Self {
            connection: Some(connection),
            runtime,
            path,
            in_snapshot: false,
        })
    }

    /// Lets all that `read` does see the same moment, whatever is written meanwhile. Inside of
    /// another snapshot it is that one's moment.
    pub fn snapshot<T, E: From<StoreError>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.in_snapshot {
            return read(self);
        }
        self.execute("BEGIN")?;
        self.in_snapshot = true;
        let result = read(self);
        self.in_snapshot = false;
        self.execute("ROLLBACK")?;
        result
    }

    /// How far the views are written; none as long as no dataflow has begun.
    pub fn progress(&mut self) -> Result<Option<Progress>, StoreError> {
        let (runtime, connection, _path) = self.parts();
        runtime.block_on(read_progress(connection))
    }

    /// How much is stored.
    pub fn counts(&mut self) -> Result<StoredCounts, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM shipment_events),
                          (SELECT count(*) FROM shipments),
                          (SELECT count(*) FROM route_stats_daily),
                          (SELECT count(*) FROM dead_letters)";
        let mut counts = [0; 4];
        self.for_each_row(sqlx::query(sql), |row| {
            for (place, count) in counts.iter_mut().enumerate() {
                *count = row.try_get::<i64, _>(place)? as u64;
            }
            Ok(())
        })?;
        let [shipment_events, shipments, route_stats_daily, dead_letters] = counts;
        Ok(StoredCounts {
            shipment_events,
            shipments,
            route_stats_daily,
            dead_letters,
        })
    }

    /// The document of one order.
    pub fn shipment(&mut self, order_id: &str) -> Result<Option<String>, StoreError> {
        let mut found = None;
        let query = sqlx::query("SELECT doc FROM shipments WHERE id = ?1").bind(order_id);
        self.for_each_row(query, |row| {
            found = Some(row.try_get(0)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Records that were no canonical events, by position.
    pub fn dead_letters(&mut self) -> Result<Vec<StoredDeadLetter>, StoreError> {
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

    /// Calls `each` with every canonical line of a view, without its line end, sorted by bytes
    /// (semantics, section 6).
    pub fn for_each_line(
        &mut self,
        view: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), StoreError> {
        if view == VIEWS[2] {
            return self.for_each_stats_line(each);
        }
        let known = DocumentView::ALL
            .into_iter()
            .find(|known| known.name() == view);
        let Some(view) = known else {
            let message = format!(
                "there is no view {view}; the views are {}",
                VIEWS.join(", ")
            );
            return Err(StoreError::new(Fault::User, Retry::Never, message));
        };
        self.for_each_document(view, &mut |_id, line| each(line))
    }

    /// Calls `each` with id and line of every document, sorted by the bytes of the line.
    pub fn for_each_document(
        &mut self,
        view: DocumentView,
        each: &mut dyn FnMut(&str, &[u8]),
    ) -> Result<(), StoreError> {
        // The order of the ids is not that of the lines: with escapes in them, or where one id
        // goes on with a space behind the other's end.
        let sql = match view {
            DocumentView::ShipmentEvents => "SELECT id, doc FROM shipment_events ORDER BY doc",
            DocumentView::Shipments => "SELECT id, doc FROM shipments ORDER BY doc",
        };
        self.for_each_row(sqlx::query(sql), |row| {
            each(row.try_get(0)?, row.try_get(1)?);
            Ok(())
        })
    }

    fn for_each_stats_line(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), StoreError> {
        let (runtime, connection, _path) = self.parts();
        let rows = runtime.block_on(read_rows(connection))?;
        let mut lines: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
        for row in rows {
            let mut line = Vec::with_capacity(320);
            row.encode(&mut line);
            lines.push(line);
        }
        lines.sort_unstable();
        for line in &lines {
            each(line);
        }
        Ok(())
    }

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

impl Drop for ViewReader {
    fn drop(&mut self) {
        // Closed here and not left to its thread, so that a writer that opens next is alone.
        if let Some(connection) = self.connection.take()
            && let Err(error) = self.runtime.block_on(connection.close())
        {
            tracing::debug!(%error, "a reader of the views was not closed in order");
        }
    }
}
