//! How much a run may take away before it stops by itself (semantics, section 5, "never by accident").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An explicit limit: a count, or a share of what it is measured against. More than it stops the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Limit {
    /// At most this many.
    Count(u64),
    /// At most this share, in hundredths of a percent.
    Percent(u32),
}

impl Limit {
    /// Whether `part` of `whole` is more than the limit.
    pub fn is_exceeded(self, part: u64, whole: u64) -> bool {
        match self {
            Self::Count(most) => part > most,
            Self::Percent(hundredths) => is_above(part, whole, hundredths),
        }
    }
}

fn is_above(part: u64, whole: u64, hundredths: u32) -> bool {
    u128::from(part) * 10_000 > u128::from(whole) * u128::from(hundredths)
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Percent(hundredths) => {
                let (whole, part) = (hundredths / 100, hundredths % 100);
                if part == 0 {
                    write!(f, "{whole}%")
                } else if part.is_multiple_of(10) {
                    write!(f, "{whole}.{}%", part / 10)
                } else {
                    write!(f, "{whole}.{part:02}%")
                }
            }
        }
    }
}

/// A text that is no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no limit: give a count like 200, or a share like 5% or 0.5% (at most 100%)")]
pub struct BadLimit(String);

impl FromStr for Limit {
    type Err = BadLimit;
    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let bad = || BadLimit(text.to_owned());
        let Some(share) = text.strip_suffix('%') else {
            return digits(text).map(Self::Count).ok_or_else(bad);
        };
        let (whole, part) = share.split_once('.').unwrap_or((share, "0"));
        let whole = digits(whole)
            .filter(|&whole| whole <= 100)
            .ok_or_else(bad)?;
        let part = match part.len() {
            1 => digits(part).map(|tenths| tenths * 10),
            2 => digits(part),
            _ => None,
        }
        .ok_or_else(bad)?;
        let hundredths = whole * 100 + part;
        if hundredths > 10_000 {
            Err(bad())
        } else {
            Ok(Self::Percent(hundredths as u32))
        }
    }
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

impl TryFrom<String> for Limit {
    type Error = BadLimit;
    fn try_from(text: String) -> Result<Self, BadLimit> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

/// The default pair of vanishing orders: at least this many, and more than this share in hundredths
/// of a percent.
const VANISHING: (u64, u32) = (10, 100);
/// The default pair of retracted facts.
const RETRACTED: (u64, u32) = (50, 500);
/// The default pair of orders that lose a known region.
const LOST_REGIONS: (u64, u32) = (10, 100);
/// The default pair of rejected rows of a table.
const REJECTED: (u64, u32) = (10, 500);

/// The limits of one run; `None` stands for the default pair of the semantics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardLimits {
    /// Orders that have facts and of which the data has no row, among the covered orders.
    /// Default: more than 1 % and at least 10 stop the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_vanishing: Option<Limit>,
    /// Facts retracted, among the facts of the other covered orders.
    /// Default: more than 5 % and at least 50 stop the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_retracted: Option<Limit>,
    /// Orders that fall from a known region to `ZZ`, among the covered orders.
    /// Default: more than 1 % and at least 10 stop the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_lost_regions: Option<Limit>,
}

fn stops(limit: Option<Limit>, (count, hundredths): (u64, u32), part: u64, whole: u64) -> bool {
    match limit {
        Some(limit) => limit.is_exceeded(part, whole),
        None => part >= count && is_above(part, whole, hundredths),
    }
}

fn is_raised(limit: Option<Limit>, (count, hundredths): (u64, u32)) -> bool {
    match limit {
        None => false,
        Some(Limit::Count(most)) => most >= count,
        Some(Limit::Percent(share)) => share > hundredths,
    }
}

/// Whether so many rejected rows of a table stop any run but pushed rows; `limit` is the explicit one.
/// Default: more than 5 % and at least 10.
pub(crate) fn stops_rejected(limit: Option<Limit>, rejected: u64, rows: u64) -> bool {
    stops(limit, REJECTED, rejected, rows)
}

/// Whether a limit of rejected rows lets more through than the default pair.
pub(crate) fn is_rejected_raised(limit: Option<Limit>) -> bool {
    is_raised(limit, REJECTED)
}

impl GuardLimits {
    /// Whether some run could take away more under these limits than under the default pairs.
    pub fn is_above_the_defaults(&self) -> bool {
        is_raised(self.max_vanishing, VANISHING)
            || is_raised(self.max_retracted, RETRACTED)
            || is_raised(self.max_lost_regions, LOST_REGIONS)
    }

    /// Whether this many vanishing orders stop the run.
    pub fn stops_vanishing(&self, vanishing: u64, covered: u64) -> bool {
        stops(self.max_vanishing, VANISHING, vanishing, covered)
    }

    /// Whether this many retracted facts stop the run.
    pub fn stops_retracted(&self, retracted: u64, facts: u64) -> bool {
        stops(self.max_retracted, RETRACTED, retracted, facts)
    }

    /// Whether this many orders that lose a known region stop the run.
    pub fn stops_lost_regions(&self, lost: u64, covered: u64) -> bool {
        stops(self.max_lost_regions, LOST_REGIONS, lost, covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_what_it_prints() {
        for text in ["0", "200", "5%", "0.5%", "0.05%", "12.34%", "100%", "0%"] {
            assert_eq!(text.parse::<Limit>().unwrap().to_string(), text);
        }
        for wrong in [
            "", "%", "-1", "+1", "101%", "100.01%", "1.234%", "1.%", ".5%", "5 %", "NaN%",
        ] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_pairs_need_both_the_share_and_the_count() {
        let default = GuardLimits::default();
        assert!(!default.stops_vanishing(9, 100));
        assert!(!default.stops_vanishing(10, 1_000));
        assert!(default.stops_vanishing(10, 999));
        assert!(default.stops_vanishing(11, 1_000));
        assert!(!default.stops_retracted(49, 50));
        assert!(!default.stops_retracted(50, 1_000));
        assert!(default.stops_retracted(50, 999));
        assert!(!default.stops_lost_regions(9, 10));
        assert!(!default.stops_lost_regions(10, 1_000));
        assert!(default.stops_lost_regions(10, 999));
    }

    #[test]
    fn limits_within_the_defaults_are_those_under_which_no_run_can_take_away_more() {
        for (vanishing, retracted, is_above) in [
            (None, None, false),
            (Some("9"), Some("49"), false),
            (Some("1%"), Some("5%"), false),
            (Some("10"), None, true),
            (Some("1.01%"), None, true),
            (None, Some("50"), true),
            (None, Some("5.01%"), true),
        ] {
            let limit = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let limits = GuardLimits {
                max_vanishing: limit(vanishing),
                max_retracted: limit(retracted),
                max_lost_regions: None,
            };
            assert_eq!(limits.is_above_the_defaults(), is_above, "{limits:?}");
        }
    }

    #[test]
    fn an_explicit_limit_replaces_the_whole_default_pair() {
        let limits = GuardLimits {
            max_vanishing: Some(Limit::Count(0)),
            max_retracted: Some(Limit::Percent(50)),
            max_lost_regions: Some(Limit::Count(2)),
        };
        assert!(limits.stops_lost_regions(3, 1_000_000));
        assert!(!limits.stops_lost_regions(2, 2));
        assert!(!limits.is_above_the_defaults());
        let raised = GuardLimits {
            max_lost_regions: Some(Limit::Count(10)),
            ..limits
        };
        assert!(raised.is_above_the_defaults());
        assert!(limits.stops_vanishing(1, 1_000_000));
        assert!(!limits.stops_vanishing(0, 1));
        assert!(limits.stops_retracted(6, 1_000));
        assert!(!limits.stops_retracted(5, 1_000));
    }
}
