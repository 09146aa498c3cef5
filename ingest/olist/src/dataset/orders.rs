//! The rows of the orders → packed orders.

use std::hash::{BuildHasher as _, Hasher as _};

use eip_contract::{EventTime, RejectReason};
use hashbrown::DefaultHashBuilder;

use super::{Dataset, ORDERS_AT, References};
use crate::error::OlistError;
use crate::format::{Duplicates, Format};
use crate::keyed::{Entry, Form, Key, KeyBits, from_bits, to_bits};
use crate::regions::{Place, Regions, States, UNKNOWN_STATE};
use crate::rejects::reject;
use crate::row::{OrderRow, OrderStatus};
use crate::table::{Fault, RawRow, Table, key};

/// purchased, approved, carried, delivered, estimated: the last five columns.
type Times = [Option<EventTime>; 5];
const ID: usize = 0;
const CUSTOMER: usize = 1;
const FIRST_TIME: usize = 3;

/// One accepted order, 76 bytes.
#[derive(Debug)]
pub(super) struct Order {
    bits: KeyBits,
    /// The low 32 of the 33 bits of each time.
    times: [u32; 5],
    /// Form of the key (2 bits), status (2), whether each time is there (5), its 33rd bit (5), and
    /// the marks below.
    word: u32,
    /// The number of a state, or with [`REJECTED`] that of a rejected key.
    customer: u32,
    seller: u32,
    /// A position behind 2³² stands as the last of 32 bits.
    position: u32,
    /// The lowest `order_item_id` + 1, or 0 when there is no item; low half first.
    lowest_item: [u32; 2],
    /// Hash of that item's `seller_id`, to tell a repeated row from a contradicting one.
    lowest_seller: [u32; 2],
    /// Hash of `customer_id` and `order_status`, for the same.
    words: [u32; 2],
}

/// What became of an item that was given to its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddedItem {
    /// It is the first one.
    First,
    /// Its number is that of the lowest, and whether it names the same seller.
    Again { same: bool },
    /// There are others; this one, the higher of it and the lowest so far, is kept elsewhere.
    Beside { number: u64, seller: u64 },
}

const STATUS: u32 = 2;
const PRESENT: u32 = 4;
const HIGH: u32 = 9;
/// The order has gone with another row that was rejected.
const DROPPED: u32 = 1 << 14;
/// Two rows contradict one another and neither counts.
const VOID: u32 = 1 << 15;
/// Of `customer` and `seller`: all rows of the key were rejected.
const REJECTED: u32 = 1 << 31;

impl Entry for Order {
    fn key(&self) -> Key {
        Key {
            form: Form::from_bits(self.word),
            bits: from_bits(self.bits),
        }
    }
}

/// What a row of the orders says, beside its key.
struct Said {
    status: OrderStatus,
    times: Times,
    customer: u32,
    words: u64,
    position: u64,
}

impl Order {
    fn new(key: Key, said: &Said) -> Self {
        let mut order = Self {
            bits: to_bits(key.bits),
            times: [0; 5],
            word: key.form as u32,
            customer: UNKNOWN_STATE,
            seller: UNKNOWN_STATE,
            position: 0,
            lowest_item: [0; 2],
            lowest_seller: [0; 2],
            words: [0; 2],
        };
        order.say(said);
        order
    }

    /// Takes over what a row says.
    fn say(&mut self, said: &Said) {
        self.word &= 3;
        self.word |= (said.status as u32) << STATUS;
        self.times = [0; 5];
        for (i, time) in said.times.iter().enumerate() {
            if let Some(time) = time {
                let seconds = time.seconds() as u64;
                self.times[i] = seconds as u32;
                self.word |= 1 << (PRESENT + i as u32);
                self.word |= ((seconds >> 32) as u32) << (HIGH + i as u32);
            }
        }
        self.customer = said.customer;
        self.position = u32::try_from(said.position).unwrap_or(u32::MAX);
        self.words = halves(said.words);
    }

    /// Whether it is what a row says.
    fn is(&self, said: &Said) -> bool {
        let times = std::array::from_fn(|i| self.time(i));
        self.words == halves(said.words) && times == said.times
    }

    fn time(&self, i: usize) -> Option<EventTime> {
        if self.word >> (PRESENT + i as u32) & 1 == 0 {
            return None;
        }
        let high = i64::from(self.word >> (HIGH + i as u32) & 1) << 32;
        EventTime::from_seconds(high | i64::from(self.times[i]))
    }

    /// The greatest of its times that happened: the estimate is a plan.
    pub(super) fn last_time(&self) -> Option<EventTime> {
        (0..4).filter_map(|i| self.time(i)).max()
    }

    pub(super) fn position(&self) -> u64 {
        u64::from(self.position)
    }

    /// Whether it is no order after all.
    pub(super) fn is_dropped(&self) -> bool {
        self.word & (DROPPED | VOID) != 0
    }

    pub(super) fn drop_it(&mut self) {
        self.word |= DROPPED;
    }

    pub(super) fn has_item(&self) -> bool {
        self.lowest_item != [0; 2]
    }

    /// Whether its seller and its customer have a known region.
    pub(super) fn has_known_regions(&self) -> bool {
        self.customer != UNKNOWN_STATE && self.seller != UNKNOWN_STATE
    }

    /// The numbers of the rejected keys of its customer and its seller.
    pub(super) fn needs_rejected(&self) -> (Option<u32>, Option<u32>) {
        let number = |place: u32| (place & REJECTED != 0).then_some(place & !REJECTED);
        (number(self.customer), number(self.seller))
    }

    /// An item of this order. The lowest number is kept here and names the seller; `hash` is that of
    /// its text.
    pub(super) fn add_item(&mut self, number: u64, seller: u32, hash: u64) -> AddedItem {
        // A number is at most 2⁶³ − 1.
        let (new, lowest) = (number + 1, whole(self.lowest_item));
        if lowest == new {
            return AddedItem::Again {
                same: whole(self.lowest_seller) == hash,
            };
        }
        if lowest != 0 && new > lowest {
            return AddedItem::Beside {
                number,
                seller: hash,
            };
        }
        let before = whole(self.lowest_seller);
        self.lowest_item = halves(new);
        self.set_seller(seller, hash);
        match lowest {
            0 => AddedItem::First,
            lowest => AddedItem::Beside {
                number: lowest - 1,
                seller: before,
            },
        }
    }

    /// The seller of the lowest item.
    pub(super) fn set_seller(&mut self, seller: u32, hash: u64) {
        self.seller = seller;
        self.lowest_seller = halves(hash);
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
            has_item: self.has_item(),
            seller_region: states.get(self.seller),
            customer_region: states.get(self.customer),
        }
    }
}

fn halves(whole: u64) -> [u32; 2] {
    [whole as u32, (whole >> 32) as u32]
}

fn whole([low, high]: [u32; 2]) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// What an order keeps of where a reference leads.
pub(super) fn region_of(place: Place) -> u32 {
    match place {
        Place::State(state) => state,
        Place::Rejected(number) => REJECTED | number,
        Place::Nowhere => UNKNOWN_STATE,
    }
}

impl Dataset {
    pub(super) fn read_orders(
        &mut self,
        mut table: Table<8>,
        customers: &mut Regions,
    ) -> Result<(), OlistError> {
        let description = table.description();
        let format = &description.format;
        let hasher = DefaultHashBuilder::default();
        let mut contradicted = Vec::new();
        while let Some(row) = table.next()? {
            let added = row.values.and_then(|values| {
                let [order_id, customer_id, status, ..] = values;
                let order_id = key(order_id).map_err(|reason| Fault::of(ID, reason))?;
                let times = times(format, &row, &values)?;
                let customer = self.customer(customers, &row, customer_id)?;
                let said = Said {
                    status: OrderStatus::from_text(status),
                    times,
                    customer: region_of(customer),
                    words: hash_of(&hasher, &[customer_id, status]),
                    position: row.position,
                };
                match self.orders.find(order_id, 0) {
                    None => {
                        self.orders
                            .insert(order_id, 0, |key| Order::new(key, &said));
                        Ok(None)
                    }
                    Some(index) => Ok(Some(self.add_again(
                        index,
                        &said,
                        format,
                        &mut contradicted,
                    ))),
                }
            });
            let (fault, is_duplicate) = match added {
                Ok(None) => continue,
                Ok(Some(reason)) => (Fault::of(ID, reason), true),
                Err(fault) => (fault, false),
            };
            let order_id = row.first.filter(|id| std::str::from_utf8(id).is_ok());
            let order_id = order_id.and_then(|id| Some((id, key(id).ok()?)));
            match order_id {
                // Its key has a row that counts, or whose own reject names it.
                Some(_) if is_duplicate => {}
                Some((_, probe)) => self.rejected.add(probe, row.position),
                None => self.rejects.add_unnamed(row.place()),
            }
            let order_id = order_id.and_then(|(id, _)| std::str::from_utf8(id).ok());
            self.rejects.add(ORDERS_AT, row.reject(fault, order_id));
        }
        let field = description.name_of(table.layout.columns[ID]).to_owned();
        self.order_places = self.finish(ORDERS_AT, table);
        for index in contradicted {
            let order = self.orders.entries().get(index as usize);
            let place = self.order_places.place(order.position());
            let mut first = reject(place, &field, RejectReason::Contradicting);
            first.order_id = Some(self.orders.text_of(index));
            first.value.clone_from(&first.order_id);
            self.rejects.add(ORDERS_AT, first);
            self.dropped += 1;
        }
        Ok(())
    }

    /// A row whose key has an accepted row already: what it is rejected for.
    #[cold]
    fn add_again(
        &mut self,
        index: u32,
        said: &Said,
        format: &Format,
        contradicted: &mut Vec<u32>,
    ) -> RejectReason {
        let order = self.orders.get_mut(index);
        if order.word & VOID != 0 {
            return RejectReason::Contradicting;
        }
        if order.is(said) {
            return RejectReason::Repeated;
        }
        match format.duplicates {
            Duplicates::First => RejectReason::Contradicting,
            Duplicates::Last => {
                order.say(said);
                RejectReason::Replaced
            }
            Duplicates::Reject => {
                order.word |= VOID;
                contradicted.push(index);
                RejectReason::Contradicting
            }
        }
    }

    /// Where the customer of an order is.
    #[inline]
    fn customer(
        &mut self,
        customers: &mut Regions,
        row: &RawRow<'_, 8>,
        customer_id: &[u8],
    ) -> Result<Place, Fault> {
        let place = customers.look_up(customer_id);
        let is_accepted = matches!(place, Place::State(_)) || customer_id.is_empty();
        if !is_accepted && self.references == References::Closed {
            return Err(Fault::of(CUSTOMER, RejectReason::Unresolved));
        }
        if place == Place::Nowhere && !customer_id.is_empty() {
            let alike = customers.alike(customer_id);
            self.joins
                .orders_without_customer
                .add(row.place(), customer_id, alike);
        }
        Ok(place)
    }
}

/// A hash of texts, for as long as one data set is read.
pub(super) fn hash_of(hasher: &DefaultHashBuilder, texts: &[&[u8]]) -> u64 {
    let mut state = hasher.build_hasher();
    for text in texts {
        state.write_usize(text.len());
        state.write(text);
    }
    state.finish()
}

/// The times of a row, or the first that is wrong.
#[inline]
fn times(format: &Format, row: &RawRow<'_, 8>, values: &[&[u8]; 8]) -> Result<Times, Fault> {
    let takes_plain = format.takes_plain_times();
    let mut times = [None; 5];
    for (i, time) in times.iter_mut().enumerate() {
        let (column, text) = (FIRST_TIME + i, values[FIRST_TIME + i]);
        if text.is_empty() {
            continue;
        }
        *time = match EventTime::parse_csv(text) {
            Ok(plain) if takes_plain => Some(plain),
            _ => format
                .time(row.as_text(column, text))
                .map_err(|reason| Fault::of(column, reason))?,
        };
    }
    if times[0].is_none() {
        return Err(Fault::of(FIRST_TIME, RejectReason::Empty));
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_is_76_bytes() {
        assert_eq!(size_of::<Order>(), 76);
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
            let said = Said { status, times, customer: 2, words: 1 << 63 | 5, position: 9 };
            let mut order = Order::new(key, &said);
            for &(number, seller) in &items {
                order.add_item(number, seller, u64::from(seller) << 40);
            }
            prop_assert!(order.is(&said));
            let other = Said { words: 5, ..said };
            prop_assert!(!order.is(&other));
            order.say(&said);
            prop_assert_eq!(order.position(), 9);
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
