//! The simulated clock of a scaled run, as the run enters it whenever it goes on in another way.

use eip_contract::EventTime;
use serde::{Deserialize, Serialize};

/// Simulated time at one moment, and how it goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClock {
    /// The moment, in wall microseconds since the epoch.
    pub wall_us: i64,
    /// Simulated time at that moment, in microseconds since 1970.
    pub simulated_us: i64,
    /// How many times faster than in life it goes on, in millionths.
    pub scale_millionths: u64,
    /// Whether it stands still.
    pub paused: bool,
    /// Where it ends.
    pub end: EventTime,
}

impl RunClock {
    /// Simulated time at a moment of wall time, in milliseconds since the epoch. Before the entry's own
    /// moment it is that of the entry.
    pub fn at(&self, wall_ms: i64) -> EventTime {
        let passed = if self.paused {
            0
        } else {
            wall_ms
                .saturating_mul(1_000)
                .saturating_sub(self.wall_us)
                .max(0)
        };
        let played = i128::from(passed) * i128::from(self.scale_millionths) / 1_000_000;
        let simulated = (i128::from(self.simulated_us) + played).div_euclid(1_000_000);
        let (least, most) = (EventTime::MIN.seconds(), self.end.seconds());
        let seconds = simulated.clamp(i128::from(least), i128::from(most)) as i64;
        EventTime::from_seconds(seconds).unwrap_or(self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_at_its_speed_stands_still_in_a_pause_and_ends() {
        let time = |text: &str| text.parse::<EventTime>().unwrap();
        let clock = RunClock {
            wall_us: 5_000_000,
            simulated_us: time("2018-03-01T00:00:00Z").seconds() * 1_000_000,
            scale_millionths: 3_600_500_000,
            paused: false,
            end: time("2018-03-02T00:00:00Z"),
        };
        assert_eq!(clock.at(4_000), time("2018-03-01T00:00:00Z"));
        assert_eq!(clock.at(5_000), time("2018-03-01T00:00:00Z"));
        assert_eq!(clock.at(7_000), time("2018-03-01T02:00:01Z"));
        assert_eq!(clock.at(100_000), clock.end);
        assert_eq!(clock.at(i64::MAX), clock.end);
        let paused = RunClock {
            paused: true,
            ..clock
        };
        assert_eq!(paused.at(7_000), time("2018-03-01T00:00:00Z"));
    }
}
