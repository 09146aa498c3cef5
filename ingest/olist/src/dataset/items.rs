//! The rows of the items → each order's seller: that of its lowest `order_item_id`.

use eip_contract::{Reject, RejectReason, RowPlace};
use hashbrown::{DefaultHashBuilder, HashMap};

use super::needs::NeededItems;
use super::orders::{AddedItem, hash_of, region_of};
use super::{Dataset, ITEMS_AT, References};
use crate::arena::Chunks;
use crate::error::OlistError;
use crate::format::{Duplicates, whole_number};
use crate::keyed::{Entry, Form, Key, KeyBits, Keyed, Probe, from_bits, to_bits};
use crate::regions::{Place, Regions};
use crate::rejects::reject;
use crate::table::{Fault, Places, RawRow, Table, key};

const ORDER: usize = 0;
const NUMBER: usize = 1;
const SELLER: usize = 2;

/// The key of an accepted item, 36 bytes, to know a second one. An order keeps its lowest number
/// itself, so that only its other items are here, and those of orders that are not accepted; with
/// `duplicates = "reject"`, all are here.
struct Item {
    bits: KeyBits,
    number: [u32; 2],
    /// Hash of `seller_id`.
    seller: [u32; 2],
    form: Form,
    is_void: bool,
}

impl Entry for Item {
    fn key(&self) -> Key {
        Key {
            form: self.form,
            bits: from_bits(self.bits),
        }
    }

    fn number(&self) -> u64 {
        u64::from(self.number[1]) << 32 | u64::from(self.number[0])
    }
}

/// Items by order and number.
struct Items {
    table: Keyed<Item>,
    duplicates: Duplicates,
    hasher: DefaultHashBuilder,
    /// With [`Duplicates::Reject`], the position of each entry's row.
    positions: Chunks<u32>,
    /// With [`Duplicates::Reject`], rows that were accepted until another contradicted them.
    contradicted: Vec<(u64, Vec<u8>)>,
}

/// Whether an item is a second one, and what it is then rejected for.
type Again = Option<RejectReason>;

impl Items {
    /// Adds an item that is kept here.
    fn add(
        &mut self,
        order: Probe<'_>,
        order_id: &[u8],
        number: u64,
        seller: u64,
        position: u64,
    ) -> Again {
        let Some(index) = self.table.find(order, number) else {
            self.table.insert(order, number, |Key { form, bits }| Item {
                bits: to_bits(bits),
                number: [number as u32, (number >> 32) as u32],
                seller: [seller as u32, (seller >> 32) as u32],
                form,
                is_void: false,
            });
            if self.duplicates == Duplicates::Reject {
                self.positions
                    .push(u32::try_from(position).unwrap_or(u32::MAX));
            }
            return None;
        };
        let known = self.table.get_mut(index);
        let is_same = known.seller == [seller as u32, (seller >> 32) as u32];
        if is_same && !known.is_void {
            return Some(RejectReason::Repeated);
        }
        Some(match self.duplicates {
            Duplicates::First => RejectReason::Contradicting,
            Duplicates::Last => {
                known.seller = [seller as u32, (seller >> 32) as u32];
                RejectReason::Replaced
            }
            Duplicates::Reject => {
                if !known.is_void {
                    known.is_void = true;
                    let first = u64::from(*self.positions.get(index as usize));
                    self.contradicted.push((first, order_id.to_vec()));
                }
                RejectReason::Contradicting
            }
        })
    }
}

impl Dataset {
    /// Returns the orders that a rejected row names, and the places of the rows.
    pub(super) fn read_items(
        &mut self,
        mut table: Table<3>,
        sellers: &mut Regions,
    ) -> Result<(NeededItems, Places), OlistError> {
        let description = table.description();
        let mut items = Items {
            table: Keyed::default(),
            duplicates: description.format.duplicates,
            hasher: DefaultHashBuilder::default(),
            positions: Chunks::default(),
            contradicted: Vec::new(),
        };
        let mut needed: NeededItems = HashMap::new();
        while let Some(row) = table.next()? {
            let added = row
                .values
                .and_then(|values| self.add_item(&mut items, sellers, &row, values));
            let fault = match added {
                Ok(None) => continue,
                Ok(Some(reason)) => Fault::of(NUMBER, reason),
                Err(fault) => fault,
            };
            let order_id = row.first.filter(|id| key(id).is_ok());
            let order_id = order_id.and_then(|id| std::str::from_utf8(id).ok());
            // A duplicate's key has an accepted row; nobody misses it.
            let is_missed = added.is_err();
            if let Some(order_id) = order_id.filter(|_| is_missed)
                && let Some(index) = self.orders.find(Probe::of_text(order_id.as_bytes()), 0)
            {
                needed.entry(index).or_insert(row.position);
            }
            self.rejects.add(ITEMS_AT, row.reject(fault, order_id));
        }
        let field = description.name_of(table.layout.columns[NUMBER]).to_owned();
        let places = self.finish(ITEMS_AT, table);
        for (position, order_id) in items.contradicted {
            if let Some(index) = self.orders.find(Probe::of_text(&order_id), 0) {
                needed.entry(index).or_insert(position);
            }
            self.rejects.add(
                ITEMS_AT,
                contradicted(places.place(position), &field, &order_id),
            );
        }
        Ok((needed, places))
    }

    #[inline]
    fn add_item(
        &mut self,
        items: &mut Items,
        sellers: &mut Regions,
        row: &RawRow<'_, 3>,
        [order_id, number, seller_id]: [&[u8]; 3],
    ) -> Result<Again, Fault> {
        let order = key(order_id).map_err(|reason| Fault::of(ORDER, reason))?;
        let number = whole_number(number).ok_or(Fault::of(NUMBER, RejectReason::NotANumber))?;
        let index = self.orders.find(order, 0);
        let is_closed = self.references == References::Closed;
        let has_order = index.is_some() || self.rejected.find(order).is_some();
        if index.is_none() && is_closed {
            return Err(Fault::of(ORDER, RejectReason::Unresolved));
        }
        let seller = sellers.look_up(seller_id);
        let leads_nowhere = seller == Place::Nowhere && !seller_id.is_empty();
        let is_accepted = matches!(seller, Place::State(_)) || seller_id.is_empty();
        if !is_accepted && is_closed {
            return Err(Fault::of(SELLER, RejectReason::Unresolved));
        }
        let hash = hash_of(&items.hasher, &[seller_id]);
        let again = match index {
            Some(index) => self.give_item(
                items,
                index,
                order_id,
                (number, region_of(seller), hash),
                row.position,
            ),
            None => items.add(order, order_id, number, hash, row.position),
        };
        if again.is_none() && leads_nowhere {
            let alike = sellers.alike(seller_id);
            self.joins
                .items_without_seller
                .add(row.place(), seller_id, alike);
        }
        if again.is_none() && !has_order {
            let alike = self.alike_orders.find(&self.orders, order_id);
            self.joins
                .items_without_order
                .add(row.place(), order_id, alike);
        }
        Ok(again)
    }

    /// Gives an item to its order.
    #[inline]
    fn give_item(
        &mut self,
        items: &mut Items,
        index: u32,
        order_id: &[u8],
        (number, seller, hash): (u64, u32, u64),
        position: u64,
    ) -> Again {
        let order = Probe::of_index(index);
        if items.duplicates == Duplicates::Reject {
            let again = items.add(order, order_id, number, hash, position);
            if again.is_none() {
                self.orders.get_mut(index).add_item(number, seller, hash);
            }
            return again;
        }
        match self.orders.get_mut(index).add_item(number, seller, hash) {
            AddedItem::First => None,
            AddedItem::Beside { number, seller } => {
                items.add(order, order_id, number, seller, position)
            }
            AddedItem::Again { same: true } => Some(RejectReason::Repeated),
            AddedItem::Again { same: false } if items.duplicates == Duplicates::Last => {
                self.orders.get_mut(index).set_seller(seller, hash);
                Some(RejectReason::Replaced)
            }
            AddedItem::Again { same: false } => Some(RejectReason::Contradicting),
        }
    }
}

/// The reject of a row that was accepted until another contradicted it.
fn contradicted(place: RowPlace, field: &str, order_id: &[u8]) -> Reject {
    let order_id = String::from_utf8_lossy(order_id).into_owned();
    Reject {
        order_id: Some(order_id),
        ..reject(place, field, RejectReason::Contradicting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_36_bytes() {
        assert_eq!(size_of::<Item>(), 36);
    }
}
