//! Chance from a seed: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number
//! generators", 2014), and the quantiles of normal and log-normal distributions. Whole-number
//! arithmetic and exactly rounded operations only; no library function that may differ by machine.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a sequence of numbers is for; each has its own.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(super) enum Stream {
    Order = 1,
    Seller,
    Customer,
    Day,
    Arrival,
    Slots,
    OrderId,
    CustomerId,
    Person,
    SellerId,
    ProductId,
}

/// A sequence of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The sequence of one thing; no two things share one.
    pub(super) fn new(seed: u64, stream: Stream, number: u64) -> Self {
        let state = mix(mix(seed).wrapping_add(stream as u64)).wrapping_add(mix(number));
        Self { state: mix(state) }
    }

    /// A sequence of its own for a part of the thing.
    pub(super) fn fork(self, part: u64) -> Self {
        Self {
            state: mix(self.state ^ mix(part.wrapping_add(GOLDEN))),
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Evenly spread from 0 to `end` − 1.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// From 0 to `end` − 1, with many small ones: `end` times three evenly spread numbers below 1.
    pub(super) fn product_of_three(&mut self, end: u64) -> u64 {
        (0..3).fold(end << 20, |product, _| self.below(product.max(1))) >> 20
    }

    /// Evenly spread from `start` to `end` − 1.
    pub(super) fn between(&mut self, start: i64, end: i64) -> i64 {
        start
            + self
                .below((end - start).max(1).cast_unsigned())
                .cast_signed()
    }
}

/// One to one on 64 bits.
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// The id of a thing. Two things of one stream never share one: the upper half is one to one.
pub(super) fn id(seed: u64, stream: Stream, number: u64) -> u128 {
    let salt = mix(mix(seed).wrapping_add(stream as u64));
    let upper = mix(number.wrapping_mul(GOLDEN).wrapping_add(salt));
    u128::from(upper) << 64 | u128::from(mix(upper ^ salt.rotate_left(32)))
}

const STEPS: usize = 4_096;

/// A distribution by its quantiles, in whole units.
#[derive(Clone, Debug)]
pub(super) struct Quantiles(Vec<i64>);

impl Quantiles {
    /// exp(normal) with this median; `sigma` is the deviation of the logarithm.
    pub(super) fn log_normal(median: f64, sigma: f64) -> Self {
        Self::of(|z| median * exp(sigma * z))
    }

    /// Normal.
    pub(super) fn normal(mean: f64, sigma: f64) -> Self {
        Self::of(|z| mean + sigma * z)
    }

    fn of(value: impl Fn(f64) -> f64) -> Self {
        let quantile = |i: usize| normal_quantile((i as f64 + 0.5) / (STEPS + 1) as f64);
        Self((0..=STEPS).map(|i| value(quantile(i)) as i64).collect())
    }

    /// A value by chance.
    pub(super) fn sample(&self, random: &mut Random) -> i64 {
        let place = random.below((STEPS as u64) << 20);
        let (low, high) = (
            self.0[(place >> 20) as usize],
            self.0[(place >> 20) as usize + 1],
        );
        low + (((high - low) * (place & 0xf_ffff).cast_signed()) >> 20)
    }
}

/// The z below which a share `p` of the normal distribution lies, to nine digits: P. J. Acklam's
/// rational approximation.
fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -54.476_098_798_224_06,
        161.585_836_858_040_9,
        -155.698_979_859_886_6,
        66.801_311_887_719_72,
        -13.280_681_552_885_72,
        1.0,
    ];
    const C: [f64; 6] = [
        -0.007_784_894_002_430_293,
        -0.322_396_458_041_136_5,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        0.007_784_695_709_041_462,
        0.322_467_129_070_039_8,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    let polynomial = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    if p < 0.02425 {
        let q = (-2.0 * ln(p)).sqrt();
        return polynomial(&C, q) / polynomial(&D, q);
    }
    let q = p - 0.5;
    q * polynomial(&A, q * q) / polynomial(&B, q * q)
}

/// e to the x, |x| below 700.
fn exp(x: f64) -> f64 {
    // x = k ln 2 + r, |r| ≤ ln 2: the series of r, and k doublings.
    let k = (x / std::f64::consts::LN_2) as i32;
    let r = x - f64::from(k) * std::f64::consts::LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..24 {
        term = term * r / f64::from(n);
        sum += term;
    }
    sum * f64::from_bits(((1_023 + i64::from(k)) as u64) << 52)
}

/// The logarithm of a normal positive x.
fn ln(x: f64) -> f64 {
    // x = m 2^e with m in 1..2, ln m = 2 artanh((m - 1) / (m + 1)).
    let exponent = (x.to_bits() >> 52) as i32 - 1_023;
    let m = f64::from_bits((x.to_bits() & ((1 << 52) - 1)) | (1_023 << 52));
    let s = (m - 1.0) / (m + 1.0);
    let (mut power, mut sum) = (s, 0.0);
    for n in 0..20 {
        sum += power / f64::from(2 * n + 1);
        power = power * s * s;
    }
    2.0 * sum + f64::from(exponent) * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_functions_are_those_of_the_library() {
        for i in 1..2_000 {
            let x = f64::from(i) * 0.001_3;
            assert!((ln(x) - x.ln()).abs() < 1e-13, "ln {x}");
            for x in [x * 5.0, -x * 5.0] {
                assert!((exp(x) / x.exp() - 1.0).abs() < 1e-13, "exp {x}");
            }
        }
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        for (p, z) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.01, -2.326_347_874)] {
            assert!((normal_quantile(p) - z).abs() < 1e-7, "{p}");
        }
        let quantiles = Quantiles::log_normal(1_000.0, 1.0);
        let mut random = Random::new(1, Stream::Order, 1);
        let mut values: Vec<i64> = (0..100_000)
            .map(|_| quantiles.sample(&mut random))
            .collect();
        values.sort_unstable();
        assert!((980..1_020).contains(&values[50_000]), "{}", values[50_000]);
        assert!(
            (2_640..2_800).contains(&values[84_134]),
            "{}",
            values[84_134]
        );
    }

    #[test]
    fn numbers_are_evenly_spread_and_streams_differ() {
        let mut counts = [0; 10];
        for number in 0..10_000 {
            let mut random = Random::new(7, Stream::Day, number);
            counts[random.below(10) as usize] += 1;
            assert_ne!(random.fork(0).next(), random.fork(1).next());
            assert_ne!(
                id(7, Stream::OrderId, number),
                id(7, Stream::CustomerId, number)
            );
            assert_ne!(
                id(7, Stream::OrderId, number),
                id(8, Stream::OrderId, number)
            );
        }
        assert!(
            counts.iter().all(|count| (900..1_100).contains(count)),
            "{counts:?}"
        );
    }
}
