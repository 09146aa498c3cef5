//! A data set, read whole: every accepted order in memory, packed, and what was rejected.
//!
//! | table | bytes an entry | index | while |
//! |---|---|---|---|
//! | orders | 60 | 5.7-11.4, 17.1 while it grows | to the end |
//! | customers, sellers | 20 | the same | until the orders (items) are read |
//! | items but each order's lowest | 28 | the same | until the items are read |
//! | names of rejected orders | 20 | the same | to the end |
//!
//! So an order takes at most 77 bytes and its customer 31 beside it, an item at most 45. An id that
//! is not 32 lower-case hex digits and has more than 15 bytes takes its own length on top, once for
//! the order and all its items; a state 34 bytes, once for each different one.
//! Beyond that there are one row and one block of the file (about 1.2 MiB), the gzip decoder and
//! at most 100,000 rejects.

mod items;
mod orders;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use eip_contract::reject::is_region;
use eip_contract::{EventTime, Reject, RejectReason};
use serde::{Deserialize, Serialize};

use crate::error::OlistError;
use crate::keyed::{Entry as _, KeyOnly, Keyed, Probe};
use crate::limits::Limits;
use crate::regions::{Regions, States};
use crate::rejects::Rejects;
use crate::row::OrderRow;
use crate::source::{FILES, Source, hex};
use crate::table::{CUSTOMERS, ITEMS, ORDERS, SELLERS, Table, key};
use orders::Order;

/// One file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name, without folder and `.gz`.
    pub name: String,
    /// Rows behind the header, rejected ones too.
    pub rows: u64,
    /// Lower-case hex SHA-256 of the unpacked bytes.
    pub sha256: String,
}

/// A row that only its place can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Name of the file, without folder and `.gz`.
    pub file: &'static str,
    /// Line on which the row begins.
    pub line: u64,
}

/// What becomes of a reference that matches no accepted row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum References {
    /// It is unknown.
    Open,
    /// The row that has it is rejected.
    Closed,
}

/// All accepted orders of four files, joined.
pub struct Dataset {
    references: References,
    states: States,
    orders: Keyed<Order>,
    /// Orders that a rejected row names; some may have an accepted row too.
    rejected: Keyed<KeyOnly>,
    rejects: Rejects,
    files: Vec<InputFile>,
    as_of: Option<EventTime>,
}

impl Dataset {
    /// Reads the four files of a folder, each plain or as `.gz`, to their ends.
    pub fn open(folder: &Path, limits: &Limits) -> Result<Self, OlistError> {
        let [sellers, customers, orders, items] = FILES.map(|name| Source::open(folder, name));
        Self::read([sellers?, customers?, orders?, items?], limits)
    }

    /// Reads the four files, in the order of [`FILES`], from any streams.
    pub fn read(sources: [Source; 4], limits: &Limits) -> Result<Self, OlistError> {
        Self::read_with(References::Open, sources, limits)
    }

    /// As [`Dataset::read`] for input that has to be whole by itself: a row with a reference that no
    /// accepted row of these files has is a reject ([`RejectReason::Unresolved`]), and so is an item
    /// without an accepted order. An empty reference stays unknown: there is nothing to bring.
    pub fn read_closed(sources: [Source; 4], limits: &Limits) -> Result<Self, OlistError> {
        Self::read_with(References::Closed, sources, limits)
    }

    fn read_with(
        references: References,
        sources: [Source; 4],
        limits: &Limits,
    ) -> Result<Self, OlistError> {
        let mut data = Self {
            references,
            states: States::new(),
            orders: Keyed::default(),
            rejected: Keyed::default(),
            rejects: Rejects::default(),
            files: Vec::with_capacity(4),
            as_of: None,
        };
        let [sellers, customers, orders, items] = sources;
        let sellers = data.read_regions(Table::open(&SELLERS, sellers, limits)?)?;
        let customers = data.read_regions(Table::open(&CUSTOMERS, customers, limits)?)?;
        data.read_orders(Table::open(&ORDERS, orders, limits)?, &customers)?;
        drop(customers);
        data.read_items(Table::open(&ITEMS, items, limits)?, &sellers)?;
        Ok(data)
    }

    fn read_regions(&mut self, mut table: Table<2>) -> Result<Regions, OlistError> {
        let mut regions = Regions::default();
        while let Some(row) = table.next()? {
            let [id_column, state_column] = row.layout.columns;
            let added = row.values.and_then(|[id, state]| {
                let id = key(id).map_err(|reason| (id_column, reason))?;
                if !is_region(state) {
                    return Err((state_column, state_fault(state)));
                }
                let state = self.states.number(state);
                let added = regions.add(id, state);
                added
                    .then_some(())
                    .ok_or((id_column, RejectReason::Duplicate))
            });
            if let Err((field, reason)) = added {
                self.rejects
                    .add(row.layout.file, row.line, field, reason, None);
            }
        }
        self.finish(&table);
        Ok(regions)
    }

    /// Rejects a reference that leads nowhere, where that matters.
    #[inline]
    fn check_reference(&self, regions: &Regions, reference: &[u8]) -> Result<(), RejectReason> {
        let is_free = self.references == References::Open || reference.is_empty();
        if is_free || regions.has(reference) {
            Ok(())
        } else {
            Err(RejectReason::Unresolved)
        }
    }

    fn finish<const N: usize>(&mut self, table: &Table<N>) {
        self.files.push(InputFile {
            name: table.layout.file.to_owned(),
            rows: table.rows(),
            sha256: hex(&table.sha256()),
        });
    }

    /// The greatest of all purchase, approved, carrier and delivered times of the accepted orders;
    /// `None` when there is no order.
    pub fn default_as_of(&self) -> Option<EventTime> {
        self.as_of
    }

    /// How many orders were accepted.
    pub fn order_count(&self) -> u64 {
        self.orders.len() as u64
    }

    /// The four files as they were read, in the order of [`FILES`].
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// The first rejects, at most [`crate::MAX_KEPT_REJECTS`], file by file in the order of [`FILES`].
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects.kept
    }

    /// How many rows were rejected, whether their rejects are kept or not.
    pub fn reject_count(&self) -> u64 {
        self.rejects.counts.values().sum()
    }

    /// How many rows of each file were rejected for each reason.
    pub fn rejects_by_reason(&self) -> &BTreeMap<(&'static str, RejectReason), u64> {
        &self.rejects.counts
    }

    /// Orders that have a rejected row in the orders file and no accepted one. A window run leaves
    /// them as they are.
    pub fn rejected_orders(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let accepted = |id: &str| self.find_index(id).is_some();
        self.rejected.texts().filter(move |id| !accepted(id))
    }

    /// Whether an order is among [`Dataset::rejected_orders`].
    pub fn is_rejected_order(&self, order_id: &str) -> bool {
        let rejected = self
            .rejected
            .find(Probe::of_text(order_id.as_bytes()), 0)
            .is_some();
        rejected && self.find_index(order_id).is_none()
    }

    /// Rejected rows of the orders file whose `order_id` could not be read: the first, at most
    /// [`crate::MAX_KEPT_REJECTS`]; and how many there are in all.
    pub fn unnamed_rejects(&self) -> (impl Iterator<Item = Position>, u64) {
        let rows = self.rejects.unnamed.iter();
        let rows = rows.map(|&line| Position {
            file: ORDERS.file,
            line,
        });
        (rows, self.rejects.unnamed_count)
    }

    /// Every accepted order in the order of the file, until `f` fails.
    pub fn for_each_order<E>(
        &self,
        mut f: impl FnMut(&OrderRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut room = [0; 32];
        for order in self.orders.entries().iter() {
            let order_id = self.orders.text(order.key(), &mut room);
            f(&order.row(order_id, &self.states))?;
        }
        Ok(())
    }

    /// The accepted order at a place below [`Dataset::order_count`]; `room` holds its `order_id`.
    pub fn order<'a>(&'a self, place: u64, room: &'a mut [u8; 32]) -> OrderRow<'a> {
        let order = self.orders.entries().get(place as usize);
        order.row(self.orders.text(order.key(), room), &self.states)
    }

    /// The accepted order with this id.
    pub fn find<'a>(&'a self, order_id: &'a str) -> Option<OrderRow<'a>> {
        let index = self.find_index(order_id)?;
        Some(
            self.orders
                .entries()
                .get(index as usize)
                .row(order_id, &self.states),
        )
    }

    /// The line on which the accepted row of this order begins, for a reject that only the rules make.
    pub fn line_of(&self, order_id: &str) -> Option<u64> {
        let index = self.find_index(order_id)?;
        Some(self.orders.entries().get(index as usize).line())
    }

    fn find_index(&self, order_id: &str) -> Option<u32> {
        self.orders.find(Probe::of_text(order_id.as_bytes()), 0)
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("orders", &self.order_count())
            .field("rejects", &self.reject_count())
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

fn state_fault(state: &[u8]) -> RejectReason {
    if eip_contract::reject::has_control(state) {
        RejectReason::Control
    } else {
        RejectReason::StateTooLong
    }
}

#[cfg(test)]
mod tests;
