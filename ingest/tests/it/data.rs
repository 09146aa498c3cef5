//! Small data of the Olist shape, made by a rule from a seed, as rows that a test can change.

use std::fmt::Write as _;
use std::path::Path;

use eip_contract::EventTime;

/// 2018-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_514_764_800;
pub(crate) const DAY: i64 = 86_400;
pub(crate) const STATES: [&str; 5] = ["SP", "RJ", "MG", "BA", "RS"];

/// One order with its customer and its seller.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer: &'static str,
    /// `None`: no item.
    pub(crate) seller: Option<&'static str>,
    pub(crate) status: &'static str,
    /// Purchased, approved, carried, delivered, estimated; as they are written.
    pub(crate) times: [String; 5],
}

/// A small generator of numbers, good enough for test data.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as i64 % n
    }
}

pub(crate) fn csv_time(seconds: i64) -> String {
    EventTime::from_seconds(seconds)
        .unwrap()
        .to_string()
        .replace('T', " ")
        .replace('Z', "")
}

/// `count` orders over the 90 days from [`START`] on.
pub(crate) fn orders(count: usize, seed: u64) -> Vec<Order> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|i| {
            let number = (i as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            let id = if i % 50 == 7 {
                format!("order-{i}")
            } else {
                format!("{number:032x}")
            };
            let purchased = START + dice.below(90 * DAY);
            let approved = purchased + 60 + dice.below(DAY);
            let carried = approved + dice.below(4 * DAY);
            let delivered = carried + 3_600 + dice.below(20 * DAY);
            let estimated = (purchased / DAY + 8 + dice.below(14)) * DAY;
            let kind = dice.below(100);
            let text = |wanted: bool, time| {
                if wanted {
                    csv_time(time)
                } else {
                    String::new()
                }
            };
            Order {
                id,
                customer: STATES[dice.below(5) as usize],
                seller: (kind != 0).then(|| STATES[dice.below(5) as usize]),
                status: if kind < 2 { "canceled" } else { "delivered" },
                times: [
                    csv_time(purchased),
                    text(kind != 1, approved),
                    text(kind > 3, carried),
                    text(kind > 5, delivered),
                    text(kind != 9, estimated),
                ],
            }
        })
        .collect()
}

/// Writes the four files.
pub(crate) fn write(folder: &Path, orders: &[Order]) {
    std::fs::create_dir_all(folder).unwrap();
    let mut texts = [
        "order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,\
         order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date\n"
            .to_owned(),
        "order_id,order_item_id,seller_id\n".to_owned(),
        "customer_id,customer_state\n".to_owned(),
        "seller_id,seller_state\n".to_owned(),
    ];
    for state in STATES {
        writeln!(texts[2], "c-{state},{state}").unwrap();
        writeln!(texts[3], "s-{state},{state}").unwrap();
    }
    for Order {
        id,
        customer,
        seller,
        status,
        times,
    } in orders
    {
        writeln!(texts[0], "{id},c-{customer},{status},{}", times.join(",")).unwrap();
        if let Some(seller) = seller {
            writeln!(texts[1], "{id},1,s-{seller}").unwrap();
        }
    }
    let names = ["orders", "order_items", "customers", "sellers"];
    for (name, text) in names.iter().zip(texts) {
        std::fs::write(folder.join(format!("olist_{name}_dataset.csv")), text).unwrap();
    }
}

/// Changes every kind of thing in some of the orders: vanished, new, lost and moved facts, regions.
pub(crate) fn changed(orders: &[Order], seed: u64) -> Vec<Order> {
    let mut dice = Dice::new(seed);
    let mut changed: Vec<Order> = Vec::new();
    for order in orders {
        let mut order = order.clone();
        match dice.below(40) {
            0 => continue,
            1 => order.times[3].clear(),
            2 => order.times[1].clear(),
            3 => order.times[4].clear(),
            4 => order.seller = None,
            5 => order.customer = STATES[dice.below(5) as usize],
            6 => order.times[0] = csv_time(START + dice.below(90 * DAY)),
            7 => order.times[2] = csv_time(START + dice.below(120 * DAY)),
            8 => order.times[3] = csv_time(START + dice.below(150 * DAY)),
            9 => order.status = "canceled",
            _ => {}
        }
        changed.push(order);
    }
    for (i, mut order) in self::orders(orders.len() / 40, seed + 1_000)
        .into_iter()
        .enumerate()
    {
        order.id = format!("new-{seed}-{i}");
        changed.push(order);
    }
    changed
}
