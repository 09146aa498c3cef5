//! A state folder with views in it.

use eip_api::ViewsConfig;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tempfile::TempDir;

const TABLES: &str = include_str!("../../../../dataflow/migrations/sqlite/0001_views.sql");

pub(crate) struct Sqlite {
    state: TempDir,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        Self {
            state: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn config(&self) -> ViewsConfig {
        ViewsConfig::Sqlite(self.state.path().to_owned())
    }

    pub(crate) async fn make_tables(&self) {
        self.execute("PRAGMA journal_mode = WAL").await;
        self.execute(TABLES).await;
    }

    pub(crate) async fn set_progress(&self, epoch: i64, tick: i64, offsets: &[i64]) {
        self.execute(&format!(
            "INSERT OR REPLACE INTO progress VALUES (1, 1, 'abc', {epoch}, {tick}, '{offsets:?}')"
        ))
        .await;
    }

    pub(crate) async fn document(&self, view: &str, id: &str, doc: &str) {
        let mut connection = self.connection().await;
        let sql = format!("INSERT INTO {view} VALUES (?1, 1, 1, ?2)");
        sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(doc)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    async fn connection(&self) -> SqliteConnection {
        let file = self.state.path().join("views.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }
}
