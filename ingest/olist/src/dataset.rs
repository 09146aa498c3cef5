//! A data set, read whole: every accepted order in memory, packed, and what was rejected.
//!
//! | table | bytes an entry | index | while |
//! |---|---|---|---|
//! | orders | 76 | 5.7-11.4, 17.1 while it grows | to the end |
//! | customers, sellers | 20 | the same | until the orders (items) are read |
//! | items but each order's lowest | 36 | the same | until the items are read |
//! | keys of rejected rows | 28 | the same | to the end |
//! | orders that an item row takes along | 16 | 2 | to the end |
//!
//! So an order takes at most 93 bytes and its customer 31 beside it, an item at most 53; where
//! `duplicates = "reject"`, each customer, seller and item 4 more. An id that
//! is not 32 lower-case hex digits and has more than 15 bytes takes its own length on top, once for
//! the order and all its items; a state 34 bytes, once for each different one. Once a reference
//! matches nothing, its table takes 16 bytes a key more to say whether only case or blanks differ.
//! Beyond that there are one row and one block of the file (about 1.2 MiB), the decoder of an
//! archive (Zstandard: at most 128 MiB, by its frame), one batch of a Parquet file (8,192 rows) and
//! at most 100,000 rejects.

mod items;
mod needs;
mod orders;
mod regions;

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use eip_contract::{EventTime, Reject, RejectReason, RowPlace};
use serde::{Deserialize, Serialize};

use crate::alike::Alike;
use crate::description::Description;
use crate::error::OlistError;
use crate::files::{DataFiles, TABLES};
use crate::joins::Joins;
use crate::keyed::{Entry as _, Keyed, Probe};
use crate::limits::Limits;
use crate::regions::States;
use crate::rejected::RejectedKeys;
use crate::rejects::{RejectCount, Rejects};
use crate::row::OrderRow;
use crate::source::Source;
use crate::table::{CUSTOMERS, FinishedTable, ITEMS, ORDERS, Places, SELLERS, Table};
use orders::Order;

/// Version of what reading makes of given bytes. It changes when the same files may lead to other
/// events than before: 1 read the plain forms alone; 2 reads section 1 and `dataset.toml` whole.
pub const READER_VERSION: u32 = 2;

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name inside the folder, without `.gz` or `.zst`.
    pub name: String,
    /// The table that it is of, one of [`TABLES`].
    pub table: String,
    /// Rows after the header, rejected ones too.
    pub rows: u64,
    /// Lower-case hex SHA-256 of the unpacked bytes.
    pub sha256: String,
}

/// How many rows of a table became what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCounts {
    /// The table, one of [`TABLES`].
    pub table: String,
    /// Rows, all its files together.
    pub rows: u64,
    /// Rejected rows, without repeated and replaced ones.
    pub rejected: u64,
    /// Rows that repeat an accepted one.
    pub repeated: u64,
    /// Rejected rows that contradict another of their key.
    pub contradicting: u64,
    /// Rows in whose place a later one of their key counts.
    pub replaced: u64,
}

/// Rows of a table that may have swallowed others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwallowingRows {
    /// How many.
    pub count: u64,
    /// Where the first are.
    pub places: Vec<RowPlace>,
}

/// Orders that go with a rejected row, by the table of that row; each order is counted once, with
/// the items before the customer before the seller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependentOrders {
    /// A rejected item row names it.
    pub items: u64,
    /// All rows of its customer were rejected.
    pub customers: u64,
    /// All rows of its seller were rejected.
    pub sellers: u64,
}

/// What becomes of a reference that matches no row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum References {
    /// It is unknown.
    Open,
    /// The row that has it is rejected.
    Closed,
}

/// All accepted orders of four tables, joined.
pub struct Dataset {
    references: References,
    states: States,
    orders: Keyed<Order>,
    /// Accepted orders that are none in the end, because of a row that they need.
    dropped: u64,
    dependents: DependentOrders,
    /// Orders that a rejected row names; some may have an accepted row too.
    rejected: RejectedKeys,
    rejects: Rejects,
    joins: Joins,
    files: Vec<InputFile>,
    description: Option<String>,
    order_places: Places,
    alike_orders: Alike,
    swallowing: [SwallowingRows; 4],
}

/// Where a table is in [`TABLES`].
pub(crate) const SELLERS_AT: usize = 0;
pub(crate) const CUSTOMERS_AT: usize = 1;
pub(crate) const ORDERS_AT: usize = 2;
pub(crate) const ITEMS_AT: usize = 3;

/// What is left of a join table once it is read: its rejected keys and where they are.
struct Rest {
    rejected: RejectedKeys,
    places: Places,
}

impl Dataset {
    /// Reads the data set of a folder to its end: the four files of Olist, each plain or packed, or
    /// what the folder's `dataset.toml` says.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Self, OlistError> {
        Self::read_files(References::Open, DataFiles::find(folder)?, limits)
    }

    /// Reads a folder as if it held this `dataset.toml`, and no other.
    pub fn open_with(
        folder: &Path,
        description: &Description,
        limits: &Limits,
    ) -> Result<Self, OlistError> {
        let files = DataFiles::described(folder, Some(description))?;
        Self::read_files(References::Open, files, limits)
    }

    /// Reads the four files in Olist's form, in the order of [`crate::FILES`], from any streams.
    pub fn read(sources: [Source; 4], limits: &Limits) -> Result<Self, OlistError> {
        Self::read_files(References::Open, DataFiles::of_streams(sources), limits)
    }

    /// As [`Dataset::read`] for input that has to be whole by itself: a row with a reference that no
    /// accepted row of these files has is a reject ([`RejectReason::Unresolved`]), and so is an item
    /// without an order. An empty reference stays unknown: there is nothing to bring.
    pub fn read_closed(sources: [Source; 4], limits: &Limits) -> Result<Self, OlistError> {
        Self::read_files(References::Closed, DataFiles::of_streams(sources), limits)
    }

    fn read_files(
        references: References,
        files: DataFiles,
        limits: &Limits,
    ) -> Result<Self, OlistError> {
        let mut data = Self {
            references,
            states: States::new(),
            orders: Keyed::default(),
            dropped: 0,
            dependents: DependentOrders::default(),
            rejected: RejectedKeys::default(),
            rejects: Rejects::default(),
            joins: Joins::default(),
            files: Vec::with_capacity(4),
            description: files.description,
            order_places: Places::default(),
            alike_orders: Alike::default(),
            swallowing: Default::default(),
        };
        let [sellers, customers, orders, items] = files.tables;
        let sellers = Table::new(&SELLERS, sellers, limits);
        let (mut sellers, seller_places) = data.read_regions(SELLERS_AT, sellers)?;
        let customers = Table::new(&CUSTOMERS, customers, limits);
        let (mut customers, customer_places) = data.read_regions(CUSTOMERS_AT, customers)?;
        data.read_orders(Table::new(&ORDERS, orders, limits), &mut customers)?;
        data.joins.customers_without_order = customers.unused();
        let customers = Rest {
            rejected: customers.rejected,
            places: customer_places,
        };
        let (needed, item_places) =
            data.read_items(Table::new(&ITEMS, items, limits), &mut sellers)?;
        data.joins.sellers_without_item = sellers.unused();
        let sellers = Rest {
            rejected: sellers.rejected,
            places: seller_places,
        };
        data.alike_orders = Alike::default();
        data.drop_dependents(&needed, &item_places, &customers, &sellers);
        Ok(data)
    }

    /// Keeps what a table knows once all its rows are read, and returns the places of its rows.
    fn finish<const N: usize>(&mut self, at: usize, table: Table<N>) -> Places {
        let FinishedTable {
            files,
            places,
            swallowing,
        } = table.finish();
        self.files.extend(files.into_iter().map(|file| InputFile {
            name: file.name,
            table: TABLES[at].to_owned(),
            rows: file.rows,
            sha256: file.sha256,
        }));
        self.swallowing[at] = SwallowingRows {
            count: swallowing.count,
            places: swallowing
                .first
                .into_iter()
                .map(|at| places.place(at))
                .collect(),
        };
        places
    }

    /// How many orders were accepted.
    pub fn order_count(&self) -> u64 {
        self.orders.len() as u64 - self.dropped
    }

    /// The files as they were read, table by table in the order of [`TABLES`].
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Lower-case hex SHA-256 of the `dataset.toml`, where the folder has one.
    pub fn description_sha256(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The first rejects, at most [`crate::MAX_KEPT_REJECTS`], table by table in the order of
    /// [`TABLES`]; orders that go with another row come last.
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects.kept
    }

    /// How many rows were rejected, whether their rejects are kept or not.
    pub fn reject_count(&self) -> u64 {
        self.rejects.count()
    }

    /// How many rows of each file were rejected for each reason, with samples.
    pub fn rejects_by_reason(&self) -> impl Iterator<Item = RejectCount> {
        self.rejects.counts()
    }

    /// How many rows of each table became what, in the order of [`TABLES`].
    pub fn table_counts(&self) -> [TableCounts; 4] {
        std::array::from_fn(|at| {
            let files = self.files.iter().filter(|file| file.table == TABLES[at]);
            let of = |reason| self.rejects.of_table(at, |other| other == reason);
            TableCounts {
                table: TABLES[at].to_owned(),
                rows: files.map(|file| file.rows).sum(),
                rejected: self.rejects.of_table(at, |reason| !reason.is_harmless()),
                repeated: of(RejectReason::Repeated),
                contradicting: of(RejectReason::Contradicting),
                replaced: of(RejectReason::Replaced),
            }
        })
    }

    /// Orders that are rejected because of a row of another table.
    pub fn dependent_orders(&self) -> DependentOrders {
        self.dependents
    }

    /// What does not join.
    pub fn joins(&self) -> &Joins {
        &self.joins
    }

    /// Rows of the orders that may have swallowed others (semantics, section 5).
    pub fn swallowing_orders(&self) -> &SwallowingRows {
        &self.swallowing[ORDERS_AT]
    }

    /// Rows of the items that may have swallowed others.
    pub fn swallowing_items(&self) -> &SwallowingRows {
        &self.swallowing[ITEMS_AT]
    }

    /// Orders that a rejected row names or that go with one, and that have no accepted row. A window
    /// run leaves them as they are.
    pub fn rejected_orders(&self) -> impl Iterator<Item = Cow<'_, str>> {
        // Only a row that was accepted at first has an entry; it speaks for its order.
        let has_entry = |id: &str| self.orders.find(Probe::of_text(id.as_bytes()), 0).is_some();
        let named = self.rejected.texts().filter(move |id| !has_entry(id));
        let dropped = (0..).zip(self.orders.entries().iter());
        let dropped = dropped.filter(|(_, order)| order.is_dropped());
        named.chain(dropped.map(|(index, _)| Cow::Owned(self.orders.text_of(index))))
    }

    /// Whether an order is among [`Dataset::rejected_orders`].
    pub fn is_rejected_order(&self, order_id: &str) -> bool {
        let probe = Probe::of_text(order_id.as_bytes());
        match self.orders.find(probe, 0) {
            Some(index) => self.orders.entries().get(index as usize).is_dropped(),
            None => self.rejected.find(probe).is_some(),
        }
    }

    /// Rejected rows of the orders whose `order_id` could not be read: the first, at most
    /// [`crate::MAX_KEPT_REJECTS`]; and how many there are in all.
    pub fn unnamed_rejects(&self) -> (&[RowPlace], u64) {
        (&self.rejects.unnamed, self.rejects.unnamed_count)
    }

    /// Every accepted order with its place ([`Dataset::order`]), in the order of the files, until `f`
    /// fails.
    pub fn for_each_order<E>(
        &self,
        mut f: impl FnMut(u64, &OrderRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut room = [0; 32];
        for (place, order) in (0..).zip(self.orders.entries().iter()) {
            if !order.is_dropped() {
                let order_id = self.orders.text(order.key(), &mut room);
                f(place, &order.row(order_id, &self.states))?;
            }
        }
        Ok(())
    }

    /// The accepted order at a place that [`Dataset::for_each_order`] gave; `room` holds its
    /// `order_id`.
    pub fn order<'a>(&'a self, place: u64, room: &'a mut [u8; 32]) -> OrderRow<'a> {
        let order = self.orders.entries().get(place as usize);
        order.row(self.orders.text(order.key(), room), &self.states)
    }

    /// The accepted order with this id.
    pub fn find<'a>(&'a self, order_id: &'a str) -> Option<OrderRow<'a>> {
        let index = self.find_index(order_id)?;
        let order = self.orders.entries().get(index as usize);
        Some(order.row(order_id, &self.states))
    }

    /// Where the accepted row of this order begins.
    pub fn place_of(&self, order_id: &str) -> Option<RowPlace> {
        let index = self.find_index(order_id)?;
        let order = self.orders.entries().get(index as usize);
        Some(self.order_places.place(order.position()))
    }

    /// The greatest of all purchase, approved, carrier and delivered times of the accepted orders;
    /// `None` when there is no order.
    pub fn default_as_of(&self) -> Option<EventTime> {
        let orders = self
            .orders
            .entries()
            .iter()
            .filter(|order| !order.is_dropped());
        orders.filter_map(Order::last_time).max()
    }

    fn find_index(&self, order_id: &str) -> Option<u32> {
        let index = self.orders.find(Probe::of_text(order_id.as_bytes()), 0)?;
        let order = self.orders.entries().get(index as usize);
        (!order.is_dropped()).then_some(index)
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("orders", &self.order_count())
            .field("rejects", &self.reject_count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
