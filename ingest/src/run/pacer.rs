//! The schedule of a scaled replay: pure state, integers only, no clock of its own.
//!
//! Semantics, section 5: event i is due at `anchor_wall + (eventAtᵢ − anchor_sim − gaps cut since)/s`.
//! Here simulated time runs without the gaps that were cut (**played** time), so an anchor is a pair
//! of wall and played time, and the formula has one difference less. A pause, a resume and another
//! scale factor set a new anchor at the present played time: nothing jumps, and nothing is due that
//! was not before. What was due then and is still to come, since the input came late, would be later
//! by the new speed than it is: it counts as due with the event before it. Wall times are nanoseconds
//! of a monotonic clock.

use std::fmt;
use std::str::FromStr;

use eip_contract::EventTime;

const NANOS: i128 = 1_000_000_000;
const MILLION: i128 = 1_000_000;

/// How many times faster than in life: from 1 to 1,000,000, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScaleFactor(u64);

/// No scale factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scale factor is a number from 1 to 1000000 with at most 6 decimals")]
pub struct BadScaleFactor;

impl ScaleFactor {
    /// As in life.
    pub const MIN: Self = Self(1_000_000);
    /// A day in 86.4 ms.
    pub const MAX: Self = Self(1_000_000_000_000);

    /// From a number, rounded to millionths.
    pub fn new(factor: f64) -> Result<Self, BadScaleFactor> {
        // Not a number compares with nothing.
        if (1.0..=1e6).contains(&factor) {
            Ok(Self((factor * 1e6).round() as u64))
        } else {
            Err(BadScaleFactor)
        }
    }

    /// The factor that plays `span_seconds` of event time in `micros` of wall time, to the nearest
    /// millionth. `None` when that is out of range.
    pub fn of_duration(span_seconds: i64, micros: u64) -> Option<Self> {
        let span = i128::from(span_seconds) * MILLION * MILLION;
        let micros = i128::from(micros);
        if span <= 0 || micros == 0 {
            return None;
        }
        let millionths = u64::try_from((span + micros / 2) / micros).ok()?;
        let factor = Self(millionths);
        (Self::MIN..=Self::MAX).contains(&factor).then_some(factor)
    }

    /// The factor in millionths.
    pub fn millionths(self) -> u64 {
        self.0
    }

    /// The factor, for people and JSON.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for ScaleFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, millionths) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if millionths == 0 {
            return f.pad(&whole.to_string());
        }
        f.pad(format!("{whole}.{millionths:06}").trim_end_matches('0'))
    }
}

impl FromStr for ScaleFactor {
    type Err = BadScaleFactor;
    fn from_str(text: &str) -> Result<Self, BadScaleFactor> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !plain {
            return Err(BadScaleFactor);
        }
        Self::new(text.parse().map_err(|_| BadScaleFactor)?)
    }
}

/// Seconds from a text like `60`, `60s`, `1.5m`, `2h` or `7d`.
pub fn parse_seconds(text: &str) -> Option<f64> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3_600.0),
        (at, 'd') => (&text[..at], 86_400.0),
        _ => (text, 1.0),
    };
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    if !number.bytes().all(is_plain) {
        return None;
    }
    number.parse().ok().map(|number: f64| number * unit)
}

/// What keeps a schedule within bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// A gap of event time between two events that is longer is played as this long, in seconds.
    pub max_gap_seconds: Option<i64>,
    /// No event is due sooner behind the one before than this allows; a burst is spread, and the
    /// schedule catches up behind it.
    pub max_events_per_second: Option<u64>,
}

/// The schedule, as far as it has been played. Events are handed to it in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pacer {
    anchor_wall: i64,
    /// Nanoseconds of played time at the anchor.
    anchor_played: i128,
    scale: ScaleFactor,
    is_paused: bool,
    bounds: Bounds,
    /// Seconds of event time cut so far.
    cut: i64,
    /// The last event taken, or the start.
    last: EventTime,
    /// When the last event was due.
    last_due: Option<i64>,
}

impl Pacer {
    /// A schedule that is at `start` at wall time `now`.
    pub(crate) fn new(start: EventTime, now: i64, scale: ScaleFactor, bounds: Bounds) -> Self {
        Self {
            anchor_wall: now,
            anchor_played: nanos(start.seconds()),
            scale,
            is_paused: false,
            bounds,
            cut: 0,
            last: start,
            last_due: None,
        }
    }

    /// When the next event is due; `None` while the schedule is paused.
    pub(crate) fn due(&self, event_at: EventTime) -> Option<i64> {
        if self.is_paused {
            return None;
        }
        let played = nanos(event_at.seconds() - self.cut_before(event_at));
        let due = self.wall_at(played);
        let Some(last) = self.last_due else {
            return Some(due);
        };
        let space = match self.bounds.max_events_per_second {
            Some(most) => (NANOS / i128::from(most.max(1))) as i64,
            None => 0,
        };
        Some(due.max(last.saturating_add(space)))
    }

    /// The next event was handed over; it was due at `due`. Tells whether a gap before it was cut.
    pub(crate) fn take(&mut self, event_at: EventTime, due: i64) -> bool {
        let cut = self.cut_before(event_at);
        let has_cut = cut != self.cut;
        self.cut = cut;
        self.last = self.last.max(event_at);
        self.last_due = Some(due);
        has_cut
    }

    /// Stops simulated time at wall time `now`.
    pub(crate) fn pause(&mut self, now: i64) {
        self.anchor(now);
        self.is_paused = true;
    }

    /// Lets it go on.
    pub(crate) fn resume(&mut self, now: i64) {
        self.anchor(now);
        self.is_paused = false;
    }

    /// Goes on at another speed.
    pub(crate) fn set_scale(&mut self, scale: ScaleFactor, now: i64) {
        self.anchor(now);
        self.scale = scale;
    }

    /// Whether simulated time stands still.
    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// The present speed.
    pub(crate) fn scale(&self) -> ScaleFactor {
        self.scale
    }

    /// Simulated time at wall time `now`, in whole seconds and within event time.
    pub(crate) fn simulated_at(&self, now: i64) -> EventTime {
        let seconds = self.simulated_nanos(now).div_euclid(NANOS);
        let (least, most) = (EventTime::MIN.seconds(), EventTime::MAX.seconds());
        let seconds = seconds.clamp(i128::from(least), i128::from(most)) as i64;
        EventTime::from_seconds(seconds).unwrap_or(self.last)
    }

    /// Simulated time at wall time `now`, in nanoseconds since 1970.
    pub(crate) fn simulated_nanos(&self, now: i64) -> i128 {
        self.played_at(now) + nanos(self.cut)
    }

    /// Nanoseconds until `end` would be reached at the present speed, gaps not yet cut included.
    pub(crate) fn nanos_left(&self, end: EventTime, now: i64) -> i64 {
        let left = nanos(end.seconds() - self.cut) - self.played_at(now);
        saturated(left.max(0) * MILLION / i128::from(self.scale.0))
    }

    fn anchor(&mut self, now: i64) {
        self.anchor_played = self.played_at(now);
        self.anchor_wall = now;
    }

    fn played_at(&self, now: i64) -> i128 {
        if self.is_paused {
            return self.anchor_played;
        }
        let passed = i128::from(now) - i128::from(self.anchor_wall);
        self.anchor_played + passed * i128::from(self.scale.0) / MILLION
    }

    fn wall_at(&self, played: i128) -> i64 {
        let ahead = (played - self.anchor_played) * MILLION;
        saturated(i128::from(self.anchor_wall) + ahead.div_euclid(i128::from(self.scale.0)))
    }

    /// Seconds cut by the time that the next event is `event_at`.
    fn cut_before(&self, event_at: EventTime) -> i64 {
        let gap = event_at.seconds() - self.last.seconds();
        match self.bounds.max_gap_seconds {
            Some(most) if gap > most => self.cut + (gap - most),
            _ => self.cut,
        }
    }
}

fn nanos(seconds: i64) -> i128 {
    i128::from(seconds) * NANOS
}

fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests;
