//! A state folder with views in it, made by the dataflow's own tables, and requests to them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use eip_api::{Views, router};
use eip_contract::document::{RouteStatsRow, ShipmentDocument};
use eip_contract::{Day, Event, EventTime, EventType};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tower::ServiceExt as _;

const TABLES: &str = include_str!("../../../dataflow/migrations/0001_views.sql");

/// A state folder and the API over it.
pub(crate) struct Api {
    pub(crate) state: TempDir,
    router: Router,
}

/// An answer as a test looks at it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) response: Response<()>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The problem's detail; also checks that it is a problem as RFC 9457 has it.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.content_type, "application/problem+json",
            "{}",
            self.text
        );
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert!(
            json["title"].is_string() && json["instance"].is_string(),
            "{json}"
        );
        assert_eq!(json["requestId"], self.header("x-request-id"));
        json["detail"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Api {
    /// No dataflow has run yet.
    pub(crate) fn without_views() -> Self {
        let state = tempfile::tempdir().unwrap();
        let router = router(Views::of(state.path()));
        Self { state, router }
    }

    /// A dataflow has made its tables and written a tick.
    pub(crate) async fn new() -> Self {
        let api = Self::without_views();
        api.make_tables().await;
        api.execute("INSERT INTO progress VALUES (1, 1, 'abc', 2, 1700, '[5,0]')")
            .await;
        api
    }

    pub(crate) async fn make_tables(&self) {
        self.execute("PRAGMA journal_mode = WAL").await;
        self.execute(TABLES).await;
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.connection().await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn connection(&self) -> SqliteConnection {
        let file = self.state.path().join("views.sqlite");
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    /// Stores an order that was placed and delivered, with its events.
    pub(crate) async fn delivered_order(&self, order_id: &str) {
        let placed = time("2018-03-01T10:00:00Z");
        let delivered = time("2018-03-05T11:00:00Z");
        let mut connection = self.connection().await;
        let mut times = [None; 6];
        let facts = [
            (EventType::OrderPlaced, placed),
            (EventType::Delivered, delivered),
        ];
        for (event_type, event_at) in facts {
            times[event_type.rank()] = Some(event_at);
            let event = Event {
                event_type,
                event_at,
                order_id: order_id.into(),
                seller_region: "SP".into(),
                customer_region: "RJ".into(),
                estimated_delivery_at: None,
            };
            sqlx::query("INSERT INTO shipment_events VALUES (?1, 1, 1, ?2)")
                .bind(event.event_id().to_string())
                .bind(event.to_json())
                .execute(&mut connection)
                .await
                .unwrap();
        }
        let mut doc = Vec::new();
        ShipmentDocument {
            order_id,
            seller_region: "SP",
            customer_region: "RJ",
            estimated_delivery_at: None,
            status: EventType::Delivered,
            times,
            event_count: 2,
            lead_time_seconds: Some(delivered.seconds() - placed.seconds()),
            late_seconds: Some(0),
        }
        .encode(&mut doc);
        sqlx::query("INSERT INTO shipments VALUES (?1, 1, 1, ?2)")
            .bind(order_id)
            .bind(String::from_utf8(doc).unwrap())
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }

    pub(crate) async fn row(
        &self,
        day: &str,
        seller: &str,
        customer: &str,
        delivered: i64,
        late: i64,
    ) {
        let row = RouteStatsRow {
            stat_date: Day::parse(day.as_bytes()).unwrap(),
            seller_region: seller.into(),
            customer_region: customer.into(),
            counts: [7, 6, 5, 4, 3, delivered],
            delivered_late: late,
            lead_count: delivered,
            lead_seconds_sum: delivered * 101,
            lead_seconds_percentiles: [(delivered > 0).then_some(100); 3],
            late_seconds_sum: late * 50,
        };
        let marks = vec!["?"; RouteStatsRow::COLUMNS.len()].join(",");
        let sql = format!("INSERT INTO route_stats_daily VALUES ({marks})");
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row.stat_date.to_string())
            .bind(&row.seller_region)
            .bind(&row.customer_region);
        for integer in row.integers() {
            query = query.bind(integer);
        }
        let mut connection = self.connection().await;
        query.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let response = Response::from_parts(parts, ());
        let content_type = response.headers().get("content-type");
        let content_type = content_type
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer {
            status: response.status(),
            content_type,
            response,
            text,
        }
    }
}

pub(crate) fn time(text: &str) -> EventTime {
    text.parse().unwrap()
}
