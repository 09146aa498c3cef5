//! How long each stage of an order takes: log-normal, with the medians and spreads of the real data.

use super::calendar;
use super::life::{Life, When};
use super::places::Route;
use super::random::{Quantiles, Random};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// From the approval until the seller has to ship.
pub(super) const SHIPPING_LIMIT: i64 = 6 * DAY;
/// Of a hundred payments, how many take days (a bank slip) and not minutes.
const SLOW_PAYMENTS: u64 = 28;
/// Of a thousand payments, how many are approved in the second of the purchase.
const INSTANT_PAYMENTS: u64 = 13;

/// The times of one order, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) purchased: i64,
    pub(super) approved: Option<i64>,
    pub(super) carried: Option<i64>,
    pub(super) delivered: Option<i64>,
    pub(super) estimated: Option<i64>,
}

/// The distributions, in seconds; the promise in days, prices in cents.
pub(super) struct Stages {
    quick_payment: Quantiles,
    slow_payment: Quantiles,
    packing: Quantiles,
    travel: [Quantiles; 3],
    promise: [Quantiles; 3],
    price: Quantiles,
    freight: Quantiles,
}

impl Stages {
    pub(super) fn new() -> Self {
        let days = |median, sigma| Quantiles::log_normal(median * DAY as f64, sigma);
        Self {
            quick_payment: Quantiles::log_normal(950.0, 0.45),
            slow_payment: days(1.05, 0.7),
            packing: days(1.85, 0.95),
            travel: [days(3.6, 0.75), days(8.1, 0.62), days(13.2, 0.56)],
            promise: [16.4, 23.2, 26.2].map(|mean| Quantiles::normal(mean, 5.5)),
            price: Quantiles::log_normal(7_499.0, 0.95),
            freight: Quantiles::log_normal(1_626.0, 0.5),
        }
    }

    pub(super) fn price(&self, random: &mut Random) -> u64 {
        self.price.sample(random).unsigned_abs()
    }

    pub(super) fn freight(&self, random: &mut Random) -> u64 {
        self.freight.sample(random).unsigned_abs()
    }

    /// The times of an order that goes the way of `life`.
    pub(super) fn times(
        &self,
        life: &Life,
        purchased: i64,
        route: Route,
        random: &mut Random,
    ) -> Times {
        let until = |from: i64, stage: i64, random: &mut Random| {
            // What would end behind the last second ends somewhere before it.
            let left = (calendar::end() - from).max(1);
            from + if stage < left {
                stage
            } else {
                random.between(0, left)
            }
        };
        let payment = match random.below(1_000) {
            _ if life.carried == When::BeforeApproval => self.slow_payment.sample(random),
            chance if chance < INSTANT_PAYMENTS => 0,
            chance if chance % 100 < SLOW_PAYMENTS => self.slow_payment.sample(random),
            _ => self.quick_payment.sample(random),
        };
        let mut paid = until(purchased, payment, random);
        let packing = self.packing.sample(random);
        let mut packed = match life.carried {
            When::BeforePurchase => purchased - random.between(HOUR, 5 * DAY),
            When::BeforeApproval => {
                // There is room for a time between the two.
                paid = paid.max(purchased + HOUR);
                random.between(purchased, paid)
            }
            _ => until(paid, packing, random),
        };
        let slower = slower(purchased);
        let travel = self.travel[route as usize].sample(random) * slower / 100;
        let arrived = match life.delivered {
            When::BeforeApproval => {
                paid = paid.max(purchased + 3 * HOUR);
                packed = random.between(purchased, purchased + HOUR);
                random.between(packed + 1, paid)
            }
            When::BeforeCarrier => packed.max(paid) - random.between(1, 2 * DAY).min(packed - paid),
            _ => until(packed.max(purchased), travel.max(HOUR), random),
        };
        // Whoever promises knows something of how long it will take.
        let foreseen = (packing + travel).min(25 * DAY) * 3 / (10 * DAY);
        let promise = (self.promise[route as usize].sample(random) + foreseen).max(2);
        Times {
            purchased,
            approved: life.approved.then_some(paid),
            carried: (life.carried != When::Never).then_some(packed),
            delivered: (life.delivered != When::Never).then_some(arrived),
            // A day, without a time of day.
            estimated: Some((purchased / DAY + promise) * DAY),
        }
    }
}

/// How much longer parcels travel, in per cent: the peak of 2017 and the carriers' strike and rains
/// of early 2018 show in the real data's late deliveries.
fn slower(purchased: i64) -> i64 {
    // Days since 1970: 2017-11-20 to 2017-12-05, and 2018-02-05 to 2018-03-25.
    match purchased / DAY {
        17_490..17_506 => 125,
        17_567..17_616 => 135,
        _ => 96,
    }
}
