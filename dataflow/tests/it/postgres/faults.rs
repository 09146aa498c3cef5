//! A commit that fails at every step of it and in every way, and is made again.

use eip_stores::{PostgresStore, Progress, Retry, StatsStore as _, TickCommit};
use eip_views::{ROUTE_STATS_DAILY, RouteStatsRow};

use super::gate::{EndBackend, Fault, Gate};
use super::{Person, TOPIC, TestSpace, as_stats, changes, key, letter, row, tick, upserts};

/// The store behind a gate.
struct Gated {
    space: TestSpace,
    gate: Gate,
    url: String,
    store: PostgresStore,
}

impl Gated {
    fn new() -> Self {
        let space = TestSpace::new();
        let (user, rest) = space.url.split_once('@').unwrap();
        let (address, database) = rest.split_once('/').unwrap();
        let gate = Gate::before(address);
        let url = format!("{user}@{}/{database}", gate.address);
        let store = PostgresStore::new(&space.config(&url, TOPIC)).unwrap();
        Self {
            space,
            gate,
            url,
            store,
        }
    }

    /// Ends what has the name of this space's dataflow.
    fn end_backend(&self) -> EndBackend {
        let mut person = Person::new(&self.space);
        let sql = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE application_name = '{}.eip-dataflow'",
            self.space.space
        );
        Box::new(move || person.execute(&sql))
    }

    /// Runs `call` until it is done, with `fault` at the n-th message. Says how often it was
    /// called and whether the fault happened.
    fn with_fault<T>(
        &mut self,
        fault: Fault,
        n: usize,
        mut call: impl FnMut(&mut PostgresStore) -> Result<T, eip_stores::StoreError>,
    ) -> (T, usize, bool) {
        let end_backend = self.end_backend();
        self.gate.arm(fault, n, end_backend);
        for calls in 1..=3 {
            match call(&mut self.store) {
                Ok(value) => return (value, calls, self.gate.disarm()),
                Err(error) => assert_eq!(error.retry, Retry::Backoff, "{fault:?} at {n}: {error}"),
            }
        }
        panic!("{fault:?} at {n}: it does not come back");
    }
}

#[test]
fn a_commit_that_fails_at_any_message_in_any_way_counts_once() {
    fails_at_any_message(0);
}

#[test]
fn a_large_commit_that_fails_at_any_message_in_any_way_counts_once() {
    fails_at_any_message(2500);
}

/// Commits ticks that change `more` rows besides a few, each with a fault of its own.
fn fails_at_any_message(more: u32) {
    let mut gated = Gated::new();
    let epoch = gated.store.take_epoch(0).unwrap();
    let mut number = 0;
    let mut rows: Vec<RouteStatsRow> = vec![row(0, "first", 0)];
    gated
        .store
        .commit(&tick(epoch, 1, &upserts(&rows)))
        .unwrap();
    for fault in [Fault::Cut, Fault::LoseAnswer, Fault::EndBackend] {
        for n in 1.. {
            number += 1;
            // Every tick replaces the row before, adds one, and knows a new dead letter.
            let gone = [key(rows
                .iter()
                .rfind(|row| row.seller_region != "more")
                .unwrap())];
            let mut new = vec![
                row(number, "new", i64::from(number)),
                row(1000 + number, "new", 1),
            ];
            new.extend((0..more).map(|day| row(day, "more", i64::from(number))));
            let letters = [letter(u64::from(number))];
            let rows_changed = changes(&new, &gone);
            let commit = TickCommit {
                dead_letters: &letters,
                ..tick(epoch, 1 + u64::from(number), &rows_changed)
            };
            let (_done, calls, happened) =
                gated.with_fault(fault, n, |store| store.commit(&commit));
            rows.retain(|row| key(row) != gone[0] && row.seller_region != "more");
            rows.extend(new.iter().cloned());
            rows.sort_unstable();
            assert!(
                as_stats(gated.store.rows(&ROUTE_STATS_DAILY)) == rows,
                "{fault:?} at {n}"
            );
            let expected = Progress {
                epoch,
                tick: commit.tick,
                offsets: commit.offsets.into(),
                last: Vec::new(),
                topic_id: TOPIC.into(),
            };
            assert_eq!(gated.store.progress().unwrap(), Some(expected));
            if !happened {
                assert!(calls == 1 && n > 10, "a commit has more than {n} messages");
                break;
            }
            assert_eq!(calls, 2, "{fault:?} at {n}");
        }
    }
    let space = &gated.space;
    let mut views = eip_stores::PostgresViews::open(&space.url, &space.space).unwrap();
    assert_eq!(views.dead_letters().unwrap().len(), number as usize);
}

#[test]
fn a_start_that_fails_at_any_message_can_be_made_again() {
    // The first makes everything, the second finds it.
    for fresh in [true, false] {
        for fault in [Fault::Cut, Fault::LoseAnswer] {
            let mut gated = Gated::new();
            if !fresh {
                gated.store.take_epoch(0).unwrap();
            }
            for n in (1..).step_by(if fresh { 7 } else { 3 }) {
                if fresh {
                    gated.space.execute(&format!(
                        "DROP SCHEMA IF EXISTS \"{}\" CASCADE",
                        gated.space.space
                    ));
                }
                // Made anew each time, as a process does that was started again.
                let config = gated.space.config(&gated.url, TOPIC);
                gated.store = PostgresStore::new(&config).unwrap();
                let (epoch, _calls, happened) =
                    gated.with_fault(fault, n, |store| store.take_epoch(0));
                gated
                    .store
                    .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", 1)])))
                    .unwrap();
                if !happened {
                    break;
                }
            }
        }
    }
}
