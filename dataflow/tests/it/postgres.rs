//! The PostgreSQL store against the real server: other people's tables, takeovers, faults, spaces.
//!
//! What it has in common with SQLite is in `conformance_stats`.

mod faults;
mod gate;
mod refusals;
pub(crate) mod servers;
mod spaces;
mod takeover;

use std::hash::{BuildHasher as _, RandomState};

use eip_contract::{Day, Offset, Space};
use eip_stores::{
    PostgresConfig, PostgresSpaces, PostgresStore, RowChanges, StatsStore as _, StoreError,
    StoredDeadLetter, TickCommit,
};
use eip_views::{ROUTE_STATS_DAILY, RouteStatsRow, Row};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::runtime::Runtime;

pub(crate) const TOPIC: &str = "00112233445566778899aabbccddeeff";

/// A space of one test, dropped with it.
pub(crate) struct TestSpace {
    pub(crate) url: String,
    pub(crate) space: Space,
}

impl TestSpace {
    pub(crate) fn new() -> Self {
        // A hasher's keys are random, and the standard library's only source of chance.
        let name = format!("t-{:016x}", RandomState::new().hash_one(0));
        Self {
            url: eip_test_servers::postgres(),
            space: name.parse().unwrap(),
        }
    }

    pub(crate) fn config(&self, url: &str, topic_id: &str) -> PostgresConfig {
        PostgresConfig {
            url: url.to_owned(),
            space: self.space.clone(),
            topic_id: topic_id.to_owned(),
        }
    }

    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::new(&self.config(&self.url, TOPIC)).unwrap()
    }

    /// Runs statements in the space's schema.
    pub(crate) fn execute(&self, sql: &str) {
        let mut session = Person::new(self);
        session.execute(sql);
    }
}

impl Drop for TestSpace {
    fn drop(&mut self) {
        PostgresSpaces::new(&self.url).drop(&self.space).unwrap();
    }
}

/// Somebody else with a connection.
pub(crate) struct Person {
    pub(crate) runtime: Runtime,
    pub(crate) connection: PgConnection,
}

impl Person {
    pub(crate) fn new(space: &TestSpace) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let connection = runtime.block_on(PgConnection::connect(&space.url)).unwrap();
        let mut person = Self {
            runtime,
            connection,
        };
        person.execute(&format!("SET search_path TO \"{}\"", space.space.schema()));
        person
    }

    pub(crate) fn execute(&mut self, sql: &str) {
        self.try_execute(sql).unwrap();
    }

    pub(crate) fn try_execute(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.runtime.block_on(done).map(|_done| ())
    }
}

pub(crate) fn row(day: u32, seller: &str, placed: i64) -> RouteStatsRow {
    RouteStatsRow {
        stat_date: Day::from_days(day).unwrap(),
        seller_region: seller.into(),
        customer_region: "RJ".into(),
        counts: [placed, 0, 0, 0, 0, 4],
        delivered_late: 1,
        lead_count: 4,
        lead_seconds_sum: 10,
        lead_seconds_percentiles: [Some(2), Some(4), None],
        late_seconds_sum: 3,
    }
}

/// The key of a row, which is the first of its values.
pub(crate) fn key(row: &RouteStatsRow) -> Row {
    let mut row = row.clone().into_row();
    row.truncate(3);
    row
}

/// What writes and deletes these rows.
pub(crate) fn changes(upserts: &[RouteStatsRow], deletes: &[Row]) -> [RowChanges; 1] {
    [RowChanges {
        view: &ROUTE_STATS_DAILY,
        upserts: upserts
            .iter()
            .cloned()
            .map(RouteStatsRow::into_row)
            .collect(),
        deletes: deletes.to_vec(),
    }]
}

/// What writes these rows.
pub(crate) fn upserts(rows: &[RouteStatsRow]) -> [RowChanges; 1] {
    changes(rows, &[])
}

/// The rows that a store or reader holds.
pub(crate) fn as_stats(rows: Result<Vec<Row>, StoreError>) -> Vec<RouteStatsRow> {
    let rows = rows.unwrap();
    let rows = rows.iter().map(|row| RouteStatsRow::from_values(row));
    rows.collect::<Option<_>>().unwrap()
}

pub(crate) fn letter(offset: u64) -> StoredDeadLetter {
    StoredDeadLetter {
        partition: 1,
        offset: Offset(offset),
        code: "not_json".into(),
        reason: "not a JSON object".into(),
    }
}

/// A tick of two partitions that changes only rows.
pub(crate) fn tick(epoch: u64, tick: u64, rows: &[RowChanges]) -> TickCommit<'_> {
    const OFFSETS: [Offset; 2] = [Offset(7), Offset(9)];
    TickCommit {
        epoch,
        tick,
        offsets: &OFFSETS,
        last: &[],
        rows,
        dead_letters: &[],
        all_dead_letters: false,
    }
}

#[test]
fn a_tick_with_a_character_that_postgres_has_not_is_kept_without_it() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    let letters = [StoredDeadLetter {
        reason: "a\0b".into(),
        ..letter(1)
    }];
    let tick = TickCommit {
        dead_letters: &letters,
        ..tick(epoch, 1, &[])
    };
    store.commit(&tick).unwrap();
    let mut views = eip_stores::PostgresViews::open(&space.url, &space.space).unwrap();
    assert_eq!(views.dead_letters().unwrap()[0].reason, "a\u{fffd}b");
}

#[test]
fn tables_of_an_earlier_version_are_read_as_they_are_and_gone_on_from() {
    let space = TestSpace::new();
    let mut store = space.store();
    let epoch = store.take_epoch(0).unwrap();
    store
        .commit(&tick(epoch, 1, &upserts(&[row(1, "SP", 1)])))
        .unwrap();
    let before = store.progress().unwrap();
    space.execute(
        "ALTER TABLE progress DROP COLUMN last_records, DROP COLUMN changes_from, DROP COLUMN lineage;
         DROP TABLE deleted_documents;
         DELETE FROM _sqlx_migrations WHERE version IN (2, 4)",
    );
    let mut views = eip_stores::PostgresViews::open(&space.url, &space.space).unwrap();
    assert_eq!(views.progress().unwrap(), before);
    let mut next = space.store();
    assert_eq!(next.progress().unwrap(), before);
    let epoch = next.take_epoch(0).unwrap();
    next.commit(&tick(epoch, 2, &upserts(&[row(2, "SP", 1)])))
        .unwrap();
    assert_eq!(views.progress().unwrap().unwrap().tick, 2);
    assert_eq!(as_stats(next.rows(&ROUTE_STATS_DAILY)).len(), 2);
}
