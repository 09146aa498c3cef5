//! The orders file → packed orders.

use eip_contract::{EventTime, RejectReason};

use super::Dataset;
use crate::error::OlistError;
use crate::keyed::{Entry, Form, Key, KeyBits, KeyOnly, from_bits, to_bits};
use crate::regions::{Regions, States, UNKNOWN_STATE};
use crate::row::{OrderRow, OrderStatus};
use crate::table::{ORDERS, Table, key};

/// purchased, approved, carried, delivered, estimated: the last five columns.
type Times = [Option<EventTime>; 5];
const FIRST_TIME: usize = 3;

/// One accepted order, 60 bytes.
#[derive(Debug)]
pub(super) struct Order {
    bits: KeyBits,
    /// The low 32 of the 33 bits of each time.
    times: [u32; 5],
    /// Form of the key (2 bits), status (2), whether each time is there (5), its 33rd bit (5).
    word: u32,
    customer: u32,
    seller: u32,
    /// On which it begins; a line behind 2³² stands as the last of 32 bits.
    line: u32,
    /// The lowest `order_item_id` + 1, or 0 when there is no item; low half first.
    lowest_item: [u32; 2],
}

/// What became of an item that was given to its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    /// It is the first one.
    First,
    /// Its number is that of the lowest.
    Again,
    /// There are others; this number, the higher of it and the lowest so far, is kept elsewhere.
    Beside(u64),
}

const STATUS: u32 = 2;
const PRESENT: u32 = 4;
const HIGH: u32 = 9;

impl Entry for Order {
    fn key(&self) -> Key {
        Key {
            form: Form::from_bits(self.word),
            bits: from_bits(self.bits),
        }
    }
}

impl Order {
    fn new(key: Key, status: OrderStatus, times: &Times, customer: u32, line: u64) -> Self {
        let mut order = Self {
            bits: to_bits(key.bits),
            times: [0; 5],
            word: key.form as u32 | (status as u32) << STATUS,
            customer,
            seller: UNKNOWN_STATE,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            lowest_item: [0; 2],
        };
        for (i, time) in times.iter().enumerate() {
            if let Some(time) = time {
                let seconds = time.seconds() as u64;
                order.times[i] = seconds as u32;
                order.word |= 1 << (PRESENT + i as u32);
                order.word |= ((seconds >> 32) as u32) << (HIGH + i as u32);
            }
        }
        order
    }

    fn time(&self, i: usize) -> Option<EventTime> {
        if self.word >> (PRESENT + i as u32) & 1 == 0 {
            return None;
        }
        let high = i64::from(self.word >> (HIGH + i as u32) & 1) << 32;
        EventTime::from_seconds(high | i64::from(self.times[i]))
    }

    pub(super) fn line(&self) -> u64 {
        u64::from(self.line)
    }

    /// An item of this order. The lowest number is kept here and names the seller.
    pub(super) fn add_item(&mut self, number: u64, seller: impl FnOnce() -> u32) -> Added {
        // A number is at most 2⁶³ − 1.
        let (new, [low, high]) = (number + 1, self.lowest_item.map(u64::from));
        let lowest = high << 32 | low;
        if lowest == new {
            return Added::Again;
        }
        if lowest == 0 || new < lowest {
            self.lowest_item = [new as u32, (new >> 32) as u32];
            self.seller = seller();
        }
        if lowest == 0 {
            Added::First
        } else {
            Added::Beside(lowest.max(new) - 1)
        }
    }

    #[inline]
    pub(super) fn row<'a>(&self, order_id: &'a str, states: &'a States) -> OrderRow<'a> {
        OrderRow {
            order_id,
            status: match self.word >> STATUS & 3 {
                0 => OrderStatus::Canceled,
                1 => OrderStatus::Unavailable,
                _ => OrderStatus::Other,
            },
            purchased: self.time(0).expect("an accepted order has a purchase time"),
            approved: self.time(1),
            carried: self.time(2),
            delivered: self.time(3),
            estimated: self.time(4),
            has_item: self.lowest_item != [0; 2],
            seller_region: states.get(self.seller),
            customer_region: states.get(self.customer),
        }
    }
}

impl Dataset {
    pub(super) fn read_orders(
        &mut self,
        mut table: Table<8>,
        customers: &Regions,
    ) -> Result<(), OlistError> {
        while let Some(row) = table.next()? {
            let accepted = row.values.and_then(|values| {
                let [order_id, customer_id, status, ..] = values;
                let order_id = key(order_id).map_err(|reason| (ORDERS.columns[0], reason))?;
                let times = times(&values)?;
                let status = OrderStatus::from_text(status);
                self.check_reference(customers, customer_id)
                    .map_err(|reason| (ORDERS.columns[1], reason))?;
                self.orders
                    .insert(order_id, 0, |key| {
                        Order::new(
                            key,
                            status,
                            &times,
                            customers.state_of(customer_id),
                            row.line,
                        )
                    })
                    .ok_or((ORDERS.columns[0], RejectReason::Duplicate))?;
                // The estimate is a plan, not something that happened.
                self.as_of = times[..4].iter().copied().fold(self.as_of, Option::max);
                Ok(())
            });
            let Err((field, reason)) = accepted else {
                continue;
            };
            let order_id = row.first.filter(|id| std::str::from_utf8(id).is_ok());
            let order_id = order_id.and_then(|id| Some((id, key(id).ok()?)));
            match order_id {
                // A duplicate has an accepted row.
                Some(_) if reason == RejectReason::Duplicate => {}
                Some((_, probe)) => {
                    self.rejected.insert(probe, 0, |key| KeyOnly::new(key, 0));
                }
                None => self.rejects.add_unnamed(row.line),
            }
            let order_id = order_id.and_then(|(id, _)| std::str::from_utf8(id).ok());
            self.rejects
                .add(ORDERS.file, row.line, field, reason, order_id);
        }
        self.finish(&table);
        Ok(())
    }
}

/// The times of a row, or the first that is wrong.
#[inline]
fn times(values: &[&[u8]; 8]) -> Result<Times, (&'static str, RejectReason)> {
    if values[FIRST_TIME].is_empty() {
        return Err((ORDERS.columns[FIRST_TIME], RejectReason::Empty));
    }
    let mut times = [None; 5];
    for (i, time) in times.iter_mut().enumerate() {
        let text = values[FIRST_TIME + i];
        if !text.is_empty() {
            let parsed = EventTime::parse_csv(text);
            *time =
                Some(parsed.map_err(|_| (ORDERS.columns[FIRST_TIME + i], RejectReason::NotATime))?);
        }
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_is_60_bytes() {
        assert_eq!(size_of::<Order>(), 60);
    }

    fn time() -> impl Strategy<Value = Option<EventTime>> {
        let last = EventTime::MAX.seconds();
        prop::option::of((0..=last).prop_map(|s| EventTime::from_seconds(s).unwrap()))
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            times in prop::array::uniform5(time()),
            status in 0..3,
            items in prop::collection::vec((0..=i64::MAX as u64, 0..3_u32), 0..4),
        ) {
            let status = [OrderStatus::Canceled, OrderStatus::Unavailable, OrderStatus::Other][status as usize];
            let purchased = times[0].unwrap_or(EventTime::MAX);
            let times = [Some(purchased), times[1], times[2], times[3], times[4]];
            let mut states = States::new();
            for state in [b"SP", b"RJ"] {
                states.number(state);
            }
            let key = Key { form: Form::Hex, bits: u128::MAX - 7 };
            let mut order = Order::new(key, status, &times, 2, 9);
            for &(number, seller) in &items {
                order.add_item(number, || seller);
            }
            prop_assert_eq!(order.key(), key);
            let seller = items.iter().min_by_key(|(number, _)| *number).map_or(0, |(_, seller)| *seller);
            let wanted = OrderRow {
                order_id: "o1", status, purchased, approved: times[1], carried: times[2], delivered: times[3],
                estimated: times[4], has_item: !items.is_empty(),
                seller_region: ["ZZ", "SP", "RJ"][seller as usize], customer_region: "RJ",
            };
            prop_assert_eq!(order.row("o1", &states), wanted);
        }
    }
}
