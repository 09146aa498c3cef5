//! Where the views are kept: the seams that a dataflow writes through and everybody else reads through,
//! and what implements them.
//!
//! A search store holds the views that are kept as documents; a stats store holds those that are kept
//! as rows together with the progress row, and writes all of it in one transaction a tick.
//! Elasticsearch and PostgreSQL are these; [`SqliteStore`] is the embedded default of both.
//! [`ViewReader`] reads what they hold, from any process and at any time, through [`ReadViews`].
//! Nothing above this seam knows which store it has, and nothing below it knows the views one by
//! one: indices and tables, what is written and how it is read follow from a view's columns.

mod changes;
#[cfg_attr(not(feature = "servers"), path = "no_servers/elasticsearch.rs")]
mod elasticsearch;
mod error;
mod export;
mod migrations;
#[cfg(not(feature = "servers"))]
mod no_servers;
#[cfg_attr(not(feature = "servers"), path = "no_servers/postgres.rs")]
mod postgres;
pub mod query;
mod reader;
#[cfg_attr(not(feature = "servers"), path = "no_servers/servers.rs")]
mod servers;
mod sqlite;

use eip_contract::Offset;
use eip_log::Mark;
use eip_views::{Row, View};
use sha2::{Digest as _, Sha256};

pub use changes::{DELETIONS_KEPT, leaves_entries, tick_of};
#[cfg(feature = "servers")]
pub use elasticsearch::ELASTICSEARCH_FORMAT;
pub use elasticsearch::{
    ElasticsearchConfig, ElasticsearchDocuments, ElasticsearchRebuild, ElasticsearchSpaces,
    ElasticsearchStore, IndexInfo,
};
pub use error::{Fault, Retry, StoreError};
pub use export::ViewDigest;
pub use postgres::{POSTGRES_FORMAT, PostgresConfig, PostgresSpaces, PostgresStore, PostgresViews};
pub use reader::{ReadViews, StoredCounts, ViewReader};
pub use servers::ServerViews;
pub use sqlite::{BusyRoute, FORMAT, RangeStats, SqliteStore, SqliteViews};

/// Bits of a document's version that hold the tick; the epoch is above them.
pub const TICK_BITS: u32 = 42;

/// The version with which a dataflow of `epoch` writes documents at `tick`.
pub fn version_of(epoch: u64, tick: u64) -> u64 {
    assert!(
        tick >> TICK_BITS == 0,
        "a tick is milliseconds and fits 42 bits until 2109"
    );
    epoch << TICK_BITS | tick
}

/// What is stored as a document's `rev`: the first eight bytes of SHA-256 over its canonical JSON.
pub fn content_hash(text: &[u8]) -> u64 {
    let hash = Sha256::digest(text);
    u64::from_be_bytes(hash[..8].try_into().expect("8 of 32 bytes"))
}

/// A runtime for one connection, on the caller's own thread.
fn new_runtime() -> Result<tokio::runtime::Runtime, StoreError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            StoreError::new(
                Fault::External,
                Retry::Backoff,
                "cannot start the store's runtime",
            )
            .because(error)
        })
}

/// Those of `views` that are kept as documents, in their order.
fn document_views(views: &[&'static View]) -> impl Iterator<Item = &'static View> {
    views.iter().copied().filter(|view| view.is_documents())
}

/// What is to become of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentWrite {
    /// The document is this, whether it was there before or not.
    Index {
        /// Its `_id`.
        id: String,
        /// 64-bit hash of its content.
        rev: u64,
        /// Its canonical JSON, without a line end.
        doc: String,
    },
    /// There is no such document any more; one that was not there is no error.
    Delete {
        /// Its `_id`.
        id: String,
    },
}

impl DocumentWrite {
    /// The document's `_id`.
    pub fn id(&self) -> &str {
        match self {
            Self::Index { id, .. } | Self::Delete { id } => id,
        }
    }
}

/// A stored document in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDocument<'a> {
    /// Its `_id`.
    pub id: &'a str,
    /// The order that it is about, which says whose worker's document it is. An `_id` where the
    /// content does not say.
    pub order_id: &'a str,
    /// The hash of its content; none when the store knows that it is not as a dataflow wrote it.
    pub rev: Option<u64>,
}

/// How closely stored documents are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The hash that was written with each is believed, unless the store saw a later write.
    Listed,
    /// Every content is read and hashed: an edit by hand leaves the written hash as it was.
    Whole,
}

/// A document that the store refuses for what it says. It becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedDocument {
    /// Of which view.
    pub view: &'static View,
    /// Its `_id`.
    pub id: String,
    /// The version it was sent with.
    pub version: u64,
    /// What was sent; none for a delete.
    pub doc: Option<String>,
    /// The store's own words.
    pub reason: String,
}

/// Where documents are kept.
///
/// One process (the one with the clock) takes the store over for a new epoch before anybody reads
/// or writes; then each process makes itself a writer of that epoch.
pub trait DocumentStore: Send {
    /// The store's name in what people read: `elasticsearch`, `sqlite`.
    fn name(&self) -> &'static str;

    /// Says which views a dataflow keeps; those that are rows do not matter here. Until then they are
    /// [`VIEWS`](eip_views::VIEWS).
    fn keep(&mut self, views: &[&'static View]);

    /// The greatest epoch that anything stored names; 0 where nothing is.
    fn greatest_epoch(&mut self) -> Result<u64, StoreError>;

    /// Makes the store ready (what is missing is created, settings are checked) and fences every
    /// earlier epoch: from its return on no write of one counts, also not one that is under way.
    /// `writers` processes will write.
    fn take_over(&mut self, epoch: u64, writers: usize) -> Result<(), StoreError>;

    /// Names the documents that were taken over: others have another name, also where they are found under
    /// the same names as these. None where readers do not see these yet. Called after
    /// [`DocumentStore::take_over`].
    fn lineage(&mut self) -> Result<Option<String>, StoreError>;

    /// Makes the caller the writer number `writer` of `epoch`, which has taken the store over.
    fn write_as(&mut self, epoch: u64, writer: usize) -> Result<(), StoreError>;

    /// Writes all of `writes` with one `version` (epoch · 2⁴² + tick), at most one write an id, and
    /// takes out of `writes` what the store has acknowledged or refused. With an error, what is
    /// left in `writes` may or may not be written, and the same call with it again, after
    /// [`Retry::Backoff`], gives the same result.
    ///
    /// An implementation may cut a call into several requests; a caller hands over as much as it
    /// has at once, best sorted by id, since a store writes neighbours together.
    fn bulk(
        &mut self,
        view: &'static View,
        version: u64,
        writes: &mut Vec<DocumentWrite>,
    ) -> Result<Vec<RefusedDocument>, StoreError>;

    /// Calls `each` with every stored document, in any order.
    fn scan(
        &mut self,
        view: &'static View,
        look: Look,
        each: &mut dyn FnMut(StoredDocument<'_>),
    ) -> Result<(), StoreError>;

    /// Makes all that was acknowledged before visible to searches.
    fn refresh(&mut self) -> Result<(), StoreError>;
}

/// Where rows, the dead letters and the progress are kept.
pub trait StatsStore: Send {
    /// The store's name in what people read: `postgres`, `sqlite`.
    fn name(&self) -> &'static str;

    /// Says which views a dataflow keeps; those that are documents do not matter here, unless they are
    /// in the same place. Until then they are [`VIEWS`](eip_views::VIEWS).
    fn keep(&mut self, views: &[&'static View]);

    /// How far the views are written; `None` where no dataflow has ever run.
    fn progress(&mut self) -> Result<Option<Progress>, StoreError>;

    /// Makes the caller the one dataflow that may write, under a new epoch of `least` or more, and
    /// ends what a predecessor has under way. From then on every write under an older epoch is
    /// refused. Also makes the store ready: tables that are missing are made, a view's table of
    /// another format is made again, and that of a view that is not kept any more is removed. Where a
    /// view's table was made, nothing counts as written, since its rows are still to come.
    fn take_epoch(&mut self, least: u64) -> Result<u64, StoreError>;

    /// Forgets how far the views were written and what is kept by the log's positions: dead letters,
    /// and documents that were refused. Called under the epoch that was taken, when the log is not
    /// what the views were made from; the first tick then writes all that is missing.
    fn begin_again(&mut self, epoch: u64) -> Result<(), StoreError>;

    /// Keeps the record of changes for documents of this lineage ([`DocumentStore::lineage`]). Of another
    /// one than before nothing is known until the next tick is written. Called under the epoch that was
    /// taken, before anything is written. Nothing to do where rows and documents share a file.
    fn begin_changes(&mut self, _epoch: u64, _lineage: Option<&str>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Notes documents that `tick` is about to delete. Nothing to do where the document store does so
    /// itself, in the transaction of the delete.
    fn note_deleted(
        &mut self,
        _epoch: u64,
        _view: &'static View,
        _tick: u64,
        _ids: &[&str],
    ) -> Result<(), StoreError> {
        Ok(())
    }

    /// All stored rows of a view, in the order of their key.
    fn rows(&mut self, view: &'static View) -> Result<Vec<Row>, StoreError>;

    /// Writes one tick in one transaction, and returns when it is acknowledged. After an error
    /// with [`Retry::Backoff`] the same call again gives the same result: whether the first one
    /// was committed after all is looked up first.
    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError>;

    /// Tells readers that searches find everything up to this tick of this epoch.
    fn publish_visible(&mut self, _epoch: u64, _tick: u64) -> Result<(), StoreError> {
        Ok(())
    }

    /// Keeps documents that the document store refused. By view and id the last one counts.
    fn refuse(&mut self, documents: &[RefusedDocument]) -> Result<(), StoreError>;
}

/// What one tick changes in the stats store.
#[derive(Clone, Copy, Debug)]
pub struct TickCommit<'a> {
    /// The epoch that [`StatsStore::take_epoch`] gave.
    pub epoch: u64,
    /// The tick, above all earlier ones.
    pub tick: u64,
    /// Per partition the next offset to read behind what this tick has written.
    pub offsets: &'a [Offset],
    /// Per partition the last record of what is written; none where it is not known.
    pub last: &'a [Option<Mark>],
    /// The rows that change, of each view at most once.
    pub rows: &'a [RowChanges],
    /// Records that were no canonical events.
    pub dead_letters: &'a [StoredDeadLetter],
    /// Whether these are all there are, so that any other that is stored is none of this log.
    pub all_dead_letters: bool,
}

/// What one tick changes in the rows of one view. At most one change a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChanges {
    /// Of which view.
    pub view: &'static View,
    /// Rows that are new or other than before.
    pub upserts: Vec<Row>,
    /// The keys of rows that are gone: the first values of a row.
    pub deletes: Vec<Row>,
}

/// A record that was no canonical event: where it is and why.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct StoredDeadLetter {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: Offset,
    /// The short name of the reason ([`eip_contract::DeadLetter::code`]).
    pub code: String,
    /// The reason in words.
    pub reason: String,
}

/// How far the views are written, and by which dataflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which dataflow wrote last; each start takes a greater one.
    pub epoch: u64,
    /// The last tick written; 0 when an epoch was taken and nothing written yet.
    pub tick: u64,
    /// Per partition the next offset to read; empty as long as nothing was written.
    pub offsets: Vec<Offset>,
    /// Per partition the last record before these; none, or left out, where it is not known.
    pub last: Vec<Option<Mark>>,
    /// The identity of the log that the views are made from.
    pub topic_id: String,
}

#[cfg(test)]
mod tests;
