//! The laws of a stats store, the same for SQLite and PostgreSQL.

use std::collections::BTreeMap;

use eip_contract::{Day, Offset};
use eip_log::{Mark, RecordDigest};
use eip_stores::{
    Fault, PostgresViews, Progress, ReadViews as _, Retry, RouteKey, SqliteStore, SqliteViews,
    StatsStore, StoredDeadLetter, TickCommit,
};
use eip_views::RouteStatsRow;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tempfile::TempDir;

use crate::postgres::{TOPIC, TestSpace, key, letter, row, tick};

/// The last records of two partitions, of which one is not known.
const LAST: [Option<Mark>; 2] = [
    Some(Mark {
        offset: Offset(u64::MAX),
        digest: RecordDigest(1 << 127 | 5),
    }),
    None,
];

/// A place of one test for the views of one log.
enum Backend {
    Sqlite { state: TempDir, store: SqliteStore },
    Postgres(TestSpace),
}

impl Backend {
    fn sqlite() -> Self {
        let state = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(state.path(), TOPIC, "a test").unwrap();
        Self::Sqlite { state, store }
    }

    fn postgres() -> Self {
        Self::Postgres(TestSpace::new())
    }

    /// Another dataflow's store, at the same place.
    fn store(&self) -> Box<dyn StatsStore> {
        match self {
            Self::Sqlite { store, .. } => Box::new(store.clone()),
            Self::Postgres(space) => Box::new(space.store()),
        }
    }

    fn dead_letters(&self) -> Vec<StoredDeadLetter> {
        match self {
            Self::Sqlite { state, .. } => SqliteViews::open(state.path()).unwrap().dead_letters(),
            Self::Postgres(space) => PostgresViews::open(&space.url, &space.space)
                .unwrap()
                .dead_letters(),
        }
        .unwrap()
    }

    /// What a reader sees before and after `write`, all inside one moment, and then behind it.
    fn around(&self, write: impl FnOnce()) -> [(u64, Vec<RouteStatsRow>); 3] {
        let see = |(progress, rows): (Option<Progress>, Vec<RouteStatsRow>)| {
            (progress.unwrap().tick, rows)
        };
        match self {
            Self::Sqlite { state, .. } => {
                let mut views = SqliteViews::open(state.path()).unwrap();
                views.begin().unwrap();
                let before = (views.progress().unwrap(), views.rows().unwrap());
                write();
                let during = (views.progress().unwrap(), views.rows().unwrap());
                views.end().unwrap();
                let after = (views.progress().unwrap(), views.rows().unwrap());
                [before, during, after].map(see)
            }
            Self::Postgres(space) => {
                let mut views = PostgresViews::open(&space.url, &space.space).unwrap();
                views.begin().unwrap();
                let before = (views.progress().unwrap(), views.rows().unwrap());
                write();
                let during = (views.progress().unwrap(), views.rows().unwrap());
                views.end().unwrap();
                let after = (views.progress().unwrap(), views.rows().unwrap());
                [before, during, after].map(see)
            }
        }
    }
}

macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        mod sqlite { $(#[test] fn $law() { super::$law(&super::Backend::sqlite()); })* }
        mod postgres { $(#[test] fn $law() { super::$law(&super::Backend::postgres()); })* }
    };
}

laws!(
    there_is_no_progress_before_an_epoch_was_taken,
    an_epoch_is_above_all_earlier_ones_and_not_below_the_least,
    a_tick_writes_rows_dead_letters_and_progress_together,
    a_dataflow_that_was_replaced_writes_nothing_more,
    rows_come_in_the_order_of_their_keys_bytes,
    the_greatest_and_smallest_numbers_and_days_come_back,
    a_tick_of_any_size_is_written_whole,
    a_readers_moment_does_not_move,
    any_history_of_ticks_leaves_its_rows,
    all_dead_letters_replace_those_that_are_stored,
    who_begins_again_knows_no_position_and_keeps_tick_and_rows,
);

fn there_is_no_progress_before_an_epoch_was_taken(backend: &Backend) {
    let mut store = backend.store();
    assert_eq!(store.progress().unwrap(), None);
    let epoch = store.take_epoch(0).unwrap();
    assert!(epoch > 0);
    let begun = Progress {
        epoch,
        tick: 0,
        offsets: Vec::new(),
        last: Vec::new(),
        topic_id: TOPIC.into(),
    };
    assert_eq!(store.progress().unwrap(), Some(begun));
    assert!(store.rows().unwrap().is_empty());
}

fn an_epoch_is_above_all_earlier_ones_and_not_below_the_least(backend: &Backend) {
    let mut store = backend.store();
    let first = store.take_epoch(0).unwrap();
    assert_eq!(store.take_epoch(0).unwrap(), first + 1);
    assert_eq!(store.take_epoch(first + 100).unwrap(), first + 100);
    assert_eq!(store.take_epoch(3).unwrap(), first + 101);
    assert_eq!(store.progress().unwrap().unwrap().epoch, first + 101);
}

fn a_tick_writes_rows_dead_letters_and_progress_together(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let rows: Vec<_> = (0..300).map(|day| row(day, "SP", i64::from(day))).collect();
    let letters = [letter(3), letter(8)];
    let first = TickCommit {
        dead_letters: &letters,
        ..tick(epoch, 50, &rows)
    };
    // A second time it is known to be written.
    for _ in 0..2 {
        store.commit(&first).unwrap();
        assert_eq!(store.rows().unwrap(), rows);
        assert_eq!(backend.dead_letters(), letters);
    }

    let changed = [row(0, "SP", 77), row(0, "AC", 1)];
    let gone: Vec<RouteKey> = rows[1..].iter().map(key).collect();
    let second = TickCommit {
        deletes: &gone,
        // Also read again by a successor: it is kept once.
        dead_letters: &letters[1..],
        last: &LAST,
        ..tick(epoch, 51, &changed)
    };
    store.commit(&second).unwrap();
    let [sp, ac] = &changed;
    assert_eq!(store.rows().unwrap(), [ac.clone(), sp.clone()]);
    assert_eq!(backend.dead_letters(), letters);
    let expected = Progress {
        epoch,
        tick: 51,
        offsets: second.offsets.into(),
        last: LAST.into(),
        topic_id: TOPIC.into(),
    };
    assert_eq!(store.progress().unwrap(), Some(expected));
}

fn all_dead_letters_replace_those_that_are_stored(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let commit = |number, dead_letters, all_dead_letters| TickCommit {
        dead_letters,
        all_dead_letters,
        ..tick(epoch, number, &[])
    };
    let old = [letter(3), letter(8), letter(9)];
    store.commit(&commit(1, &old, false)).unwrap();
    let other = StoredDeadLetter {
        reason: "another record stands here now".into(),
        ..letter(8)
    };
    let new = [letter(3), other, letter(11)];
    store.commit(&commit(2, &new, true)).unwrap();
    assert_eq!(backend.dead_letters(), new);
    store.commit(&commit(3, &[], true)).unwrap();
    assert!(backend.dead_letters().is_empty());
}

fn who_begins_again_knows_no_position_and_keeps_tick_and_rows(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let rows = [row(1, "SP", 1)];
    let commit = TickCommit {
        dead_letters: &[letter(3)],
        last: &LAST,
        ..tick(epoch, 5, &rows)
    };
    store.commit(&commit).unwrap();
    store.begin_again(epoch).unwrap();
    let expected = Progress {
        epoch,
        tick: 5,
        offsets: Vec::new(),
        last: Vec::new(),
        topic_id: TOPIC.into(),
    };
    assert_eq!(store.progress().unwrap(), Some(expected));
    assert_eq!(store.rows().unwrap(), rows);
    assert!(backend.dead_letters().is_empty());
    let successor = store.take_epoch(0).unwrap();
    let error = store.begin_again(epoch).unwrap_err();
    assert!(
        error.to_string().contains("a newer dataflow took over"),
        "{error}"
    );
    store.begin_again(successor).unwrap();
}

fn a_dataflow_that_was_replaced_writes_nothing_more(backend: &Backend) {
    let (mut old, mut new) = (backend.store(), backend.store());
    let old_epoch = old.take_epoch(0).unwrap();
    old.commit(&tick(old_epoch, 1, &[row(1, "SP", 1)])).unwrap();
    let new_epoch = new.take_epoch(0).unwrap();
    assert!(new_epoch > old_epoch);
    let rows = [row(2, "SP", 1)];
    // The first call may only learn that its connection was ended.
    let error = loop {
        let error = old.commit(&tick(old_epoch, 2, &rows)).unwrap_err();
        if error.retry == Retry::Never {
            break error;
        }
    };
    assert_eq!(error.fault, Fault::Internal);
    assert!(
        error.to_string().contains("a newer dataflow took over"),
        "{error}"
    );
    assert_eq!(new.rows().unwrap(), [row(1, "SP", 1)]);
    assert_eq!(new.progress().unwrap().unwrap().tick, 1);
    new.commit(&tick(new_epoch, 3, &rows)).unwrap();
    assert_eq!(new.rows().unwrap().len(), 2);
}

fn rows_come_in_the_order_of_their_keys_bytes(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let regions = [
        "",
        " ",
        "!",
        "A",
        "A ",
        "A!",
        "AB",
        "Z",
        "\"",
        "\\",
        "\\N",
        "a",
        "z",
        "{",
        "É",
        "é",
        "é ",
        "\u{10ffff}",
    ];
    let mut rows: Vec<_> = regions
        .iter()
        .flat_map(|region| [row(9, region, 1), row(8, region, 2)])
        .collect();
    store.commit(&tick(epoch, 1, &rows)).unwrap();
    rows.sort_unstable();
    assert_eq!(store.rows().unwrap(), rows);
    let gone: Vec<RouteKey> = rows.iter().map(key).collect();
    let last = TickCommit {
        deletes: &gone,
        ..tick(epoch, 2, &[])
    };
    store.commit(&last).unwrap();
    assert!(store.rows().unwrap().is_empty());
}

fn the_greatest_and_smallest_numbers_and_days_come_back(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let least = RouteStatsRow {
        counts: [i64::MIN; 6],
        lead_seconds_percentiles: [None; 3],
        ..row(0, "SP", 0)
    };
    let greatest = RouteStatsRow {
        counts: [i64::MAX; 6],
        lead_seconds_percentiles: [Some(i64::MAX), Some(i64::MIN), Some(0)],
        ..row(Day::END.days() - 1, "SP", 0)
    };
    let rows = [least, greatest];
    store.commit(&tick(epoch, 1, &rows)).unwrap();
    assert_eq!(store.rows().unwrap(), rows);
}

fn a_tick_of_any_size_is_written_whole(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    // Sizes at which an implementation may take another way, each over the rows of the one before.
    for (number, size) in (1_u64..).zip([127, 128, 129, 1999, 2000, 2001, 9000, 1, 2500]) {
        let mut rows: Vec<_> = (0..size)
            .map(|n| row(n / 7, &format!("R{}", n % 7), number as i64))
            .collect();
        let stored = store.rows().unwrap();
        let gone: Vec<_> = stored.iter().skip(size as usize).map(key).collect();
        let commit = TickCommit {
            deletes: &gone,
            ..tick(epoch, number, &rows)
        };
        store.commit(&commit).unwrap();
        rows.sort_unstable();
        assert!(store.rows().unwrap() == rows, "{size} rows");
    }
}

fn a_readers_moment_does_not_move(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let rows = [row(1, "SP", 1), row(2, "SP", 1)];
    store.commit(&tick(epoch, 1, &rows[..1])).unwrap();
    let seen = backend.around(|| store.commit(&tick(epoch, 2, &rows[1..])).unwrap());
    let old = (1, rows[..1].to_vec());
    assert_eq!(seen, [old.clone(), old, (2, rows.to_vec())]);
}

fn any_history_of_ticks_leaves_its_rows(backend: &Backend) {
    let mut runner = TestRunner::new(Config {
        cases: 12,
        failure_persistence: None,
        ..Config::default()
    });
    // Per tick, changes by key: a new value or a removal. Most are small, some of many rows.
    let change = (0..40_u32, 0..12_u8, proptest::option::of(0..5_i64));
    let small = proptest::collection::vec(change.clone(), 0..8);
    let large = proptest::collection::vec(change, 100..900);
    let history = proptest::collection::vec(prop_oneof![4 => small, 1 => large], 1..8);
    runner
        .run(&history, |history| {
            let mut store = backend.store();
            let epoch = store.take_epoch(0).unwrap();
            let mut model: BTreeMap<_, RouteStatsRow> = store
                .rows()
                .unwrap()
                .into_iter()
                .map(|row| (key(&row), row))
                .collect();
            let first = store.progress().unwrap().unwrap().tick + 1;
            for (number, changes) in (first..).zip(history) {
                let changes: BTreeMap<_, _> = changes
                    .into_iter()
                    .map(|(day, region, value)| ((day, region), value))
                    .collect();
                let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
                for ((day, region), value) in changes {
                    let row = row(day, &format!("R{region}"), value.unwrap_or(0));
                    if value.is_some() {
                        model.insert(key(&row), row.clone());
                        upserts.push(row);
                    } else {
                        model.remove(&key(&row));
                        deletes.push(key(&row));
                    }
                }
                upserts.reverse();
                let commit = TickCommit {
                    epoch,
                    tick: number,
                    offsets: &[Offset(number)],
                    last: &[],
                    upserts: &upserts,
                    deletes: &deletes,
                    dead_letters: &[],
                    all_dead_letters: false,
                };
                store.commit(&commit).unwrap();
                let expected: Vec<_> = model.values().cloned().collect();
                prop_assert_eq!(store.rows().unwrap(), expected);
            }
            Ok::<(), TestCaseError>(())
        })
        .unwrap();
}
