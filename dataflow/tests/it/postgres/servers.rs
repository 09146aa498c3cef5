//! Both servers read as one.

use eip_contract::Space;
use eip_contract::{EventTime, EventType};
use eip_stores::{
    DocumentStore as _, DocumentView, DocumentWrite, ElasticsearchConfig, ElasticsearchSpaces,
    ElasticsearchStore, ServerViews, StatsStore as _, StoreError, StoredCounts, ViewReader,
    content_hash, version_of,
};
use eip_views::ShipmentDocument;

use super::{TOPIC, TestSpace, row, tick};

/// Removes the space's indices.
struct Indices {
    config: ElasticsearchConfig,
}

impl Indices {
    fn of(space: &Space) -> Self {
        let url = eip_test_servers::elasticsearch();
        Self {
            config: ElasticsearchConfig::new(url, space.clone()),
        }
    }
}

impl Drop for Indices {
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
    let space = TestSpace::new();
    let indices = Indices::of(&space.space);
    let open = || ServerViews::open(&space.url, &indices.config);
    let error = open().err().unwrap();
    assert!(
        error.to_string().contains("no dataflow has run there"),
        "{error}"
    );

    let mut stats = space.store();
    let epoch = stats.take_epoch(0).unwrap();
    let mut documents = ElasticsearchStore::open(indices.config.clone(), TOPIC).unwrap();
    documents.take_over(epoch, 1).unwrap();
    documents.write_as(epoch, 0).unwrap();
    let mut writes = vec![shipment("b"), shipment("a \"é\"")];
    documents
        .bulk(DocumentView::Shipments, version_of(epoch, 1), &mut writes)
        .unwrap();
    stats.commit(&tick(epoch, 1, &[row(1, "SP", 1)])).unwrap();

    let mut reader = ViewReader::new(open().unwrap());
    let place = reader.place();
    assert!(
        place.contains("PostgreSQL") && place.contains("Elasticsearch"),
        "{place}"
    );
    let counts = StoredCounts {
        shipments: 2,
        route_stats_daily: 1,
        ..StoredCounts::default()
    };
    assert_eq!(reader.counts().unwrap(), counts);
    let mut ids = Vec::new();
    reader
        .for_each_document(DocumentView::Shipments, &mut |id, _line| {
            ids.push(id.to_owned());
        })
        .unwrap();
    assert_eq!(ids, ["a \"é\"", "b"]);
    // A moment holds over the reading of documents and beyond.
    reader
        .snapshot(|reader| {
            let before = reader.digests()?;
            stats.commit(&tick(epoch, 2, &[row(2, "SP", 1)]))?;
            assert_eq!(reader.digests()?, before);
            assert_eq!(reader.progress()?.unwrap().tick, 1);
            Ok::<_, StoreError>(())
        })
        .unwrap();
    assert_eq!(reader.progress().unwrap().unwrap().tick, 2);
}
