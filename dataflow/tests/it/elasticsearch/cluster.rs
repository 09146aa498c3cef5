//! A space of its own in the cluster for each test, and what a test looks at and does by hand.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use eip_contract::{Event, EventTime, EventType, Space};
use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchConfig, ElasticsearchSpaces,
    ElasticsearchStore, Look, content_hash,
};
use eip_views::{ShipmentDocument, View};
use serde_json::Value;

pub(crate) const TOPIC: &str = "00112233445566778899aabbccddeeff";

/// A space, removed when it is dropped.
pub(crate) struct Cluster {
    url: String,
    pub(crate) space: Space,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let random = RandomState::new().hash_one("a space");
        Self {
            url: eip_test_servers::elasticsearch(),
            space: format!("t-{random:016x}").parse().unwrap(),
        }
    }

    /// `host:port` of the server.
    pub(crate) fn address(&self) -> &str {
        self.url
            .strip_prefix("http://")
            .unwrap()
            .trim_end_matches('/')
    }

    pub(crate) fn config(&self) -> ElasticsearchConfig {
        ElasticsearchConfig::new(&self.url, self.space.clone())
    }

    /// A store that has not taken over.
    pub(crate) fn store(&self) -> ElasticsearchStore {
        ElasticsearchStore::open(self.config(), TOPIC).unwrap()
    }

    /// A store that is the one writer of `epoch`.
    pub(crate) fn writer(&self, epoch: u64) -> ElasticsearchStore {
        writer(self.store(), epoch)
    }

    /// The name of something of this space.
    pub(crate) fn name(&self, view: &'static View) -> String {
        self.space.prefixed(view.name)
    }

    /// Sends a request by hand.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(self.address(), method, path, body)
    }

    /// The write aliases that there are.
    pub(crate) fn write_aliases(&self, view: &'static View) -> Vec<String> {
        let path = format!("/{}/_alias", self.name(view));
        let (_, found) = self.ask("GET", &path, "");
        let prefix = format!("{}-w-", self.name(view));
        found
            .as_object()
            .unwrap()
            .values()
            .flat_map(|index| index["aliases"].as_object().unwrap().keys())
            .filter(|alias| alias.starts_with(&prefix))
            .cloned()
            .collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let spaces = ElasticsearchSpaces::new(&self.config()).unwrap();
        let dropped = spaces.drop(&self.space);
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

pub(crate) fn writer(mut store: ElasticsearchStore, epoch: u64) -> ElasticsearchStore {
    store.take_over(epoch, 1).unwrap();
    store.write_as(epoch, 0).unwrap();
    store
}

/// One HTTP request and its JSON.
pub(crate) fn ask(address: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, mut body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head[9..12].parse().unwrap();
    let mut whole = String::new();
    if head.to_lowercase().contains("transfer-encoding: chunked") {
        while let Some((size, rest)) = body.split_once("\r\n") {
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            if size == 0 {
                break;
            }
            whole.push_str(&rest[..size]);
            body = &rest[size + 2..];
        }
    } else {
        whole.push_str(body);
    }
    (status, serde_json::from_str(&whole).unwrap_or_default())
}

/// A document of `shipments`, as the dataflow would render it.
pub(crate) fn shipment(order_id: &str, event_count: i64) -> DocumentWrite {
    let mut doc = Vec::new();
    let placed = EventTime::from_seconds(1_500_000_000);
    ShipmentDocument {
        order_id,
        seller_region: "SP",
        customer_region: "RJ",
        estimated_delivery_at: None,
        status: EventType::OrderPlaced,
        times: [placed, None, None, None, None, None],
        event_count,
        lead_time_seconds: None,
        late_seconds: None,
    }
    .encode(&mut doc);
    DocumentWrite::Index {
        id: order_id.into(),
        rev: content_hash(&doc),
        doc: String::from_utf8(doc).unwrap(),
    }
}

/// A document of `shipment_events`.
pub(crate) fn event(order_id: &str, seconds: i64) -> DocumentWrite {
    let event = Event {
        event_type: EventType::OrderPlaced,
        event_at: EventTime::from_seconds(seconds).unwrap(),
        order_id: order_id.into(),
        seller_region: "SP".into(),
        customer_region: "ZZ".into(),
        estimated_delivery_at: EventTime::from_seconds(seconds + 5),
    };
    let doc = event.to_json();
    DocumentWrite::Index {
        id: event.event_id().to_string(),
        rev: content_hash(doc.as_bytes()),
        doc,
    }
}

pub(crate) fn delete(id: &str) -> DocumentWrite {
    DocumentWrite::Delete { id: id.into() }
}

/// Id → (order, rev) of all that is stored.
pub(crate) fn scanned(
    store: &mut ElasticsearchStore,
    view: &'static View,
    look: Look,
) -> BTreeMap<String, (String, Option<u64>)> {
    let mut found = BTreeMap::new();
    store
        .scan(view, look, &mut |stored| {
            let value = (stored.order_id.to_owned(), stored.rev);
            assert_eq!(found.insert(stored.id.to_owned(), value), None);
        })
        .unwrap();
    found
}

/// What a scan should find of these writes.
pub(crate) fn expected(writes: &[DocumentWrite]) -> BTreeMap<String, (String, Option<u64>)> {
    let mut expected = BTreeMap::new();
    for write in writes {
        match write {
            DocumentWrite::Index { id, rev, doc } => {
                let doc: Value = serde_json::from_str(doc).unwrap();
                let order_id = doc["orderId"].as_str().unwrap().to_owned();
                expected.insert(id.clone(), (order_id, Some(*rev)));
            }
            DocumentWrite::Delete { id } => {
                expected.remove(id);
            }
        }
    }
    expected
}
