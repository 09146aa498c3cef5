//! New indices beside: readers stay where they are until the flip, and can go back.

use eip_stores::{
    DocumentStore as _, ElasticsearchDocuments, ElasticsearchRebuild, ElasticsearchStore, Look,
    version_of,
};
use eip_views::{SHIPMENTS, View};

use super::cluster::{Cluster, TOPIC, expected, scanned, shipment, writer};

const VIEW: &View = &SHIPMENTS;

fn count(cluster: &Cluster) -> u64 {
    let mut documents = ElasticsearchDocuments::open(&cluster.config()).unwrap();
    documents.count(VIEW).unwrap()
}

#[test]
fn readers_see_the_old_index_until_the_flip_and_can_go_back() {
    let cluster = Cluster::new();
    let mut old = cluster.writer(1);
    old.bulk(VIEW, version_of(1, 1), &mut vec![shipment("a", 1)])
        .unwrap();

    let beside = ElasticsearchStore::open_beside(cluster.config(), TOPIC).unwrap();
    let mut beside = writer(beside, 2);
    assert_eq!(scanned(&mut beside, VIEW, Look::Listed), expected(&[]));
    let both = [shipment("a", 1), shipment("b", 1)];
    beside
        .bulk(VIEW, version_of(2, 2), &mut both.to_vec())
        .unwrap();
    assert_eq!(scanned(&mut beside, VIEW, Look::Whole), expected(&both));
    let late = old.bulk(VIEW, version_of(1, 2), &mut vec![shipment("c", 1)]);
    assert!(late.unwrap_err().to_string().contains("took over"));
    assert_eq!(count(&cluster), 1);
    let mut new = ElasticsearchDocuments::open_beside(&cluster.config(), 2).unwrap();
    assert_eq!(new.count(VIEW).unwrap(), 2);

    let rebuild = ElasticsearchRebuild::new(&cluster.config()).unwrap();
    assert!(rebuild.flip(1).is_err(), "an epoch that filled nothing");
    let name = cluster.name(VIEW);
    assert!(rebuild.flip(2).unwrap().contains(&format!("{name}-v2-2")));
    assert_eq!(count(&cluster), 2);
    // The one that filled it goes on where readers are now.
    let third = [shipment("c", 1)];
    beside
        .bulk(VIEW, version_of(2, 3), &mut third.to_vec())
        .unwrap();
    assert_eq!(count(&cluster), 3);

    assert!(
        rebuild
            .roll_back()
            .unwrap()
            .contains(&format!("{name}-v2-1"))
    );
    assert_eq!(count(&cluster), 1);
    assert!(
        beside
            .bulk(VIEW, version_of(2, 4), &mut third.to_vec())
            .is_err()
    );
    assert!(rebuild.roll_back().is_err(), "nothing before the first");

    let mut next = cluster.store();
    assert_eq!(next.greatest_epoch().unwrap(), 2);
    next = writer(next, 3);
    assert_eq!(
        scanned(&mut next, VIEW, Look::Listed),
        expected(&[shipment("a", 1)])
    );
    let dropped = rebuild.drop_old().unwrap();
    assert_eq!(dropped.len(), 2);
    assert!(
        rebuild
            .list()
            .unwrap()
            .iter()
            .all(|index| index.is_read && index.epoch == 3)
    );
}

#[test]
fn a_rebuild_that_was_overtaken_does_not_flip() {
    let cluster = Cluster::new();
    drop(cluster.writer(1));
    let beside = ElasticsearchStore::open_beside(cluster.config(), TOPIC).unwrap();
    drop(writer(beside, 2));
    let mut next = cluster.writer(3);
    let rebuild = ElasticsearchRebuild::new(&cluster.config()).unwrap();
    assert!(rebuild.flip(2).is_err());
    next.bulk(VIEW, version_of(3, 1), &mut vec![shipment("a", 1)])
        .unwrap();
    assert_eq!(count(&cluster), 1);
    assert_eq!(rebuild.drop_old().unwrap().len(), 2);
}
