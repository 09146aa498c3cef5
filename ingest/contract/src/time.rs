//! Event time: whole seconds of UTC between 1970 and 2199, and the days they fall on.
//!
//! Both forms of the semantics are parsed here and nowhere else: the CSV's `YYYY-MM-DD HH:MM:SS`
//! and the event's `YYYY-MM-DDTHH:MM:SSZ`. Parsing is on the hot path of every reader, so eight
//! bytes are checked at a time inside one register.

mod bad;

use std::fmt;
use std::num::NonZeroU64;

pub use bad::BadTime;
use serde::{Deserialize, Serialize};

const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2199;
const YEARS: usize = (LAST_YEAR - FIRST_YEAR + 1) as usize;
/// Seconds of a day; UTC here has no leap seconds.
pub const DAY_SECONDS: u64 = 86_400;

/// Days before the first of each year, from 1970 on, with one more entry for the end.
const YEAR_STARTS: [u32; YEARS + 1] = {
    let mut starts = [0; YEARS + 1];
    let mut i = 0;
    while i < YEARS {
        starts[i + 1] = starts[i]
            + if is_leap(FIRST_YEAR + i as u32) {
                366
            } else {
                365
            };
        i += 1;
    }
    starts
};
const MONTH_LENGTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MONTH_STARTS: [u16; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// A time of an event: whole seconds since 1970-01-01T00:00:00Z, up to 2199-12-31T23:59:59Z.
/// `Option<EventTime>` is eight bytes too.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct EventTime(NonZeroU64);

impl EventTime {
    /// 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(NonZeroU64::MIN);
    /// 2199-12-31T23:59:59Z.
    pub const MAX: Self = match NonZeroU64::new(YEAR_STARTS[YEARS] as u64 * DAY_SECONDS) {
        Some(seconds) => Self(seconds),
        None => unreachable!(),
    };

    /// From seconds since the epoch; `None` outside of the range.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        let time = Self(NonZeroU64::new(
            u64::try_from(seconds).ok()?.checked_add(1)?,
        )?);
        (time <= Self::MAX).then_some(time)
    }

    /// Seconds since the epoch.
    pub fn seconds(self) -> i64 {
        (self.0.get() - 1) as i64
    }

    /// The time this many seconds later; `None` when it leaves the range.
    pub fn plus_seconds(self, seconds: i64) -> Option<Self> {
        Self::from_seconds(self.seconds().checked_add(seconds)?)
    }

    /// The day it falls on.
    pub fn day(self) -> Day {
        Day(((self.0.get() - 1) / DAY_SECONDS) as u32)
    }

    /// Reads `YYYY-MM-DDTHH:MM:SSZ`, exactly 20 bytes.
    #[inline]
    pub fn parse_iso(text: &[u8]) -> Result<Self, TimeError> {
        let text: &[u8; 20] = text.try_into().map_err(|_| TimeError::Form)?;
        Self::parse_fields(
            text[..16].try_into().expect("16 of 20"),
            b'T',
            [text[16], text[17], text[18], text[19]],
        )
    }

    /// Reads `YYYY-MM-DD HH:MM:SS`, exactly 19 bytes.
    pub fn parse_csv(text: &[u8]) -> Result<Self, TimeError> {
        let text: &[u8; 19] = text.try_into().map_err(|_| TimeError::Form)?;
        Self::parse_fields(
            text[..16].try_into().expect("16 of 19"),
            b' ',
            [text[16], text[17], text[18], b'Z'],
        )
    }

    #[inline]
    fn parse_fields(text: &[u8; 16], between: u8, tail: [u8; 4]) -> Result<Self, TimeError> {
        let date = digits(first_half(text), *b"0000-00-").ok_or(TimeError::Form)?;
        let middle = [b'0', b'0', between, b'0', b'0', b':', b'0', b'0'];
        let clock = digits(second_half(text), middle).ok_or(TimeError::Form)?;
        if tail[0] != b':' || tail[3] != b'Z' {
            return Err(TimeError::Form);
        }
        let (tens, ones) = (tail[1].wrapping_sub(b'0'), tail[2].wrapping_sub(b'0'));
        if tens > 9 || ones > 9 {
            return Err(TimeError::Form);
        }
        let day = Day::from_digits(date, clock[0] * 10 + clock[1])?;
        let (hour, minute) = (clock[3] * 10 + clock[4], clock[6] * 10 + clock[7]);
        let second = u32::from(tens) * 10 + u32::from(ones);
        if hour > 23 || minute > 59 || second > 59 {
            return Err(TimeError::NotReal);
        }
        let of_day = u64::from(hour * 3600 + minute * 60 + second);
        let seconds = u64::from(day.0) * DAY_SECONDS + of_day;
        Ok(Self(
            NonZeroU64::new(seconds + 1).expect("one more than an unsigned number"),
        ))
    }

    /// The 20 bytes of `YYYY-MM-DDTHH:MM:SSZ`.
    pub fn to_iso(self) -> [u8; 20] {
        let mut text = *b"0000-00-00T00:00:00Z";
        let seconds = self.0.get() - 1;
        self.day().write(&mut text);
        let of_day = (seconds % DAY_SECONDS) as u32;
        two_digits(&mut text[11..13], of_day / 3600);
        two_digits(&mut text[14..16], of_day / 60 % 60);
        two_digits(&mut text[17..19], of_day % 60);
        text
    }
}

impl TryFrom<i64> for EventTime {
    type Error = TimeError;
    fn try_from(seconds: i64) -> Result<Self, TimeError> {
        Self::from_seconds(seconds).ok_or(TimeError::OutOfRange)
    }
}

impl From<EventTime> for i64 {
    fn from(time: EventTime) -> Self {
        time.seconds()
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_iso()).expect("a time is ASCII"))
    }
}

impl fmt::Debug for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for EventTime {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        Self::parse_iso(text.as_bytes()).map_err(|why| BadTime::time(text, why))
    }
}

/// A day of UTC, counted from 1970-01-01 to 2200-01-01 (the end of a half-open range of all days).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Day(u32);

impl Day {
    /// 1970-01-01.
    pub const MIN: Self = Self(0);
    /// 2200-01-01, the first day past all event times.
    pub const END: Self = Self(YEAR_STARTS[YEARS]);

    /// The day this many days after 1970-01-01.
    pub fn from_days(days: u32) -> Option<Self> {
        (days <= Self::END.0).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> u32 {
        self.0
    }

    /// Its first second; of [`Day::END`] there is none.
    pub fn start(self) -> Option<EventTime> {
        EventTime::from_seconds(i64::from(self.0) * DAY_SECONDS as i64)
    }

    /// The day after; `None` behind the last.
    pub fn next(self) -> Option<Self> {
        Self::from_days(self.0 + 1)
    }

    /// Reads `YYYY-MM-DD`, exactly 10 bytes.
    pub fn parse(text: &[u8]) -> Result<Self, TimeError> {
        let text: &[u8; 10] = text.try_into().map_err(|_| TimeError::Form)?;
        if text == b"2200-01-01" {
            return Ok(Self::END);
        }
        let date = text[..8].try_into().expect("8 of 10");
        let date = digits(date, *b"0000-00-").ok_or(TimeError::Form)?;
        let (tens, ones) = (text[8].wrapping_sub(b'0'), text[9].wrapping_sub(b'0'));
        if tens > 9 || ones > 9 {
            return Err(TimeError::Form);
        }
        Self::from_digits(date, u32::from(tens) * 10 + u32::from(ones))
    }

    #[inline]
    fn from_digits(date: [u32; 8], day: u32) -> Result<Self, TimeError> {
        let year = date[0] * 1000 + date[1] * 100 + date[2] * 10 + date[3];
        let month = date[5] * 10 + date[6];
        if !(1..=12).contains(&month) {
            return Err(TimeError::NotReal);
        }
        let leap = is_leap(year);
        let length = u32::from(MONTH_LENGTHS[month as usize - 1]) + u32::from(leap && month == 2);
        if day == 0 || day > length {
            return Err(TimeError::NotReal);
        }
        if !(FIRST_YEAR..=LAST_YEAR).contains(&year) {
            return Err(TimeError::OutOfRange);
        }
        let of_year =
            u32::from(MONTH_STARTS[month as usize - 1]) + u32::from(leap && month > 2) + day - 1;
        Ok(Self(YEAR_STARTS[(year - FIRST_YEAR) as usize] + of_year))
    }

    fn write(self, text: &mut [u8]) {
        // Never more than one too high, since no year has more than 366 days.
        let mut year = (self.0 / 365).min(YEARS as u32) as usize;
        while YEAR_STARTS[year] > self.0 {
            year -= 1;
        }
        let mut left = self.0 - YEAR_STARTS[year];
        let year = FIRST_YEAR + year as u32;
        let mut month = 0;
        loop {
            let leap_day = u32::from(month == 1 && is_leap(year));
            let length = u32::from(MONTH_LENGTHS[month]) + leap_day;
            if left < length {
                break;
            }
            left -= length;
            month += 1;
        }
        two_digits(&mut text[0..2], year / 100);
        two_digits(&mut text[2..4], year % 100);
        two_digits(&mut text[5..7], month as u32 + 1);
        two_digits(&mut text[8..10], left + 1);
    }

    /// The 10 bytes of `YYYY-MM-DD`.
    pub fn to_text(self) -> [u8; 10] {
        let mut text = *b"0000-00-00";
        self.write(&mut text);
        text
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_text()).expect("a day is ASCII"))
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Day {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        Self::parse(text.as_bytes()).map_err(|why| BadTime::day(text, why))
    }
}

/// Why a text is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not in the form that is asked for.
    #[error("not in the form of a time")]
    Form,
    /// In the form, but no such day or time of day exists.
    #[error("no such time")]
    NotReal,
    /// Before 1970 or after 2199.
    #[error("outside of 1970 to 2199")]
    OutOfRange,
}

fn two_digits(text: &mut [u8], value: u32) {
    text[0] = b'0' + (value / 10) as u8;
    text[1] = b'0' + (value % 10) as u8;
}

fn first_half(text: &[u8; 16]) -> [u8; 8] {
    text[..8].try_into().expect("8 of 16")
}

fn second_half(text: &[u8; 16]) -> [u8; 8] {
    text[8..].try_into().expect("8 of 16")
}

/// The values of eight bytes that follow `pattern`: a digit where it has `0`, else its own byte
/// (then the value is 0). All eight are checked at once: after the exclusive or with the pattern a
/// digit is at most 9 and a fixed byte is 0, so adding 0x76 or 0x7f sets the top bit of a wrong one.
#[inline]
fn digits(text: [u8; 8], pattern: [u8; 8]) -> Option<[u32; 8]> {
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let limits = pattern.map(|byte| if byte == b'0' { 0x76 } else { 0x7f });
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(pattern);
    let over = values.wrapping_add(u64::from_le_bytes(limits));
    ((over | values) & TOPS == 0).then(|| values.to_le_bytes().map(u32::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_time_are_read() {
        let time = EventTime::parse_iso(b"2017-10-02T10:20:30Z").unwrap();
        assert_eq!(time.seconds(), 1_506_939_630);
        assert_eq!(EventTime::parse_csv(b"2017-10-02 10:20:30"), Ok(time));
        assert_eq!(time.to_string(), "2017-10-02T10:20:30Z");
        assert_eq!(time.day().to_string(), "2017-10-02");
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for days in 0..=Day::END.days() {
            let day = Day::from_days(days).unwrap();
            assert_eq!(Day::parse(&day.to_text()), Ok(day), "{day}");
        }
        assert_eq!(Day::END.to_string(), "2200-01-01");
        assert_eq!(EventTime::MAX.to_string(), "2199-12-31T23:59:59Z");
        assert_eq!(EventTime::MIN.to_string(), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_real_time_is_refused() {
        for (text, why) in [
            ("2017-02-29T00:00:00Z", TimeError::NotReal),
            ("2017-00-10T00:00:00Z", TimeError::NotReal),
            ("2017-13-10T00:00:00Z", TimeError::NotReal),
            ("2017-01-00T00:00:00Z", TimeError::NotReal),
            ("2017-01-01T24:00:00Z", TimeError::NotReal),
            ("2017-01-01T00:60:00Z", TimeError::NotReal),
            ("2017-01-01T00:00:60Z", TimeError::NotReal),
            ("1969-12-31T23:59:59Z", TimeError::OutOfRange),
            ("2200-01-01T00:00:00Z", TimeError::OutOfRange),
            ("2017-01-01 00:00:00Z", TimeError::Form),
            ("2017-01-01T00:00:00z", TimeError::Form),
            ("2017-01-01T00:00:0:Z", TimeError::Form),
            ("2017-01-01T0a:00:00Z", TimeError::Form),
            ("2017/01-01T00:00:00Z", TimeError::Form),
            ("2017-01-01T00:00:00", TimeError::Form),
            ("2017-01-01T00:00:00.0Z", TimeError::Form),
            ("", TimeError::Form),
        ] {
            assert_eq!(EventTime::parse_iso(text.as_bytes()), Err(why), "{text}");
        }
        assert!(EventTime::parse_iso(b"2000-02-29T00:00:00Z").is_ok());
        assert!(EventTime::parse_iso(b"2100-02-29T00:00:00Z").is_err());
    }

    #[test]
    fn a_wrong_byte_in_any_place_is_refused() {
        let good = *b"2017-10-02T10:20:30Z";
        for place in 0..good.len() {
            for byte in 0..=255u8 {
                let mut text = good;
                text[place] = byte;
                let parsed = EventTime::parse_iso(&text);
                if let Ok(time) = parsed {
                    assert_eq!(time.to_iso(), text);
                }
            }
        }
    }
}
