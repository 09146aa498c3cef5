//! The laws of a stats store, the same for SQLite and PostgreSQL.

use std::collections::BTreeMap;

use eip_contract::{Day, EventTime, EventType, Offset};
use eip_log::{Mark, RecordDigest};
use eip_stores::{
    Fault, PostgresViews, Progress, ReadViews as _, Retry, RowChanges, SqliteStore, SqliteViews,
    StatsStore, StoredDeadLetter, TickCommit,
};
use eip_views::{Column, Kept, Kind, ROUTE_STATS_DAILY, RouteStatsRow, Row, Value, View};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tempfile::TempDir;

use crate::postgres::{TOPIC, TestSpace, as_stats, changes, key, letter, row, tick, upserts};

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
                let before = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                write();
                let during = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                views.end().unwrap();
                let after = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                [before, during, after].map(see)
            }
            Self::Postgres(space) => {
                let mut views = PostgresViews::open(&space.url, &space.space).unwrap();
                views.begin().unwrap();
                let before = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                write();
                let during = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                views.end().unwrap();
                let after = (
                    views.progress().unwrap(),
                    as_stats(views.rows(&ROUTE_STATS_DAILY)),
                );
                [before, during, after].map(see)
            }
        }
    }
}

/// A view with every kind of column, in its key as well.
static EVERY_KIND: View = View {
    name: "every_kind",
    kept: Kept::Rows { key: 4 },
    columns: &[
        Column::new("hour", Kind::Time),
        Column::new("eventType", Kind::EventType),
        Column::new("isLate", Kind::Boolean),
        Column::count("number"),
        Column::new("id", Kind::Id).or_null(),
        Column::new("region", Kind::Text).or_null(),
        Column::new("day", Kind::Day).or_null(),
        Column::new("lastAt", Kind::Time).or_null(),
        Column::new("lastType", Kind::EventType).or_null(),
        Column::new("isLast", Kind::Boolean).or_null(),
        Column::seconds("seconds").or_null(),
    ],
    indexes: &[],
    format: 1,
};

/// The same view in a later version.
static FEWER_KINDS: View = View {
    name: "every_kind",
    kept: Kept::Rows { key: 1 },
    columns: &[Column::new("hour", Kind::Time)],
    indexes: &[],
    format: 2,
};

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
    values_of_every_kind_come_back_in_the_order_of_their_keys,
    tables_follow_the_views_that_are_kept_and_their_formats,
);

fn rows_of_every_kind(count: i64) -> Vec<Row> {
    let time = |seconds| EventTime::from_seconds(seconds).unwrap();
    let mut rows: Vec<Row> = (0..count)
        .map(|n| {
            let event_type = EventType::ALL[n as usize % 6];
            let hour = if n % 97 == 0 {
                EventTime::MAX
            } else {
                time(n / 24 * 3600)
            };
            let mut row = vec![
                hour.into(),
                event_type.into(),
                Value::Boolean(n % 2 == 0),
                Value::Integer(n),
            ];
            let rest: [Value<'static>; 7] = [
                "an id \"\\".into(),
                "é\u{10ffff}".into(),
                Day::from_days(n as u32).unwrap().into(),
                time(n).into(),
                event_type.into(),
                Value::Boolean(true),
                Value::Integer(-n),
            ];
            row.extend(rest.map(|value| if n % 5 == 0 { Value::Null } else { value }));
            row
        })
        .collect();
    rows.sort_unstable();
    rows
}

fn changes_of_every_kind(upserts: &[Row], deletes: &[Row]) -> [RowChanges; 1] {
    let key = |row: &Row| row[..4].to_vec();
    [RowChanges {
        view: &EVERY_KIND,
        upserts: upserts.to_vec(),
        deletes: deletes.iter().map(key).collect(),
    }]
}

fn values_of_every_kind_come_back_in_the_order_of_their_keys(backend: &Backend) {
    let mut store = backend.store();
    store.keep(&[&EVERY_KIND]);
    let epoch = store.take_epoch(0).unwrap();
    let mut number = 0;
    let mut then = |upserts: &[Row], deletes: &[Row]| {
        number += 1;
        let changes = changes_of_every_kind(upserts, deletes);
        store.commit(&tick(epoch, number, &changes)).unwrap();
        store.rows(&EVERY_KIND).unwrap()
    };
    // Few and many, which an implementation may write in another way.
    let (few, many) = (rows_of_every_kind(40), rows_of_every_kind(2500));
    assert_eq!(then(&few, &[]), few);
    assert_eq!(then(&many, &[]), many);
    let mut others = few.clone();
    for row in &mut others {
        let last = row.last_mut().unwrap();
        *last = Value::Integer(7);
    }
    then(&many[..30], &[]);
    let rest: Vec<Row> = many
        .iter()
        .filter(|row| !few.contains(row))
        .cloned()
        .collect();
    assert_eq!(then(&others, &rest), others);
    assert!(then(&[], &others).is_empty());
}

fn tables_follow_the_views_that_are_kept_and_their_formats(backend: &Backend) {
    let mut store = backend.store();
    store.keep(&[&ROUTE_STATS_DAILY, &EVERY_KIND]);
    let epoch = store.take_epoch(0).unwrap();
    let rows = rows_of_every_kind(3);
    let [stats] = upserts(&[row(1, "SP", 1)]);
    let [own] = changes_of_every_kind(&rows, &[]);
    let changes = [stats, own];
    store.commit(&tick(epoch, 5, &changes)).unwrap();
    // Another start with the same views changes nothing.
    store.take_epoch(0).unwrap();
    let progress = store.progress().unwrap().unwrap();
    assert_eq!((progress.tick, progress.offsets.len()), (5, 2));
    assert_eq!(store.rows(&EVERY_KIND).unwrap(), rows);
    // A view in another format is made again, and nothing counts as written.
    store.keep(&[&ROUTE_STATS_DAILY, &FEWER_KINDS]);
    let epoch = store.take_epoch(0).unwrap();
    let progress = store.progress().unwrap().unwrap();
    assert_eq!((progress.tick, progress.offsets.len()), (0, 0));
    assert!(store.rows(&FEWER_KINDS).unwrap().is_empty());
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), [row(1, "SP", 1)]);
    let hour = [vec![Value::Time(EventTime::MIN)]];
    let changes = [RowChanges {
        view: &FEWER_KINDS,
        upserts: hour.to_vec(),
        deletes: Vec::new(),
    }];
    for number in [6, 7] {
        store.commit(&tick(epoch, number, &changes)).unwrap();
        assert_eq!(store.rows(&FEWER_KINDS).unwrap(), hour);
    }
    // One that is not kept any more has no table.
    store.keep(&[&ROUTE_STATS_DAILY]);
    store.take_epoch(0).unwrap();
    store.rows(&FEWER_KINDS).unwrap_err();
    assert_eq!(store.progress().unwrap().unwrap().tick, 7);
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), [row(1, "SP", 1)]);
}

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
    assert!(as_stats(store.rows(&ROUTE_STATS_DAILY)).is_empty());
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
    let all = upserts(&rows);
    let first = TickCommit {
        dead_letters: &letters,
        ..tick(epoch, 50, &all)
    };
    // A second time it is known to be written.
    for _ in 0..2 {
        store.commit(&first).unwrap();
        assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), rows);
        assert_eq!(backend.dead_letters(), letters);
    }

    let changed = [row(0, "SP", 77), row(0, "AC", 1)];
    let gone: Vec<Row> = rows[1..].iter().map(key).collect();
    let some = changes(&changed, &gone);
    let second = TickCommit {
        // Also read again by a successor: it is kept once.
        dead_letters: &letters[1..],
        last: &LAST,
        ..tick(epoch, 51, &some)
    };
    store.commit(&second).unwrap();
    let [sp, ac] = &changed;
    assert_eq!(
        as_stats(store.rows(&ROUTE_STATS_DAILY)),
        [ac.clone(), sp.clone()]
    );
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
    let written = upserts(&rows);
    let commit = TickCommit {
        dead_letters: &[letter(3)],
        last: &LAST,
        ..tick(epoch, 5, &written)
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
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), rows);
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
    old.commit(&tick(old_epoch, 1, &upserts(&[row(1, "SP", 1)])))
        .unwrap();
    let new_epoch = new.take_epoch(0).unwrap();
    assert!(new_epoch > old_epoch);
    let rows = [row(2, "SP", 1)];
    // The first call may only learn that its connection was ended.
    let error = loop {
        let error = old
            .commit(&tick(old_epoch, 2, &upserts(&rows)))
            .unwrap_err();
        if error.retry == Retry::Never {
            break error;
        }
    };
    assert_eq!(error.fault, Fault::Internal);
    assert!(
        error.to_string().contains("a newer dataflow took over"),
        "{error}"
    );
    assert_eq!(as_stats(new.rows(&ROUTE_STATS_DAILY)), [row(1, "SP", 1)]);
    assert_eq!(new.progress().unwrap().unwrap().tick, 1);
    new.commit(&tick(new_epoch, 3, &upserts(&rows))).unwrap();
    assert_eq!(as_stats(new.rows(&ROUTE_STATS_DAILY)).len(), 2);
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
    store.commit(&tick(epoch, 1, &upserts(&rows))).unwrap();
    rows.sort_unstable();
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), rows);
    let gone: Vec<Row> = rows.iter().map(key).collect();
    store.commit(&tick(epoch, 2, &changes(&[], &gone))).unwrap();
    assert!(as_stats(store.rows(&ROUTE_STATS_DAILY)).is_empty());
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
    store.commit(&tick(epoch, 1, &upserts(&rows))).unwrap();
    assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), rows);
}

fn a_tick_of_any_size_is_written_whole(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    // Sizes at which an implementation may take another way, each over the rows of the one before.
    for (number, size) in (1_u64..).zip([127, 128, 129, 1999, 2000, 2001, 9000, 1, 2500]) {
        let mut rows: Vec<_> = (0..size)
            .map(|n| row(n / 7, &format!("R{}", n % 7), number as i64))
            .collect();
        let stored = as_stats(store.rows(&ROUTE_STATS_DAILY));
        let gone: Vec<_> = stored.iter().skip(size as usize).map(key).collect();
        store
            .commit(&tick(epoch, number, &changes(&rows, &gone)))
            .unwrap();
        rows.sort_unstable();
        assert!(
            as_stats(store.rows(&ROUTE_STATS_DAILY)) == rows,
            "{size} rows"
        );
    }
}

fn a_readers_moment_does_not_move(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(0).unwrap();
    let rows = [row(1, "SP", 1), row(2, "SP", 1)];
    store.commit(&tick(epoch, 1, &upserts(&rows[..1]))).unwrap();
    let seen = backend.around(|| store.commit(&tick(epoch, 2, &upserts(&rows[1..]))).unwrap());
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
            let stored = as_stats(store.rows(&ROUTE_STATS_DAILY)).into_iter();
            let mut model: BTreeMap<_, RouteStatsRow> =
                stored.map(|row| (key(&row), row)).collect();
            let first = store.progress().unwrap().unwrap().tick + 1;
            for (number, tick) in (first..).zip(history) {
                let tick: BTreeMap<_, _> = tick
                    .into_iter()
                    .map(|(day, region, value)| ((day, region), value))
                    .collect();
                let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
                for ((day, region), value) in tick {
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
                store
                    .commit(&TickCommit {
                        epoch,
                        tick: number,
                        offsets: &[Offset(number)],
                        last: &[],
                        rows: &changes(&upserts, &deletes),
                        dead_letters: &[],
                        all_dead_letters: false,
                    })
                    .unwrap();
                let expected: Vec<_> = model.values().cloned().collect();
                prop_assert_eq!(as_stats(store.rows(&ROUTE_STATS_DAILY)), expected);
            }
            Ok::<(), TestCaseError>(())
        })
        .unwrap();
}
