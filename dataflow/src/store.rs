//! The seam between the dataflow and where its views are kept: two small traits, and what passes through them.
//!
//! A search store holds the documents of `shipment_events` and `shipments`; a stats store holds
//! the rows of `route_stats_daily` together with the progress row, and writes both in one
//! transaction a tick. [`SqliteStore`] is the embedded default of both; [`ViewReader`] reads what
//! it wrote, from any process and at any time. Nothing above this seam knows which store it has.

mod error;
mod export;
mod reader;
mod report;
mod sqlite;

use eip_contract::document::RouteStatsRow;
use eip_contract::{Day, Offset};

pub use error::{Fault, Retry, StoreError};
pub use export::ViewDigest;
pub use reader::{StoredCounts, ViewReader};
pub use report::{BusyRoute, RangeStats};
pub use sqlite::{FORMAT, SqliteStore, version_of};

/// Which of the two document views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentView {
    /// One document a current fact; its id is the eventId.
    ShipmentEvents,
    /// One document an order with a current fact; its id is the orderId.
    Shipments,
}

impl DocumentView {
    /// Both, in the order in which they are always listed.
    pub const ALL: [Self; 2] = [Self::ShipmentEvents, Self::Shipments];

    /// The view's name, that of its table or index too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShipmentEvents => "shipment_events",
            Self::Shipments => "shipments",
        }
    }
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

/// Where documents are kept.
pub trait DocumentStore: Send {
    /// Writes all of `writes` with one `version` (epoch · 2⁴² + tick), and returns when the store
    /// has acknowledged them. At most one write an id. Sent again after an error, the result is
    /// the same.
    ///
    /// An implementation may cut a call into several requests; a caller hands over as much as it
    /// has at once, best sorted by id, since a store writes neighbours together.
    fn bulk(
        &mut self,
        view: DocumentView,
        version: u64,
        writes: &[DocumentWrite],
    ) -> Result<(), StoreError>;

    /// Calls `each` with id, rev and version of every stored document, in any order.
    fn scan(
        &mut self,
        view: DocumentView,
        each: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<(), StoreError>;
}

/// Where the rows of `route_stats_daily`, the dead letters and the progress are kept.
pub trait StatsStore: Send {
    /// How far the views are written; `None` where no dataflow has ever run.
    fn progress(&mut self) -> Result<Option<Progress>, StoreError>;

    /// Makes the caller the one dataflow that may write, under a new epoch. From then on every
    /// write under an older epoch is refused.
    fn take_epoch(&mut self) -> Result<u64, StoreError>;

    /// All stored rows, in the order of their key.
    fn rows(&mut self) -> Result<Vec<RouteStatsRow>, StoreError>;

    /// Writes one tick in one transaction, and returns when it is acknowledged.
    fn commit(&mut self, tick: &TickCommit<'_>) -> Result<(), StoreError>;
}

/// What one tick changes in the stats store. At most one change a key.
#[derive(Clone, Copy, Debug)]
pub struct TickCommit<'a> {
    /// The epoch that [`StatsStore::take_epoch`] gave.
    pub epoch: u64,
    /// The tick, above all earlier ones.
    pub tick: u64,
    /// Per partition the next offset to read behind what this tick has written.
    pub offsets: &'a [Offset],
    /// Rows that are new or other than before.
    pub upserts: &'a [RouteStatsRow],
    /// Rows that are gone.
    pub deletes: &'a [RouteKey],
    /// Records that were no canonical events.
    pub dead_letters: &'a [StoredDeadLetter],
}

/// The key of a row of `route_stats_daily`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// Day (UTC).
    pub stat_date: Day,
    /// Region of the sellers.
    pub seller_region: String,
    /// Region of the customers.
    pub customer_region: String,
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
    /// The identity of the log that the views are made from.
    pub topic_id: String,
}

#[cfg(test)]
mod tests;
