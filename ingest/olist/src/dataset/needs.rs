//! An order goes with a rejected row that it needs (semantics, section 1): an item row that names it,
//! or its customer's or its seller's where no other row of that key is accepted.

use eip_contract::{Reject, RejectReason};
use hashbrown::HashMap;

use super::{Dataset, ORDERS_AT, Rest};
use crate::rejects::reject;
use crate::table::{ORDERS, Places};

/// By the number of an accepted order, the position of the first rejected item row that names it.
pub(super) type NeededItems = HashMap<u32, u64>;

impl Dataset {
    /// Drops the orders that need a rejected row, and counts what does not join of those that stay.
    pub(super) fn drop_dependents(
        &mut self,
        items: &NeededItems,
        item_places: &Places,
        customers: &Rest,
        sellers: &Rest,
    ) {
        for index in 0..self.orders.len() as u32 {
            let order = self.orders.get_mut(index);
            if order.is_dropped() {
                continue;
            }
            let (customer, seller) = order.needs_rejected();
            let of = |rest: &Rest, number| rest.places.place(rest.rejected.position(number));
            let needed = match (items.get(&index), customer, seller) {
                (Some(&position), ..) => {
                    self.dependents.items += 1;
                    item_places.place(position)
                }
                (None, Some(number), _) => {
                    self.dependents.customers += 1;
                    of(customers, number)
                }
                (None, None, Some(number)) => {
                    self.dependents.sellers += 1;
                    of(sellers, number)
                }
                (None, None, None) => {
                    self.joins.orders_without_items += u64::from(!order.has_item());
                    self.joins.orders_of_unknown_region += u64::from(!order.has_known_regions());
                    continue;
                }
            };
            order.drop_it();
            let place = self.order_places.place(order.position());
            self.dropped += 1;
            let dropped = reject(place, ORDERS.columns[0], RejectReason::DependsOnRejected);
            let order_id = Some(self.orders.text_of(index));
            self.rejects.add(
                ORDERS_AT,
                Reject {
                    value: order_id.clone(),
                    order_id,
                    because_of: Some(needed),
                    ..dropped
                },
            );
        }
    }
}
