//! A state folder with views in it.

use eip_api::ViewsConfig;
use eip_contract::Space;
use eip_stores::{DocumentStore as _, DocumentWrite, SqliteStore, StatsStore as _, version_of};
use eip_views::{SHIPMENTS, View};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tempfile::TempDir;

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
        ViewsConfig::Sqlite {
            root: self.state.path().to_owned(),
            space: Space::main(),
        }
    }

    pub(crate) fn make_tables(&self) {
        self.store(|_store| ());
    }

    pub(crate) async fn set_progress(&self, epoch: i64, tick: i64, offsets: &[i64]) {
        self.execute(&format!(
            "UPDATE progress SET epoch = {epoch}, tick = {tick}, offsets = '{offsets:?}',
                                 changes_from = 1"
        ))
        .await;
    }

    /// Stores a document as a dataflow of the present epoch does at a tick.
    pub(crate) fn document(&self, view: &str, id: &str, doc: &str, tick: u64) {
        let write = DocumentWrite::Index {
            id: id.to_owned(),
            rev: 1,
            doc: doc.to_owned(),
        };
        self.write(eip_views::view(view).unwrap(), vec![write], tick);
    }

    /// Stores shipments at a tick.
    pub(crate) fn shipments(&self, documents: &[(String, String)], tick: u64) {
        let writes = documents.iter().map(|(id, doc)| DocumentWrite::Index {
            id: id.clone(),
            rev: 1,
            doc: doc.clone(),
        });
        self.write(&SHIPMENTS, writes.collect(), tick);
    }

    /// Deletes a shipment as a dataflow of the present epoch does at a tick.
    pub(crate) fn delete(&self, id: &str, tick: u64) {
        let write = DocumentWrite::Delete { id: id.to_owned() };
        self.write(&SHIPMENTS, vec![write], tick);
    }

    fn write(&self, view: &'static View, mut writes: Vec<DocumentWrite>, tick: u64) {
        self.store(|store| {
            let epoch = store.progress().unwrap().unwrap().epoch;
            let version = version_of(epoch, tick);
            store.bulk(view, version, &mut writes).unwrap();
        });
    }

    /// The dataflow's store has a runtime of its own, so it is used on a thread of its own.
    fn store(&self, work: impl FnOnce(&mut SqliteStore) + Send) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut store = SqliteStore::open(self.state.path(), "abc", "a test").unwrap();
                work(&mut store);
            });
        });
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
