//! Taking over from a dataflow that was stopped, or from tables that are not as they were.

use std::time::{Duration, Instant};

use eip_stores::{Retry, StatsStore as _};
use eip_views::ROUTE_STATS_DAILY;

use super::{Person, TestSpace, as_stats, row, tick, upserts};

#[test]
fn a_predecessor_that_stands_inside_its_transaction_does_not_hold_up_its_successor() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    // As a stopped process looks to the server: its transaction holds the row and says no more.
    let mut stopped = Person::new(&space);
    stopped.execute(&format!(
        "SET application_name TO '{}.eip-dataflow'; BEGIN; SELECT * FROM progress FOR UPDATE;
         UPDATE progress SET tick = 99",
        space.space
    ));
    let start = Instant::now();
    let next = space.store().take_epoch(0).unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(next, epoch + 1);
    // It continues, and nothing of it counts.
    stopped.try_execute("COMMIT").unwrap_err();
    assert_eq!(space.store().progress().unwrap().unwrap().tick, 0);
}

#[test]
fn a_lock_of_a_person_is_told_in_time_and_waited_for_by_the_caller() {
    let space = TestSpace::new();
    let mut store = space.store();
    store.take_epoch(0).unwrap();
    let mut person = Person::new(&space);
    person.execute("BEGIN; SELECT * FROM progress FOR UPDATE");
    let start = Instant::now();
    let error = store.take_epoch(0).unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.retry, Retry::Backoff);
    assert!(
        error.to_string().contains("lock timeout (55P03)"),
        "{error}"
    );
    person.execute("ROLLBACK");
    store.take_epoch(0).unwrap();
}

#[test]
fn several_dataflows_that_start_at_once_each_get_an_epoch_of_their_own() {
    let space = TestSpace::new();
    let mut epochs: Vec<u64> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut store = space.store();
                    // One may end another's connection; that one tries again, as a dataflow does.
                    let deadline = Instant::now() + Duration::from_mins(1);
                    loop {
                        match store.take_epoch(0) {
                            Ok(epoch) => break epoch,
                            Err(error) if error.retry == Retry::Backoff => {
                                assert!(Instant::now() < deadline, "{error}");
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        starting
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect()
    });
    let latest = space.store().progress().unwrap().unwrap().epoch;
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!((epochs.len(), epochs.last()), (4, Some(&latest)));
}

#[test]
fn tables_that_were_wiped_or_restored_stop_the_dataflow_and_a_restart_goes_on_above() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(41).unwrap();
    store
        .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", 1)])))
        .unwrap();
    for harm in [
        "UPDATE progress SET epoch = 7, tick = 0",
        "DELETE FROM progress",
        "DROP TABLE progress, route_stats_daily",
    ] {
        space.execute(harm);
        let error = store
            .commit(&tick(epoch, 2, &upserts(&[row(2, "SP", 1)])))
            .unwrap_err();
        assert_eq!(error.retry, Retry::Never, "{harm}: {error}");
        assert!(
            error.to_string().contains("start the dataflow again"),
            "{error}"
        );
    }
    // Everything is gone; what the document store names is where the epochs go on.
    space.execute(&format!("DROP SCHEMA \"{}\" CASCADE", space.space.schema()));
    let mut store = space.store();
    assert_eq!(store.progress().unwrap(), None);
    assert_eq!(store.take_epoch(epoch + 1).unwrap(), epoch + 1);
    assert!(as_stats(store.rows(&ROUTE_STATS_DAILY)).is_empty());
}
