//! How orders go: the status, which columns are filled and which are out of order, at real rates.
//!
//! Every block of 99,441 orders in a row has each way exactly as often as the real data has it,
//! spread evenly; so smaller data has its share of the rare ones too.

use super::random::{Random, Stream};

/// Orders of the real data.
pub(super) const REAL_ORDERS: u64 = 99_441;
/// Orders of the real data that have an item.
const WITH_ITEM: u64 = 98_666;

/// When something happened, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Never,
    /// After what comes before it.
    InOrder,
    /// The carrier before the purchase.
    BeforePurchase,
    /// The carrier between purchase and approval; a delivery before the approval.
    BeforeApproval,
    /// The delivery before the carrier.
    BeforeCarrier,
}

/// One way for an order to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// How many orders of the real data went this way.
    orders: u64,
    pub(super) status: &'static str,
    pub(super) approved: bool,
    pub(super) carried: When,
    pub(super) delivered: When,
    pub(super) has_item: bool,
}

const fn life(
    orders: u64,
    status: &'static str,
    approved: bool,
    carried: When,
    delivered: When,
    has_item: bool,
) -> Life {
    Life {
        orders,
        status,
        approved,
        carried,
        delivered,
        has_item,
    }
}

const LIVES: [Life; 25] = {
    use When::{BeforeApproval, BeforeCarrier, BeforePurchase, InOrder, Never};
    [
        life(95_082, "delivered", true, InOrder, InOrder, true),
        life(165, "delivered", true, BeforePurchase, InOrder, true),
        life(1_124, "delivered", true, BeforeApproval, InOrder, true),
        life(61, "delivered", true, BeforeApproval, BeforeApproval, true),
        life(23, "delivered", true, InOrder, BeforeCarrier, true),
        life(14, "delivered", false, InOrder, InOrder, true),
        life(7, "delivered", true, InOrder, Never, true),
        life(1, "delivered", true, Never, Never, true),
        life(1, "delivered", true, Never, InOrder, true),
        life(1_097, "shipped", true, InOrder, Never, true),
        life(1, "shipped", true, BeforePurchase, Never, true),
        life(8, "shipped", true, BeforeApproval, Never, true),
        life(1, "shipped", true, InOrder, Never, false),
        life(603, "unavailable", true, Never, Never, false),
        life(6, "unavailable", true, Never, Never, true),
        life(386, "canceled", true, Never, Never, true),
        life(141, "canceled", false, Never, Never, false),
        life(69, "canceled", true, InOrder, Never, true),
        life(23, "canceled", true, Never, Never, false),
        life(6, "canceled", true, InOrder, InOrder, true),
        life(312, "invoiced", true, Never, Never, true),
        life(2, "invoiced", true, Never, Never, false),
        life(301, "processing", true, Never, Never, true),
        life(5, "created", false, Never, Never, false),
        life(2, "approved", true, Never, Never, true),
    ]
};

/// How many items orders have: items, orders of the real data, those of them with two sellers.
const ITEMS: [(u64, u64, u64); 17] = [
    (1, 88_863, 0),
    (2, 7_516, 960),
    (3, 1_322, 203),
    (4, 505, 68),
    (5, 204, 18),
    (6, 198, 11),
    (7, 22, 10),
    (8, 8, 3),
    (9, 3, 0),
    (10, 8, 3),
    (11, 4, 2),
    (12, 5, 0),
    (13, 1, 0),
    (14, 2, 0),
    (15, 2, 0),
    (20, 2, 0),
    (21, 1, 0),
];

/// The items of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Items {
    pub(super) count: u64,
    pub(super) two_sellers: bool,
}

impl Items {
    pub(super) const NONE: Self = Self {
        count: 0,
        two_sellers: false,
    };
}

/// Deals out the ways.
pub(super) struct Lives {
    offsets: [u64; 2],
}

/// Steps that visit every slot once before any twice, far apart: no common factor with the number
/// of slots, near its golden section.
const LIFE_STEP: u64 = 61_457;
const ITEMS_STEP: u64 = 60_979;

impl Lives {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, Stream::Slots, 0);
        Self {
            offsets: [random.below(REAL_ORDERS), random.below(WITH_ITEM)],
        }
    }

    /// How an order goes.
    pub(super) fn life(&self, number: u64) -> &'static Life {
        let mut slot = slot(number, LIFE_STEP, self.offsets[0], REAL_ORDERS);
        let life = LIVES.iter().find(|life| {
            let here = slot < life.orders;
            slot = slot.wrapping_sub(life.orders);
            here
        });
        life.expect("a slot is below the number of real orders")
    }

    /// What is in an order that has an item.
    pub(super) fn items(&self, number: u64) -> Items {
        let mut slot = slot(number, ITEMS_STEP, self.offsets[1], WITH_ITEM);
        for (count, orders, two_sellers) in ITEMS {
            if slot < orders {
                return Items {
                    count,
                    two_sellers: slot < two_sellers,
                };
            }
            slot -= orders;
        }
        unreachable!("a slot is below the number of real orders with an item");
    }
}

fn slot(number: u64, step: u64, offset: u64, slots: u64) -> u64 {
    (number % slots * step + offset) % slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_hold_all_orders_of_the_real_data() {
        assert_eq!(
            LIVES.iter().map(|life| life.orders).sum::<u64>(),
            REAL_ORDERS
        );
        assert_eq!(
            ITEMS.iter().map(|(_, orders, _)| orders).sum::<u64>(),
            WITH_ITEM
        );
        let with_item = LIVES.iter().filter(|life| life.has_item);
        assert_eq!(with_item.map(|life| life.orders).sum::<u64>(), WITH_ITEM);
        assert_eq!(ITEMS.iter().map(|(_, _, two)| two).sum::<u64>(), 1_278);
    }

    #[test]
    fn a_step_visits_every_slot_once() {
        for (step, slots) in [(LIFE_STEP, REAL_ORDERS), (ITEMS_STEP, WITH_ITEM)] {
            let mut seen = vec![false; slots as usize];
            for number in 0..slots {
                let slot = slot(number, step, 17, slots) as usize;
                assert!(!std::mem::replace(&mut seen[slot], true), "{slot} twice");
            }
        }
    }
}
