//! How figures look to people, and times and days in JSON.

use std::fmt;

pub(crate) use eip_runs::text::{day, optional_day, optional_time, time};

/// A number with its thousands apart: `99,441`.
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// What something was and what it is then: `5 → 3`.
pub(crate) struct Change<T>(pub(crate) T, pub(crate) T);

impl<T: fmt::Display> fmt::Display for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (99_441, "99,441")] {
            assert_eq!(Grouped(number).to_string(), text);
        }
        assert_eq!(Grouped(1_234_567).to_string(), "1,234,567");
    }
}
