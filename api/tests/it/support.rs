//! Stored views, made by the dataflow's own tables, and requests to an API over them.

mod document;
mod servers;
mod sqlite;

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use eip_api::{ApiConfig, CacheConfig, RedisConfig, router};
use eip_contract::{Day, Event, EventTime, EventType};
use eip_http::Tokens;
use eip_views::{RouteStatsRow, ShipmentDocument};
use serde_json::Value;
use tower::ServiceExt as _;

pub(crate) use document::{Document, Operation};
pub(crate) use servers::Servers;
pub(crate) use sqlite::Sqlite;

/// Where a test's views are.
pub(crate) enum Stored {
    Sqlite(Sqlite),
    Servers(Servers),
}

/// Stored views and the API over them.
pub(crate) struct Api {
    pub(crate) stored: Stored,
    router: Router,
}

/// An order's id, promise and times by rank.
pub(crate) type Order = (String, Option<EventTime>, [Option<EventTime>; 6]);

/// An answer as a test looks at it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) response: Response<()>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: String,
}

impl Answer {
    /// The text without what it is as of, which differs by the second.
    pub(crate) fn content(&self) -> String {
        let (as_of, rest) = self.text.split_once("},").unwrap();
        assert!(as_of.starts_with("{\"as_of\":{"), "{}", self.text);
        format!("{{{rest}")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The problem's short fixed name; also checks that it is a problem.
    pub(crate) fn code(&self) -> String {
        self.problem();
        let json = self.json();
        let code = json["code"].as_str().unwrap();
        assert_eq!(json["type"], format!("/problems/{code}"));
        code.to_owned()
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

/// Redis, which a busy machine may keep for longer than its answers are worth waiting for.
pub(crate) fn patient_redis() -> CacheConfig {
    CacheConfig::Redis(RedisConfig {
        patience: Duration::from_secs(30),
        ..RedisConfig::new(eip_test_servers::redis())
    })
}

impl Api {
    /// No dataflow has run yet; embedded.
    pub(crate) fn embedded() -> Self {
        Self::over(Stored::Sqlite(Sqlite::new()), CacheConfig::Memory)
    }

    /// No dataflow has run yet; on the servers, with Redis.
    pub(crate) fn on_servers() -> Self {
        Self::over(Stored::Servers(Servers::new()), patient_redis())
    }

    /// On the servers, of which Elasticsearch does not answer.
    pub(crate) fn without_elasticsearch() -> Self {
        let mut servers = Servers::new();
        servers.other_elasticsearch = Some("http://127.0.0.1:1".to_owned());
        Self::over(Stored::Servers(servers), CacheConfig::Memory)
    }

    /// On the servers, of which PostgreSQL does not answer.
    pub(crate) fn without_postgres() -> Self {
        let mut servers = Servers::new();
        servers.other_postgres = Some("postgres://nobody@127.0.0.1:1/none".to_owned());
        Self::over(Stored::Servers(servers), CacheConfig::Memory)
    }

    /// An API over `stored`.
    pub(crate) fn over(stored: Stored, cache: CacheConfig) -> Self {
        Self::over_with(stored, cache, |_| {})
    }

    /// Embedded, with other settings.
    pub(crate) fn embedded_with(set: impl FnOnce(&mut ApiConfig)) -> Self {
        Self::over_with(Stored::Sqlite(Sqlite::new()), CacheConfig::Memory, set)
    }

    /// An API over `stored` with other settings.
    pub(crate) fn over_with(
        stored: Stored,
        cache: CacheConfig,
        set: impl FnOnce(&mut ApiConfig),
    ) -> Self {
        let mut config = stored.config(cache);
        set(&mut config);
        let router = router(eip_api::Api::open(&config).unwrap());
        Self { stored, router }
    }

    /// Another API over the same views, as another process is.
    pub(crate) fn another(&self, change: impl FnOnce(&mut ApiConfig)) -> Router {
        let mut config = self.stored.config(CacheConfig::Memory);
        change(&mut config);
        router(eip_api::Api::open(&config).unwrap())
    }

    /// The same views behind an API of other settings.
    pub(crate) fn with(self, change: impl FnOnce(&mut ApiConfig)) -> Self {
        let router = self.another(change);
        Self { router, ..self }
    }

    /// Runs a test against both kinds of stores, where no dataflow has run yet.
    pub(crate) async fn without_views(test: impl AsyncFn(Self)) {
        test(Self::embedded()).await;
        test(Self::on_servers()).await;
    }

    /// Runs a test against both kinds of stores, where a dataflow has made its tables and written a
    /// tick.
    pub(crate) async fn on_both(test: impl AsyncFn(Self)) {
        Self::without_views(async |api| {
            api.make_tables().await;
            api.set_progress(2, 1700, &[5, 0]).await;
            test(api).await;
        })
        .await;
    }

    pub(crate) async fn make_tables(&self) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.make_tables(),
            Stored::Servers(servers) => servers.make_tables().await,
        }
    }

    /// Writes the progress row of log `abc`.
    pub(crate) async fn set_progress(&self, epoch: i64, tick: i64, offsets: &[i64]) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.set_progress(epoch, tick, offsets).await,
            Stored::Servers(servers) => servers.set_progress(epoch, tick, offsets).await,
        }
    }

    /// Searches find everything up to this tick, as far as a dataflow says so.
    pub(crate) async fn make_visible(&self, tick: i64) {
        if let Stored::Servers(servers) = &self.stored {
            let sql = format!("UPDATE progress SET visible_tick = {tick}");
            servers.execute(&sql).await;
        }
    }

    /// Runs a statement that both databases know.
    pub(crate) async fn execute(&self, sql: &str) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.execute(sql).await,
            Stored::Servers(servers) => servers.execute(sql).await,
        }
    }

    /// Stores an order that was placed and delivered, with its events.
    pub(crate) async fn delivered_order(&self, order_id: &str) {
        self.delivered_order_at(order_id, 1).await;
    }

    /// The same, at this tick.
    pub(crate) async fn delivered_order_at(&self, order_id: &str, tick: u64) {
        let placed = time("2018-03-01T10:00:00Z");
        let delivered = time("2018-03-05T11:00:00Z");
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
            let id = event.event_id().to_string();
            self.document("shipment_events", &id, &event.to_json(), tick)
                .await;
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
        let doc = String::from_utf8(doc).unwrap();
        self.document("shipments", order_id, &doc, tick).await;
    }

    /// So many delivered orders without events.
    pub(crate) async fn delivered_orders(&self, count: usize) {
        self.delivered_orders_at(count, 1).await;
    }

    /// The same, at this tick.
    pub(crate) async fn delivered_orders_at(&self, count: usize, tick: u64) {
        let mut times = [None; 6];
        times[EventType::OrderPlaced.rank()] = Some(time("2018-03-01T10:00:00Z"));
        times[EventType::Delivered.rank()] = Some(time("2018-03-05T11:00:00Z"));
        let documents = (0..count).map(|number| {
            let order_id = format!("order {number:06}");
            let mut doc = Vec::new();
            ShipmentDocument {
                order_id: &order_id,
                seller_region: if number % 2 == 0 { "SP" } else { "MG" },
                customer_region: "RJ",
                estimated_delivery_at: EventTime::from_seconds(1_520_000_000 + number as i64),
                status: EventType::Delivered,
                times,
                event_count: 2,
                lead_time_seconds: Some(number as i64),
                late_seconds: Some(0),
            }
            .encode(&mut doc);
            (order_id, String::from_utf8(doc).unwrap())
        });
        self.shipments(documents.collect(), tick).await;
    }

    /// Stores orders without events.
    pub(crate) async fn orders(&self, orders: &[Order]) {
        let documents = orders.iter().map(|(order_id, promise, times)| {
            let mut types = EventType::ALL.into_iter().rev();
            let status = types.find(|status| times[status.rank()].is_some());
            let mut doc = Vec::new();
            ShipmentDocument {
                order_id,
                seller_region: "SP",
                customer_region: "RJ",
                estimated_delivery_at: *promise,
                status: status.unwrap(),
                times: *times,
                event_count: times.iter().flatten().count() as i64,
                lead_time_seconds: None,
                late_seconds: None,
            }
            .encode(&mut doc);
            (order_id.clone(), String::from_utf8(doc).unwrap())
        });
        self.shipments(documents.collect(), 1).await;
    }

    async fn shipments(&self, documents: Vec<(String, String)>, tick: u64) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.shipments(&documents, tick),
            Stored::Servers(servers) => servers.documents("shipments", &documents, tick).await,
        }
    }

    /// Stores an order that is late and under way.
    pub(crate) async fn undelivered_order(&self, order_id: &str) {
        self.undelivered_order_at(order_id, 1).await;
    }

    /// The same, at this tick.
    pub(crate) async fn undelivered_order_at(&self, order_id: &str, tick: u64) {
        let mut times = [None; 6];
        times[EventType::DeliveryDelayed.rank()] = Some(time("2018-03-02T10:00:00Z"));
        let mut doc = Vec::new();
        ShipmentDocument {
            order_id,
            seller_region: "ZZ",
            customer_region: "RJ",
            estimated_delivery_at: None,
            status: EventType::DeliveryDelayed,
            times,
            event_count: 1,
            lead_time_seconds: None,
            late_seconds: None,
        }
        .encode(&mut doc);
        let doc = String::from_utf8(doc).unwrap();
        self.document("shipments", order_id, &doc, tick).await;
    }

    async fn document(&self, view: &'static str, id: &str, doc: &str, tick: u64) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.document(view, id, doc, tick),
            Stored::Servers(servers) => servers.document(view, id, doc, tick).await,
        }
    }

    /// Deletes a shipment at this tick.
    pub(crate) async fn delete_at(&self, order_id: &str, tick: u64) {
        match &self.stored {
            Stored::Sqlite(sqlite) => sqlite.delete(order_id, tick),
            Stored::Servers(servers) => servers.delete(order_id, tick).await,
        }
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
        let integers: Vec<String> = row
            .integers()
            .iter()
            .map(|integer| integer.map_or("NULL".to_owned(), |integer| integer.to_string()))
            .collect();
        self.execute(&format!(
            "INSERT INTO route_stats_daily VALUES ('{day}', '{seller}', '{customer}', {})",
            integers.join(", ")
        ))
        .await;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }
}

/// Asks; whatever is answered must be as the document says.
pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let document = Document::of(&router).await;
    let answer = send_alone(router, request).await;
    document.check(&method, &path, &answer);
    answer
}

/// Asks, and no more.
pub(crate) async fn send_alone(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let response = Response::from_parts(parts, ());
    let content_type = response.headers().get("content-type");
    let content_type = content_type
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    Answer {
        status: response.status(),
        content_type,
        response,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        bytes: bytes.to_vec(),
    }
}

impl Stored {
    pub(crate) fn config(&self, cache: CacheConfig) -> ApiConfig {
        ApiConfig {
            views: match self {
                Self::Sqlite(sqlite) => sqlite.config(),
                Self::Servers(servers) => servers.config(),
            },
            cache,
            keep: Duration::from_mins(1),
            fresh: Duration::ZERO,
            tokens: Tokens::default(),
            limits: ApiConfig::limits(),
            ingest: None,
            dataflow: None,
            log: None,
            wall_ms: || 1_700_000_000_000,
        }
    }
}

pub(crate) fn time(text: &str) -> EventTime {
    text.parse().unwrap()
}

/// The seed and the number of repetitions of a random test.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line to take configuration from"
)]
pub(crate) fn requested(usual: usize, soak: usize) -> (u64, usize) {
    let seed = std::env::var("EIP_SEED").ok();
    let seed = seed.map_or_else(
        || RandomState::new().hash_one(0),
        |text| text.parse().unwrap(),
    );
    let is_soak = std::env::var_os("EIP_SOAK").is_some();
    (seed, if is_soak { soak } else { usual })
}
