//! When orders come in: growth by month, the week, the hours of the day, Black Friday 2017.

use eip_contract::Day;

use super::random::{Random, Stream};

/// Days from the first to the last of a stretch, and how many of the real data's orders fell on it.
struct Stretch {
    first: &'static str,
    last: &'static str,
    orders: u64,
}

const fn stretch(first: &'static str, last: &'static str, orders: u64) -> Stretch {
    Stretch {
        first,
        last,
        orders,
    }
}

/// Nothing was sold in November 2016. Black Friday and the days after it stand apart.
const STRETCHES: [Stretch; 31] = [
    stretch("2016-09-04", "2016-09-30", 4),
    stretch("2016-10-01", "2016-10-31", 324),
    stretch("2016-12-01", "2016-12-31", 1),
    stretch("2017-01-01", "2017-01-31", 800),
    stretch("2017-02-01", "2017-02-28", 1_780),
    stretch("2017-03-01", "2017-03-31", 2_682),
    stretch("2017-04-01", "2017-04-30", 2_404),
    stretch("2017-05-01", "2017-05-31", 3_700),
    stretch("2017-06-01", "2017-06-30", 3_245),
    stretch("2017-07-01", "2017-07-31", 4_026),
    stretch("2017-08-01", "2017-08-31", 4_331),
    stretch("2017-09-01", "2017-09-30", 4_285),
    stretch("2017-10-01", "2017-10-31", 4_631),
    stretch("2017-11-01", "2017-11-23", 4_105),
    stretch("2017-11-24", "2017-11-24", 1_176),
    stretch("2017-11-25", "2017-11-25", 499),
    stretch("2017-11-26", "2017-11-26", 391),
    stretch("2017-11-27", "2017-11-27", 403),
    stretch("2017-11-28", "2017-11-28", 380),
    stretch("2017-11-29", "2017-11-30", 590),
    stretch("2017-12-01", "2017-12-31", 5_673),
    stretch("2018-01-01", "2018-01-31", 7_269),
    stretch("2018-02-01", "2018-02-28", 6_728),
    stretch("2018-03-01", "2018-03-31", 7_211),
    stretch("2018-04-01", "2018-04-30", 6_939),
    stretch("2018-05-01", "2018-05-31", 6_873),
    stretch("2018-06-01", "2018-06-30", 6_167),
    stretch("2018-07-01", "2018-07-31", 6_292),
    stretch("2018-08-01", "2018-08-31", 6_512),
    stretch("2018-09-01", "2018-09-30", 16),
    stretch("2018-10-01", "2018-10-16", 4),
];

/// Orders of the real data by weekday, from Thursday (1970-01-01 was one).
const WEEKDAYS: [u64; 7] = [14_761, 14_122, 10_887, 11_960, 16_196, 15_963, 15_552];
/// Orders of the real data by hour of the day.
const HOURS: [u64; 24] = [
    2_394, 1_170, 510, 272, 206, 188, 502, 1_231, 2_967, 4_785, 6_177, 6_578, 5_995, 6_518, 6_569,
    6_454, 6_675, 6_150, 5_769, 5_982, 6_193, 6_217, 5_816, 4_123,
];
const HOURS_SUM: u64 = 99_441;
/// Orders of the real data, of a hundred thousand, that came in the same second as the one before.
const TIES: u64 = 569;

/// The last second that the data knows of: nothing happens behind it.
pub(super) fn end() -> i64 {
    let day = Day::parse(b"2018-10-17")
        .expect("a day")
        .start()
        .expect("not the last day");
    day.seconds() + 17 * 3_600 + 30 * 60 + 18
}

struct Weighted {
    start: i64,
    weight: u64,
}

/// The purchase times of all orders, one after the other.
pub(super) struct Arrivals {
    seed: u64,
    orders: u64,
    days: Vec<Weighted>,
    sum: u64,
    /// The day of the last order, and the sum of the weights before it.
    day: usize,
    before: u64,
    last: i64,
}

impl Arrivals {
    pub(super) fn new(orders: u64, seed: u64) -> Self {
        let days: Vec<Weighted> = STRETCHES
            .iter()
            .flat_map(|stretch| days(stretch, seed))
            .collect();
        let sum = days.iter().map(|day| day.weight).sum();
        Self {
            seed,
            orders,
            days,
            sum,
            day: 0,
            before: 0,
            last: 0,
        }
    }

    /// The purchase time of an order; to be called for 0, 1, 2, … in turn. Each order has its own
    /// share of the time line, so the times come sorted and follow the weights closely.
    pub(super) fn next(&mut self, number: u64) -> i64 {
        let mut random = Random::new(self.seed, Stream::Arrival, number);
        let ties = number > 0 && random.below(100_000) < TIES;
        let within = u128::from(random.below(1 << 20));
        let place = ((u128::from(number) << 20 | within) * u128::from(self.sum))
            / (u128::from(self.orders) << 20);
        let place = place as u64;
        while place - self.before >= self.days[self.day].weight {
            self.before += self.days[self.day].weight;
            self.day += 1;
        }
        if !ties {
            let day = &self.days[self.day];
            self.last = day.start + second_of_day(place - self.before, day.weight);
        }
        self.last
    }
}

/// The days of a stretch. Days of one stretch differ by weekday and a little by chance; a stretch
/// of one day has exactly its count.
fn days(stretch: &Stretch, seed: u64) -> Vec<Weighted> {
    let number = |text: &str| {
        Day::parse(text.as_bytes())
            .expect("a day of the table")
            .days()
    };
    let (first, last) = (number(stretch.first), number(stretch.last));
    let shares: Vec<u64> = (first..=last)
        .map(|day| {
            let chance = 85 + Random::new(seed, Stream::Day, u64::from(day)).below(31);
            WEEKDAYS[day as usize % 7] * chance
        })
        .collect();
    let sum: u64 = shares.iter().sum();
    (first..=last)
        .zip(shares)
        .map(|(day, share)| Weighted {
            start: i64::from(day) * 86_400,
            weight: stretch.orders * 1_000_000 * share / sum,
        })
        .collect()
}

fn second_of_day(place: u64, weight: u64) -> i64 {
    let mut slot = u128::from(place) * (u128::from(HOURS_SUM) << 20) / u128::from(weight);
    for (hour, orders) in (0..).zip(HOURS) {
        let length = u128::from(orders) << 20;
        if slot < length {
            return hour * 3_600 + (slot * 3_600 / length) as i64;
        }
        slot -= length;
    }
    unreachable!("the place of an order is below its day's weight");
}

#[cfg(test)]
mod tests {
    use eip_contract::EventTime;

    use super::*;

    #[test]
    fn the_tables_hold_all_orders_of_the_real_data() {
        assert_eq!(
            STRETCHES.iter().map(|stretch| stretch.orders).sum::<u64>(),
            99_441
        );
        assert_eq!(WEEKDAYS.iter().sum::<u64>(), 99_441);
        assert_eq!(HOURS.iter().sum::<u64>(), HOURS_SUM);
        assert_eq!(
            EventTime::from_seconds(end()).unwrap().to_string(),
            "2018-10-17T17:30:18Z"
        );
    }

    #[test]
    fn times_are_sorted_at_any_size() {
        for orders in [1, 2, 30, 5_000] {
            let mut arrivals = Arrivals::new(orders, 3);
            let times: Vec<i64> = (0..orders).map(|number| arrivals.next(number)).collect();
            assert!(times.is_sorted());
            assert!(times.iter().all(|&time| time <= end()));
        }
    }
}
