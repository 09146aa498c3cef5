//! Amplification: every order several times, as orders of their own that never were.
//!
//! Copy 0 is the order itself. The others get an id that is SHA-256 of (orderId, copy), and all
//! their times are shifted by the same seconds, drawn from (seed, orderId, copy): a copy keeps its
//! lead times, and a thousand copies are no spike. Only outside of `main`.

use eip_contract::EventTime;
use sha2::{Digest as _, Sha256};

/// Copies are shifted by at most this many seconds, to either side.
const MAX_SHIFT_SECONDS: i64 = 1_800;

/// How many times each order is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amplify {
    copies: u16,
    seed: u64,
}

impl Default for Amplify {
    fn default() -> Self {
        Self::NONE
    }
}

/// No number of copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("amplify is a number from 1 to 10000")]
pub struct BadAmplify;

impl Amplify {
    /// Every order once.
    pub const NONE: Self = Self { copies: 1, seed: 0 };
    /// Most copies.
    pub const MAX_COPIES: u16 = 10_000;

    /// Every order `copies` times, shifted by what `seed` draws.
    pub fn new(copies: u64, seed: u64) -> Result<Self, BadAmplify> {
        match u16::try_from(copies) {
            Ok(copies) if (1..=Self::MAX_COPIES).contains(&copies) => Ok(Self { copies, seed }),
            _ => Err(BadAmplify),
        }
    }

    /// How many times each order is there.
    pub fn copies(self) -> u16 {
        self.copies
    }

    /// What the shifts are drawn from.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// By how many seconds the times of a copy are shifted.
    pub(crate) fn shift(self, order_id: &str, copy: u16) -> i64 {
        if copy == 0 {
            return 0;
        }
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(copy.to_be_bytes())
            .chain_update(order_id)
            .finalize();
        let drawn = u64::from_be_bytes(digest[..8].try_into().expect("eight of 32 bytes"));
        (drawn % (2 * MAX_SHIFT_SECONDS as u64 + 1)) as i64 - MAX_SHIFT_SECONDS
    }

    /// The id of a copy other than the order itself: 32 hex digits, like the ids of the data.
    pub(crate) fn copy_id(order_id: &str, copy: u16) -> String {
        use std::fmt::Write as _;
        let digest = Sha256::new()
            .chain_update(b"copy ")
            .chain_update(copy.to_be_bytes())
            .chain_update(order_id)
            .finalize();
        digest[..16].iter().fold(String::new(), |mut text, byte| {
            let _always = write!(text, "{byte:02x}");
            text
        })
    }
}

/// A shifted time; one that leaves event time stays as it is, so that no event is lost.
pub(crate) fn shifted(time: EventTime, seconds: i64) -> EventTime {
    time.plus_seconds(seconds).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_an_id_and_a_shift_of_its_own_that_never_change() {
        let amplify = Amplify::new(3, 42).unwrap();
        assert_eq!(amplify.shift("a", 0), 0);
        let shifts: Vec<i64> = (1..200).map(|copy| amplify.shift("a", copy)).collect();
        assert_eq!(
            shifts,
            (1..200)
                .map(|copy| amplify.shift("a", copy))
                .collect::<Vec<_>>()
        );
        assert!(shifts.iter().all(|shift| shift.abs() <= MAX_SHIFT_SECONDS));
        assert!(shifts.iter().any(|&shift| shift < -900) && shifts.iter().any(|&s| s > 900));
        assert_ne!(
            amplify.shift("a", 1),
            Amplify::new(3, 43).unwrap().shift("a", 1)
        );
        let id = Amplify::copy_id("a", 1);
        assert_eq!(id.len(), 32);
        assert_ne!(id, Amplify::copy_id("a", 2));
        assert_ne!(id, Amplify::copy_id("b", 1));
        assert_eq!(Amplify::new(0, 0), Err(BadAmplify));
        assert_eq!(Amplify::new(10_001, 0), Err(BadAmplify));
    }
}
