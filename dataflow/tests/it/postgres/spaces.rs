//! Spaces in one database: apart from one another, listed, adopted, emptied, dropped.

use eip_stores::{PostgresSpaces, PostgresStore, PostgresViews, Retry, StatsStore as _};
use eip_views::ROUTE_STATS_DAILY;

use super::{TOPIC, TestSpace, as_stats, row, tick, upserts};

#[test]
fn spaces_are_apart_and_listed_until_they_are_dropped() {
    let (one, other) = (TestSpace::new(), TestSpace::new());
    let spaces = PostgresSpaces::new(&one.url);
    for (space, value) in [(&one, 1), (&other, 2)] {
        let mut store = space.store();
        let epoch = store.take_epoch(0).unwrap();
        store
            .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", value)])))
            .unwrap();
    }
    assert_eq!(
        as_stats(one.store().rows(&ROUTE_STATS_DAILY)),
        [row(1, "SP", 1)]
    );
    let list = spaces.list().unwrap();
    assert!(
        list.contains(&one.space) && list.contains(&other.space),
        "{list:?}"
    );
    assert!(spaces.drop(&one.space).unwrap());
    assert!(!spaces.drop(&one.space).unwrap());
    assert!(!spaces.list().unwrap().contains(&one.space));
    assert_eq!(
        as_stats(other.store().rows(&ROUTE_STATS_DAILY)),
        [row(1, "SP", 2)]
    );
}

#[test]
fn a_space_that_adopts_a_log_keeps_its_rows_and_one_that_is_reset_does_not() {
    let space = TestSpace::new();
    let spaces = PostgresSpaces::new(&space.url);
    assert!(
        !spaces.adopt(&space.space, "new").unwrap(),
        "there is none yet"
    );
    let mut old = space.store();
    let epoch = old.take_epoch(0).unwrap();
    old.commit(&tick(epoch, 5, &upserts(&[row(1, "SP", 1)])))
        .unwrap();
    assert!(spaces.adopt(&space.space, "new").unwrap());
    // The dataflow over the log that was is fenced at once.
    let error = old.commit(&tick(epoch, 6, &[])).unwrap_err();
    assert_eq!(error.retry, Retry::Never, "{error}");
    let mut new = PostgresStore::new(&space.config(&space.url, "new")).unwrap();
    let taken = new.take_epoch(0).unwrap();
    assert!(taken > epoch + 1);
    let progress = new.progress().unwrap().unwrap();
    assert_eq!((progress.tick, progress.offsets.len()), (5, 0));
    assert_eq!(as_stats(new.rows(&ROUTE_STATS_DAILY)), [row(1, "SP", 1)]);

    assert!(spaces.reset(&space.space, TOPIC).unwrap());
    let mut again = space.store();
    assert!(again.take_epoch(0).unwrap() > taken);
    assert!(as_stats(again.rows(&ROUTE_STATS_DAILY)).is_empty());
    assert_eq!(again.progress().unwrap().unwrap().tick, 0);
}

#[test]
fn the_visible_tick_only_grows_and_only_under_its_own_epoch() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    store.commit(&tick(epoch, 9, &[])).unwrap();
    let mut views = PostgresViews::open(&space.url, &space.space).unwrap();
    assert_eq!(views.visible_tick().unwrap(), 0);
    store.publish_visible(epoch, 9).unwrap();
    store.publish_visible(epoch, 8).unwrap();
    store.publish_visible(epoch - 1, 99).unwrap();
    assert_eq!(views.visible_tick().unwrap(), 9);
}
