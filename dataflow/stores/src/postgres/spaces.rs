//! The spaces of one database: listing them, and what `eip space` changes of one.

use eip_contract::Space;
use sqlx::AssertSqlSafe;

use super::super::error::StoreError;
use super::failure::Failure;
use super::schema;
use super::session::{Role, Session, dataflow_name};

/// What PostgreSQL has of the spaces.
///
/// Must not be used or dropped inside an async task: it waits on a runtime of its own.
pub struct PostgresSpaces {
    url: String,
}

/// The tables of a space beside those of its views, and what sqlx notes about their migrations.
const TABLES: &str = "dead_letters, refused_documents, deleted_documents, progress, view_formats, \
                      _sqlx_migrations";

impl PostgresSpaces {
    /// The spaces of the database at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
        }
    }

    /// Every space that has tables, by name.
    pub fn list(&self) -> Result<Vec<Space>, StoreError> {
        let mut session = self.session(&Space::main())?;
        session.run("list the spaces", async |connection| {
            let names: Vec<String> = sqlx::query_scalar(
                "SELECT schemaname::text FROM pg_tables
                 WHERE tablename IN ('dead_letters', 'progress', 'refused_documents')
                 GROUP BY schemaname HAVING count(*) = 3",
            )
            .fetch_all(connection)
            .await?;
            let mut spaces: Vec<Space> = names.iter().filter_map(|name| space_of(name)).collect();
            spaces.sort_unstable();
            Ok(spaces)
        })
    }

    /// The server's version.
    pub fn version(&self) -> Result<String, StoreError> {
        let mut session = self.session(&Space::main())?;
        session.run("ask for the version", async |connection| {
            let version: String = sqlx::query_scalar("SHOW server_version")
                .fetch_one(connection)
                .await?;
            Ok(version)
        })
    }

    /// Whether a dataflow of the space is connected.
    pub fn has_dataflow(&self, space: &Space) -> Result<bool, StoreError> {
        let mut session = self.session(space)?;
        session.run("look for a dataflow", async |connection| {
            let found: bool = sqlx::query_scalar(
                "SELECT count(*) > 0 FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = $1",
            )
            .bind(dataflow_name(space))
            .fetch_one(connection)
            .await?;
            Ok(found)
        })
    }

    /// Removes all of a space; says whether there was anything.
    pub fn drop(&self, space: &Space) -> Result<bool, StoreError> {
        let mut session = self.session(space)?;
        session.run("drop the space", async |connection| {
            if !schema::has_tables(connection).await? {
                return Ok(false);
            }
            // `public` is everybody's: only our tables go.
            let sql = if space.is_main() {
                let tables = schema::with_views(connection, TABLES).await?;
                format!("DROP TABLE IF EXISTS {tables}")
            } else {
                format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", space.schema())
            };
            execute(connection, sql).await?;
            Ok(true)
        })
    }

    /// Lets the space's views belong to the log `topic_id` from now on. Rows stay: the next start
    /// reads the whole log and writes the difference. The epoch stays too, so that a dataflow that
    /// still runs is fenced by the next.
    pub fn adopt(&self, space: &Space, topic_id: &str) -> Result<bool, StoreError> {
        let mut session = self.session(space)?;
        session.run("adopt the log", async |connection| {
            if !schema::has_tables(connection).await? {
                return Ok(false);
            }
            schema::check_format(connection, space).await?;
            sqlx::query(
                "UPDATE progress SET topic_id = $1, epoch = epoch + 1, offsets = '{}',
                                     written_at = clock_timestamp()",
            )
            .bind(topic_id)
            .execute(&mut *connection)
            .await?;
            // They name positions of the log that was.
            sqlx::query("DELETE FROM dead_letters")
                .execute(connection)
                .await?;
            Ok(true)
        })
    }

    /// Empties the space: [`PostgresSpaces::adopt`], and no row is left.
    pub fn reset(&self, space: &Space, topic_id: &str) -> Result<bool, StoreError> {
        if !self.adopt(space, topic_id)? {
            return Ok(false);
        }
        let mut session = self.session(space)?;
        session.run("empty the space", async |connection| {
            let tables = "dead_letters, refused_documents";
            let tables = schema::with_views(connection, tables).await?;
            let sql = format!(
                "TRUNCATE {tables};
                 UPDATE progress SET tick = 0, visible_tick = 0"
            );
            execute(connection, sql).await?;
            Ok(true)
        })
    }

    fn session(&self, space: &Space) -> Result<Session, StoreError> {
        Session::new(&self.url, space, Role::Admin)
    }
}

fn space_of(schema: &str) -> Option<Space> {
    if schema == Space::main().schema() {
        return Some(Space::main());
    }
    schema.parse().ok()
}

async fn execute(connection: &mut sqlx::PgConnection, sql: String) -> Result<(), Failure> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}
