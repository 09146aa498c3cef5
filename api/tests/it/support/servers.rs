//! A space on the real PostgreSQL and Elasticsearch, removed with its test.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

use eip_api::ViewsConfig;
use eip_contract::Space;
use elasticsearch::http::Method;
use elasticsearch::http::headers::HeaderMap;
use elasticsearch::http::transport::Transport;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const TABLES: [&str; 4] = [
    include_str!("../../../../dataflow/stores/migrations/postgres/0001_views.sql"),
    include_str!("../../../../dataflow/stores/migrations/postgres/0002_last_records.sql"),
    include_str!("../../../../dataflow/stores/migrations/postgres/0003_view_formats.sql"),
    include_str!("../../../../dataflow/stores/migrations/postgres/0004_changes.sql"),
];

pub(crate) struct Servers {
    pub(crate) space: Space,
    postgres: String,
    elasticsearch: String,
    /// The addresses that the API gets instead, to be without them.
    pub(crate) other_elasticsearch: Option<String>,
    pub(crate) other_postgres: Option<String>,
}

impl Servers {
    pub(crate) fn new() -> Self {
        // A hasher's keys are random, and the standard library's only source of chance.
        let name = format!("t-{:016x}", RandomState::new().hash_one(0));
        Self {
            space: name.parse().unwrap(),
            postgres: eip_test_servers::postgres(),
            elasticsearch: eip_test_servers::elasticsearch(),
            other_elasticsearch: None,
            other_postgres: None,
        }
    }

    pub(crate) fn config(&self) -> ViewsConfig {
        ViewsConfig::Servers {
            postgres: self
                .other_postgres
                .clone()
                .unwrap_or_else(|| self.postgres.clone()),
            elasticsearch: self
                .other_elasticsearch
                .clone()
                .unwrap_or_else(|| self.elasticsearch.clone()),
            elasticsearch_ca: None,
            space: self.space.clone(),
        }
    }

    pub(crate) async fn make_tables(&self) {
        self.execute(&format!("CREATE SCHEMA \"{}\"", self.space))
            .await;
        self.execute(&TABLES.join("\n")).await;
        for view in ["shipment_events", "shipments"] {
            let mut properties = eip_views::view(view).unwrap().mapping();
            properties.insert("rev".into(), json!({ "type": "long", "index": false }));
            properties.insert("ver".into(), json!({ "type": "long" }));
            properties.insert("tick".into(), json!({ "type": "long" }));
            let body = json!({
                "settings": { "number_of_replicas": 0 },
                "mappings": { "dynamic": "strict", "properties": properties },
            });
            self.ask(
                Method::Put,
                &format!("/{}", self.space.prefixed(view)),
                body.to_string(),
            )
            .await;
        }
    }

    pub(crate) async fn set_progress(&self, epoch: i64, tick: i64, offsets: &[i64]) {
        self.execute(&format!(
            "DELETE FROM progress;
             INSERT INTO progress (format, topic_id, epoch, tick, offsets, changes_from)
             VALUES (1, 'abc', {epoch}, {tick}, ARRAY{offsets:?}::bigint[], 1)"
        ))
        .await;
    }

    /// Stores a document as a dataflow does at a tick, with what it notes behind.
    pub(crate) async fn document(&self, view: &str, id: &str, doc: &str, tick: u64) {
        self.documents(view, &[(id.to_owned(), doc.to_owned())], tick)
            .await;
    }

    /// The same for several.
    pub(crate) async fn documents(&self, view: &str, documents: &[(String, String)], tick: u64) {
        let mut body = String::new();
        for (id, doc) in documents {
            let fields = doc.strip_suffix('}').unwrap();
            let action = json!({ "index": { "_id": id } });
            writeln!(body, "{action}").unwrap();
            writeln!(body, "{fields},\"rev\":-1,\"ver\":1,\"tick\":{tick}}}").unwrap();
        }
        let path = format!("/{}/_bulk?refresh=true", self.space.prefixed(view));
        let answer = self.ask(Method::Post, &path, body).await;
        assert_eq!(answer["errors"], false, "{answer}");
    }

    /// Deletes a shipment as a dataflow does at a tick.
    pub(crate) async fn delete(&self, id: &str, tick: u64) {
        self.leave_entry(id, tick).await;
        let action = json!({ "delete": { "_id": id } });
        let path = format!("/{}/_bulk?refresh=true", self.space.prefixed("shipments"));
        self.ask(Method::Post, &path, format!("{action}\n")).await;
    }

    /// What a dataflow leaves that dies before it deletes a shipment.
    pub(crate) async fn leave_entry(&self, id: &str, tick: u64) {
        self.execute(&format!(
            "INSERT INTO deleted_documents VALUES ('shipments', '{id}', {tick})"
        ))
        .await;
    }

    pub(crate) async fn execute(&self, sql: &str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    pub(crate) async fn connection(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.postgres).await.unwrap();
        let sql = format!("SET search_path TO \"{}\"", self.space);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection
    }

    async fn ask(&self, method: Method, path: &str, body: String) -> Value {
        let transport = Transport::single_node(&self.elasticsearch).unwrap();
        let response = transport
            .send(
                method,
                path,
                HeaderMap::new(),
                None::<&()>,
                Some(body),
                None,
            )
            .await
            .unwrap();
        response.json().await.unwrap()
    }

    async fn remove(&self) {
        // The API's last transaction is rolled back by a task of the test's runtime, which stands
        // still while this waits.
        self.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = '{}'",
            self.space.prefixed("eip-api")
        ))
        .await;
        self.execute(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.space))
            .await;
        for view in ["shipment_events", "shipments"] {
            let path = format!("/{}", self.space.prefixed(view));
            self.ask(Method::Delete, &path, String::new()).await;
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // On a thread of its own, since the test's is inside a runtime.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(self.remove());
            });
        });
    }
}
