//! From which tick on changes are known, and how long deletions are: the same for SQLite and PostgreSQL.

use eip_contract::Offset;
use eip_stores::query::Queries;
use eip_stores::{
    DELETIONS_KEPT, DocumentStore as _, DocumentWrite, SqliteStore, StatsStore, TickCommit,
    version_of,
};
use eip_views::{SHIPMENTS, View};
use tempfile::TempDir;

use crate::postgres::{TOPIC, TestSpace, tick};

const VIEW: &View = &SHIPMENTS;

/// A place of one test.
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

    fn store(&self) -> Box<dyn StatsStore> {
        match self {
            Self::Sqlite { store, .. } => Box::new(store.clone()),
            Self::Postgres(space) => Box::new(space.store()),
        }
    }

    /// From which tick on changes are known to readers.
    fn known_from(&self) -> Option<u64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let queries = match self {
                Self::Sqlite { state, .. } => Queries::sqlite(state.path()),
                Self::Postgres(space) => {
                    Queries::servers(&space.url, "http://127.0.0.1:1", None, &space.space).unwrap()
                }
            };
            let mut moment = queries.moment().await.unwrap();
            let known = moment.changes_known_from().await.unwrap();
            drop(moment);
            queries.close().await;
            known
        })
    }

    /// Deletes a shipment at a tick, as far as this store has to do with it.
    fn delete(&self, epoch: u64, tick: u64, id: &str) {
        match self {
            Self::Sqlite { store, .. } => {
                let mut writes = vec![DocumentWrite::Delete { id: id.to_owned() }];
                let version = version_of(epoch, tick);
                store.clone().bulk(VIEW, version, &mut writes).unwrap();
            }
            Self::Postgres(space) => {
                let ids = [id, "with a\0, which no order has"];
                space.store().note_deleted(epoch, VIEW, tick, &ids).unwrap();
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
    changes_are_known_from_the_first_tick_on_and_over_restarts,
    a_deletion_is_forgotten_after_its_time_and_said_to_be,
);

fn commit(store: &mut dyn StatsStore, epoch: u64, number: u64) {
    let offsets = [Offset(number)];
    let commit = TickCommit {
        offsets: &offsets,
        ..tick(epoch, number, &[])
    };
    store.commit(&commit).unwrap();
}

fn changes_are_known_from_the_first_tick_on_and_over_restarts(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(1).unwrap();
    store.begin_changes(epoch, Some("these")).unwrap();
    for number in [1_000, 1_001] {
        commit(&mut *store, epoch, number);
        assert_eq!(backend.known_from(), Some(1_000));
    }
    let epoch = store.take_epoch(1).unwrap();
    store.begin_changes(epoch, Some("these")).unwrap();
    assert_eq!(backend.known_from(), Some(1_000));
    commit(&mut *store, epoch, 1_002);
    assert_eq!(backend.known_from(), Some(1_000));
}

fn a_deletion_is_forgotten_after_its_time_and_said_to_be(backend: &Backend) {
    let mut store = backend.store();
    let epoch = store.take_epoch(1).unwrap();
    store.begin_changes(epoch, Some("these")).unwrap();
    commit(&mut *store, epoch, 1_000);
    for (number, id) in [(1_010, "a"), (1_020, "b"), (1_030, "c")] {
        backend.delete(epoch, number, id);
        commit(&mut *store, epoch, number);
    }
    // Twice deleted is deleted at the later tick.
    backend.delete(epoch, 1_040, "a");
    for (number, known) in [
        (1_020 + DELETIONS_KEPT, 1_000),
        (1_021 + DELETIONS_KEPT, 1_020),
        (1_022 + DELETIONS_KEPT, 1_020),
        (1_041 + DELETIONS_KEPT, 1_040),
    ] {
        commit(&mut *store, epoch, number);
        assert_eq!(backend.known_from(), Some(known), "after tick {number}");
    }
}

#[test]
fn of_other_documents_nothing_is_known_until_they_are_written() {
    let space = TestSpace::new();
    let backend = Backend::Postgres(TestSpace {
        url: space.url.clone(),
        space: space.space.clone(),
    });
    let mut store = backend.store();
    let mut number = 1_000;
    for (lineage, before, after) in [
        (Some("these"), None, Some(1_001)),
        (Some("these"), Some(1_001), Some(1_001)),
        (Some("others"), None, Some(1_003)),
        // Readers do not see them yet.
        (None, None, None),
        (None, None, None),
        (Some("others"), None, Some(1_006)),
    ] {
        let epoch = store.take_epoch(1).unwrap();
        store.begin_changes(epoch, lineage).unwrap();
        if number > 1_000 {
            assert_eq!(backend.known_from(), before, "{lineage:?}");
        }
        number += 1;
        commit(&mut *store, epoch, number);
        assert_eq!(backend.known_from(), after, "{lineage:?}");
    }
    // Tables that were restored from a dump are other ones, whatever is in them.
    space.execute(
        "ALTER TABLE deleted_documents RENAME TO dumped;
         CREATE TABLE deleted_documents (LIKE dumped INCLUDING ALL);
         DROP TABLE dumped",
    );
    let epoch = store.take_epoch(1).unwrap();
    store.begin_changes(epoch, Some("others")).unwrap();
    assert_eq!(backend.known_from(), None);
}
