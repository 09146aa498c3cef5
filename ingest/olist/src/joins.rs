//! What does not join: references that lead nowhere, rows that nothing refers to, regions that are
//! unknown for it. No row is rejected for it; a summary counts and names it.

use eip_contract::RowPlace;
use serde::{Deserialize, Serialize};

/// Most samples of one kind.
const MAX_SAMPLES: usize = 5;

/// References of one kind that match no accepted row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmatched {
    /// How many, without empty ones.
    pub count: u64,
    /// How many of them would match a row if case and blanks around did not count.
    pub alike: u64,
    /// Some of them: those that are alike another key first.
    pub samples: Vec<UnmatchedSample>,
}

/// A reference that matches nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedSample {
    /// Where it is.
    #[serde(flatten)]
    pub place: RowPlace,
    /// The reference.
    pub value: String,
    /// A key that differs by case and blanks around alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alike: Option<String>,
}

/// What of a data set does not join.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joins {
    /// Orders whose `customer_id` matches no customer.
    pub orders_without_customer: Unmatched,
    /// Items whose `seller_id` matches no seller.
    pub items_without_seller: Unmatched,
    /// Items whose `order_id` matches no row of the orders, rejected or not.
    pub items_without_order: Unmatched,
    /// Accepted orders without an item.
    pub orders_without_items: u64,
    /// Accepted orders of which seller or customer has no known region.
    pub orders_of_unknown_region: u64,
    /// Accepted customers that no order refers to.
    pub customers_without_order: u64,
    /// Accepted sellers that no item refers to.
    pub sellers_without_item: u64,
}

impl Unmatched {
    #[cold]
    pub(crate) fn add(&mut self, place: RowPlace, reference: &[u8], alike: Option<String>) {
        self.count += 1;
        self.alike += u64::from(alike.is_some());
        let is_better = |sample: &UnmatchedSample| alike.is_some() && sample.alike.is_none();
        if self.samples.len() == MAX_SAMPLES {
            match self.samples.iter().position(is_better) {
                Some(worse) => drop(self.samples.remove(worse)),
                None => return,
            }
        }
        self.samples.push(UnmatchedSample {
            place,
            value: eip_contract::reject::shown(reference),
            alike,
        });
    }
}
