//! The write transactions. Each begins by looking at the epoch, so that a dataflow that was
//! replaced can write nothing more.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use eip_views::{Kept, Row, Value, View};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, SqlSafeStr};
use sqlx::{AssertSqlSafe, Connection as _, Encode, Sqlite, SqliteConnection, Type};

use super::super::changes::{horizon, leaves_entries, tick_of};
use super::super::error::{Fault, Retry, StoreError};
use super::super::{DocumentWrite, RowChanges, StoredDeadLetter, TICK_BITS, TickCommit};
use super::documents::columns_of;
use super::failure::{FILE, sql_error};

/// Documents a statement.
const DOCUMENTS: usize = 256;
/// Rows a statement.
const ROWS: usize = 128;

/// `INSERT` of whole chunks and of single rows, as SQL; prepared once a connection.
pub(super) struct Upsert {
    chunk: usize,
    many: Arc<str>,
    one: Arc<str>,
}

impl Upsert {
    fn new(table: &str, columns: &[&str], keys: usize, chunk: usize) -> Self {
        let sql = |rows: usize| -> Arc<str> {
            let row = format!("({})", vec!["?"; columns.len()].join(","));
            let update: Vec<String> = columns[keys..]
                .iter()
                .map(|name| format!("{name}=excluded.{name}"))
                .collect();
            let update = if update.is_empty() {
                "NOTHING".to_owned()
            } else {
                format!("UPDATE SET {}", update.join(","))
            };
            format!(
                "INSERT INTO {table} ({}) VALUES {} ON CONFLICT ({}) DO {update}",
                columns.join(","),
                vec![row; rows].join(","),
                columns[..keys].join(","),
            )
            .into()
        };
        Self {
            chunk,
            many: sql(chunk),
            one: sql(1),
        }
    }

    /// Of the documents or rows of a view.
    pub(super) fn of(view: &View) -> Self {
        let columns = view.sql_columns();
        let columns = columns.iter().map(String::as_str);
        match view.kept {
            Kept::Documents => {
                let noted = ["id", "rev", "ver"].into_iter();
                let columns: Vec<&str> = noted.chain(columns.skip(1)).chain(["doc"]).collect();
                Self::new(view.name, &columns, 1, DOCUMENTS)
            }
            Kept::Rows { key } => {
                let columns: Vec<&str> = columns.collect();
                Self::new(view.name, &columns, key, ROWS)
            }
        }
    }

    /// Writes all `items`, whose values `bind` adds in the order of the columns.
    async fn run<T>(
        &self,
        connection: &mut SqliteConnection,
        items: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<(), StoreError> {
        let (chunks, rest) = items.split_at(items.len() - items.len() % self.chunk);
        let chunks = chunks
            .chunks_exact(self.chunk)
            .map(|chunk| (&self.many, chunk));
        let rest = rest.chunks(1).map(|single| (&self.one, single));
        for (sql, items) in chunks.chain(rest) {
            let mut values = Values::default();
            for item in items {
                bind(item, &mut values);
            }
            execute(connection, AssertSqlSafe(Arc::clone(sql)), values).await?;
        }
        Ok(())
    }
}

static UPSERT_DEAD_LETTERS: LazyLock<Upsert> = LazyLock::new(|| {
    let columns = ["partition", "\"offset\"", "code", "reason"];
    Upsert::new("dead_letters", &columns, 2, ROWS)
});

/// One bulk, sorted by id so that neighbours in the index are written together.
pub(super) async fn documents(
    connection: &mut SqliteConnection,
    view: &View,
    upsert: &Upsert,
    version: u64,
    writes: &[DocumentWrite],
) -> Result<(), StoreError> {
    let mut indexed = Vec::with_capacity(writes.len());
    let mut deleted = Vec::new();
    for write in writes {
        match write {
            DocumentWrite::Index { id, rev, doc } => indexed.push((id, *rev as i64, doc)),
            DocumentWrite::Delete { id } => deleted.push(id),
        }
    }
    if !indexed.is_sorted() {
        indexed.sort_unstable();
    }
    let mut transaction = begin(connection, version >> TICK_BITS).await?;
    if !deleted.is_empty() {
        // What is written with this very version is wanted: by hand it was made to look like another
        // worker's, who deletes it as nobody's.
        let delete = format!(
            "DELETE FROM {} WHERE id IN (SELECT value FROM json_each(?1)) AND ver <> ?2",
            view.name
        );
        let mut values = Values::json(&deleted);
        values.add(version as i64);
        execute(&mut transaction, AssertSqlSafe(delete), values).await?;
        if leaves_entries(view) {
            let entries = format!(
                "INSERT OR REPLACE INTO deleted_documents (view, id, tick)
                 SELECT ?2, value, ?3 FROM json_each(?1)
                 WHERE NOT EXISTS (SELECT 1 FROM {} WHERE id = value)",
                view.name
            );
            let mut values = Values::json(&deleted);
            values.add(view.name);
            values.add(tick_of(version) as i64);
            execute(&mut transaction, AssertSqlSafe(entries), values).await?;
        }
    }
    let version = version as i64;
    let bind = |(id, rev, doc): &(&String, i64, &String), values: &mut Values| {
        values.add(id.as_str());
        values.add(*rev);
        values.add(version);
        if let Some(columns) = columns_of(view, id, doc) {
            for value in &columns {
                values.add_value(value);
            }
            values.add(None::<&str>);
        } else {
            for _ in 1..view.columns.len() {
                values.add(None::<i64>);
            }
            values.add(doc.as_str());
        }
    };
    upsert.run(&mut transaction, &indexed, bind).await?;
    transaction.commit().await.map_err(write_error)
}

/// Rows, dead letters and progress of one tick.
pub(super) async fn tick(
    connection: &mut SqliteConnection,
    upserts: &[Arc<Upsert>],
    tick: &TickCommit<'_>,
) -> Result<(), StoreError> {
    let mut transaction = begin(connection, tick.epoch).await?;
    for (changes, upsert) in tick.rows.iter().zip(upserts) {
        rows(&mut transaction, upsert, changes).await?;
    }
    if tick.all_dead_letters {
        let letters = tick.dead_letters.iter();
        let places: Vec<_> = letters.map(|one| (one.partition, one.offset.0)).collect();
        let sql = "DELETE FROM dead_letters WHERE (partition, \"offset\") NOT IN
                   (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";
        execute(&mut transaction, sql, Values::json(&places)).await?;
    }
    let bind = |letter: &StoredDeadLetter, values: &mut Values| {
        values.add(letter.partition);
        values.add(letter.offset.0 as i64);
        values.add(letter.code.as_str());
        values.add(letter.reason.as_str());
    };
    UPSERT_DEAD_LETTERS
        .run(&mut transaction, tick.dead_letters, bind)
        .await?;
    forget_deletions(&mut transaction, tick.tick).await?;
    let mut values = Values::default();
    values.add(tick.tick as i64);
    values.add(json(&tick.offsets));
    values.add(json(&tick.last));
    execute(
        &mut transaction,
        "UPDATE progress SET tick = ?1, offsets = ?2, last = ?3,
                             changes_from = coalesce(changes_from, ?1)",
        values,
    )
    .await?;
    transaction.commit().await.map_err(write_error)
}

/// What one tick changes in the rows of one view.
async fn rows(
    connection: &mut SqliteConnection,
    upsert: &Upsert,
    changes: &RowChanges,
) -> Result<(), StoreError> {
    let RowChanges {
        view,
        upserts,
        deletes,
    } = changes;
    if !deletes.is_empty() {
        let key = &view.sql_columns()[..view.key().len()];
        let values: Vec<String> = (0..key.len()).map(|n| format!("value ->> {n}")).collect();
        let delete = format!(
            "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM json_each(?1))",
            view.name,
            key.join(", "),
            values.join(", ")
        );
        let keys: Vec<Vec<serde_json::Value>> = deletes.iter().map(|key| json_key(key)).collect();
        execute(connection, AssertSqlSafe(delete), Values::json(&keys)).await?;
    }
    let mut rows: Vec<&Row> = upserts.iter().collect();
    if !rows.is_sorted() {
        rows.sort_unstable();
    }
    let bind = |row: &&Row, values: &mut Values| {
        for value in *row {
            values.add_value(value);
        }
    };
    upsert.run(connection, &rows, bind).await
}

/// A key as its columns keep it.
fn json_key(key: &[Value<'_>]) -> Vec<serde_json::Value> {
    let value = |value: &Value<'_>| match value {
        Value::Text(text) => text.as_ref().into(),
        Value::Day(day) => day.to_string().into(),
        value => value.as_integer().into(),
    };
    key.iter().map(value).collect()
}

/// Removes entries of deleted documents that are too old, and says from where on changes are known then.
async fn forget_deletions(connection: &mut SqliteConnection, tick: u64) -> Result<(), StoreError> {
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(tick) FROM deleted_documents WHERE tick < ?1")
            .bind(horizon(tick))
            .fetch_one(&mut *connection)
            .await
            .map_err(write_error)?;
    let Some(last) = last else { return Ok(()) };
    for sql in [
        "DELETE FROM deleted_documents WHERE tick <= ?1",
        "UPDATE progress SET changes_from = max(changes_from, ?1)",
    ] {
        let mut values = Values::default();
        values.add(last);
        execute(connection, sql, values).await?;
    }
    Ok(())
}

/// Makes the caller the one dataflow that may write, under the next epoch from `least` on.
pub(super) async fn take_epoch(
    connection: &mut SqliteConnection,
    least: u64,
) -> Result<u64, StoreError> {
    let epoch: i64 =
        sqlx::query_scalar("UPDATE progress SET epoch = max(epoch + 1, ?1) RETURNING epoch")
            .bind(least as i64)
            .fetch_one(connection)
            .await
            .map_err(write_error)?;
    Ok(epoch as u64)
}

/// Forgets the positions of a log that is another one now.
pub(super) async fn begin_again(
    connection: &mut SqliteConnection,
    epoch: u64,
) -> Result<(), StoreError> {
    let mut transaction = begin(connection, epoch).await?;
    let forgets = [
        "UPDATE progress SET offsets = '[]', last = NULL",
        "DELETE FROM dead_letters",
    ];
    for sql in forgets {
        execute(&mut transaction, sql, Values::default()).await?;
    }
    transaction.commit().await.map_err(write_error)
}

async fn begin(
    connection: &mut SqliteConnection,
    epoch: u64,
) -> Result<sqlx::Transaction<'_, Sqlite>, StoreError> {
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(write_error)?;
    let stored: i64 = sqlx::query_scalar("SELECT epoch FROM progress")
        .fetch_one(&mut *transaction)
        .await
        .map_err(write_error)?;
    let stored = stored as u64;
    assert!(
        stored >= epoch,
        "a dataflow writes only under an epoch that it has taken"
    );
    if stored > epoch {
        return Err(StoreError::new(
            Fault::Internal,
            Retry::Never,
            format!("a newer dataflow took over (its epoch is {stored}, ours {epoch})"),
        ));
    }
    Ok(transaction)
}

async fn execute(
    connection: &mut SqliteConnection,
    sql: impl SqlSafeStr,
    values: Values,
) -> Result<(), StoreError> {
    let query = sqlx::query_with(sql, values.0);
    query
        .execute(connection)
        .await
        .map(|_done| ())
        .map_err(write_error)
}

/// The values of one statement.
#[derive(Default)]
struct Values(SqliteArguments);

impl Values {
    fn add<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) {
        self.0.add(value).expect("texts and integers always encode");
    }

    fn add_value(&mut self, value: &Value<'_>) {
        match value {
            Value::Text(text) => self.add(text.as_ref()),
            Value::Day(day) => self.add(day.to_string()),
            value => self.add(value.as_integer()),
        }
    }

    fn json(value: &impl serde::Serialize) -> Self {
        let mut values = Self::default();
        values.add(json(value));
        values
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers are always JSON")
}

fn write_error(error: sqlx::Error) -> StoreError {
    sql_error("cannot write", Path::new(FILE), error)
}
