//! Values of a request as a person writes them: limits, durations, days, times, factors.

use std::fmt;

use eip_contract::{Day, EventTime};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::run::{DayRange, Limit, ScaleFactor};
use crate::server::problem::Problem;

/// Seconds, or a text like `60s`, `1.5m` or `2h`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::server) enum DurationValue {
    Seconds(f64),
    Text(String),
}

/// `200`, `"200"` or `"5%"`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::server) enum LimitValue {
    Count(#[serde(deserialize_with = "of_63_bits")] u64),
    #[schema(value_type = String)]
    Text(Limit),
}

/// A count as the document of the interface has it: at most 2⁶³ − 1.
fn of_63_bits<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let count = u64::deserialize(deserializer)?;
    match i64::try_from(count) {
        Ok(_) => Ok(count),
        Err(_) => Err(serde::de::Error::custom("a count of more than 63 bits")),
    }
}

impl LimitValue {
    /// The limit that is meant.
    pub(super) fn limit(self) -> Limit {
        self.as_limit()
    }

    /// The same, without taking it.
    pub(in crate::server) fn as_limit(&self) -> Limit {
        match self {
            Self::Count(most) => Limit::Count(*most),
            Self::Text(limit) => *limit,
        }
    }
}

impl DurationValue {
    /// As whole microseconds.
    pub(super) fn micros(&self) -> Result<u64, Problem> {
        let seconds = match self {
            Self::Seconds(seconds) => Some(*seconds),
            Self::Text(text) => crate::run::parse_seconds(text),
        };
        match seconds {
            Some(seconds) if (1e-6..=1e9).contains(&seconds) => Ok((seconds * 1e6).round() as u64),
            _ => {
                let detail = format!(
                    "duration: {self} is no time; give seconds, or a text like 60s, 1.5m or 2h"
                );
                Err(Problem::unprocessable("bad_field", detail))
            }
        }
    }
}

impl fmt::Display for DurationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(f, "{seconds}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// A scale factor as it was given.
pub(in crate::server) fn scale_factor(given: f64) -> Result<ScaleFactor, Problem> {
    ScaleFactor::new(given).map_err(|error| {
        Problem::unprocessable("bad_field", format!("scale_factor: {given}: {error}"))
    })
}

/// Reads two days.
pub(in crate::server) fn day_range(
    start: Option<&str>,
    end: Option<&str>,
) -> Result<DayRange, Problem> {
    let day = |name: &str, text: Option<&str>| match text {
        None => Ok(None),
        Some(text) => text
            .parse::<Day>()
            .map(Some)
            .map_err(|bad| Problem::unprocessable("bad_field", format!("{name}: {bad}"))),
    };
    let range = DayRange {
        start: day("start", start)?,
        end: day("end", end)?,
    };
    if range.is_empty() {
        let detail = "start is not before end; end is the day behind the last";
        return Err(Problem::unprocessable("bad_field", detail));
    }
    Ok(range)
}

/// Reads a time.
pub(in crate::server) fn time(name: &str, text: &str) -> Result<EventTime, Problem> {
    text.parse::<EventTime>()
        .map_err(|bad| Problem::unprocessable("bad_field", format!("{name}: {bad}")))
}
