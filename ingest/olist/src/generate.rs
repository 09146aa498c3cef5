//! Data of Olist's shape at any size, without a row of Olist's.
//!
//! What is taken from the real data are counts: orders a month, a weekday and an hour, Black Friday
//! 2017 and the days after it, states, items an order, each way an order's columns are filled or out of
//! order (`life`), and the spread of each stage (`stages`). Everything else comes from the seed, by
//! integer arithmetic and the four exact floating-point operations, so that the same seed gives the
//! same bytes on any machine. One pass, in the order of purchase; memory does not grow with `orders`.

mod calendar;
mod life;
mod places;
mod random;
mod stages;
mod write;

use std::path::Path;

use serde::Serialize;

use crate::error::OlistError;
use crate::table::{CUSTOMERS, ITEMS, ORDERS, SELLERS};
use calendar::Arrivals;
use life::{Items, Lives};
use random::{Random, Stream, id};
use stages::Stages;
use write::{Line, Output};

/// What was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GeneratedSummary {
    /// Rows of the orders file, and of the customers file: each order has a customer of its own.
    pub orders: u64,
    /// Rows of the items file.
    pub items: u64,
    /// Rows of the sellers file.
    pub sellers: u64,
    /// Bytes of all four files.
    pub bytes: u64,
}

/// Sellers of the real data, for as many orders as [`life::REAL_ORDERS`].
const REAL_SELLERS: u64 = 3_095;
/// Of a hundred items whose first choice is a seller outside of São Paulo, how many choose again:
/// those in São Paulo sell more than their share.
const CHOOSE_AGAIN: u64 = 45;

/// Writes the four files of a data set with this many orders into a folder, which is made if need be.
/// The same seed gives the same bytes. A file appears under its name only when it is whole.
pub fn generate(orders: u64, seed: u64, out: &Path) -> Result<GeneratedSummary, OlistError> {
    let write = |source| OlistError::Write {
        file: out.to_owned(),
        source,
    };
    std::fs::create_dir_all(out).map_err(write)?;
    let shop = Shop::new(orders, seed);
    let mut summary = GeneratedSummary {
        orders,
        items: 0,
        sellers: shop.sellers,
        bytes: 0,
    };

    let mut sellers = Output::create(out, SELLERS.file)?;
    sellers.line(|line| line.text("seller_id,seller_zip_code_prefix,seller_city,seller_state"))?;
    for seller in 0..shop.sellers {
        sellers.line(|line| shop.seller(seller, line))?;
    }
    summary.bytes += sellers.finish()?;

    let mut customers = Output::create(out, CUSTOMERS.file)?;
    customers.line(|line| {
        line.text(
            "customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state",
        );
    })?;
    let mut rows = Output::create(out, ORDERS.file)?;
    rows.line(|line| line.text(&ORDERS.columns.join(",")))?;
    let mut items = Output::create(out, ITEMS.file)?;
    items.line(|line| {
        line.text(
            "order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value",
        );
    })?;
    let mut arrivals = Arrivals::new(orders, seed);
    for number in 0..orders {
        let order = shop.order(number, arrivals.next(number));
        customers.line(|line| shop.customer(&order, line))?;
        rows.line(|line| shop.row(&order, line))?;
        for item in 0..order.items.count {
            items.line(|line| shop.item(&order, item, line))?;
        }
        summary.items += order.items.count;
    }
    for file in [customers, rows, items] {
        summary.bytes += file.finish()?;
    }
    Ok(summary)
}

/// Everything that does not change from order to order.
struct Shop {
    seed: u64,
    sellers: u64,
    products: u64,
    lives: Lives,
    stages: Stages,
}

/// One order before it is written.
struct Order {
    number: u64,
    times: stages::Times,
    status: &'static str,
    state: usize,
    items: Items,
    /// The sellers of its items; mostly the same one.
    sellers: [u64; 2],
    random: Random,
}

impl Shop {
    fn new(orders: u64, seed: u64) -> Self {
        let sellers = (orders * REAL_SELLERS).div_ceil(life::REAL_ORDERS).max(2);
        Self {
            seed,
            sellers,
            products: (orders / 3).max(1),
            lives: Lives::new(seed),
            stages: Stages::new(),
        }
    }

    fn order(&self, number: u64, purchased: i64) -> Order {
        let mut random = Random::new(self.seed, Stream::Order, number);
        let life = self.lives.life(number);
        let items = if life.has_item {
            self.lives.items(number)
        } else {
            Items::NONE
        };
        let state = places::customer_state(&mut random);
        let first = self.choose_seller(&mut random);
        let mut second = first;
        while items.two_sellers && second == first {
            second = self.choose_seller(&mut random);
        }
        let route = places::route(state, self.seller_state(first));
        let times = self.stages.times(life, purchased, route, &mut random);
        let (status, sellers) = (life.status, [first, second]);
        Order {
            number,
            times,
            status,
            state,
            items,
            sellers,
            random,
        }
    }

    /// A few sellers sell much, half of them next to nothing: the place of a seller is the product of
    /// three evenly spread numbers.
    fn choose_seller(&self, random: &mut Random) -> u64 {
        let first = random.product_of_three(self.sellers);
        let again = random.below(100) < CHOOSE_AGAIN;
        if again && self.seller_state(first) != places::SAO_PAULO {
            random.product_of_three(self.sellers)
        } else {
            first
        }
    }

    fn seller_state(&self, seller: u64) -> usize {
        places::seller_state(self.seed, seller)
    }

    fn seller(&self, seller: u64, line: &mut Line) {
        let mut random = Random::new(self.seed, Stream::Seller, seller);
        let state = self.seller_state(seller);
        line.hex(id(self.seed, Stream::SellerId, seller));
        line.place(state, &mut random);
    }

    fn customer(&self, order: &Order, line: &mut Line) {
        let mut random = Random::new(self.seed, Stream::Customer, order.number);
        // About one order in thirty is from somebody who ordered before.
        let again = order.number > 0 && random.below(1_000) < 34;
        let person = if again {
            random.below(order.number)
        } else {
            order.number
        };
        line.hex(id(self.seed, Stream::CustomerId, order.number));
        line.comma();
        line.hex(id(self.seed, Stream::Person, person));
        line.place(order.state, &mut random);
    }

    fn row(&self, order: &Order, line: &mut Line) {
        line.hex(id(self.seed, Stream::OrderId, order.number));
        line.comma();
        line.hex(id(self.seed, Stream::CustomerId, order.number));
        line.comma();
        line.text(order.status);
        let times = &order.times;
        for time in [
            Some(times.purchased),
            times.approved,
            times.carried,
            times.delivered,
            times.estimated,
        ] {
            line.comma();
            line.time(time);
        }
    }

    fn item(&self, order: &Order, item: u64, line: &mut Line) {
        let mut random = order.random.fork(item);
        let second = order.items.two_sellers && item * 2 >= order.items.count;
        let seller = order.sellers[usize::from(second)];
        line.hex(id(self.seed, Stream::OrderId, order.number));
        line.comma();
        line.number(item + 1);
        line.comma();
        line.hex(id(
            self.seed,
            Stream::ProductId,
            random.below(self.products),
        ));
        line.comma();
        line.hex(id(self.seed, Stream::SellerId, seller));
        line.comma();
        let from = order.times.approved.unwrap_or(order.times.purchased);
        line.time(Some(from + stages::SHIPPING_LIMIT));
        line.comma();
        line.cents(self.stages.price(&mut random));
        line.comma();
        line.cents(self.stages.freight(&mut random));
    }
}

#[cfg(test)]
mod tests;
