//! Both servers read as one.

use eip_contract::{EventTime, EventType};
use eip_dataflow::sink::writer::Stores;
use eip_log::TopicId;
use eip_stores::{
    DocumentStore as _, DocumentWrite, ElasticsearchConfig, ElasticsearchSpaces,
    ElasticsearchStore, PostgresStore, ServerViews, StatsStore as _, StoreError, StoredCounts,
    ViewReader, content_hash, version_of,
};
use eip_views::{SHIPMENTS, ShipmentDocument};

use super::{TOPIC, TestSpace, row, tick, upserts};

/// A space on both servers, dropped with it.
pub(crate) struct Servers {
    space: TestSpace,
    config: ElasticsearchConfig,
}

impl Servers {
    pub(crate) fn of(space: TestSpace) -> Self {
        let url = eip_test_servers::elasticsearch();
        let config = ElasticsearchConfig::new(url, space.space.clone());
        Self { space, config }
    }

    /// Both stores, for views of the log `topic_id`.
    pub(crate) fn stores(&self, topic_id: TopicId) -> Stores {
        let topic_id = topic_id.to_string();
        let documents = ElasticsearchStore::open(self.config.clone(), &topic_id).unwrap();
        let stats = PostgresStore::new(&self.space.config(&self.space.url, &topic_id)).unwrap();
        Stores {
            documents: Box::new(documents),
            stats: Box::new(stats),
        }
    }

    pub(crate) fn reader(&self) -> ViewReader {
        ViewReader::new(self.views().unwrap())
    }

    fn views(&self) -> Result<ServerViews, StoreError> {
        ServerViews::open(&self.space.url, &self.config)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let spaces = ElasticsearchSpaces::new(&self.config).unwrap();
        spaces.drop(&self.config.space).unwrap();
    }
}

fn shipment(order_id: &str) -> DocumentWrite {
    let mut doc = Vec::new();
    ShipmentDocument {
        order_id,
        seller_region: "SP",
        customer_region: "RJ",
        estimated_delivery_at: None,
        status: EventType::OrderPlaced,
        times: [Some(EventTime::MIN), None, None, None, None, None],
        event_count: 1,
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

#[test]
fn the_views_of_both_servers_are_read_as_one() {
    let servers = Servers::of(TestSpace::new());
    let error = servers.views().err().unwrap();
    assert!(
        error.to_string().contains("no dataflow has run there"),
        "{error}"
    );

    let mut stats = servers.space.store();
    let epoch = stats.take_epoch(0).unwrap();
    let mut documents = ElasticsearchStore::open(servers.config.clone(), TOPIC).unwrap();
    documents.take_over(epoch, 1).unwrap();
    documents.write_as(epoch, 0).unwrap();
    let mut writes = vec![shipment("b"), shipment("a \"é\"")];
    documents
        .bulk(&SHIPMENTS, version_of(epoch, 1), &mut writes)
        .unwrap();
    stats
        .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", 1)])))
        .unwrap();

    let mut reader = servers.reader();
    let place = reader.place();
    assert!(
        place.contains("PostgreSQL") && place.contains("Elasticsearch"),
        "{place}"
    );
    let counts = StoredCounts {
        views: vec![
            ("shipment_events", 0),
            ("shipments", 2),
            ("route_stats_daily", 1),
        ],
        dead_letters: 0,
    };
    assert_eq!(reader.counts().unwrap(), counts);
    let mut ids = Vec::new();
    reader
        .for_each_document(&SHIPMENTS, &mut |id, _line| {
            ids.push(id.to_owned());
        })
        .unwrap();
    assert_eq!(ids, ["a \"é\"", "b"]);
    // A moment holds over the reading of documents and beyond.
    reader
        .snapshot(|reader| {
            let before = reader.digests()?;
            stats.commit(&tick(epoch, 2, &upserts(&[row(2, "SP", 1)])))?;
            assert_eq!(reader.digests()?, before);
            assert_eq!(reader.progress()?.unwrap().tick, 1);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(reader.progress().unwrap().unwrap().tick, 2);
}
